"""What can be had in one call? An invariant set from trajectories, and what a deep equilibrium model knows."""

from simviz.learning.recipes.distillation import distil, distil_run, relative_error
from simviz.learning.recipes.invariant_sets import Finding, invariant_set_run, learn_invariant_set
from simviz.learning.recipes.iterates import distil_orbits, distil_orbits_run, loop_run, near_run, on_the_loop

__all__ = [
    "Finding",
    "distil",
    "distil_orbits",
    "distil_orbits_run",
    "distil_run",
    "invariant_set_run",
    "learn_invariant_set",
    "loop_run",
    "near_run",
    "on_the_loop",
    "relative_error",
]
