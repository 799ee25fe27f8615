"""FigureSpec -> a Matplotlib still, for papers, the README and readers without a kernel."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simviz import checks
from simviz.figures.frame import legend_columns, wrapped
from simviz.figures.images import scaled
from simviz.figures.labels import FONT_SIZE, placed
from simviz.figures.render_plotly import rays
from simviz.figures.theme import GRID, GROUND, STYLES, TEXT, image_colours
from simviz.records import FigureSpec, Subplot, Trace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH = 100
ROOM = 115
"""Pixels below the axes for tick labels, axis titles, one row of the legend and one line of the state."""
_ABOVE, _LEFT = 40, 62
_LINE, _ROW = 17, 20
"""Pixels of another line of the state, and of another row of the legend."""
_MARKERS = {
    "circle": "o", "diamond": "D", "x": "X", "square": "s", "triangle-up": "^",
}  # fmt: skip
_DASHES = {"solid": "-", "dash": "--", "dot": ":"}


def to_matplotlib(spec: FigureSpec, theme: str = "light") -> Figure:
    """Return a Matplotlib figure, drawn without pyplot: nothing is shown and no global setting changes."""
    from matplotlib.figure import Figure

    checks.one_of("theme", theme, ("light", "dark"))
    width, height = spec.size
    entries = [t.name for t in spec.traces if t.legend and t.mode not in ("image", "text", "text beside") and len(t.x)]
    columns = legend_columns(entries, 0.97 * width, FONT_SIZE)
    state = wrapped(spec.state, 0.96 * width, 14)
    more = _LINE * max(0, len(state) - 1) + _ROW * max(0, math.ceil(len(entries) / columns) - 1)
    above = _ABOVE + _LINE * (max(len(_title(s, width)) for s in spec.subplots) - 1)
    height += more + above - _ABOVE
    figure = Figure(figsize=(width / DOTS_PER_INCH, height / DOTS_PER_INCH), facecolor=GROUND[theme])
    axes = [_axes(figure, subplot, theme, above, ROOM + more) for subplot in spec.subplots]
    for trace in spec.traces:
        if trace.mode == "image":
            _image(axes[trace.subplot], trace, theme)
        elif not trace.mode.startswith("text"):
            _draw(axes[trace.subplot], trace, theme)
    for label in placed(spec):
        axes[label.subplot].text(
            label.x, label.y, label.text, ha="center", va="center", fontsize=0.72 * FONT_SIZE, color=TEXT[theme],
            zorder=5, bbox={"facecolor": GROUND[theme], "alpha": 0.75, "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    handles, labels = [], []
    for one in axes:
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            handles.append(handle)
            labels.append(label)
    if handles:
        figure.legend(
            handles, labels, loc="lower center", ncols=columns, frameon=False, fontsize=9, borderaxespad=0.1,
            labelcolor=TEXT[theme], bbox_to_anchor=(0.5, (11 + _LINE * len(state)) / height),
        )  # fmt: skip
    if state:
        figure.text(0.5, 10 / height, "\n".join(state), ha="center", va="bottom", fontsize=10, color=TEXT[theme])
    return figure


def still(spec: FigureSpec, path: str | os.PathLike[str], theme: str = "light") -> Path:
    """Write a still to a .png, .svg or .pdf file, with the alt text in its metadata, and return the path."""
    place = Path(path)
    checks.one_of("path's ending", place.suffix.lower(), (".png", ".svg", ".pdf"))
    key = "Subject" if place.suffix.lower() == ".pdf" else "Description"
    figure = to_matplotlib(spec, theme)
    figure.savefig(place, dpi=2 * DOTS_PER_INCH, metadata={key: spec.alt}, facecolor=figure.get_facecolor())
    return place


def _title(subplot: Subplot, width: float) -> list[str]:
    left, right, _, _ = subplot.place
    return wrapped(subplot.title, 0.9 * width * (right - left), 15) or [""]


def _axes(figure: Figure, subplot: Subplot, theme: str, above: int, room: int) -> Axes:
    left, right, bottom, top = subplot.place
    low, high = room / figure.bbox.height, 1 - above / figure.bbox.height
    first = max(0.07, _LEFT / figure.bbox.width)
    width = 0.98 - first
    box = (first + width * left, low + (high - low) * bottom, width * (right - left), (high - low) * (top - bottom))
    axes = figure.add_axes(box, facecolor=GROUND[theme])
    axes.set_title("\n".join(_title(subplot, figure.bbox.width)), fontsize=11, color=TEXT[theme])
    for side, axis in (("x", subplot.x), ("y", subplot.y)):
        getattr(axes, f"set_{side}label")(axis.title, fontsize=10, color=TEXT[theme])
        getattr(axes, f"set_{side}scale")(axis.scale)
        if axis.range is not None:
            getattr(axes, f"set_{side}lim")(*axis.range)
        if axis.scale == "log" and axis.ticks is None:  # the numbers between powers of ten: 2.5, not 2.5 x 10^0
            getattr(axes, f"{side}axis").set_minor_formatter(_between_powers())
        if axis.scale == "linear":
            ticks = getattr(axes, f"{side}axis").get_major_formatter()
            ticks.set_powerlimits((-2, 4))  # beyond, the power stands once at the axis' end
            ticks.set_useMathText(True)
        if axis.ticks is not None:
            words = [f"{tick:g}" for tick in axis.ticks] if axis.scale == "log" else None
            getattr(axes, f"set_{side}ticks")(axis.ticks, words)
            getattr(axes, f"{side}axis").minorticks_off()
        if axis.grid:
            getattr(axes, f"{side}axis").grid(True, color=GRID[theme], linewidth=0.7)
    if subplot.cursor is not None:
        axes.axvline(subplot.cursor, color=TEXT[theme], linewidth=0.9, linestyle="--", zorder=0.8)
    axes.tick_params(which="both", colors=TEXT[theme], labelsize=9)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_color(GRID[theme])
    if subplot.equal:
        axes.set_aspect("equal", adjustable="box", anchor="N")
    return axes


def _between_powers() -> Any:
    """A formatter of few and short labels between powers of ten."""
    from matplotlib.ticker import LogFormatter

    class BetweenPowers(LogFormatter):
        def _num_to_string(self, x: float, vmin: float, vmax: float) -> str:
            return f"{x:g}"

    return BetweenPowers()


def _draw(axes: Axes, trace: Trace, theme: str) -> None:
    style = STYLES[trace.role]
    if not len(trace.x):
        return
    x, y = rays(trace.x, trace.y) if trace.mode == "rays" else (np.asarray(trace.x), np.asarray(trace.y))
    colour = style.colour(theme)
    points = "points" in trace.mode
    outlined = style.hollow or style.symbol.endswith("-open")
    if trace.mode == "band":
        axes.fill(x, y, color=colour, alpha=0.3, linewidth=0)
        return
    axes.plot(
        x, y,
        color=colour,
        linestyle=_DASHES[style.dash] if trace.mode != "points" else "none",
        linewidth=0.75 * style.width,
        marker=_MARKERS[style.symbol.removesuffix("-open")] if points else "none",
        markersize=0.75 * style.size,
        markerfacecolor=GROUND[theme] if style.hollow else "none" if outlined else colour,
        markeredgewidth=0.75 * style.width if outlined else 0.0,
        alpha=style.opacity,
        label=trace.name if trace.legend else "_",
    )  # fmt: skip
    if trace.mode == "area":
        axes.fill_between(x, y, color=colour, alpha=0.3, linewidth=0)


def _image(axes: Axes, trace: Trace, theme: str) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    image = scaled(trace)
    colours = LinearSegmentedColormap.from_list(trace.role, image_colours(trace.role, theme))
    low, high = image.ends
    drawn = axes.pcolormesh(
        trace.x, trace.y, np.ma.masked_invalid(image.z), cmap=colours, vmin=low, vmax=high, rasterized=True, zorder=0.6
    )
    if trace.bar is None or not trace.bar.title:
        return
    axes.set_anchor("NE")
    bar = axes.figure.colorbar(drawn, cax=axes.inset_axes((1.03, 0.0, 0.045, 1.0)), ticks=image.ticks)
    bar.ax.set_yticklabels(image.words)
    bar.ax.tick_params(colors=TEXT[theme], labelsize=9)
    bar.set_label(trace.bar.title, fontsize=10, color=TEXT[theme])
    bar.outline.set_edgecolor(GRID[theme])
