"""Where does a quantity on a grid have a given value? Level lines, and the lines of equal phase of a complex function.

Lines come as (x, y) with NaN between their pieces, so that every renderer draws the very same ones.
"""

from __future__ import annotations

import numpy as np
from contourpy import contour_generator

_GENUINE = 0.5
"""On a line of equal phase the unit vector's part along that phase is nearly 1; at a jump, nearly 0."""


def level_line(x: np.ndarray, y: np.ndarray, z: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """(columns,), (rows,), (rows, columns) -> the line z = level, (n,) and (n,); none through cells that hold a NaN."""
    pieces = contour_generator(x, y, np.ma.masked_invalid(z)).lines(level)
    return _joined([np.asarray(piece) for piece in pieces])


def phase_line(x: np.ndarray, y: np.ndarray, values: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    r"""Return where arg values = angle: the zeros of :math:`\Im(u e^{-i\,angle})`, u = values / \|values\|.

    Never the cut of the argument, which this sees nothing of; nor where the values change sign (the phase jumps by half
    a turn there and meets every angle on its way): there the part of u along the angle vanishes as well.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        turned = values / np.abs(values) * np.exp(-1j * angle)  # (rows, columns)
    pieces = contour_generator(x, y, np.ma.masked_invalid(turned.imag)).lines(0.0)
    kept: list[np.ndarray] = []
    for piece in (np.asarray(p) for p in pieces):
        genuine = _interpolated(x, y, turned.real, piece) > _GENUINE
        for run in np.split(np.arange(len(piece)), np.flatnonzero(np.diff(genuine)) + 1):
            if genuine[run[0]] and len(run) > 1:
                kept.append(piece[run])
    return _joined(kept)


def _interpolated(x: np.ndarray, y: np.ndarray, z: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return z between the grid's points, (n,); corners without weight may be NaN."""
    total = np.zeros(len(points))
    columns, across = _weights(x, points[:, 0])
    rows, up = _weights(y, points[:, 1])
    for j, b in ((rows, 1 - up), (rows + 1, up)):
        for i, a in ((columns, 1 - across), (columns + 1, across)):
            weight = a * b
            total += np.where(weight > 1e-9, weight * z[j, i], 0.0)
    return total


def _weights(grid: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cell = np.clip(np.searchsorted(grid, at, side="right") - 1, 0, len(grid) - 2)
    return cell, (at - grid[cell]) / (grid[cell + 1] - grid[cell])


def _joined(pieces: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    if not pieces:
        return np.empty(0), np.empty(0)
    gap = np.full((1, 2), np.nan)
    rows = np.concatenate([part for piece in pieces for part in (piece, gap)][:-1])
    return rows[:, 0], rows[:, 1]
