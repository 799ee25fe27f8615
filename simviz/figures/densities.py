"""Where is a point after a long time? Densities from the masses of cells, and the matrix that moves the masses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from simviz import checks
from simviz.figures.arrays import increasing, real
from simviz.records import Axis, ColourBar, FigureSpec, Subplot, Trace

_WHOLE = 1e-3
"""Masses may miss 1 by this much, as those in single precision do."""


def density(
    edges: Any,
    masses: Any,
    *,
    exact: Callable[[torch.Tensor], Any] | tuple[Any, Any] | None = None,
    histogram: Any = None,
    names: tuple[str, ...] = ("s1", "s2"),
) -> FigureSpec:
    """Draw the density of a measure from its masses on cells, which sum to 1: mass over length, or over area.

    edges: (cells + 1,) and masses: (cells,), drawn as steps; or edges: ((columns + 1,), (rows + 1,)) and masses:
    (rows, columns), drawn as an image. For one coordinate also exact: the true density, a function of points (n,) or
    a pair (points, densities), drawn thin and dashed; histogram: points of orbits, drawn as faint bars.
    """
    pair = isinstance(edges, (tuple, list)) and len(edges) == 2 and np.ndim(edges[0]) == 1
    if pair:
        if exact is not None or histogram is not None:
            raise ValueError("exact and histogram are drawn for one coordinate: leave them out for masses of two")
        return _image(increasing("edges", edges[0]), increasing("edges", edges[1]), masses, names)
    ends = increasing("edges", edges)
    cells = _masses(masses, (len(ends) - 1,), f"({len(ends) - 1},), one a cell")
    heights = cells / np.diff(ends)
    traces, highest = [], float(heights.max())
    if histogram is not None:
        bars = _histogram(real("histogram", histogram).ravel(), ends)
        highest = max(highest, float(bars.max()))
        traces.append(Trace("orbit", "histogram", *_steps(ends, bars, closed=True), mode="area"))
    traces.append(Trace("density", "density", *_steps(ends, heights), mode="line"))
    state = f"density on {len(cells)} cells"
    if exact is not None:
        at, curve, true_masses = _exact(exact, ends)
        traces.append(Trace("exact", "true", at, curve, mode="line"))
        apart = 0.5 * float(np.abs(cells - true_masses).sum())
        state += f": {100 * apart:.2g} % of the mass would have to move to give the exact one"
    y = Axis("density", range=(min(0.0, 1.15 * float(heights.min())), 1.15 * highest))
    subplot = Subplot("density", Axis(names[0], range=(float(ends[0]), float(ends[-1]))), y)
    alt = f"Density over {names[0]} as steps, highest {heights.max():.3g}. {state}."
    return FigureSpec((subplot,), tuple(traces), state, alt, (640, 420))


def transfer_matrix(matrix: Any, *, scale: str = "sqrt", title: str = "transfer matrix") -> FigureSpec:
    """Draw a square matrix of masses moved from cell to cell as an image, row 0 on top.

    scale: "sqrt", "log" or "linear", for the colours.
    """
    entries = real("matrix", matrix, (None, None), "(cells, cells)")
    checks.one_of("scale", scale, ("sqrt", "log", "linear"))
    size = len(entries)
    if entries.shape[1] != size:
        raise ValueError(f"matrix must be square, got {entries.shape}")
    if (entries < 0).any() or not (entries > 0).any():
        raise ValueError(f"matrix must hold masses, at least 0 and not all 0, the least is {entries.min():g}")
    top = float(entries.max())
    low = max(float(entries[entries > 0].min()), 1e-6 * top) if scale == "log" else 0.0
    low = low / 10 if low == top else low
    shown = np.where(entries > 0, entries, np.nan)
    cells = np.arange(size + 1) - 0.5
    bar = ColourBar("mass moved", (low, top), scale)
    trace = Trace("matrix", "mass", cells, cells, mode="image", legend=False, z=shown, bar=bar)
    rows, columns = (bool(np.allclose(entries.sum(axis), 1, atol=_WHOLE)) for axis in (1, 0))
    sums = {(True, True): "rows and columns sum", (True, False): "rows sum", (False, True): "columns sum"}
    whole = f"{sums[rows, columns]} to 1" if rows or columns else "neither rows nor columns sum to 1"
    state = f"{size} x {size} entries, {100 * float((entries > 0).mean()):.2g} % of them above 0; {whole}"
    axes = (Axis("column: cell", range=(-0.5, size - 0.5)), Axis("row: cell", range=(size - 0.5, -0.5)))
    subplot = Subplot(title, *axes, place=(0.0, 0.81, 0.0, 1.0), equal=True)
    return FigureSpec((subplot,), (trace,), state, f"Matrix as an image, row 0 on top. {state}.", (600, 600))


def _masses(masses: Any, shape: tuple[int, ...], words: str) -> np.ndarray:
    given = real("masses", masses, shape, words)
    if abs(given.sum() - 1) > _WHOLE:
        raise ValueError(f"masses must sum to 1, got {given.sum():.6g}: divide them by their sum, or find the leak")
    return given


def _image(x: np.ndarray, y: np.ndarray, masses: Any, names: tuple[str, ...]) -> FigureSpec:
    shape = (len(y) - 1, len(x) - 1)
    cells = _masses(masses, shape, f"(rows, columns) = {shape}, one a cell")
    heights = cells / np.outer(np.diff(y), np.diff(x))
    top = float(heights.max())
    bar = ColourBar("density", (0.0, top), "sqrt")
    shown = np.where(heights > 0, heights, np.nan)
    trace = Trace("density", "mass", x, y, mode="image", legend=False, z=shown, bar=bar)
    ratio = float((x[-1] - x[0]) / (y[-1] - y[0]))
    across, up = (Axis(n, range=(float(e[0]), float(e[-1]))) for n, e in zip(names, (x, y), strict=True))
    subplot = Subplot("density", across, up, place=(0.0, 0.81, 0.0, 1.0), equal=0.4 < ratio < 2.5)
    filled = np.sort(cells.ravel())[::-1].cumsum()
    share = (np.searchsorted(filled, 0.9) + 1) / filled.size
    state = f"density on {shape[0]} x {shape[1]} cells: {100 * share:.2g} % of them hold nine tenths of the mass"
    return FigureSpec((subplot,), (trace,), state, f"Density over {names[0]} and {names[1]}. {state}.", (620, 600))


def _steps(edges: np.ndarray, heights: np.ndarray, *, closed: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """(cells + 1,), (cells,) -> the steps over the cells; closed: down to 0 at both ends."""
    x, y = np.repeat(edges, 2)[1:-1], np.repeat(heights, 2)
    return (np.pad(x, 1, mode="edge"), np.pad(y, 1)) if closed else (x, y)


def _histogram(points: np.ndarray, edges: np.ndarray) -> np.ndarray:
    counts, _ = np.histogram(points, edges)
    return counts / len(points) / np.diff(edges)


def _exact(exact: Any, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points, the density there, and the mass of each cell, (cells,).

    The points crowd towards each cell's edges, (1 - cos t) / 2 at equal t, so that a root's pole there costs nothing.
    """
    t = (np.arange(32) + 0.5) * np.pi / 32
    widths = np.diff(edges)
    at = edges[:-1, None] + widths[:, None] * (1 - np.cos(t)) / 2  # (cells, 32)
    weights = np.outer(widths, np.sin(t) / np.sin(t).sum())
    if callable(exact):
        given = exact(torch.from_numpy(at.ravel()))
    else:
        given = np.interp(at.ravel(), increasing("exact", exact[0]), real("exact", exact[1], (len(exact[0]),)))
    heights = real("exact", given, (at.size,), "one density a point").reshape(at.shape)
    return at.ravel(), heights.ravel(), (heights * weights).sum(1)
