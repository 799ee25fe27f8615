"""What does autograd give through the iteration itself? A few steps from z* (phantom), or all of them from z0.

Fung et al., arXiv 2103.12803 (one step: Jacobian-free backpropagation); Geng et al., arXiv 2111.05177 (phantom).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from simviz import checks
from simviz.equilibria import states
from simviz.equilibria.gradients.rule import Point, Value, attach
from simviz.equilibria.states import Cell
from simviz.records import Solution

MOST_STEPS = 1000
"""Where `Unrolled()` is not told a number of steps, it takes no more than these."""


@dataclass(frozen=True)
class Phantom:
    r"""Autograd through k damped steps from the fixed point.

    .. math:: z_{i+1} = z_i + a (f(z_i) - z_i), \quad z_0 = z^*

    On an affine cell :math:`dz/dx = a \sum_{i < k} M^i df/dx`, :math:`M = (1 - a) I + a J`: the series of the exact
    gradient, cut off. steps: k; damping: a in (0, 1]. `Phantom(1)` is Jacobian-free backpropagation: the gradient of
    one evaluation of f. Memory grows with k. Raises ValueError for steps < 1 or a damping outside (0, 1].
    """

    steps: int = 5
    damping: float = 1.0

    def __post_init__(self) -> None:
        checks.positive_int("steps", self.steps)
        checks.real("damping", self.damping, 0.0, 1.0, low_open=True)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's options, by name."""
        return {"steps": self.steps, "damping": self.damping}

    def attach(self, f: Cell, solution: Solution, x: Any) -> Any:
        """Return the z of a solution of `solve(f, z0, x, ...)` with its gradient; see `Implicit.attach`.

        The values stay those of `solution.z`. The gradient may be differentiated again.
        """

        def connect(point: Point) -> torch.Tensor:
            z = point.z
            for _ in range(self.steps):
                fz = point.layout.pack(f(point.layout.unpack(z), point.x))  # (rows, n)
                z = fz if self.damping == 1 else z + self.damping * (fz - z)
            return Value.apply(z, point.z) if z.requires_grad else z

        return attach(f, solution, x, connect)


@dataclass(frozen=True)
class Unrolled:
    r"""Autograd through plain iteration from z0: exact once the iteration has settled, and its memory grows.

    The reference to learn from. steps: evaluations of f; None takes as many as bring every residual down to that of
    the solution, at most 1,000. Raises ValueError for steps < 1.
    """

    steps: int | None = None
    needs_start: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.steps is not None:
            checks.positive_int("steps", self.steps)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's options, by name."""
        return {"steps": self.steps}

    def attach(self, f: Cell, solution: Solution, x: Any) -> Any:
        """Return the z of a solution of `solve(f, z0, x, ..., keep=True)` with its gradient; see `Implicit.attach`.

        The values stay those of `solution.z`. The gradient may be differentiated again. Raises ValueError for a
        solution without its steps' z: the iteration begins where the solve began.
        """
        if not solution.steps or solution.steps[0].z is None:
            raise ValueError("solution must hold its first z for Unrolled, which begins there: solve with keep=True")

        def connect(point: Point) -> torch.Tensor:
            first, target = states.flatten("solution.steps[0].z", solution.steps[0].z)[0], solution.residual
            z = first if point.rows is None else first[point.rows]
            target = target if point.rows is None else target[point.rows]
            for _ in range(MOST_STEPS if self.steps is None else self.steps):
                fz = point.layout.pack(f(point.layout.unpack(z), point.x))  # (rows, n)
                settled = self.steps is None and bool(((fz - z).detach().norm(dim=1) <= target).all())
                z = fz
                if settled or not z.requires_grad:
                    break
            return Value.apply(z, point.z) if z.requires_grad else z

        return attach(f, solution, x, connect)
