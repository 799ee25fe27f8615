"""How is a linear fixed point found in the fewest products? Saad and Schultz 1986 (GMRES), each sample by itself.

The residual of every step comes from the vector that the Hessenberg matrix sends to zero (Ayachour 2003), so that no
least squares problem is solved before the last step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from simviz import checks
from simviz.records import Solution, Status, Step

Product = Callable[[torch.Tensor, torch.Tensor | None], torch.Tensor]
"""v (rows, n), rows of the batch or None for all -> A v (rows, n), each sample apart."""


@dataclass(frozen=True)
class GMRES:
    r"""Solve :math:`v = A v + g` for each sample: v minimises :math:`|g - (I - A) v|` over a growing Krylov space.

    restart: after so many steps the space is thrown away and begun anew at the v reached; memory is that many states.
    Unlike iteration it does not need A to contract, only I - A to be regular. Raises ValueError for a restart below 1.
    """

    restart: int = 20

    def __post_init__(self) -> None:
        checks.positive_int("restart", self.restart)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's options, by name."""
        return {"restart": self.restart}

    @torch.no_grad()
    def solve(
        self,
        product: Product,
        g: torch.Tensor,
        *,
        rtol: float = 1e-4,
        max_steps: int = 50,
        compact: bool = True,
    ) -> Solution:
        """Return v as a record: CONVERGED where |g - (I - A) v| <= rtol |g|, recomputed and not estimated.

        product: of all samples, or of those whose rows it is given: finished samples leave the batch, in halves
        (compact=False: none leaves, rows is always None). g: (batch, n). ratio: residual / (rtol |g|). A sample whose
        products are not finite is DIVERGED.
        """
        rtol, max_steps = checks.positive("rtol", rtol), checks.positive_int("max_steps", max_steps)
        state = _State(product, g, rtol, compact)
        while state.count < max_steps and state.active.any():
            state.cycle(min(self.restart, max_steps - state.count, g.shape[1]))
        return state.solution()


class _State:
    """How far each sample has come."""

    def __init__(self, product: Product, g: torch.Tensor, rtol: float, compact: bool) -> None:
        self.compact = compact
        self.given, self.dtype, self.rtol = product, g.dtype, rtol
        self.g = g.to(torch.promote_types(g.dtype, torch.float32))  # (batch, n)
        self.v, self.r = torch.zeros_like(self.g), self.g
        self.size = self.residual = self.g.norm(dim=1)  # (batch,)
        self.active = self.size > 0
        self.lost = ~torch.isfinite(self.size)
        self.evaluations = torch.zeros(len(g), dtype=torch.long, device=g.device)
        self.rows: torch.Tensor | None = None  # those whose products are taken, None: all
        self.count, self.steps = 0, [self._step(0, torch.ones_like(self.active))]

    def cycle(self, length: int) -> None:
        """Build one Krylov space of at most `length` dimensions, go to the best v in it, and measure that."""
        batch, n = self.g.shape
        basis = self.g.new_zeros(batch, length + 1, n)  # orthonormal rows, each sample's
        hessenberg = self.g.new_zeros(batch, length + 1, length)
        beta = self.residual.clone()
        basis[:, 0] = self.r / torch.where(beta > 0, beta, 1.0)[:, None]
        null = self.g.new_zeros(batch, length + 1)  # null^T hessenberg = 0, and |null| = beta / residual
        null[:, 0] = 1.0
        going, used = self.active.clone(), 0
        for k in range(length):
            w, h = self._expand(basis, k, going)
            going = going & ~self.lost
            rest = w.norm(dim=1)
            basis[:, k + 1] = w / torch.where(rest > 0, rest, 1.0)[:, None]
            hessenberg[:, : k + 1, k] = h
            hessenberg[:, k + 1, k] = torch.where(going, rest, 1.0)  # a column that gives a finished sample nothing
            null[:, k + 1] = torch.where(going, -(h * null[:, : k + 1]).sum(1) / rest, 0.0)
            estimate = torch.nan_to_num(beta / null.norm(dim=1), nan=0.0)
            self.residual = torch.where(going, estimate, self.residual)
            self.count, used = self.count + 1, k + 1
            self.steps.append(self._step(self.count, going))
            going = going & (estimate > 0.9 * self.rtol * self.size)
            if not going.any():
                break
        self._move(basis[:, :used], hessenberg[:, : used + 1, :used], beta)

    def _expand(self, basis: torch.Tensor, k: int, going: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(I - A) times the last direction, made orthogonal to all: the rest (batch, n), coefficients (batch, k + 1).

        Both are zero for samples that are done, or whose product is not finite.
        """
        self._leave(going)
        part = basis[:, : k + 1] if self.rows is None else basis[self.rows, : k + 1]
        w = part[:, k] - self._product(part[:, k], going)
        live = going if self.rows is None else going[self.rows]
        sound = live & torch.isfinite(w).all(dim=1)
        w, h = _orthogonalise(torch.where(sound[:, None], w, 0.0), part)
        sound = self._spread(sound)
        self.lost = self.lost | (going & ~sound)
        return self._spread(w), self._spread(h)

    def _leave(self, going: torch.Tensor) -> None:
        """Take only the rows that are going where they are at most half of those taken now, or where one came back."""
        if not self.compact:
            return
        now = len(going) if self.rows is None else len(self.rows)
        count = int(going.sum())
        if self.rows is not None and int(going[self.rows].sum()) < count:
            self.rows, now = None, len(going)
        if 0 < count <= now // 2:
            self.rows = torch.nonzero(going).squeeze(1)

    def _spread(self, values: torch.Tensor) -> torch.Tensor:
        """(batch, ..): the rows' values in their places, zero elsewhere."""
        if self.rows is None:
            return values
        return values.new_zeros(len(self.g), *values.shape[1:]).index_copy(0, self.rows, values)

    def _move(self, basis: torch.Tensor, hessenberg: torch.Tensor, beta: torch.Tensor) -> None:
        """Add the least squares solution in the space, and recompute the residual."""
        q, r = torch.linalg.qr(hessenberg)  # (batch, k + 1, k), (batch, k, k)
        y = torch.linalg.solve_triangular(r, (q[:, 0] * beta[:, None])[:, :, None], upper=True)
        moved = self.v + (basis.transpose(1, 2) @ y).squeeze(2)
        sound = self.active & torch.isfinite(moved).all(dim=1)
        self.lost = self.lost | (self.active & ~sound)
        self.v = torch.where(sound[:, None], moved, self.v)
        self._leave(sound)
        product = self._spread(self._product(self.v if self.rows is None else self.v[self.rows], sound))
        self.r = torch.where(sound[:, None], self.g - self.v + product, self.r)
        self.residual = torch.where(sound, self.r.norm(dim=1), self.residual)
        self.active = self.active & ~self.lost & ~(self.residual <= self.rtol * self.size)

    def _product(self, v: torch.Tensor, going: torch.Tensor) -> torch.Tensor:
        self.evaluations = self.evaluations + going
        return self.given(v.to(self.dtype), self.rows).to(self.g.dtype)

    def _ratio(self) -> torch.Tensor:
        return torch.where(self.residual == 0, 0.0, self.residual / (self.rtol * self.size))

    def _step(self, number: int, going: torch.Tensor) -> Step:
        residual, ratio = (torch.where(going, value, math.nan) for value in (self.residual, self._ratio()))
        return Step(number, None, residual, ratio, going)

    def solution(self) -> Solution:
        status = tuple(
            Status.DIVERGED if bad else Status.OUT_OF_STEPS if open_ else Status.CONVERGED
            for bad, open_ in zip(self.lost.tolist(), self.active.tolist(), strict=True)
        )
        v = self.v.to(self.dtype)
        return Solution(v, status, self.residual, self._ratio(), self.evaluations, tuple(self.steps))


def _orthogonalise(w: torch.Tensor, basis: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(batch, n), (batch, k, n) -> what is left of w, and its coefficients (batch, k); Gram-Schmidt, twice."""
    total = torch.zeros(1, device=w.device, dtype=w.dtype)
    for _ in range(2):
        h = (basis @ w[:, :, None]).squeeze(2)  # (batch, k)
        w = w - (h[:, None] @ basis).squeeze(1)
        total = total + h
    return w, total
