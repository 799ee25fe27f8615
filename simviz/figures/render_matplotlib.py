"""FigureSpec -> a Matplotlib still, for papers, the README and readers without a kernel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simviz import checks
from simviz.figures.render_plotly import rays
from simviz.figures.theme import GRID, GROUND, STYLES, TEXT
from simviz.records import FigureSpec, Subplot, Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH = 100
ROOM = 115
"""Pixels below the axes for tick labels, axis titles, legend and state line."""
_MARKERS = {
    "circle": "o", "diamond": "D", "diamond-open": "D", "x": "X", "square": "s", "triangle-up": "^",
}  # fmt: skip
_DASHES = {"solid": "-", "dash": "--", "dot": ":"}


def to_matplotlib(spec: FigureSpec, theme: str = "light") -> Figure:
    """Return a Matplotlib figure, drawn without pyplot: nothing is shown and no global setting changes."""
    from matplotlib.figure import Figure

    checks.one_of("theme", theme, ("light", "dark"))
    width, height = spec.size
    figure = Figure(figsize=(width / DOTS_PER_INCH, height / DOTS_PER_INCH), facecolor=GROUND[theme])
    axes = [_axes(figure, subplot, theme) for subplot in spec.subplots]
    for trace in spec.traces:
        _draw(axes[trace.subplot], trace, theme)
    handles, labels = [], []
    for one in axes:
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            handles.append(handle)
            labels.append(label)
    if handles:
        figure.legend(
            handles, labels, loc="lower center", ncols=min(8, len(labels)), frameon=False, fontsize=9,
            labelcolor=TEXT[theme], bbox_to_anchor=(0.5, 28 / height if spec.state else 0.0),
        )  # fmt: skip
    if spec.state:
        figure.text(0.5, 10 / height, spec.state, ha="center", fontsize=10, color=TEXT[theme])
    return figure


def still(spec: FigureSpec, path: str | os.PathLike[str], theme: str = "light") -> Path:
    """Write a still to a .png, .svg or .pdf file, with the alt text in its metadata, and return the path."""
    place = Path(path)
    checks.one_of("path's ending", place.suffix.lower(), (".png", ".svg", ".pdf"))
    key = "Subject" if place.suffix.lower() == ".pdf" else "Description"
    figure = to_matplotlib(spec, theme)
    figure.savefig(place, dpi=2 * DOTS_PER_INCH, metadata={key: spec.alt}, facecolor=figure.get_facecolor())
    return place


def _axes(figure: Figure, subplot: Subplot, theme: str) -> Axes:
    left, right, bottom, top = subplot.place
    low, high = ROOM / figure.bbox.height, 1 - 40 / figure.bbox.height
    box = (0.07 + 0.91 * left, low + (high - low) * bottom, 0.91 * (right - left), (high - low) * (top - bottom))
    axes = figure.add_axes(box, facecolor=GROUND[theme])
    axes.set_title(subplot.title, fontsize=11, color=TEXT[theme])
    for side, axis in (("x", subplot.x), ("y", subplot.y)):
        getattr(axes, f"set_{side}label")(axis.title, fontsize=10, color=TEXT[theme])
        getattr(axes, f"set_{side}scale")(axis.scale)
        if axis.range is not None:
            getattr(axes, f"set_{side}lim")(*axis.range)
        if axis.ticks is not None:
            getattr(axes, f"set_{side}ticks")(axis.ticks)
    axes.tick_params(colors=TEXT[theme], labelsize=9)
    axes.grid(True, color=GRID[theme], linewidth=0.7)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(GRID[theme])
    if subplot.equal:
        axes.set_aspect("equal", adjustable="box")
    return axes


def _draw(axes: Axes, trace: Trace, theme: str) -> None:
    style = STYLES[trace.role]
    if not len(trace.x):
        return
    x, y = rays(trace.x, trace.y) if trace.mode == "rays" else (np.asarray(trace.x), np.asarray(trace.y))
    colour = style.colour(theme)
    points = "points" in trace.mode
    axes.plot(
        x, y,
        color=colour,
        linestyle=_DASHES[style.dash] if trace.mode != "points" else "none",
        linewidth=0.75 * style.width,
        marker=_MARKERS[style.symbol] if points else "none",
        markersize=0.75 * style.size,
        markerfacecolor="none" if style.symbol.endswith("-open") else colour,
        markeredgewidth=0.75 * style.width if style.symbol.endswith("-open") else 0.0,
        alpha=style.opacity,
        label=trace.name if trace.legend else "_",
    )  # fmt: skip
