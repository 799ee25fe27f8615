"""Where does everything stand? The pixels of a pair of axes, the lines of a sentence, the rows of a legend."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass

import numpy as np

from simviz.records import Axis, FigureSpec

LETTER = 0.58
"""Mean width of a letter as a share of the font's size."""
_SIDES, _ABOVE_BELOW = 84, 155
"""Pixels round the axes: the larger of what the two renderers leave for titles, ticks and legend."""


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Break a text into as few lines as fit into a width, about equally long; width and font size in pixels."""
    if not text:
        return []
    most = max(8, int(width / (LETTER * size)))
    lines = textwrap.wrap(text, most)
    for letters in range(math.ceil(len(text) / len(lines)), most):
        if len(even := textwrap.wrap(text, letters)) == len(lines):
            return even
    return lines


def legend_columns(names: list[str], width: float, size: float) -> int:
    """Return how many entries stand side by side in a width; they are filed down the columns."""
    for columns in range(len(names), 1, -1):
        rows = math.ceil(len(names) / columns)
        files = [names[i : i + rows] for i in range(0, len(names), rows)]
        if sum(max(len(n) for n in one) * LETTER * size + 5 * size for one in files) <= width:
            return len(files)
    return 1


def legend_names(spec: FigureSpec) -> list[str]:
    """Return the entries of a figure's legend."""
    return [t.name for t in spec.traces if t.legend and t.mode not in ("image", "text", "text beside")]


@dataclass(frozen=True)
class Frame:
    """The pixels of one pair of axes: (width, height) and what stands at their ends (as logarithms where they are)."""

    size: tuple[float, float]
    low: tuple[float, float]
    high: tuple[float, float]
    logs: tuple[bool, bool]

    def pixels(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(n,), (n,) -> (n, 2): pixels from the left and from below."""
        both = [np.log10(v) if log else np.asarray(v, float) for v, log in zip((x, y), self.logs, strict=True)]
        low, high = np.array(self.low), np.array(self.high)
        return (np.stack(both, -1) - low) / (high - low) * self.size

    def data(self, pixels: np.ndarray) -> np.ndarray:
        """(..., 2) -> (..., 2): the numbers at these pixels."""
        low, high = np.array(self.low), np.array(self.high)
        numbers = low + pixels / np.array(self.size) * (high - low)
        return np.where(self.logs, 10.0**numbers, numbers) if any(self.logs) else numbers


def frame(spec: FigureSpec, index: int) -> Frame:
    """Return the pixels of a subplot, rather too few than too many: what fits there fits in either renderer."""
    subplot = spec.subplots[index]
    left, right, bottom, top = subplot.place
    width, height = (spec.size[0] - _SIDES) * (right - left), (spec.size[1] - _ABOVE_BELOW) * (top - bottom)
    traces = [t for t in spec.traces if t.subplot == index]
    ends = [
        _ends(axis, [np.asarray(getattr(t, side)) for t in traces])
        for side, axis in (("x", subplot.x), ("y", subplot.y))
    ]
    if subplot.equal:
        spans = [abs(high - low) for low, high in ends]
        scale = min(width / spans[0], height / spans[1])
        width, height = scale * spans[0], scale * spans[1]
    low, high = zip(*ends, strict=True)
    return Frame((width, height), low, high, (subplot.x.scale == "log", subplot.y.scale == "log"))


def _ends(axis: Axis, drawn: list[np.ndarray]) -> tuple[float, float]:
    ends = axis.range
    if ends is None:
        least, nothing = (0.0, (0.1, 1.0)) if axis.scale == "log" else (-math.inf, (0.0, 1.0))
        every = np.concatenate([d[np.isfinite(d) & (d > least)] for d in drawn] or [np.empty(0)])
        ends = (float(every.min()), float(every.max())) if len(every) and every.min() < every.max() else nothing
    return (math.log10(ends[0]), math.log10(ends[1])) if axis.scale == "log" else ends
