r"""Which points keep time with each other? The asymptotic phase of a planar loop, exact and learned, and its hole.

:math:`\vartheta(s)` is the angle, evenly in time, of the point of the loop with which s finally moves together; its
level lines are the isochrons (Winfree 1974; Guckenheimer 1975). Learned, it is the argument of the model's first mode.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy import ndimage
from scipy.integrate import solve_ivp
from scipy.spatial import cKDTree

from simviz import checks
from simviz.dynamics.systems import Oscillator, StuartLandau
from simviz.live.panels.sets import follow
from simviz.models.propagators import Modes

POINTS = 2000
"""Points of a loop, evenly in time; between them it is a chain of straight pieces."""
_ARRIVED = 2e-3
"""Of the reach: nearer to the loop than this a point has arrived on it."""
_PERIODS = 60
_SLICE = 25

Working = Generator[None, None, np.ndarray]


@dataclass(frozen=True)
class PhaseError:
    """How far one phase is from another, the mean offset removed: median and 95th percentile, radians."""

    median: float
    high: float


def phase_error(phase: Any, truth: Any) -> PhaseError:
    """Compare phases, radians, of the same shape; points where either is NaN are left out.

    The offset between them, which is a choice of where to begin to count, is their mean.

    >>> phase_error([0.1, 1.1, 2.1], [0.0, 1.0, 2.0]).median < 1e-12
    True
    """
    found = np.asarray(phase, float)
    known = np.asarray(truth, float)
    if found.shape != known.shape:
        raise ValueError(f"truth must have the phase's shape {found.shape}, got {known.shape}")
    turns = np.exp(1j * (found - known))
    turns = turns[np.isfinite(turns)]
    if not turns.size:
        raise ValueError("phase and truth must both be finite somewhere: there is nothing to compare")
    apart = np.abs(np.angle(turns * np.exp(-1j * _offset(turns))))
    return PhaseError(float(np.median(apart)), float(np.quantile(apart, 0.95)))


def aligned(phase: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the phase, less the mean of what the two differ by, in (-pi, pi]: both begin to count together."""
    turns = np.exp(1j * (phase - truth))
    return np.angle(np.exp(1j * (phase - _offset(turns[np.isfinite(turns)]))))


def _offset(turns: np.ndarray) -> float:
    """Return the mean of angles given as unit numbers (n,), each counted from their circular mean on."""
    middle = float(np.angle(turns.mean()))
    return middle + float(np.angle(turns * np.exp(-1j * middle)).mean())


def polar_angle(system: Oscillator, points: np.ndarray) -> np.ndarray:
    """Return the angle of points (n, 2) round the unstable point, counted the way the loop is run through."""
    return _turning(system) * np.arctan2(points[:, 1], points[:, 0])


def learned_phase(model: Any, points: np.ndarray) -> np.ndarray:
    """Return a model's phase of points (n, 2), radians, growing with time; model: a SIM with unit phases."""
    modes = modes_of(model)
    with torch.no_grad():
        states = torch.as_tensor(points, dtype=next(model.parameters()).dtype)
        phase = modes.phases(model.observables(states))[:, 0]
        way = math.copysign(1.0, float(modes.base_angles[0]))
    return way * phase.double().numpy()


def modes_of(model: Any) -> Modes:
    """Return the propagator of a model that has phases; raises ValueError naming `model` for any other."""
    modes = getattr(model, "propagator", None)
    if not isinstance(modes, Modes) or not modes.options["unit_phases"]:
        raise ValueError(
            f"model must be a SIM with a Modes propagator and unit phases (simviz.learn_invariant_set makes one), "
            f"got {type(model).__name__}"
        )
    return modes


def loop(system: Oscillator) -> np.ndarray:
    """Return POINTS points of the loop, evenly in time from where s1 is largest, (POINTS, 2)."""
    return _loop(type(system), tuple(getattr(system, name) for name in system.parameters))


@functools.lru_cache(maxsize=32)
def _loop(kind: type[Oscillator], parameters: tuple[float, ...]) -> np.ndarray:
    system = kind(*parameters)
    if isinstance(system, StuartLandau):
        return system.invariant_set(POINTS).numpy()
    period = system.period()

    def rate(t: float, s: np.ndarray) -> np.ndarray:
        return system.rate(torch.from_numpy(np.ascontiguousarray(s))).numpy()

    state = system.initial(1).double()[0].numpy()
    times = period * np.arange(POINTS + 1) / POINTS
    for _ in range(_PERIODS):
        turn = solve_ivp(rate, (0.0, times[-1]), state, t_eval=times, method="DOP853", rtol=1e-8, atol=1e-9).y.T
        if np.linalg.norm(turn[-1] - turn[0]) < 1e-6 * system.reach:
            break
        state = turn[-1]
    return np.roll(turn[:-1], -int(turn[:-1, 0].argmax()), 0)


def exact_phase(system: Oscillator, points: Any) -> np.ndarray:
    """Return the exact phase of points (n, 2), radians from the loop's largest s1 on; NaN where it is not found.

    In closed form for the Stuart-Landau system; else each point is followed until it is on the loop.
    """
    work = phasing(system, points)
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


@torch.no_grad()
def phasing(system: Oscillator, points: Any) -> Working:
    """Do what `exact_phase` does in small slices; a generator whose return value is the phase."""
    states = checks.tensor("points", points, (None, 2), "(n, 2)").double()
    if isinstance(system, StuartLandau):
        return np.arctan2(states[:, 1].numpy(), states[:, 0].numpy())
    turn = loop(system)
    edge = torch.from_numpy(turn[::20].copy())
    yield
    period, steps = system.period(), 100
    found = np.full(len(states), np.nan)
    left = np.arange(len(states))
    for _ in range(_PERIODS):
        for number in range(steps):
            if number % _SLICE == 0:
                fine = follow.substeps(system, torch.cat([states, edge]), period / steps)
                yield
            states = follow.advance(system, states, period / steps, fine)
        at, apart = _on(turn, states.numpy())
        there = apart < _ARRIVED * system.reach
        found[left[there]] = at[there]  # whole periods have passed: the phase is what it was
        left, states = left[~there], states[torch.from_numpy(~there)]
        if not len(left):
            break
    return found


def _on(turn: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(POINTS, 2), (n, 2) -> the phase of the nearest point of the chain of pieces, and the distance from it."""
    near = cKDTree(turn).query(np.nan_to_num(points, nan=1e9))[1]
    best, apart = np.zeros(len(points)), np.full(len(points), np.inf)
    for begin in (near - 1, near):
        a, b = turn[begin % POINTS], turn[(begin + 1) % POINTS]
        along = np.clip(((points - a) * (b - a)).sum(1) / ((b - a) ** 2).sum(1), 0, 1)
        away = np.linalg.norm(points - a - along[:, None] * (b - a), axis=1)
        nearer = away < apart
        best[nearer], apart[nearer] = (begin + along)[nearer], away[nearer]
    return 2 * math.pi * best / POINTS, apart


def _turning(system: Oscillator) -> float:
    """Return 1 where the loop is run through anticlockwise, -1 where clockwise."""
    if isinstance(system, StuartLandau):
        return 1.0
    x, y = loop(system).T
    return math.copysign(1.0, float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()))


def holes(x: np.ndarray, y: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Return where all phases meet, (n, 2): the middles of the cells round which the phase turns once or more.

    x: (columns,), y: (rows,), evenly spaced; phase: (rows, columns) radians. Cells side by side count as one, at their
    mean, and not at all where their turns cancel: so steep is a phase near its hole that a grid sees more turns there.
    """
    turned = np.exp(1j * phase)
    ring = [turned[:-1, :-1], turned[:-1, 1:], turned[1:, 1:], turned[1:, :-1]]
    total = sum(np.angle(after * np.conj(before)) for before, after in zip(ring, [*ring[1:], ring[0]], strict=True))
    turns = np.rint(np.nan_to_num(np.asarray(total)) / (2 * math.pi))
    groups, count = ndimage.label(ndimage.binary_dilation(turns != 0, np.ones((3, 3))))
    found = []
    for number in range(1, count + 1):
        rows, columns = np.nonzero((groups == number) & (turns != 0))
        if turns[rows, columns].sum():
            found.append(((x[columns] + x[columns + 1]).mean() / 2, (y[rows] + y[rows + 1]).mean() / 2))
    return np.array(found).reshape(-1, 2)
