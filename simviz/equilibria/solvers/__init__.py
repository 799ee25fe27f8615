"""How is one iterate made from the last? A method is a frozen dataclass with `init` and `step`; the loop is elsewhere.

Picard applies f, Anderson and Broyden learn from earlier steps, NewtonKrylov from derivatives, PeacemanRachford and
ForwardBackward from the two parts of a monotone cell.
"""

from simviz.equilibria.solvers.anderson import Anderson
from simviz.equilibria.solvers.broyden import Broyden
from simviz.equilibria.solvers.method import Map, Solver, check
from simviz.equilibria.solvers.newton_krylov import NewtonKrylov
from simviz.equilibria.solvers.picard import Picard
from simviz.equilibria.solvers.splitting import ForwardBackward, PeacemanRachford, Splitting

__all__ = [
    "Anderson",
    "Broyden",
    "ForwardBackward",
    "Map",
    "NewtonKrylov",
    "PeacemanRachford",
    "Picard",
    "Solver",
    "Splitting",
    "check",
]
