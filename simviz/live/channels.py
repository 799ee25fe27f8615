"""What does the page know, and what is new? One channel a trace: whole frames or a growing curve, as small binaries."""

from __future__ import annotations

from typing import Any

import numpy as np

from simviz.records import FigureSpec, Trace

LONGEST = 4096
"""Points a growing curve keeps; beyond, every second one is dropped and only every second new one is taken."""
REPLACE, APPEND, QUANTISED = 0, 1, 2
"""Kinds of update: whole frame in float32, points to append in float32, whole frame in 16 bits of the axes' range."""


class Channel:
    """The points of one trace as the kernel knows them, and which of them the page does not know yet."""

    def __init__(self, trace: Trace, spec: FigureSpec) -> None:
        self.points = _pair(trace.x, trace.y)  # (2, n)
        subplot = spec.subplots[trace.subplot]
        self.ranges = None
        if trace.live == "replace" and subplot.x.range and subplot.y.range:
            self.ranges = (subplot.x.range, subplot.y.range)
        self._stride, self._seen = 1, self.points.shape[1]  # every how many points are kept, of how many so far
        self._unsent = 0  # points appended since the last frame
        self.whole = False  # the next frame carries all points

    def replace(self, x: Any, y: Any) -> None:
        """Set all points; the same points again cost nothing."""
        new = _pair(x, y)
        if not np.array_equal(new, self.points, equal_nan=True):
            self.points, self.whole, self._stride, self._seen = new, True, 1, new.shape[1]

    def append(self, x: Any, y: Any) -> None:
        """Add points at the end; a long curve is thinned evenly."""
        new = _pair(x, y)
        kept = new[:, (np.arange(new.shape[1]) + self._seen) % self._stride == 0]
        self._seen += new.shape[1]
        self.points = np.concatenate([self.points, kept], 1)
        self._unsent += kept.shape[1]
        if self.points.shape[1] > LONGEST:
            self.points = self.points[:, ::2]
            self._stride *= 2
            self.whole = True

    def pending(self) -> int:
        """Return the bytes of the update the page needs."""
        if self.whole:
            return self.points.shape[1] * (4 if self.ranges is not None else 8)
        return 8 * self._unsent

    def take(self, everything: bool = False) -> tuple[int, int, bytes] | None:
        """Return the update the page needs as (kind, points, bytes), and count it as sent; None where it needs none."""
        if self.whole or everything:
            self.whole, self._unsent = False, 0
            if self.ranges is not None:
                return QUANTISED, self.points.shape[1], _quantise(self.points, self.ranges)
            return REPLACE, self.points.shape[1], self.points.astype("<f4").tobytes()
        if self._unsent:
            new, self._unsent = self.points[:, -self._unsent :], 0
            return APPEND, new.shape[1], new.astype("<f4").tobytes()
        return None


def _pair(x: Any, y: Any) -> np.ndarray:
    return np.stack([np.asarray(v, dtype=float).reshape(-1) for v in (x, y)])


def _quantise(points: np.ndarray, ranges: tuple[tuple[float, float], tuple[float, float]]) -> bytes:
    """16 bits: -32768 is a gap, -32767 .. 32767 three times the axis' range, far finer than a pixel."""
    rows = []
    for values, (low, high) in zip(points, ranges, strict=True):
        centre, half = (low + high) / 2, 1.5 * (high - low)
        scaled = np.clip((values - centre) / half, -1, 1) * 32767
        rows.append(np.where(np.isfinite(values), np.rint(np.nan_to_num(scaled)), -32768).astype("<i2"))
    return np.stack(rows).tobytes()
