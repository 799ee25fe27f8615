"""FigureSpec -> Plotly: a plain dictionary for the live channels, a go.Figure for everything else."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from simviz.figures.frame import frame, legend_columns, legend_names, wrapped
from simviz.figures.images import scaled
from simviz.figures.labels import FONT_SIZE, placed
from simviz.figures.theme import GRID, GROUND, STYLES, TEXT, image_colours
from simviz.records import Axis, FigureSpec, Subplot, Trace

if TYPE_CHECKING:
    import plotly.graph_objects as go

FONT = {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 14}
_LEFT, _RIGHT, _LINE = 56, 16, 19
_TOOLS = 210
"""Pixels of Plotly's tool bar, which comes up in the right upper corner."""
_MODES = {
    "points": "markers", "line": "lines", "rays": "lines", "area": "lines", "band": "lines",
    "line+points": "lines+markers", "text": "text", "text beside": "text",
}  # fmt: skip


def to_plotly(spec: FigureSpec, theme: str = "light") -> go.Figure:
    """Return a plain go.Figure: hover, zoom, save as a page; the state line stands above it."""
    import plotly.graph_objects as go  # slow to load; nothing but this function needs it

    layout = plotly_layout(spec, theme)
    height = spec.size[1] + 40
    if spec.state:
        lines = wrapped(spec.state, max(0.5 * spec.size[0], 0.97 * spec.size[0] - _TOOLS), 14)
        above = layout["margin"]["t"]
        layout["title"] = {
            "text": "<br>".join(lines), "font": {"size": 14},
            "x": 0.01, "xanchor": "left", "y": 1.0, "yanchor": "top", "pad": {"t": 18},
        }  # fmt: skip
        layout["margin"]["t"] = above + 17 + _LINE * len(lines)
        height += _LINE * (len(lines) - 1)
    data = [{**plotly_style(t, theme), **plotly_arrays(t)} for t in spec.traces]
    for trace, drawn in zip(spec.traces, data, strict=True):
        if trace.mode == "image":
            drawn["colorbar"] = plotly_bar(spec, trace, theme, height, layout["margin"])
    figure = go.Figure({"data": data, "layout": {**layout, "width": spec.size[0], "height": height}})
    figure.update_layout(meta={"alt": spec.alt})
    return figure


def plotly_style(trace: Trace, theme: str) -> dict[str, Any]:
    """Return a trace without its points: type, axes, colours, shapes."""
    number = "" if trace.subplot == 0 else str(trace.subplot + 1)
    place = {"name": trace.name, "xaxis": f"x{number}", "yaxis": f"y{number}", "showlegend": trace.legend}
    if trace.mode == "image":
        colours = image_colours(trace.role, theme)
        stops = [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)]
        return {"type": "heatmap", **place, "showlegend": False, "colorscale": stops, "showscale": False}
    style = STYLES[trace.role]
    colour = style.colour(theme)
    drawn = {
        "type": "scatter",
        "mode": _MODES[trace.mode],
        **place,
        "opacity": style.opacity,
        "hoverinfo": "skip" if trace.role.startswith("guide") else "x+y+name+text",
        "line": {"color": colour, "width": style.width, "dash": style.dash},
        "marker": {
            "color": GROUND[theme] if style.hollow else colour,
            "size": style.size,
            "symbol": style.symbol,
            "line": {"color": colour, "width": style.width if style.hollow or style.symbol.endswith("-open") else 0},
        },
    }
    if trace.mode == "area":
        drawn |= {"fill": "tozeroy", "fillcolor": _faint(colour)}
    if trace.mode == "band":
        drawn |= {"fill": "toself", "fillcolor": _faint(colour), "hoverinfo": "skip", "line": {"width": 0}}
    if trace.mode.startswith("text"):  # the words themselves are the layout's, each on a plate
        drawn |= {"visible": False, "showlegend": False}
    return drawn


def plotly_arrays(trace: Trace) -> dict[str, Any]:
    """Return a trace's points, hover texts and, of an image, its scaled numbers with their range."""
    x, y = rays(trace.x, trace.y) if trace.mode == "rays" else (np.asarray(trace.x), np.asarray(trace.y))
    arrays: dict[str, Any] = {"x": x, "y": y}
    if trace.labels is not None:
        arrays["text"] = list(trace.labels)
        if not trace.mode.startswith("text"):
            arrays["hoverinfo"] = "text+name"
    if trace.mode == "image":
        image = scaled(trace)
        arrays |= {"z": image.z, "zmin": image.ends[0], "zmax": image.ends[1], "customdata": trace.z}
        arrays["hovertemplate"] = "%{x:.3g}, %{y:.3g}: %{customdata:.3g}<extra>%{fullData.name}</extra>"
        arrays["showscale"] = bool(trace.bar and trace.bar.title)
    return arrays


def rays(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return lines from the origin to each point, broken by NaN."""
    zero, gap = np.zeros_like(x, dtype=float), np.full_like(x, np.nan, dtype=float)
    return tuple(np.stack([zero, np.asarray(v, float), gap], -1).ravel() for v in (x, y))  # type: ignore[return-value]


def plotly_layout(spec: FigureSpec, theme: str) -> dict[str, Any]:
    """Return the layout: axes in their places, titles, words, legend, colours of a theme."""
    entries = legend_names(spec)
    columns = legend_columns(entries, spec.size[0] - _LEFT - _RIGHT, 14)
    layout: dict[str, Any] = {
        "font": {**FONT, "color": TEXT[theme]},
        "paper_bgcolor": GROUND[theme],
        "plot_bgcolor": GROUND[theme],
        "margin": {"l": _LEFT, "r": _RIGHT, "t": 30, "b": 40 + _LINE * max(2, math.ceil(len(entries) / columns))},
        "legend": {"orientation": "h", "x": 0.0, "y": 0.0, "yref": "container", "yanchor": "bottom"},
        "hovermode": "closest",
        "uirevision": "kept",
        "annotations": [],
        "shapes": [],
    }
    barred = {t.subplot for t in spec.traces if t.mode == "image" and t.bar and t.bar.title}
    for index, subplot in enumerate(spec.subplots):
        number = "" if index == 0 else str(index + 1)
        left, right, bottom, top = subplot.place
        layout[f"xaxis{number}"] = {**_axis(subplot.x, theme), "domain": [left, right], "anchor": f"y{number}"}
        layout[f"yaxis{number}"] = {**_axis(subplot.y, theme), "domain": [bottom, top], "anchor": f"x{number}"}
        if subplot.equal:
            layout[f"xaxis{number}"]["constrain"] = "domain"
            layout[f"yaxis{number}"] |= {
                "scaleanchor": f"x{number}",
                "scaleratio": 1,
                "constrain": "domain",
                "constraintoward": "top",
            }
            if index in barred:
                layout[f"xaxis{number}"]["constraintoward"] = "right"
        if subplot.cursor is not None:
            across = {"xref": f"x{number}", "yref": f"y{number} domain", "y0": 0, "y1": 1}
            line = {"color": TEXT[theme], "width": 1.2, "dash": "dash"}
            at = math.log10(subplot.cursor) if subplot.x.scale == "log" else subplot.cursor
            layout["shapes"].append({"type": "line", "x0": at, "x1": at, **across, "line": line})
        title = _title(subplot, spec.size[0])
        layout["margin"]["t"] = max(layout["margin"]["t"], 30 + _LINE * title["text"].count("<br>"))
        layout["annotations"].append(title)
    layout["annotations"] += _words(spec, theme)
    return layout


def _title(subplot: Subplot, width: int) -> dict[str, Any]:
    left, right, _, top = subplot.place
    lines = wrapped(subplot.title, (right - left) * (width - _LEFT - _RIGHT) + 40, 14)
    return _note("<br>".join(lines), (left + right) / 2, top, "center", yanchor="bottom")


def _words(spec: FigureSpec, theme: str) -> list[dict[str, Any]]:
    notes = []
    for label in placed(spec):
        number = "" if label.subplot == 0 else str(label.subplot + 1)
        subplot = spec.subplots[label.subplot]
        x, y = (math.log10(v) if axis.scale == "log" else v for v, axis in ((label.x, subplot.x), (label.y, subplot.y)))
        note = _note(label.text, x, y, "center", yanchor="middle", borderpad=0, font={"size": FONT_SIZE})
        notes.append({**note, "xref": f"x{number}", "yref": f"y{number}", "bgcolor": GROUND[theme] + "c0"})
    return notes


def _note(text: str, x: float, y: float, anchor: str, **more: Any) -> dict[str, Any]:
    place = {"x": x, "y": y, "xref": "paper", "yref": "paper", "xanchor": anchor}
    return {"text": text, "showarrow": False, **place, **more}


def plotly_bar(
    spec: FigureSpec, trace: Trace, theme: str, height: float | None = None, margin: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the colour bar, right of its axes and as tall as they are; height, margin: of the drawing, in pixels."""
    assert trace.bar is not None
    margin = margin or plotly_layout(spec, theme)["margin"]
    inner = (height or spec.size[1]) - margin["t"] - margin["b"]
    image = scaled(trace)
    left, right, bottom, top = spec.subplots[trace.subplot].place
    length = top - bottom
    if spec.subplots[trace.subplot].equal:
        across, up = frame(spec, trace.subplot).size
        length = min(length, (right - left) * (spec.size[0] - _LEFT - _RIGHT) * up / across / inner)
    return {
        "title": {"text": trace.bar.title, "side": "right", "font": {"size": 13}},
        "x": right + 10 / (spec.size[0] - _LEFT - _RIGHT),
        "xanchor": "left",
        "xpad": 0,
        "ypad": 0,
        "y": top,
        "yanchor": "top",
        "len": length,
        "thickness": 14,
        "tickvals": image.ticks,
        "ticktext": list(image.words),
        "tickfont": {"size": 12},
        "outlinecolor": GRID[theme],
    }


def _faint(colour: str) -> str:
    return f"rgba({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))}, 0.3)"


def _axis(axis: Axis, theme: str) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "title": {"text": axis.title, "standoff": 4, "font": {"size": 14}},
        "gridcolor": GRID[theme],
        "zeroline": False,
        "linecolor": GRID[theme],
        "showgrid": axis.grid,
        "tickfont": {"size": 12},
    }
    if axis.scale == "log":
        drawn |= {"type": "log", "exponentformat": "power", "nticks": 6}
    if axis.range is not None:
        drawn["range"] = [float(np.log10(v)) for v in axis.range] if axis.scale == "log" else list(axis.range)
    if axis.ticks is not None:
        drawn["tickvals"] = list(axis.ticks)
        if axis.scale == "log":
            drawn["ticktext"] = [f"{tick:g}" for tick in axis.ticks]
    return drawn
