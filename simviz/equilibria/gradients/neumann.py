"""What do the first terms of the adjoint's series give? Geng et al., arXiv 2111.05177 (phantom gradients, Neumann)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from simviz import checks
from simviz.equilibria import states
from simviz.equilibria.gradients.adjoint import Inputs, Transposed, attach_adjoint, differentiable
from simviz.equilibria.gradients.rule import Point, attach
from simviz.equilibria.states import Cell
from simviz.records import Solution


@dataclass(frozen=True)
class Neumann:
    r"""The first terms of the adjoint: :math:`v = \sum_{i < k} (J^T)^i g`, in the memory of one evaluation of f.

    steps: k, the number of terms; 1 is v = g. At an exact fixed point it equals `Phantom(steps)`, whose memory grows.
    The error falls as the spectral radius of J to the power k; where that is 1 or more the series does not converge.
    Raises ValueError for steps < 1.
    """

    steps: int = 5

    def __post_init__(self) -> None:
        checks.positive_int("steps", self.steps)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's options, by name."""
        return {"steps": self.steps}

    def attach(self, f: Cell, solution: Solution, x: Any) -> Any:
        """Return the z of a solution of `solve(f, z0, x, ...)` with its gradient; see `Implicit.attach`.

        There is no adjoint solve to record. The gradient may be differentiated again.
        """

        def connect(point: Point) -> torch.Tensor:
            once = point.once()
            if not once.requires_grad:
                return once

            return attach_adjoint(once, point.z, _Series(self.steps, point))

        return attach(f, solution, x, connect)


@dataclass(frozen=True)
class _Series:
    """The sum of the first terms, at a fixed point."""

    steps: int
    point: Point

    def plain(self, g: torch.Tensor) -> torch.Tensor:
        """v (rows, n) from g (rows, n)."""
        point = self.point
        return self._sum(Transposed(point.f, point.layout), (g, point.z, states.detach(point.x)))

    def twice(self, g: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """The same in the graph."""
        return self._sum(differentiable(self.point.f, self.point.layout), (g, z, self.point.x))

    def once(self, z: torch.Tensor, x: Any) -> torch.Tensor:
        """f(z, x) as a matrix (rows, n)."""
        return self.point.layout.pack(self.point.f(self.point.layout.unpack(z), x))

    @property
    def x(self) -> Any:
        """The input, in the graph."""
        return self.point.x

    def _sum(self, adjoint: Any, inputs: Inputs) -> torch.Tensor:
        v = inputs[0]
        for _ in range(self.steps - 1):
            v = adjoint(v, inputs)  # (rows, n)
        return v
