"""Where does z = f(z, x) settle? The loop, whatever the method: every step recorded, each sample judged by itself."""

from __future__ import annotations

import contextlib
import itertools
import math
import warnings
import weakref
from collections.abc import Iterator
from typing import Any

import torch

from simviz import checks
from simviz.equilibria import solvers, states
from simviz.equilibria.solvers import Anderson, Solver, splitting
from simviz.equilibria.states import Cell
from simviz.records import Solution, Status, Step

RUNAWAY = 1e4
"""A residual above this many times the larger of the first residual and |z0| counts as diverged."""

ROUNDING = 8
"""A residual below this many roundings of z cannot be told from 0: a tolerance below it is out of reach."""

_mixers: weakref.WeakSet[torch.nn.Module] = weakref.WeakSet()


def solve(
    f: Cell,
    z0: Any,
    x: Any,
    solver: Solver = Anderson(),  # noqa: B008  (frozen)
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
    `status`. z0, x: tensors (batch, ...) or pytrees of them, z0 perhaps the z of an earlier solve; f(z, x) returns z's
    shape, and what depends on the sample must be in x, since finished samples leave the batch (in halves, quarters, ..)
    and their rows of x with them; `compact=False` keeps all rows. max_steps: updates of z, so z0 is step 0 and the last
    is step max_steps. keep: keep every z in `steps`. No gradient flows through: see `simviz.equilibria.gradients`.

    Raises ValueError for NaN in z0 or x, an f that returns another shape, rtol <= 0, atol < 0, max_steps < 1, and for a
    method on splittings where f offers none. Warns, once for each, of a module f that mixes samples (batch norm in
    training), and where samples stopped at the rounding of z's dtype, rtol asking for more.

    >>> z0 = torch.zeros(1, 1, dtype=torch.float64)
    >>> solution = solve(lambda z, x: torch.cos(z), z0, None, rtol=1e-12, atol=0.0)
    >>> solution.status[0].name, round(solution.z.item(), 10)
    ('CONVERGED', 0.7390851332)
    """
    max_steps = checks.positive_int("max_steps", max_steps)
    loop = _Loop(f, z0, x, solver, rtol, atol, stop=True, compact=compact)
    steps = tuple(itertools.islice(loop.steps(keep), max_steps + 1))
    if (words := loop.rounded()) is not None:
        warnings.warn(words, stacklevel=2)
    return loop.solution(steps)


def iterate(f: Cell, z0: Any, x: Any, solver: Solver, *, rtol: float = 1e-4, atol: float = 1e-6) -> Iterator[Step]:
    """Yield every step of a method, from z0 on and for as long as one asks.

    Nothing stops at convergence (ratio tells when `solve` would have); a diverged sample is held at its last finite
    iterate and no longer active, and the iteration ends when all have diverged. The first Step is z0 itself. Raises
    as `solve` does, at once and not at the first step.
    """
    return _Loop(f, z0, x, solver, rtol, atol, stop=False, compact=False).steps(keep=True)


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
        _warn_of_mixing(f)
        self.f, self.stop, self.compact = f, stop, compact
        self.device = flat.device.type
        self.autocast = torch.is_autocast_enabled(self.device)
        self.low = torch.get_autocast_dtype(self.device) if self.autocast else None
        self.z = flat.detach().clone()  # (batch, n): last good iterates, up to date for rows that have left
        batch = self.z.shape[0]
        self.active = torch.ones(batch, dtype=torch.bool, device=flat.device)
        self.diverged = torch.zeros_like(self.active)
        self.converged = torch.zeros_like(self.active)
        self.evaluations = torch.zeros(batch, dtype=torch.long, device=flat.device)
        self.floor = _norm(self.z)  # (batch,): |z0|, and from the first step on the residual above which one runs away
        self.residual = self.ratio = self.blank = torch.full_like(self.floor, math.nan)
        self.absolute = self.atol * math.sqrt(self.z.shape[1])
        self.smallest = torch.finfo(self.floor.dtype).tiny  # so that 0 / 0 is 0
        self.left = batch  # how many are active
        self.count = -1
        self.rows = torch.arange(batch, device=flat.device)
        self.x, self.here, self.fz = x, self.z, self.z  # what is evaluated: (len(rows), n)
        self.state = self._begin()

    @property
    def busy(self) -> bool:
        return self.left > 0

    def steps(self, keep: bool) -> Iterator[Step]:
        """Yield the record of z0 and of every later iterate, while any sample is active."""
        yield self.measure(keep)
        while self.busy:
            self.advance()
            if self.busy:
                yield self.measure(keep)

    @torch.no_grad()
    def _begin(self) -> Any:
        """The method's first state."""
        with self._cast(False):
            parts = splitting.of(self.f, self.x, self.solver)
            init: Any = self.solver.init
            return init(self.here) if parts is None else init(self.here, parts)

    @torch.no_grad()
    def measure(self, keep: bool) -> Step:
        """Evaluate f at the present iterate, judge each active sample, and return the record."""
        self.count += 1
        self.fz = self._call(self.here).clone()  # a cell may reuse its buffer, or hand out x itself
        size, residual = _norm(self.fz), _norm(self.fz - self.here)  # |f(z)|, |f(z) - z|
        ratio = residual / (size * self.rtol + self.absolute).clamp_(min=self.smallest)
        active, whole = self.active, self.left == len(self.active)
        if not whole:
            size, residual, ratio = (torch.where(active, self._spread(v), self.blank) for v in (size, residual, ratio))
        keeping = self.layout.unpack(self._everywhere().clone()) if keep else None
        step = Step(self.count, keeping, residual, ratio, active)
        self.residual = residual if whole else torch.where(active, residual, self.residual)
        self.ratio = ratio if whole else torch.where(active, ratio, self.ratio)
        if self.count == 0:
            self.floor = torch.maximum(self.floor, residual.nan_to_num(0.0, 0.0)) * RUNAWAY
        # A size that overflows makes any residual look small, so both must be finite; NaN compares as False.
        sound = (residual + size < math.inf) & (residual <= self.floor)
        self.diverged = self.diverged | (active & ~sound)
        self.converged = self.converged | (sound & (ratio <= 1))
        self._look()
        return step

    @torch.no_grad()
    def advance(self) -> None:
        """Let the method make the next iterate of each active sample; the others stay where they are."""
        if self.compact:
            self._leave()
        live = self._of_rows(self.active)
        held = None if self.left == len(self.rows) else ~live[:, None]
        fz = self.fz if held is None else torch.where(held, self.here, self.fz)  # a NaN never reaches the method
        with self._cast(False):
            moved, self.state = self.solver.step(self._call, self.here, fz, self.state)
        if not math.isfinite(float(moved.sum())):  # one number to look at; a sum that overflows does no harm
            finite = torch.isfinite(moved).all(dim=1)
            moved = torch.where(finite[:, None], moved, self.here)
            self.diverged[self.rows[live & ~finite]] = True
            self._look()
        self.here = moved if held is None else torch.where(held, self.here, moved)

    def _look(self) -> None:
        """Take the samples that are done out of the active ones, and count those left."""
        done = self.diverged | self.converged if self.stop else self.diverged
        self.active = ~done
        self.left = int(self.active.sum())

    def rounded(self) -> str | None:
        """A sentence, where samples ran out of steps at the rounding of z's dtype."""
        dtype = max(self.layout.dtypes, key=lambda kind: torch.finfo(kind).eps)
        stuck = (
            ~self.converged
            & ~self.diverged
            & (self.residual <= ROUNDING * torch.finfo(dtype).eps * _norm(self._everywhere()))
        )
        if not stuck.any():
            return None
        return (
            f"{int(stuck.sum())} of {len(stuck)} samples stopped at the rounding of {dtype}: rtol {self.rtol:g} with "
            f"atol {self.atol:g} asks for more than it holds; raise rtol, or solve in a wider dtype"
        )

    def solution(self, steps: tuple[Step, ...]) -> Solution:
        # Divergence is judged last: a sample cannot be both, for once converged it is not looked at again.
        status = tuple(
            Status.DIVERGED if bad else Status.CONVERGED if good else Status.OUT_OF_STEPS
            for bad, good in zip(self.diverged.tolist(), self.converged.tolist(), strict=True)
        )
        z = self.layout.unpack(self._everywhere())
        return Solution(z, status, self.residual, self.ratio, self.evaluations, steps)

    def _call(self, z: torch.Tensor) -> torch.Tensor:
        """f on the rows still evaluated, (len(rows), n), counted for the samples that are active."""
        self.evaluations = self.evaluations + self.active
        with self._cast(True):
            fz = self.layout.pack(self.f(self.layout.unpack(z), self.x))
        if fz.shape != z.shape:
            raise ValueError(f"f must return as many samples as z has, {z.shape[0]}, got {fz.shape[0]}")
        return fz

    def _cast(self, on: bool) -> contextlib.AbstractContextManager[Any]:
        """Autocast as the caller had it for f, off for the method; nothing where the caller had none."""
        if not self.autocast:
            return contextlib.nullcontext()
        return torch.autocast(self.device, dtype=self.low, enabled=on)

    def _spread(self, values: torch.Tensor) -> torch.Tensor:
        """(batch,): the rows' values in their places, NaN for those that have left."""
        if len(self.rows) == len(self.active):
            return values
        return torch.full_like(self.floor, math.nan).index_copy(0, self.rows, values)

    def _of_rows(self, values: torch.Tensor) -> torch.Tensor:
        """(len(rows),): the entries of the rows still evaluated."""
        return values if len(self.rows) == len(values) else values[self.rows]

    def _everywhere(self) -> torch.Tensor:
        """(batch, n): every sample's last good iterate."""
        return self.here if len(self.rows) == len(self.z) else self.z.index_copy(0, self.rows, self.here)

    def _leave(self) -> None:
        """Shrink to the smallest bucket that holds the active samples; it is filled up with finished ones."""
        target, need = len(self.active), max(self.left, 2)
        while (target + 1) // 2 >= need:
            target = (target + 1) // 2
        if target >= len(self.rows):
            return
        self.z = self._everywhere()
        live = self._of_rows(self.active)
        places = torch.argsort((~live).to(torch.uint8), stable=True)[:target].sort().values
        self.rows, self.here, self.fz = self.rows[places], self.here[places], self.fz[places]
        self.x, self.state = states.take(self.x, places), states.take(self.state, places)


def _norm(rows: torch.Tensor) -> torch.Tensor:
    """(batch,) Euclidean length, summed in float32 at least."""
    dtype = torch.promote_types(rows.dtype, torch.float32)
    return torch.linalg.vector_norm(rows, dim=1, dtype=dtype)


def _warn_of_mixing(f: Cell) -> None:
    """Warn once of a module whose batch norms take their statistics from the batch: samples then move one another."""
    if not isinstance(f, torch.nn.Module) or f in _mixers:
        return
    kind = torch.nn.modules.batchnorm._BatchNorm
    norms = [name for name, m in f.named_modules() if isinstance(m, kind) and (m.training or m.running_mean is None)]
    if norms:
        _mixers.add(f)
        warnings.warn(
            f"f mixes samples: its batch norm {norms[0] or type(f).__name__!r} takes statistics of the batch, which "
            "change as finished samples leave; call .eval(), or take a group or layer norm",
            stacklevel=4,
        )
