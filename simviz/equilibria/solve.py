"""Where does z = f(z, x) settle? The loop, whatever the method: every step recorded, each sample judged by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch

from simviz import checks
from simviz.equilibria import solvers, states
from simviz.equilibria.solvers import Picard, Solver
from simviz.equilibria.states import Cell
from simviz.records import Solution, Status, Step

RUNAWAY = 1e4
"""A residual above this many times the larger of the first residual and |z0| counts as diverged."""


def solve(
    f: Cell,
    z0: Any,
    x: Any,
    solver: Solver = Picard(),  # noqa: B008  (frozen)
    *,
    rtol: float = 1e-4,
    atol: float = 1e-6,
    max_steps: int = 50,
    compact: bool = True,
    keep: bool = False,
) -> Solution:
    r"""Find z = f(z, x) for each sample of a batch, and say how it went.

    A sample has converged when :math:`|f(z) - z| \le rtol |f(z)| + atol \sqrt{n}`; it has diverged when f(z) is not
    finite or its residual is above 1e4 times the larger of its first residual and |z0|. Neither is an exception: read
    `status`. z0, x: tensors (batch, ...) or pytrees of them; f(z, x) returns z's shape, and what depends on the sample
    must be in x, since finished samples leave the batch (in halves, quarters, ..) and their rows of x with them;
    `compact=False` keeps all rows. max_steps: updates of z, so z0 is step 0 and the last is step max_steps. keep:
    keep every z in `steps`. No gradient flows through: see `simviz.equilibria.gradients`.

    Raises ValueError for NaN in z0 or x, an f that returns another shape, rtol <= 0, atol < 0, max_steps < 1.

    >>> z0 = torch.zeros(1, 1, dtype=torch.float64)
    >>> solution = solve(lambda z, x: torch.cos(z), z0, None, rtol=1e-12, atol=0.0, max_steps=100)
    >>> solution.status[0].name, round(solution.z.item(), 10)
    ('CONVERGED', 0.7390851332)
    """
    max_steps = checks.positive_int("max_steps", max_steps)
    loop = _Loop(f, z0, x, solver, rtol, atol, stop=True, compact=compact)
    steps = [loop.measure(keep)]
    while loop.busy and len(steps) <= max_steps:
        loop.advance()
        if loop.busy:
            steps.append(loop.measure(keep))
    return loop.solution(steps)


def iterate(
    f: Cell,
    z0: Any,
    x: Any,
    solver: Solver = Picard(),  # noqa: B008  (frozen)
    *,
    rtol: float = 1e-4,
    atol: float = 1e-6,
) -> Iterator[Step]:
    """Yield every step of a fixed-point iteration, from z0 on and for as long as one asks.

    Nothing stops at convergence (ratio tells when `solve` would have); a diverged sample is held at its last finite
    iterate and no longer active, and the iteration ends when all have diverged. The first Step is z0 itself. Raises
    as `solve` does, at once and not at the first step.
    """
    loop = _Loop(f, z0, x, solver, rtol, atol, stop=False, compact=False)

    def steps() -> Iterator[Step]:
        yield loop.measure(keep=True)
        while loop.busy:
            loop.advance()
            if loop.busy:
                yield loop.measure(keep=True)

    return steps()


class _Loop:
    """The state of a solve. Full-batch tensors hold what is known of each sample; `rows` are those still evaluated."""

    def __init__(
        self, f: Cell, z0: Any, x: Any, solver: Solver, rtol: float, atol: float, *, stop: bool, compact: bool
    ) -> None:
        self.solver = solvers.check("solver", solver)
        self.rtol = checks.positive("rtol", rtol)
        self.atol = checks.real("atol", atol, 0.0)
        flat, self.layout = states.flatten("z0", z0)
        states.check_inputs(x, flat.shape[0])
        self.f, self.stop, self.compact = f, stop, compact
        self.z = flat.detach().clone()  # (batch, n): every sample's last good iterate
        batch = self.z.shape[0]
        self.active = torch.ones(batch, dtype=torch.bool, device=flat.device)
        self.diverged = torch.zeros_like(self.active)
        self.converged = torch.zeros_like(self.active)
        self.evaluations = torch.zeros(batch, dtype=torch.long, device=flat.device)
        self.floor = _norm(self.z)  # (batch,): the larger of |z0| and the first residual
        self.residual = self.ratio = torch.full_like(self.floor, math.nan)
        self.count = -1
        self.rows = torch.arange(batch, device=flat.device)
        self.x, self.here, self.fz = x, self.z.clone(), self.z  # what is evaluated: (len(rows), n)
        self.state: Any = None

    @property
    def busy(self) -> bool:
        return bool(self.active.any())

    @torch.no_grad()
    def measure(self, keep: bool) -> Step:
        """Evaluate f at the present iterate, judge each active sample, and return the record."""
        self.count += 1
        self.fz = self._call(self.here)
        if self.count == 0:
            self.state = self.solver.init(self.here)
        active = self.active
        size = self._spread(_norm(self.fz))  # (batch,) |f(z)|, NaN where the row has left
        residual = self._spread(_norm(self.fz - self.here))
        tolerance = self.rtol * size + self.atol * math.sqrt(self.here.shape[1])
        ratio = torch.where(residual == 0, 0.0, residual / tolerance)
        nan = torch.full_like(residual, math.nan)
        step = Step(
            self.count,
            self.layout.unpack(self.z.clone()) if keep else None,
            torch.where(active, residual, nan),
            torch.where(active, ratio, nan),
            active,
        )
        self.residual = torch.where(active, residual, self.residual)
        self.ratio = torch.where(active, ratio, self.ratio)
        if self.count == 0:
            self.floor = torch.maximum(self.floor, residual.nan_to_num(0.0, 0.0))
        # A size that overflows makes any residual look small, so both must be finite.
        lost = ~(torch.isfinite(residual) & torch.isfinite(size)) | (residual > RUNAWAY * self.floor)
        self.diverged = self.diverged | (active & lost)
        self.converged = self.converged | (active & ~lost & (ratio <= 1))
        self.active = active & ~self.diverged
        if self.stop:
            self.active = self.active & ~self.converged
        return step

    @torch.no_grad()
    def advance(self) -> None:
        """Let the method make the next iterate of each active sample; the others stay where they are."""
        if self.compact:
            self._leave()
        live = self.active[self.rows]
        held = ~live[:, None]
        fz = torch.where(held, self.here, self.fz)  # a finished sample never feeds a NaN to the method
        moved, self.state = self.solver.step(self._call, self.here, fz, self.state)
        broken = live & ~torch.isfinite(moved).all(dim=1)
        self.here = torch.where(held | broken[:, None], self.here, moved)
        self.z[self.rows] = self.here
        if broken.any():
            self.diverged[self.rows[broken]] = True
            self.active = self.active & ~self.diverged

    def solution(self, steps: list[Step]) -> Solution:
        # Divergence is judged last: a sample cannot be both, for once converged it is not looked at again.
        status = tuple(
            Status.DIVERGED if bad else Status.CONVERGED if good else Status.OUT_OF_STEPS
            for bad, good in zip(self.diverged.tolist(), self.converged.tolist(), strict=True)
        )
        z = self.layout.unpack(self.z)
        return Solution(z, status, self.residual, self.ratio, self.evaluations, tuple(steps))

    def _call(self, z: torch.Tensor) -> torch.Tensor:
        """f on the rows still evaluated, (len(rows), n), counted for the samples that are active."""
        self.evaluations = self.evaluations + self.active
        fz = self.layout.pack(self.f(self.layout.unpack(z), self.x))
        if fz.shape != z.shape:
            raise ValueError(f"f must return as many samples as z has, {z.shape[0]}, got {fz.shape[0]}")
        return fz

    def _spread(self, values: torch.Tensor) -> torch.Tensor:
        """(batch,): the rows' values in their places, NaN for those that have left."""
        if len(self.rows) == len(self.active):
            return values
        return torch.full_like(self.floor, math.nan).index_copy(0, self.rows, values)

    def _leave(self) -> None:
        """Shrink to the smallest bucket that holds the active samples; it is filled up with finished ones."""
        target, need = len(self.active), max(int(self.active.sum()), 2)
        while (target + 1) // 2 >= need:
            target = (target + 1) // 2
        if target >= len(self.rows):
            return
        live = self.active[self.rows]
        places = torch.argsort((~live).to(torch.uint8), stable=True)[:target].sort().values
        self.rows, self.here, self.fz = self.rows[places], self.here[places], self.fz[places]
        self.x, self.state = states.take(self.x, places), states.take(self.state, places)


def _norm(rows: torch.Tensor) -> torch.Tensor:
    """(batch,) Euclidean length, summed in float32 at least."""
    dtype = torch.promote_types(rows.dtype, torch.float32)
    return torch.linalg.vector_norm(rows, dim=1, dtype=dtype)
