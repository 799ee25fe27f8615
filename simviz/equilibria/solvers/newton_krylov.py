r"""What if each step solves the linearised problem? Newton's method without a matrix.

Knoll and Keyes 2004 (Jacobian-free Newton-Krylov); Saad and Schultz 1986 (GMRES); Dembo, Eisenstat and Steihaug 1982
(inexact Newton methods).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from simviz import checks
from simviz.equilibria.solvers.method import Map

_HALVINGS = 6


@dataclass(frozen=True)
class NewtonKrylov:
    r"""Newton's method, :math:`(I - J) \Delta z = f(z) - z` with J = df/dz, solved by a few steps of GMRES a sample.

    inner_steps: how many products J v a step may use; inner_rtol: to which part of :math:`|f(z) - z|` the linear system
    is solved, in (0, 1). A product is one call of f that carries a derivative along, costs about two plain calls and
    is counted as one, for every sample that is still active, whether or not its own linear system is solved already.
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

        def product(v: torch.Tensor) -> torch.Tensor:
            return v - torch.func.jvp(f, (z,), (v.to(z.dtype),))[1].to(wide)

        move = gmres(product, torch.where(back[:, None], 0.0, r), self.inner_steps, self.inner_rtol)
        move = torch.where(torch.isfinite(move).all(dim=1, keepdim=True), move, r)
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


def gmres(product: Callable[[torch.Tensor], torch.Tensor], b: torch.Tensor, steps: int, rtol: float) -> torch.Tensor:
    r"""Return u (batch, n) with :math:`|A u - b| \le rtol |b|` row by row, or the best u of that many products A v.

    All rows begin at 0 and share each product; a row that is done is fed zeros. Stops when all rows are done.
    """
    size = torch.linalg.vector_norm(b, dim=1)  # (batch,)
    basis = [_unit(b, size)]
    upper: list[torch.Tensor] = []  # columns of the triangle R: (batch, steps)
    rotations: list[tuple[torch.Tensor, torch.Tensor]] = []
    rest, heads = size.clone(), []  # |A u - b| so far, up to its sign, and the rotated right-hand side
    for k in range(steps):
        v = product(basis[k])
        stacked = torch.stack(basis, dim=1)  # (batch, k + 1, n)
        h = torch.zeros_like(size)[:, None].expand(-1, k + 1)
        for _ in range(2):  # Gram-Schmidt, twice is enough
            overlap = (stacked @ v[:, :, None]).squeeze(2)
            h, v = h + overlap, v - (overlap[:, None] @ stacked).squeeze(1)
        below = torch.linalg.vector_norm(v, dim=1)
        column = h.unbind(1)
        done = []
        top = column[0]
        for (cosine, sine), lower in zip(rotations, column[1:], strict=True):
            done.append(cosine * top + sine * lower)
            top = cosine * lower - sine * top
        radius = torch.hypot(top, below)
        safe = torch.where(radius > 0, radius, 1.0)
        cosine, sine = torch.where(radius > 0, top / safe, 1.0), below / safe
        rotations.append((cosine, sine))
        upper.append(torch.stack([*done, radius, *[torch.zeros_like(radius)] * (steps - k - 1)], dim=1))
        heads.append(cosine * rest)
        rest = -sine * rest
        running = rest.abs() > rtol * size
        if not running.any():
            break
        basis.append(torch.where(running[:, None], _unit(v, below), 0.0))
    used = len(heads)
    triangle = torch.stack(upper, dim=2)[:, :used]  # (batch, used, used)
    diagonal = triangle.diagonal(dim1=1, dim2=2)
    empty = diagonal == 0  # directions that were fed zeros, or in which A is singular: left out
    diagonal.add_(empty.to(diagonal.dtype))
    head = torch.where(empty, 0.0, torch.stack(heads, dim=1))
    weights = torch.linalg.solve_triangular(triangle, head[:, :, None], upper=True)  # (batch, used, 1)
    return (weights.mT @ torch.stack(basis[:used], dim=1)).squeeze(1)


def _unit(rows: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
    return torch.where(length > 0, length.reciprocal(), 0.0)[:, None] * rows
