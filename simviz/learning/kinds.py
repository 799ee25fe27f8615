"""Which models can a task of the paper be given? Their words, without an import: a command line answers at once."""

CLASSIFIERS = {
    "single": "single-tier SIM",
    "two": "two-tier SIM",
    "deq": "deep equilibrium model",
    "monotone": "monotone deep equilibrium model",
    "plain": "plain net, the control",
    "wide": "plain net widened to the SIM's parameters",
}
"""Models by the word that names them; copy memory and image regression have those without an equilibrium."""
FEED_FORWARD = ("single", "two", "plain", "wide")

CLOCKS = {
    "deq": "DEQ",
    "deq told": "DEQ, told the angles",
    "plain told": "plain net, told the angles",
    "gru": "GRU",
    "cell": "DEQ's cell, read at step t",
    "sim": "SIM, learns the angles",
}
"""Models that can be asked for the time, by word, with the clock that each has."""
