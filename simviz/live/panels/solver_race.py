"""Which method finds the fixed point, and does it stay there? A few solves of one map, and a nudge afterwards."""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from simviz.equilibria import Anderson, Broyden, Picard, solve
from simviz.equilibria.jacobian import spectral_radius, spectrum
from simviz.equilibria.solvers import Solver
from simviz.live.panels.doors import Door, door
from simviz.records import Spectrum, Status

METHODS: dict[str, Solver] = {
    "Picard": Picard(),
    "damped Picard": Picard(damping=0.5),
    "Anderson": Anderson(),
    "Broyden": Broyden(),
}
NUDGED = "nudged"
NUDGE = 1e-3
"""How far a nudge displaces."""
TOLERANCE = 1e-9
"""A residual |f(z) - z| below this has arrived."""
SAME = 0.02
"""Two points nearer than this are one: at modulus 1 a residual of 1e-9 is reached some 0.002 from z*."""
_AFTER = 40
"""Evaluations after a nudge, at the least."""
_TURN = 2.4
"""Radians from one nudge's direction to the next; the first goes to the right, the second to the left."""


@dataclass(frozen=True)
class Run:
    """One method's solve. path: (n, dim); residuals: (n,); radius: of the Jacobian where it ended, NaN unless it
    converged; first: the number of its first evaluation."""

    path: np.ndarray
    residuals: np.ndarray
    status: Status
    radius: float
    first: int = 1

    @property
    def last(self) -> int:
        """The number of its last evaluation."""
        return self.first + len(self.path) - 1

    def seen(self, shown: int | None) -> int:
        """Return how many of its evaluations are among the first `shown` ones (None: all)."""
        return len(self.path) if shown is None else min(max(shown - self.first + 1, 0), len(self.path))


@dataclass(frozen=True)
class Race:
    """What a SolverPanel shows: the solves by name, `nudged` among them, and how many evaluations are shown.

    jacobian: eigenvalues at z*; nudged: the method from whose end the nudge went on, "" where there was none; shown:
    None for all; evaluations: each method's most; growth, nudges: as set.
    """

    map: str
    door: Door
    runs: dict[str, Run]
    jacobian: Spectrum
    nudged: str
    shown: int | None
    evaluations: int
    growth: float
    nudges: int

    @property
    def length(self) -> int:
        """The number of the last evaluation of all."""
        return max((run.last for run in self.runs.values()), default=1)

    @property
    def radius(self) -> float:
        """rho, the Jacobian's spectral radius at z*."""
        return float(self.jacobian.eigenvalues.abs().max())

    @property
    def stable(self) -> bool:
        """Whether plain iteration comes back to z*."""
        at = (self.door.fixed_points - self.door.z_star).abs().amax(1).argmin()
        return bool(self.door.stable[at])


def run_race(*, shown: int | None = None, **setting: Any) -> Race:
    """Return the whole race; setting: as `_race` takes it. The last few settings are remembered."""
    return dataclasses.replace(_race(**setting), shown=shown)


@functools.lru_cache(maxsize=8)
def _race(
    map: str,
    modulus: float,
    angle: float,
    growth: float,
    solvers: tuple[str, ...],
    start: tuple[float, ...] | None = None,
    nudges: int = 0,
    evaluations: int = 80,
) -> Race:
    """Return the whole race, and with nudges above 0 what plain iteration does 1e-3 beside where a method ended.

    The method is the first to arrive at z*, else the first to arrive; where none does, there is nothing to nudge. Each
    further nudge goes another way. Raises ValueError as `door` does, and for a start outside what is drawn.
    """
    here = door(map, modulus, angle, growth)
    begin = here.begin(start)  # (1, dim)
    runs = {name: _run(here, begin, METHODS[name], evaluations) for name in solvers}
    source = ""
    there = [name for name, run in runs.items() if run.status is Status.CONVERGED]
    if nudges and there:
        source = min(there, key=lambda name: _order(runs[name], here.z_star.numpy()))
        ended = runs[source]
        away = ended.path[-1] + NUDGE * _way(nudges, here.system.dim)
        count = max(evaluations - ended.last, _AFTER)
        runs[NUDGED] = _run(here, torch.from_numpy(away)[None], Picard(), count, ended.last + 1)
    jacobian = spectrum(lambda z, x: here.system.step(z), here.z_star[None], None)
    return Race(map, here, runs, jacobian, source, None, evaluations, growth, nudges)


def _run(here: Door, z0: torch.Tensor, method: Solver, evaluations: int, first: int = 1) -> Run:
    def f(z: torch.Tensor, x: None) -> torch.Tensor:
        return here.system.step(z)

    atol = TOLERANCE / math.sqrt(here.system.dim)  # so that |f(z) - z| itself is judged
    found = solve(f, z0, None, method, rtol=1e-300, atol=atol, max_steps=max(1, evaluations - 1), keep=True)
    path = torch.cat([step.z for step in found.steps]).numpy()  # (n, dim)
    residuals = torch.cat([step.residual for step in found.steps]).numpy()
    done = found.status[0] is Status.CONVERGED
    radius = float(spectral_radius(f, found.z, None)) if done else math.nan
    return Run(path, residuals, found.status[0], radius, first)


def _order(run: Run, z_star: np.ndarray) -> tuple[bool, int]:
    """What makes a method the one that is nudged: it arrived at z*, in few evaluations."""
    return float(np.abs(run.path[-1] - z_star).max()) > SAME, len(run.path)


def _way(nudges: int, dim: int) -> np.ndarray:
    """(dim,) of length 1: where the n-th nudge goes."""
    turn = 0.4 + _TURN * (nudges - 1)
    return np.array([math.cos(turn), math.sin(turn)]) if dim == 2 else np.array([1.0 if nudges % 2 else -1.0])
