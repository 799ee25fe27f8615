"""What is the gradient of a fixed point? The rule is chosen apart from the method that found it."""

from simviz.equilibria.gmres import GMRES
from simviz.equilibria.gradients.compare import compare
from simviz.equilibria.gradients.implicit import Implicit
from simviz.equilibria.gradients.neumann import Neumann
from simviz.equilibria.gradients.rule import Rule, check
from simviz.equilibria.gradients.unrolled import Phantom, Unrolled

__all__ = ["GMRES", "Implicit", "Neumann", "Phantom", "Rule", "Unrolled", "check", "compare"]
