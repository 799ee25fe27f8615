"""What does the operator do to the observables, now, after t steps and in the limit? Konishi and Kawahara 2022.

A propagator is linear in time. `LowRank` is the published network's limit, `Projection` the same held to be one;
`Modes` writes the eigenvalues out and can be asked for any time (our extension of the paper's theory, not its network).
"""

from simviz.models.propagators.limits import Limit, LowRank, Projection
from simviz.models.propagators.modes import Modes, half_lattice

__all__ = ["Limit", "LowRank", "Modes", "Projection", "half_lattice"]
