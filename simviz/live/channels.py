"""What does the page know, and what is new? One channel a trace: whole frames or a growing curve, as small binaries."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from simviz.figures import scaled
from simviz.records import FigureSpec, Trace

LONGEST = 4096
"""Points a growing curve keeps; beyond, every second one is dropped and only every second new one is taken."""
EVEN = 8
"""Points to append from which on it is worth telling that they are evenly spaced."""
REPLACE, APPEND, QUANTISED, IMAGE, HALVE = 0, 1, 2, 3, 4
"""Kinds of update: whole frame in float32; points to append in float32, of which evenly spaced x travel in the header,
as the first one and the distance; whole frame in 16 bits of the axes' range; an image, edges in float32 and numbers in
16 bits of its own range; every second point of what the page has is dropped."""
Update = tuple[list[float], bytes]
"""A header [kind, columns, ...] and its bytes."""


class Channel:
    """The points of one trace as the kernel knows them, and which of them the page does not know yet."""

    def __init__(self, trace: Trace, spec: FigureSpec) -> None:
        self.trace = trace
        self.points = _pair(trace.x, trace.y) if trace.z is None else np.empty((2, 0))  # (2, n)
        self.ranges = _ranges(trace, spec)
        self._stride, self._seen = 1, self.points.shape[1]  # every how many points are kept, of how many so far
        self._unsent = self._halved = 0  # points appended, and halvings, since the last frame
        self.whole = False  # the next frame carries all points

    def current(self) -> Trace:
        """Return the trace with the points that it has now."""
        if self.trace.z is not None:
            return self.trace
        return dataclasses.replace(self.trace, x=self.points[0], y=self.points[1])

    def follow(self, trace: Trace, spec: FigureSpec) -> None:
        """Take the points, or the image, of a trace of the same kind in another frame."""
        self.ranges = _ranges(trace, spec)
        if trace.z is None:
            self.replace(trace.x, trace.y)
        elif not all(np.array_equal(getattr(trace, n), getattr(self.trace, n), equal_nan=True) for n in "xyz"):
            self.whole = True
        self.trace = trace

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
        while self.points.shape[1] > LONGEST:
            known = (self.points.shape[1] - self._unsent + 1) // 2  # what the page keeps of what it has
            self.points = self.points[:, ::2]
            self._unsent = self.points.shape[1] - known
            self._stride *= 2
            self._halved += 1

    def pending(self) -> int:
        """Return the bytes of the updates the page needs."""
        if self.whole:
            if self.trace.z is not None:
                return 2 * self.trace.z.size
            return self.points.shape[1] * (4 if self.ranges is not None else 8)
        return (8 if self._spacing() is None else 4) * self._unsent + self._halved

    def take(self, everything: bool = False) -> list[Update]:
        """Return the updates the page needs, and count them as sent."""
        if self.whole or everything:
            self.whole, self._unsent, self._halved = False, 0, 0
            if self.trace.z is not None:
                return [_image(self.trace)]
            count = self.points.shape[1]
            if self.ranges is not None:
                low_high = [float(v) for ends in self.ranges for v in ends]
                return [([QUANTISED, count, *low_high], _quantise(self.points, self.ranges))]
            return [([REPLACE, count], self.points.astype("<f4").tobytes())]
        updates: list[Update] = []
        if self._halved:
            updates, self._halved = [([HALVE, self._halved], b"")], 0
        if self._unsent:
            spacing = self._spacing()
            new, self._unsent = self.points[:, -self._unsent :], 0
            sent = new if spacing is None else new[1]
            updates.append(([APPEND, new.shape[1], *(spacing or ())], sent.astype("<f4").tobytes()))
        return updates

    def _spacing(self) -> tuple[float, float] | None:
        """Return the first x to append and the distance from x to x, where it is the same for a good many whole x."""
        x = self.points[0, self.points.shape[1] - self._unsent :]
        if len(x) < EVEN or not np.array_equal(x, np.rint(x)) or len(set(np.diff(x))) > 1:
            return None
        return float(x[0]), float(x[1] - x[0])


def _ranges(trace: Trace, spec: FigureSpec) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """The axes' ranges, where points between them may travel as 16 bits."""
    x, y = spec.subplots[trace.subplot].x, spec.subplots[trace.subplot].y
    if trace.live == "append" or "log" in (x.scale, y.scale) or x.range is None or y.range is None:
        return None
    return x.range, y.range


def _pair(x: Any, y: Any) -> np.ndarray:
    return np.stack([np.asarray(v, dtype=float).reshape(-1) for v in (x, y)])


def _quantise(points: np.ndarray, ranges: tuple[tuple[float, float], tuple[float, float]]) -> bytes:
    """16 bits: three times the axis' range, far finer than a pixel."""
    rows = []
    for values, (low, high) in zip(points, ranges, strict=True):
        centre, half = (low + high) / 2, 1.5 * (high - low)
        rows.append(_sixteen_bits((values - centre) / half))
    return np.stack(rows).tobytes()


def _image(trace: Trace) -> Update:
    image = scaled(trace)
    assert trace.z is not None
    rows, columns = trace.z.shape
    low, high = image.ends
    numbers = _sixteen_bits(2 * (image.z - low) / (high - low) - 1)
    parts = [np.asarray(edges, "<f4").tobytes() for edges in (trace.x, trace.y)] + [numbers.tobytes()]
    return [IMAGE, columns, rows, low, high], b"".join(parts)


def _sixteen_bits(shares: np.ndarray) -> np.ndarray:
    """-1 .. 1 -> -32767 .. 32767; -32768 is a gap."""
    scaled_up = np.rint(np.clip(np.nan_to_num(shares), -1, 1) * 32767)
    return np.where(np.isfinite(shares), scaled_up, -32768).astype("<i2")
