"""When does an orbit come back? Returns to a section, the period, and the rotation number.

Poincare 1881 (the return map). Averages along an orbit are weighted with a bump function: on a quasi-periodic orbit
they converge faster than any power of its length, on a chaotic one no better than plain means, and that tells the two
apart (Das, Saiki, Sander and Yorke 2017, doi 10.1088/1361-6544/aa84c2; Sander and Meiss 2020).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.interpolate import CubicSpline

from simviz import checks

LONGEST = 64
"""The longest cycle that is looked for: steps of a map, returns of a flow."""


@dataclass(frozen=True)
class Returns:
    """The returns of a flow's orbit to a section through the middle of its set, across its direction of largest extent.

    times: (n,) when it passed upwards; points: (n, dim) where; returns: after how many it is back where it was, None
    if never; period: the time that takes, NaN if never; gap: the largest distance between points that should be one,
    in parts of the orbit's extent; words: all that in a sentence.
    """

    times: torch.Tensor
    points: torch.Tensor
    returns: int | None
    period: float
    gap: float
    words: str


def one_orbit(orbit: Any) -> np.ndarray:
    """Return an orbit (time, dim), at least 16 states, as float64 NumPy."""
    states = checks.tensor("orbit", orbit, (None, None), "(time, dim), one orbit")
    if len(states) < 16:
        raise ValueError(f"orbit must hold at least 16 states, got {len(states)}: simulate longer")
    return states.detach().cpu().double().numpy()


def return_map(orbit: Any, dt: float, tolerance: float = 1e-3) -> Returns:
    """Find where and when an orbit of a flow, (time, dim) sampled every dt, passes a section, and its period.

    The transient must be gone. Crossings are found on a cubic spline through the samples: some 30 samples a turn give
    the period to about 1e-5. tolerance: how near, in parts of the orbit's extent, two returns must be to count as one.

    >>> t = torch.arange(400) * 0.1
    >>> round(return_map(torch.stack([t.cos(), t.sin()], -1), 0.1).period, 4)
    6.2832
    """
    states = one_orbit(orbit)
    dt = checks.positive("dt", dt)
    tolerance = checks.positive("tolerance", tolerance)
    centred = states - states.mean(0)
    extent = float(np.linalg.norm(np.ptp(states, 0)))
    if extent < 1e-9 * (1 + float(np.abs(states).max())):
        return _none(states.shape[1], "the orbit stands still")
    normal = np.linalg.svd(centred, full_matrices=False)[2][0]  # (dim,) direction of largest extent
    spline = CubicSpline(dt * np.arange(len(states)), centred)
    height = CubicSpline(spline.x, centred @ normal)
    times = height.roots(extrapolate=False)
    times = times[height(times, 1) > 0]
    if len(times) < 3:
        return _none(states.shape[1], f"only {len(times)} passages through the section: simulate longer")
    points = spline(times)
    found, gap = cycle_length(points, tolerance * extent, LONGEST)
    period = float(np.mean(times[found:] - times[:-found])) if found else math.nan
    back = f"back after {found}, period {period:.6g}" if found else "never back at the same point"
    return Returns(
        torch.from_numpy(times), torch.from_numpy(points + states.mean(0)), found, period, gap / extent,
        f"{len(times)} passages through the section, {back}",
    )  # fmt: skip


def _none(dim: int, words: str) -> Returns:
    return Returns(torch.empty(0), torch.empty(0, dim), None, math.nan, math.nan, words)


def cycle_length(points: np.ndarray, tolerance: float, longest: int = LONGEST) -> tuple[int | None, float]:
    """Return after how many points, (n, dim), all are back where they were, None if never, and the largest miss.

    Every point of a residue class is held against the class's first, so that a slow drift does not pass for a cycle.
    """
    miss = math.inf
    for n in range(1, min(longest, len(points) // 2) + 1):
        first = points[np.arange(len(points)) % n]
        miss = float(np.abs(points - first).max())
        if miss <= tolerance:
            return n, miss
    return None, miss


def bump(length: int) -> np.ndarray:
    """Return the weights exp(-1 / (u (1 - u))) at that many points of (0, 1), with sum 1."""
    u = (np.arange(length) + 1) / (length + 1)
    weights = np.exp(4 - 1 / (u * (1 - u)))
    return weights / weights.sum()


def rotation_number(orbit: Any, centre: Any = None) -> float:
    """Return by how many turns a step an orbit on a closed curve, (time, dim), goes round, in [0, 1).

    centre: (dim,) a point inside the curve; None: the mean of the states. In the plane the sense is anticlockwise; in
    more dimensions the orbit is seen in the plane of its two largest extents, the sense has no meaning, and the
    answer lies in [0, 0.5]. The curve must wind once round the centre, as seen from which no step may cover the whole
    turn back and forth; the average over steps is weighted (see above), and exact to some ten digits after 1,000.

    >>> from simviz.dynamics.systems import CircleRotation
    >>> round(rotation_number(CircleRotation(1.0).trajectories(1, 500)[0]) * 2 * torch.pi, 9)
    1.0
    """
    states = one_orbit(orbit)
    if states.shape[1] < 2:
        raise ValueError("orbit must have at least 2 coordinates to go round, got 1")
    if centre is None:
        middle = states.mean(0)
    else:
        middle = checks.tensor("centre", centre, (states.shape[1],)).detach().cpu().double().numpy()
    seen = states - middle
    if states.shape[1] > 2:
        seen = seen @ np.linalg.svd(seen, full_matrices=False)[2][:2].T
    if np.linalg.norm(seen, axis=1).min() <= 1e-9 * np.linalg.norm(seen, axis=1).max():
        raise ValueError("centre lies on the orbit, which then goes round nothing: give a point inside the curve")
    phases = np.exp(1j * np.arctan2(seen[:, 1], seen[:, 0]))
    steps = phases[1:] / phases[:-1]
    # Steps are measured from their circular mean, so that they are not torn where a step passes half a turn.
    mean = float(np.angle(steps.mean()))
    turns = (mean + float(bump(len(steps)) @ np.angle(steps * np.exp(-1j * mean)))) / (2 * math.pi)
    turns %= 1.0
    return min(turns, 1 - turns) if states.shape[1] > 2 else turns


def digits(orbit: np.ndarray) -> float:
    """Return to how many digits weighted means over both halves of an orbit, (time, dim), agree (worst coordinate).

    The means are of the coordinates and their squares, in units of their spread. Some 6 and more on a quasi-periodic
    orbit of 1,000 states, 1 to 2 on a chaotic one.
    """
    scaled = (orbit - orbit.mean(0)) / np.maximum(orbit.std(0), 1e-300)
    seen = np.concatenate([scaled, scaled**2], 1)
    half = len(seen) // 2
    weights = bump(half)
    miss = np.abs(weights @ seen[:half] - weights @ seen[half : 2 * half]).max()
    return float(-np.log10(max(miss, 1e-16)))
