"""Which way does the state go from here? Short strokes with a head, as lines broken by NaN."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simviz.figures.frame import Frame

Field = Callable[[np.ndarray], np.ndarray]
_SEGMENTS = 6
"""Straight pieces of a stroke."""
_HEAD = 4.5
"""Pixels of a head's barbs."""
_SHORTEST = 0.35


def streams(field: Field, frame: Frame, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Follow a field from a staggered lattice of points, (n, 2) -> (n, 2) velocities, and return the strokes.

    spacing: pixels between two strokes. Each is a piece of an orbit, its middle on the lattice, its length growing
    with the root of the speed up to 0.8 of the spacing. Where the field is 0 or NaN, or the stroke would leave the
    axes, there is none.
    """
    seeds = _lattice(frame, spacing)  # (n, 2) pixels
    speeds = np.linalg.norm(_velocity(field, frame, seeds), axis=1)
    moving = np.isfinite(speeds) & (speeds > 1e-9 * np.nanmax(speeds, initial=0.0))
    seeds, speeds = seeds[moving], speeds[moving]
    usual = np.quantile(speeds, 0.75) if len(speeds) else 1.0
    lengths = 0.8 * spacing * np.clip(np.sqrt(speeds / usual), _SHORTEST, 1.0)
    back = _follow(field, frame, seeds, -lengths / 2)[:, ::-1]
    forth = _follow(field, frame, seeds, lengths / 2)
    return _with_heads(np.concatenate([back[:, :-1], forth], 1), frame)


def displacements(field: Field, frame: Frame, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Draw straight strokes from a lattice of points towards where a map takes them, at most 0.8 of the spacing long.

    field: (n, 2) -> (n, 2), the displacement.
    """
    seeds = _lattice(frame, spacing)
    ways = _velocity(field, frame, seeds)
    lengths = np.linalg.norm(ways, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        ends = seeds + ways * np.minimum(1.0, 0.8 * spacing / lengths)
    paths = np.stack([seeds, ends], 1)
    return _with_heads(paths[lengths[:, 0] > 2 * _HEAD], frame)


def _lattice(frame: Frame, spacing: float) -> np.ndarray:
    counts = [max(2, round(side / spacing)) for side in frame.size]
    across, up = (side * (np.arange(n) + 0.5) / n for side, n in zip(frame.size, counts, strict=True))
    x, y = np.meshgrid(across, up)
    x[::2] += 0.2 * frame.size[0] / counts[0]
    x[1::2] -= 0.2 * frame.size[0] / counts[0]
    return np.stack([x.ravel(), y.ravel()], 1)


def _velocity(field: Field, frame: Frame, pixels: np.ndarray) -> np.ndarray:
    """Return the field in pixels a unit of time, (n, 2)."""
    span = np.array(frame.high) - np.array(frame.low)
    return field(frame.data(pixels)) / span * np.array(frame.size)


def _follow(field: Field, frame: Frame, seeds: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return paths of given signed lengths along the field's direction, (n, _SEGMENTS + 1, 2): midpoint rule."""

    def direction(pixels: np.ndarray) -> np.ndarray:
        way = _velocity(field, frame, pixels)
        with np.errstate(invalid="ignore", divide="ignore"):
            return way / np.linalg.norm(way, axis=1, keepdims=True)

    step = lengths[:, None] / _SEGMENTS
    path = [seeds]
    for _ in range(_SEGMENTS):
        path.append(path[-1] + step * direction(path[-1] + step / 2 * direction(path[-1])))
    return np.stack(path, 1)


def _with_heads(paths: np.ndarray, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """(n, points, 2) pixels -> lines in numbers: each path, then its two barbs."""
    inside = (np.isfinite(paths) & (paths >= 0) & (paths <= np.array(frame.size))).all((1, 2))
    paths = paths[inside]
    if not len(paths):
        return np.empty(0), np.empty(0)
    tip, before = paths[:, -1:], paths[:, -2:-1]
    along = (tip - before) / np.linalg.norm(tip - before, axis=2, keepdims=True)
    sideways = along[..., ::-1] * [-1, 1]
    left, right = (tip - _HEAD * (0.87 * along + 0.5 * turn * sideways) for turn in (1, -1))
    gap = np.full_like(tip, np.nan)
    lines = frame.data(np.concatenate([paths, gap, left, tip, right, gap], 1).reshape(-1, 2))
    return lines[:, 0], lines[:, 1]
