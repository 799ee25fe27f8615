"""What is asked before a figure answers? The bank of predictions; every option has its own sentence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """key: the word that is kept of a choice; text: what is offered; says: what is said of it afterwards."""

    key: str
    text: str
    says: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """id: chapter and word, "01.pair"."""

    id: str
    text: str
    options: tuple[Option, ...]
    version: int = 1

    @property
    def chapter(self) -> str:
        """The chapter's number, two digits."""
        return self.id[:2]

    @property
    def digest(self) -> str:
        """Eight letters that change with the text of the question."""
        lines = [self.text, *(f"{o.key} {o.text} {o.says} {o.right}" for o in self.options)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:8]

    def option(self, key: str) -> Option:
        """Return one option; raises ValueError for a key that there is not."""
        for option in self.options:
            if option.key == key:
                return option
        raise ValueError(f"choice must be one of {', '.join(o.key for o in self.options)}, got {key!r}")


_BANK = (
    Question(
        "00.ray",
        "Which ray of the fan will settle last?",
        (
            Option("first", "The first.", "Ray k stands at k times the learned angle: an error moves the first least."),
            Option(
                "eighth",
                "The eighth.",
                "It stands at eight times the learned angle, shows an error of it eight times as large, and so comes "
                "to rest last.",
                True,
            ),
            Option(
                "together",
                "All of them together.",
                "They share one angle, but ray k shows its error k times: where the first looks at rest, the eighth "
                "still moves.",
            ),
        ),
    ),
    Question(
        "01.pair",
        "The radius goes from 0.99 to 1.01, through a complex pair. What does Picard's path do?",
        (
            Option(
                "infinity",
                "It flies to infinity.",
                "A linear map would. Here the cubic term bends the growth back as soon as the path is some way out.",
            ),
            Option(
                "circles",
                "It circles close to the point.",
                "Just past 1 it winds onto a small circle round the point: of radius 0.31 at 1.01, for the map here.",
                True,
            ),
            Option(
                "arrives",
                "It still arrives, slowly.",
                "At 0.99 it does, a hundredth nearer at each step. At 1.01 small errors grow, and it cannot arrive.",
            ),
        ),
    ),
    Question(
        "01.anderson",
        "The same pair, at radius 1.01. And Anderson?",
        (
            Option(
                "circles",
                "It circles too.",
                "Anderson does not follow the path: it weighs its last residuals so that they cancel, and leaves the "
                "circle.",
            ),
            Option(
                "arrives",
                "It arrives at the same point as before.",
                "It returns a root, stable or not. Plain iteration would now leave this one: nudge it and see.",
                True,
            ),
            Option(
                "diverged",
                "It reports DIVERGED.",
                "It would if its residuals grew without end. Here they fall until the tolerance is met.",
            ),
        ),
    ),
    Question(
        "02.broyden",
        "Broyden instead of Picard finds the same z*. What does the implicit gradient do?",
        (
            Option(
                "changes",
                "It changes.",
                "It is made of the Jacobian and the loss's gradient at z*, and another way to z* changes neither.",
            ),
            Option(
                "same",
                "It does not change.",
                "v = J^T v + dL is an equation at z*: whoever found z*, the gradient is the same, as closely as z* is.",
                True,
            ),
            Option(
                "history",
                "It needs Broyden's history.",
                "The history may give a quick first guess for v. The equation that v solves does not ask for it.",
            ),
        ),
    ),
    Question(
        "03.snapshots",
        "You add observables until there are more than snapshots. What do the training residuals do?",
        (
            Option(
                "grow",
                "They grow.",
                "More observables give the fit more freedom, and on the snapshots it was made from it gets no worse.",
            ),
            Option(
                "zero",
                "They all become 0.",
                "As soon as the observables can tell every snapshot apart, the fit passes through all of them, "
                "whatever the system. Only fresh snapshots can tell.",
                True,
            ),
            Option(
                "true",
                "They tend to the true ones.",
                "Residuals on fresh snapshots can do that as data grow. On its own snapshots the fit judges itself.",
            ),
        ),
    ),
    Question(
        "03.lorenz",
        "Lorenz, recorded with dt 100 times smaller. What does the smallest residual do, the constant left out?",
        (
            Option(
                "same",
                "It stays the same.",
                "A residual looks at one step. In a shorter step less happens, so there is less to miss.",
            ),
            Option(
                "grows",
                "It grows.",
                "The other way round: the shorter the step, the closer g(F(s)) is to g(s), for every smooth g.",
            ),
            Option(
                "shrinks",
                "It shrinks, and means no more than before.",
                "For small dt every smooth observable passes for an eigenfunction with an eigenvalue near 1: a small "
                "residual that was earned by the clock alone.",
                True,
            ),
        ),
    ),
    Question(
        "04.ellipse",
        "A circle is squeezed into an ellipse by a change of coordinates. What do its eigenvalues do?",
        (
            Option(
                "move",
                "They move.",
                "A change of coordinates carries the eigenfunctions along and leaves every eigenvalue where it is.",
            ),
            Option(
                "stay",
                "They stay.",
                "Same clock, same eigenvalues. The shape is not in the spectrum: it is in the decoder.",
                True,
            ),
            Option(
                "harmonics",
                "They gain harmonics.",
                "The harmonics were there before: every power of an eigenfunction is one. The list does not change.",
            ),
        ),
    ),
    Question(
        "05.bars",
        "After long stirring the bars stand still. What do the dots do?",
        (
            Option(
                "still",
                "They stand still.",
                "Still bars only say that as many dots enter each of them as leave it.",
            ),
            Option(
                "moving",
                "They go on moving.",
                "The density is stationary, the points are not: each moves at every step, and their number in each bar "
                "hardly changes.",
                True,
            ),
            Option(
                "peak",
                "They sit at the density's peak.",
                "At a peak there are many dots at any time, but not the same ones: they pass.",
            ),
        ),
    ),
    Question(
        "06.identity",
        "We choose inner coordinates in which V^T U = I, without retraining. What does the accuracy do?",
        (
            Option(
                "falls",
                "It falls.",
                "It might if U were changed alone. Here the decoder undoes the change, and no output moves.",
            ),
            Option(
                "rises",
                "It rises.",
                "A tidy spectrum buys nothing here: it depends on coordinates that no output can see.",
            ),
            Option(
                "same",
                "It does not move.",
                "Turning the inner coordinates moves the eigenvalues of V^T U and leaves every output as it was, up to "
                "rounding.",
                True,
            ),
        ),
    ),
    Question(
        "06.fold",
        "After Fold, how many steps of time does evaluating the SIM take?",
        (
            Option(
                "infinitely",
                "Infinitely many.",
                "Infinite time stands in the derivation, in the limit of A^t. The network only has the limit's shape.",
            ),
            Option(
                "half",
                "d/2.",
                "That is the rank of the bottleneck: how many numbers pass through it, not how many steps are taken.",
            ),
            Option(
                "none",
                "None: it is one pass.",
                "U V^T is a linear map between linear maps; multiplied out, one matrix is left, and no time is in it.",
                True,
            ),
        ),
    ),
    Question(
        "07.isochron",
        "Two starts lie on the same isochron, one of them far out. Where are they after a long time?",
        (
            Option(
                "apart",
                "On the same loop, apart.",
                "That is where starts on different isochrons end. An isochron gathers the starts that end together.",
            ),
            Option(
                "together",
                "At the same point at the same time.",
                "They have the same phase, so they have the same shadow, and each of them closes up to it.",
                True,
            ),
            Option(
                "speed",
                "It depends on the speed.",
                "What each gains or loses on its way in is already counted: that is what bends the isochrons.",
            ),
        ),
    ),
    Question(
        "08.plain",
        "A plain net is distilled from z*(x), of the same size as the SIM. How does it do?",
        (
            Option(
                "worse",
                "Clearly worse.",
                "Nothing promises that: both approximate one and the same function of the input. Hold it against the "
                "run below.",
            ),
            Option(
                "equal",
                "About equal (we shall see).",
                "At inference the published SIM is a plain net with a linear bottleneck, so this is what to expect. "
                "The only honest answer is the run.",
                True,
            ),
            Option(
                "better",
                "Clearly better.",
                "It has no bottleneck, which may help or make no difference. Hold it against the run below.",
            ),
        ),
    ),
)

QUESTIONS: dict[str, Question] = {question.id: question for question in _BANK}
"""Every question by its id, in the order of the course."""
