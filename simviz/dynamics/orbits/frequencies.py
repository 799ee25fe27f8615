"""Which frequencies does an orbit have? The largest Fourier peaks, each refined, and the few that generate them all.

Laskar 1990 (numerical analysis of fundamental frequencies): under a smooth window the peak of a quasi-periodic signal
lies at its frequency up to a high power of 1 / length, so that whole-number relations between peaks can be read off.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

_PEAKS = 10
_FLOOR = 1e-2
"""Peaks below this part of the largest one are left alone, and so is everything once this part, squared, is left."""


@dataclass(frozen=True)
class Peaks:
    """frequencies: in turns a step, in (0, 0.5], strongest first; share: of the variance that they explain, 0 to 1."""

    frequencies: tuple[float, ...]
    share: float


def peaks(orbit: np.ndarray) -> Peaks:
    """Return the strongest frequencies of an orbit, (time, dim), over all coordinates."""
    scaled = (orbit - orbit.mean(0)) / max(float(orbit.std(0).max()), 1e-300)
    time = np.arange(len(orbit)) - len(orbit) / 2
    window = np.hanning(len(orbit)) ** 2
    found: list[float] = []
    left, largest = scaled, 0.0
    for _ in range(_PEAKS):
        start = _strongest(left, window)
        frequency, size = _refined(left, window, time, start)
        largest = max(largest, size)
        if size < _FLOOR * largest:
            break
        found.append(frequency)
        left = scaled - _fitted(scaled, time, found)
        if (left**2).sum() < _FLOOR**2 * (scaled**2).sum():
            break
    return Peaks(tuple(found), 1 - float((left**2).sum() / (scaled**2).sum()))


def _fitted(signal: np.ndarray, time: np.ndarray, found: list[float]) -> np.ndarray:
    """Return the least-squares fit of waves with these frequencies and a constant, (time, dim)."""
    angles = 2 * np.pi * np.outer(time, found)
    waves = np.concatenate([np.cos(angles), np.sin(angles), np.ones((len(time), 1))], 1)  # (time, 2 found + 1)
    return waves @ np.linalg.lstsq(waves, signal, rcond=1e-10)[0]


def _strongest(signal: np.ndarray, window: np.ndarray) -> float:
    """Return the frequency, turns a step, of the largest bin of the windowed signal's spectrum, the mean left out."""
    length = 4 * len(signal)
    power = (np.abs(np.fft.rfft(window[:, None] * signal, length, axis=0)) ** 2).sum(1)
    return float(power[1:].argmax() + 1) / length


def _refined(signal: np.ndarray, window: np.ndarray, time: np.ndarray, start: float) -> tuple[float, float]:
    """Return the frequency near the start, turns a step, where the windowed signal has most power; its amplitude."""

    def lost(frequency: float) -> float:
        return -float((np.abs((window * np.exp(-2j * np.pi * frequency * time)) @ signal) ** 2).sum())

    bin_width = 0.25 / len(signal)
    around = (max(start - bin_width, 0.1 * bin_width), min(start + bin_width, 0.5))
    best = minimize_scalar(lost, bounds=around, method="bounded", options={"xatol": 1e-12})
    return float(best.x), float(np.sqrt(-best.fun)) / window.sum()


def generators(
    found: tuple[float, ...], tolerance: float, *, wrap: bool = True, most: int = 3
) -> tuple[float, ...] | None:
    """Return the fewest frequencies, turns a step, whose whole combinations give all; None: more than `most`.

    wrap: combinations count mod 1, as those of a map do; a flow's, sampled often enough, stay below half a turn.
    """
    reach = {1: 24, 2: 8, 3: 4}
    for count in range(1, most + 1):
        for chosen in itertools.combinations(found, count):
            if _generate(np.array(chosen), np.array(found), reach[count], tolerance, wrap):
                return chosen
    return None


def _generate(base: np.ndarray, all_of: np.ndarray, reach: int, tolerance: float, wrap: bool) -> bool:
    whole = np.array(list(itertools.product(range(-reach, reach + 1), repeat=len(base))))  # (combinations, base)
    sums = whole @ base
    off = np.abs(sums[:, None] - all_of)  # (combinations, all)
    if wrap:
        off = np.minimum(off % 1.0, -off % 1.0)
    return bool((off.min(0) < tolerance).all())
