"""Where does z = f(z, x) settle, and what is its gradient?"""

from simviz.equilibria.gradients import Implicit
from simviz.equilibria.solve import iterate, solve
from simviz.equilibria.solvers import Picard

__all__ = ["Implicit", "Picard", "iterate", "solve"]
