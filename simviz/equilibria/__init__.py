"""Where does z = f(z, x) settle, and what is its gradient?"""

from simviz.equilibria.gradients import GMRES, Implicit, Neumann, Phantom, Unrolled
from simviz.equilibria.solve import iterate, solve
from simviz.equilibria.solvers import (
    Anderson,
    Broyden,
    ForwardBackward,
    NewtonKrylov,
    PeacemanRachford,
    Picard,
    Splitting,
)

__all__ = [
    "GMRES",
    "Anderson",
    "Broyden",
    "ForwardBackward",
    "Implicit",
    "Neumann",
    "NewtonKrylov",
    "PeacemanRachford",
    "Phantom",
    "Picard",
    "Splitting",
    "Unrolled",
    "iterate",
    "solve",
]
