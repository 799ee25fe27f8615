"""How do numbers become colours? On the colour bar's scale; both renderers colour the same scaled numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simviz.records import ColourBar, Trace


@dataclass(frozen=True)
class Scaled:
    """An image on its bar's scale: z (rows, columns), the two ends, and the ticks with their words."""

    z: np.ndarray
    ends: tuple[float, float]
    ticks: np.ndarray
    words: tuple[str, ...]


def scaled(trace: Trace) -> Scaled:
    """Return an image's numbers as they are coloured."""
    assert trace.z is not None
    bar = trace.bar or ColourBar(range=(float(np.nanmin(trace.z)), float(np.nanmax(trace.z))))
    low, high = bar.range
    with np.errstate(invalid="ignore"):
        z = on_scale(np.clip(trace.z, low, high), bar.scale)
    ticks = np.array(bar.ticks if bar.ticks is not None else _ticks(bar), dtype=float)
    words = bar.labels if bar.labels is not None else tuple(f"{t:.3g}" for t in ticks)
    return Scaled(
        z, (float(on_scale(low, bar.scale)), float(on_scale(high, bar.scale))), on_scale(ticks, bar.scale), words
    )


def on_scale(numbers: np.ndarray | float, scale: str) -> np.ndarray:
    """Return numbers, their logarithms to base 10, or their roots."""
    given = np.asarray(numbers, dtype=float)
    return np.log10(given) if scale == "log" else np.sqrt(given) if scale == "sqrt" else given


def _ticks(bar: ColourBar) -> np.ndarray:
    low, high = bar.range
    if bar.scale == "log":
        powers = 10.0 ** np.arange(np.ceil(np.log10(low) - 1e-9), np.floor(np.log10(high) + 1e-9) + 1)
        return powers if len(powers) > 1 else np.array([low, high])
    if bar.scale == "sqrt":
        decade = 10.0 ** np.floor(np.log10(high))
        ticks = [0.0]
        for round_number in decade * np.array([0.1, 0.2, 0.5, 1, 2, 5]):
            if round_number <= high and np.sqrt(round_number) - np.sqrt(ticks[-1]) > 0.13 * np.sqrt(high):
                ticks.append(round_number)
        return np.array(ticks)
    return np.linspace(low, high, 5)


def rounded_up(number: float) -> float:
    """Return the least of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten that is not below a positive number."""
    decade = 10.0 ** math.floor(math.log10(number))
    steps = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
    return next(step * decade for step in steps if step * decade >= number * (1 - 1e-6))


def cell_edges(centres: np.ndarray) -> np.ndarray:
    """(n,) -> (n + 1,): the edges half-way between points, the outer ones as far beyond the ends."""
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])
