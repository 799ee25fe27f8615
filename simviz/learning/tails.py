"""What do the tails of orbits tell before anything is trained? Angles a step, how many harmonics, phases."""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch
from scipy.optimize import minimize

FEWEST, MOST = 8, 24
"""Harmonics of a cycle, at the least and at the most."""
LEFT = 0.001
"""Harmonics are enough where those above them hold less than this share of the tails' spread."""


def peak_angles(data: torch.Tensor, count: int = 1) -> list[float]:
    """Return the angles a step of the highest peaks in the Fourier spectrum of the later half of the trajectories.

    data: (batch, time, dim); for two, the pair of angles whose sines fit best together (see `best_pair`), refined.
    """
    tail = data[:, data.shape[1] // 2 :].double()
    if count == 2:
        return refined_pair(tail, best_pair(tail))
    tail = (tail - tail.mean(1, keepdim=True)) * torch.hann_window(tail.shape[1], dtype=torch.float64)[:, None]
    padded = 4 * tail.shape[1]
    power = torch.fft.rfft(tail, n=padded, dim=1).abs().square().sum((0, 2))  # (padded // 2 + 1,)
    width = 2 * 4  # half the main lobe of the window, in padded bins
    power[: width // 2] = 0.0
    angles: list[float] = []
    for _ in range(count):
        peak = int(power.argmax())
        angles.append(2 * math.pi * max(peak, 1) / padded)
        for multiple in range(max(peak, 1), len(power), max(peak, 1)):
            power[max(0, multiple - width) : multiple + width + 1] = 0.0
    return angles


def best_pair(tail: torch.Tensor, longest: int = 128) -> list[float]:
    """Return the two angles a step whose sines, fitted together with a constant, leave least of (batch, time, dim).

    Two peaks closer than the Fourier spectrum resolves are told apart by the joint fit. An angle beside a multiple of
    the other is no second one; the pair is sought on a grid, then on finer ones round the best; stronger first.
    """
    tail = tail[:, -longest:]
    rows = tail.transpose(0, 1).flatten(1)  # (time, batch dim)
    times = torch.arange(len(rows), dtype=rows.dtype)
    covariance = rows @ rows.T
    step = math.pi / (2 * len(rows))
    grid = step * torch.arange(1, 2 * len(rows))
    pairs = torch.combinations(grid)
    multiple = (pairs[:, 1] / pairs[:, 0]).round() * pairs[:, 0]
    pairs = pairs[(pairs[:, 1] - multiple).abs() > step]
    best = pairs[explained(pairs, times, covariance).argmax()]
    for _ in range(4):
        near = step * torch.linspace(-1, 1, 9, dtype=rows.dtype)
        pairs = best + torch.cartesian_prod(near, near)
        best = pairs[explained(pairs, times, covariance).argmax()]
        step /= 4
    alone = [float(explained(angle.reshape(1, 1), times, covariance)) for angle in best]
    return [float(a) for a in (best if alone[0] >= alone[1] else best.flip(0))]


def refined_pair(tail: torch.Tensor, pair: list[float], order: int = 2, longest: int = 128) -> list[float]:
    """Return the pair near this one whose lattice leaves least of (batch, time, dim).

    The lattice: all sums k1 a + k2 b with |k1| + |k2| up to `order`; Nelder and Mead's search from the pair.
    """
    rows = tail[:, -longest:].transpose(0, 1).flatten(1).double()  # (time, batch dim)
    times, covariance = torch.arange(len(rows), dtype=rows.dtype), rows @ rows.T
    grid = itertools.product(range(-order, order + 1), repeat=2)
    ks = torch.tensor([k for k in grid if k > (0, 0) and abs(k[0]) + abs(k[1]) <= order], dtype=rows.dtype)

    def left(angles: np.ndarray) -> float:
        return -float(explained((ks @ torch.from_numpy(angles))[None], times, covariance))

    if 2 * len(ks) + 1 > len(rows) // 2:  # so many sines fit anything
        return pair
    size = 0.1 * 2 * math.pi / len(rows)  # of a bin of the Fourier spectrum
    simplex = np.array(pair) + size * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    found = minimize(left, pair, method="Nelder-Mead", options={"initial_simplex": simplex, "xatol": 1e-8}).x
    near = bool((np.abs(found - np.array(pair)) < 5 * size).all())
    return [float(a) for a in found] if near else pair


def explained(angles: torch.Tensor, times: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
    """(n, F) sets of angles -> (n,): the part of the covariance's trace that their sines and a constant fit."""
    parts = []
    for some in angles.split(1024):
        phases = times[:, None] * some[:, None]  # (n, time, F)
        columns = torch.cat([torch.ones_like(phases[..., :1]), phases.cos(), phases.sin()], -1)
        q = torch.linalg.qr(columns).Q  # (n, time, 2 F + 1)
        parts.append((q * (covariance @ q)).sum((1, 2)))
    return torch.cat(parts)


def harmonics_needed(data: torch.Tensor, angle: float, longest: int = 128) -> int:
    """Return how many multiples of an angle, radians a step, the cycle under (batch, time, dim) wants: 8 to 24.

    Sines of the first few multiples are fitted to each tail; what they leave shrinks by a factor with every harmonic,
    as it does for a smooth cycle, and is followed down to `LEFT`. 8 where that cannot be seen: few samples a period, or
    no cycle at all.
    """
    rows = data[:, data.shape[1] // 2 :][:, -longest:].double().transpose(0, 1).flatten(1)  # (time, batch dim)
    rows = rows - rows.mean(0)
    times, covariance = torch.arange(len(rows), dtype=rows.dtype), rows @ rows.T
    whole, bin_width = float(covariance.trace()), 2 * math.pi / len(rows)
    angles = angle + bin_width * torch.linspace(-0.4, 0.4, 81, dtype=rows.dtype)
    angles = angles[angles > bin_width / 2]
    top = min(6, int(0.9 * math.pi / angle), (len(rows) - 3) // 4)
    if top < 3 or whole <= 0.0 or not len(angles):
        return FEWEST
    ks = torch.arange(1, top + 1, dtype=rows.dtype)
    angle = float(angles[explained(angles[:, None] * ks[:3], times, covariance).argmax()])
    left = torch.stack([explained(angle * ks[None, :k], times, covariance)[0] for k in range(2, top + 1)])
    left = (1 - left / whole).clamp(min=1e-12).sqrt()  # (top - 1,) what 2, 3 .. top harmonics leave, of the spread
    if left[-1] > 0.5:
        return FEWEST
    slope = float((left[-1] / left[0]).log()) / (top - 2)
    wanted = top + math.log(LEFT / float(left[-1])) / min(slope, -1e-3)
    return min(max(math.ceil(wanted), FEWEST), MOST)


def orbit_phases(tail: torch.Tensor, angle: float) -> torch.Tensor:
    """(batch, time, dim), radians a step -> (batch, time): the phase that turns by the angle, one offset an orbit.

    The offsets are those of the orbits' first harmonics along the direction, in complex space, that they share.
    """
    turned = angle * torch.arange(tail.shape[1], dtype=tail.dtype, device=tail.device)
    wave = torch.polar(torch.ones_like(turned), -turned)
    amplitudes = ((tail - tail.mean(1, keepdim=True)) * wave[:, None]).sum(1)  # (batch, dim) complex
    shared = torch.linalg.eigh(amplitudes.mH @ amplitudes).eigenvectors[:, -1]
    return (amplitudes @ shared).angle()[:, None] + turned


def linear_phase(tail: torch.Tensor, angle: float) -> torch.Tensor:
    """Return (2, dim + 1): the affine map of the state whose plane the tails turn in most nearly by the angle a step.

    Least squares of cosine and sine of `orbit_phases` by the states, (batch, time, dim), and 1; mean square 1.
    """
    phases = orbit_phases(tail, angle).flatten()
    wanted = torch.stack([phases.cos(), phases.sin()], -1)
    rows = torch.cat([tail, torch.ones_like(tail[..., :1])], -1).flatten(0, 1)
    found = torch.linalg.lstsq(rows.double(), wanted.double(), driver="gelsd").solution
    size = (rows.double() @ found).square().mean(0).sqrt().clamp(min=1e-6)
    return (found / size).T.to(tail)


def pursued_angles(signals: torch.Tensor, count: int) -> list[float]:
    """Return the angles a step of `count` sines, each the one that leaves least of all signals beside those before it.

    signals: (batch, time), of one or of many clocks; orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad
    1993) on a grid of eight angles to a bin of the Fourier spectrum, from two turns in the whole time up.
    """
    rows = (signals - signals.mean(1, keepdim=True)).double().T  # (time, batch)
    times = torch.arange(len(rows), dtype=rows.dtype)
    bin_width = 2 * math.pi / len(rows)
    grid = torch.arange(2 * bin_width, math.pi, bin_width / 8, dtype=rows.dtype)
    covariance = rows @ rows.T
    angles: list[float] = []
    for _ in range(count):
        chosen = torch.tensor(angles, dtype=rows.dtype)
        tried = torch.cat([chosen.expand(len(grid), -1), grid[:, None]], 1)
        angles.append(float(grid[explained(tried, times, covariance).argmax()]))
    return angles
