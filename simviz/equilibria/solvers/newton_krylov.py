r"""What if each step solves the linearised problem? Newton's method without a matrix.

Knoll and Keyes 2004 (Jacobian-free Newton-Krylov); Dembo, Eisenstat and Steihaug 1982 (inexact Newton methods).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from simviz import checks
from simviz.equilibria.gmres import GMRES
from simviz.equilibria.solvers.method import Map
from simviz.records import Status

_HALVINGS = 6


@dataclass(frozen=True)
class NewtonKrylov:
    r"""Newton's method, :math:`(I - J) \Delta z = f(z) - z` with J = df/dz, solved by a few steps of GMRES a sample.

    inner_steps: how many products J v a step may use; inner_rtol: to which part of :math:`|f(z) - z|` the linear system
    is solved, in (0, 1). A product is one call of f that carries a derivative along, costs about two plain calls and
    is counted as one, for every sample that is still active, whether or not its own linear system is solved already;
    one more a step measures what GMRES has reached.
    Where a step did not make the residual smaller, the sample goes back and tries half of it, up to six times;
    each try is one step of the record. f must be differentiable in forward mode (`torch.func.jvp`). A sample whose
    products are not finite takes a plain step. Raises ValueError for inner_steps < 1 or an inner_rtol outside (0, 1).
    """

    inner_steps: int = 10
    inner_rtol: float = 0.1

    def __post_init__(self) -> None:
        checks.positive_int("inner_steps", self.inner_steps)
        checks.real("inner_rtol", self.inner_rtol, 0.0, 1.0, low_open=True, high_open=True)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's options, by name."""
        return {"inner_steps": self.inner_steps, "inner_rtol": self.inner_rtol}

    def init(self, z: torch.Tensor) -> Try:
        """Return that nothing was tried yet."""
        wide = z.to(torch.promote_types(z.dtype, torch.float32))
        return Try(wide, torch.zeros_like(wide), wide.new_full((len(z),), math.inf), wide.new_ones(len(z)))

    def step(self, f: Map, z: torch.Tensor, fz: torch.Tensor, state: Try) -> tuple[torch.Tensor, Try]:
        """Return the next iterate (batch, n) and what it tries."""
        wide = state.z.dtype
        r = fz.to(wide) - z.to(wide)
        size = torch.linalg.vector_norm(r, dim=1)  # (batch,)
        back = (size >= state.size) & (state.part > 2.0**-_HALVINGS)
        part = torch.where(back, state.part / 2, 1.0)
        if back.all():
            return state.at(part, z.dtype)

        def product(v: torch.Tensor, rows: torch.Tensor | None) -> torch.Tensor:
            return torch.func.jvp(f, (z,), (v.to(z.dtype),))[1].to(wide)

        inner = GMRES(self.inner_steps)
        right = torch.where(back[:, None], 0.0, r)
        solved = inner.solve(product, right, rtol=self.inner_rtol, max_steps=self.inner_steps, compact=False)
        lost = torch.tensor([s is Status.DIVERGED for s in solved.status], device=z.device)
        move = torch.where(lost[:, None], r, solved.z)
        start = torch.where(back[:, None], state.z, z.to(wide))
        move = torch.where(back[:, None], state.move, move)
        return Try(start, move, torch.where(back, state.size, size), part).at(part, z.dtype)


class Try(NamedTuple):
    """Where the present step began (batch, n), its full length, |f(z) - z| there (batch,), and the part now tried."""

    z: torch.Tensor
    move: torch.Tensor
    size: torch.Tensor
    part: torch.Tensor

    def at(self, part: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, Try]:
        """Return the iterate at this part (batch,) of the step, and the try."""
        return (self.z + part[:, None] * self.move).to(dtype), self._replace(part=part)
