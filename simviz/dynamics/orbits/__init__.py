"""What becomes of an orbit? What is left of it, how it recurs, how fast it parts from others, of what kind it is."""

from simviz.dynamics.orbits.classify import KINDS, Classification, classify
from simviz.dynamics.orbits.distance import SetDistance, set_distance
from simviz.dynamics.orbits.lyapunov import Lyapunov, lyapunov
from simviz.dynamics.orbits.recurrence import Returns, return_map, rotation_number
from simviz.dynamics.orbits.simulate import simulate

__all__ = [
    "KINDS", "Classification", "Lyapunov", "Returns", "SetDistance", "classify", "lyapunov", "return_map",
    "rotation_number", "set_distance", "simulate",
]  # fmt: skip
