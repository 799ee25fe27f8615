"""Where may words stand? Each label finds room or is left out; both renderers write the same ones there."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simviz.figures.frame import LETTER, Frame, frame
from simviz.figures.theme import STYLES
from simviz.records import FigureSpec, Trace

FONT_SIZE = 12.5
"""Pixels of a label's letters."""
_GAPS = (3.0, 8.0, 14.0, 20.0)
_TURNS = np.deg2rad([0, 40, -40, 80, -80, 120, -120, 180])
_HIDING = ("points", "line+points")
_AGAIN = 160
"""Pixels from a word on a line to the next place where the same word may stand."""


@dataclass(frozen=True)
class Label:
    """A word at a point of a subplot, in its numbers; the point is the word's centre."""

    subplot: int
    x: float
    y: float
    text: str


def placed(spec: FigureSpec) -> list[Label]:
    """Return the labels that have room, in the order given: the first come is the first placed.

    A label keeps clear of the axes' border, of the labels before it, and of all marks and rings. Beside its point it
    stands where no other point is nearer, and of such places takes the one that covers the least of other lines.
    """
    labels: list[Label] = []
    for index in sorted({t.subplot for t in spec.traces if t.mode.startswith("text")}):
        pixels = frame(spec, index)
        marks, rings, lines = _obstacles(spec, index, pixels)
        taken: list[np.ndarray] = []  # boxes (left, right, bottom, top)
        for trace in spec.traces:
            if trace.subplot != index or not trace.mode.startswith("text"):
                continue
            beside = trace.mode == "text beside"
            anchors = pixels.pixels(np.asarray(trace.x), np.asarray(trace.y))
            written: dict[str, list[np.ndarray]] = {}
            for anchor, text in zip(anchors, trace.labels or (), strict=True):
                half = np.array([LETTER * FONT_SIZE * len(text) / 2 + 2, 0.62 * FONT_SIZE + 1])
                if not ((anchor >= 0) & (anchor <= pixels.size)).all():
                    continue
                if beside:
                    centres = [c for c in _round(anchor, half, pixels) if _nearest(c, half, anchor, marks)]
                else:
                    again = any(math.dist(anchor, other) < _AGAIN for other in written.get(text, ()))
                    centres = [] if again else [anchor]
                best = _best(centres, half, pixels, taken, np.concatenate([marks, rings]), lines)
                if best is not None:
                    taken.append(_box(best, half))
                    written.setdefault(text, []).append(anchor)
                    x, y = pixels.data(best)
                    labels.append(Label(index, float(x), float(y), text))
    return labels


def _round(anchor: np.ndarray, half: np.ndarray, pixels: Frame) -> Iterator[np.ndarray]:
    """Yield centres round a point, away from the axes' middle first, near ones before far ones."""
    out = anchor - np.array(pixels.size) / 2
    first = math.atan2(out[1], out[0])
    for gap, turn in itertools.product(_GAPS, _TURNS):
        way = np.array([math.cos(first + turn), math.sin(first + turn)])
        yield anchor + way * (gap + 4 + half)


def _best(
    centres: list[np.ndarray],
    half: np.ndarray,
    pixels: Frame,
    taken: list[np.ndarray],
    marks: np.ndarray,
    lines: np.ndarray,
) -> np.ndarray | None:
    chosen, least = None, math.inf
    for centre in centres:
        left, right, bottom, top = _box(centre, half)
        inside = left >= 1 and bottom >= 1 and right <= pixels.size[0] - 1 and top <= pixels.size[1] - 1
        free = all(left >= b[1] or right <= b[0] or bottom >= b[3] or top <= b[2] for b in taken)
        if inside and free and not _within(marks, centre, half):
            covered = _within(lines, centre, half)
            if covered < least:
                chosen, least = centre, covered
            if covered == 0:
                break
    return chosen


def _box(centre: np.ndarray, half: np.ndarray) -> np.ndarray:
    return np.array([centre[0] - half[0], centre[0] + half[0], centre[1] - half[1], centre[1] + half[1]])


def _within(circles: np.ndarray, centre: np.ndarray, half: np.ndarray) -> int:
    """Return how many circles, (n, 3) of centre and radius, touch a box."""
    return int((_outside(circles, centre, half) < circles[:, 2]).sum())


def _nearest(centre: np.ndarray, half: np.ndarray, anchor: np.ndarray, marks: np.ndarray) -> bool:
    """Return whether no mark is nearer to a box than the one it belongs to, so that nobody takes it for another's."""
    own = _outside(anchor[None], centre, half)[0]
    others = marks[np.hypot(*(marks[:, :2] - anchor).T) > 2]
    return not (_outside(others, centre, half) < own).any()


def _outside(points: np.ndarray, centre: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Return the distance of points, (n, 2 or more), from a box."""
    beyond = np.maximum(np.abs(points[:, :2] - centre) - half, 0)
    return np.hypot(beyond[:, 0], beyond[:, 1])


def _obstacles(spec: FigureSpec, index: int, pixels: Frame) -> list[np.ndarray]:
    """Return what a label must not cover (marks, rings) and what it had better not (lines), as circles (n, 3)."""
    marks, rings, lines = ([np.empty((0, 3))] for _ in range(3))
    for trace in spec.traces:
        if trace.subplot != index or not _drawn_as_line_or_mark(trace):
            continue
        points = pixels.pixels(np.asarray(trace.x), np.asarray(trace.y))
        points = points[np.isfinite(points).all(1)]
        style = STYLES[trace.role]
        hides = trace.mode in _HIDING
        radius = style.size / 2 + 2 if hides else style.width / 2
        circles = np.column_stack([points, np.full(len(points), radius)])
        (marks if hides else rings if trace.role.startswith("ring") else lines).append(circles)
    return [np.concatenate(group) for group in (marks, rings, lines)]


def _drawn_as_line_or_mark(trace: Trace) -> bool:
    return trace.mode in (*_HIDING, "line") and len(trace.x) > 0
