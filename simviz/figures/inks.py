"""How does ink spread that a map stirs? Dots, bars over densities, a matrix as its map's graph, twins that part."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from simviz.figures.arrays import real
from simviz.figures.densities import density
from simviz.records import Axis, ColourBar, FigureSpec, Subplot, Trace

LARGEST = 80
"""Rows and columns of a matrix that are drawn; of more, blocks are added up."""
_HIGHEST = 5.6


def dots(x: Any, twins: Any, *, title: str = "dots") -> FigureSpec:
    """Draw points of the unit interval as dots, each at a height of its own that means nothing; two of them marked.

    x: (n,); twins: (2,).
    """
    at = real("x", x, (None,))
    pair = real("twins", twins, (2,))
    heights = np.arange(len(at)) * 0.6180339887498949 % 1
    traces = (
        _replaced("dots", "data", at, heights),
        _replaced("one twin", "shadow", pair[:1], np.full(1, 0.5)),
        _replaced("the other", "start", pair[1:], np.full(1, 0.5)),
    )
    axes = Axis("s", range=(-0.03, 1.03), grid=False), Axis("", range=(-0.03, 1.03), ticks=(), grid=False)
    state = f"{len(at)} dots, two of them {abs(pair[1] - pair[0]):.2g} apart"
    return FigureSpec((Subplot(title, *axes),), traces, state, f"Dots on a line, spread upwards. {state}.", (420, 320))


def bars_over(
    masses: Any, pushed: Any, exact: Callable[[torch.Tensor], Any], *, title: str = "where the ink is"
) -> FigureSpec:
    """Draw masses of equal cells of the unit interval as bars, others as steps, over the exact density, dashed.

    masses: (bars,), pushed: (cells,), each summing to 1; exact: a function of points (n,).
    """
    cells = len(real("pushed", pushed, (None,)))
    drawn = density(np.linspace(0, 1, cells + 1), pushed, exact=exact, names=("s",))
    shares = real("masses", masses, (None,))
    edges = np.repeat(np.linspace(0, 1, len(shares) + 1), 2)
    bars = _replaced("dots", "histogram", edges, np.pad(np.repeat(len(shares) * shares, 2), 1), mode="area")
    steps, curve = drawn.traces
    thin = max(1, cells // 20)  # 32 points a cell are many
    traces = (
        Trace("share of the dots", bars.role, bars.x, bars.y, mode="area", live="replace"),
        _replaced("by Ulam's matrix", steps.role, steps.x, np.minimum(steps.y, 2 * _HIGHEST), mode="line"),
        _replaced(
            "exact, in the long run",
            curve.role,
            curve.x[::thin],
            np.minimum(curve.y[::thin], 2 * _HIGHEST),
            mode="line",
        ),
    )
    subplot = Subplot(title, drawn.subplots[0].x, Axis("density", range=(0.0, _HIGHEST)))
    return FigureSpec((subplot,), traces, drawn.state, f"Bars over two densities. {drawn.state}.", (420, 320))


def matrix_graph(matrix: Any, *, title: str = "Ulam's matrix") -> FigureSpec:
    """Draw a matrix of masses moved between equal cells of the unit interval as the graph of its map.

    matrix: (cells, cells), entry (i, j) the share of cell i's mass that goes to cell j: column i of the picture, row j
    from below. Of more than 80 cells, blocks are drawn.
    """
    entries = real("matrix", matrix, (None, None), "(cells, cells)")
    cells = len(entries)
    size = min(cells, LARGEST)
    block = np.arange(cells) * size // cells
    summed = np.zeros((size, size))
    np.add.at(summed, (block[:, None], block[None, :]), entries)
    shown = summed.T / summed.max()
    edges = np.linspace(0, 1, size + 1)
    image = Trace(
        "matrix", "mass", edges, edges, mode="image", legend=False, live="replace",
        z=np.where(shown > 0, shown, np.nan), bar=ColourBar("", (0.0, 1.0), "sqrt"),
    )  # fmt: skip
    ticks = (0.0, 0.5, 1.0)
    across, up = (Axis(name, range=(0.0, 1.0), ticks=ticks, grid=False) for name in ("from s", "to s"))
    state = f"{cells} x {cells} entries"
    return FigureSpec(
        (Subplot(title, across, up, equal=True),), (image,), state, f"Matrix as an image: {state}.", (320, 340)
    )


def parting(apart: Any, rate: float, steps: int) -> FigureSpec:
    """Draw the distance of two points against steps, on a logarithmic axis, over the line of their Lyapunov exponent.

    apart: (t + 1,), above 0 (0 is drawn as 1e-8); rate: per step; steps: at the axis' right end.
    """
    gaps = np.maximum(real("apart", apart, (None,)), 1e-8)
    t = np.arange(steps + 1.0)
    line = gaps[0] * np.exp(rate * t)
    kept = line < 1 if rate > 0 else np.ones(len(t), bool)
    traces = (
        _replaced("expected", "guide dotted", t[kept], line[kept], mode="line", legend=False),
        _replaced("twins apart", "orbit", t[: len(gaps)], gaps, mode="line", legend=False),
    )
    ticks = (1e-6, 1e-3, 1.0)
    axes = Axis("t (steps)", range=(0.0, float(steps))), Axis("", scale="log", range=(1e-7, 10.0), ticks=ticks)
    grown = f"{math.exp(rate):.3g} times a step expected" if rate > 0 else "no change expected"
    state = f"distance {gaps[-1]:.2g}, {grown}"
    return FigureSpec((Subplot("twins apart", *axes),), traces, state, f"Distance of twins: {state}.", (420, 200))


def _replaced(name: str, role: str, x: np.ndarray, y: np.ndarray, mode: str = "points", legend: bool = True) -> Trace:
    return Trace(name, role, x, y, mode=mode, live="replace", legend=legend)
