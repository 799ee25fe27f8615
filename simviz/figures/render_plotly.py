"""FigureSpec -> Plotly: a plain dictionary for the live channels, a go.Figure for everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from simviz.figures.theme import GRID, GROUND, STYLES, TEXT
from simviz.records import Axis, FigureSpec, Subplot, Trace

if TYPE_CHECKING:
    import plotly.graph_objects as go

FONT = {"family": "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 14}


def to_plotly(spec: FigureSpec, theme: str = "light") -> go.Figure:
    """Return a plain go.Figure: hover, zoom, save as a page; the state line stands under it."""
    import plotly.graph_objects as go  # slow to load; nothing but this function needs it

    layout = plotly_layout(spec, theme)
    if spec.state:
        layout["title"] = {"text": spec.state, "font": {"size": 14}, "x": 0.01, "xanchor": "left", "y": 0.98}
        layout["margin"]["t"] += 36
    data = [{**plotly_style(t, theme), **_arrays(t)} for t in spec.traces]
    figure = go.Figure({"data": data, "layout": {**layout, "width": spec.size[0], "height": spec.size[1] + 40}})
    figure.update_layout(meta={"alt": spec.alt})
    return figure


def plotly_style(trace: Trace, theme: str) -> dict[str, Any]:
    """Return a trace without its points: type, axes, colours, shapes."""
    style = STYLES[trace.role]
    number = "" if trace.subplot == 0 else str(trace.subplot + 1)
    colour = style.colour(theme)
    modes = {"points": "markers", "line": "lines", "rays": "lines", "line+points": "lines+markers"}
    return {
        "type": "scatter",
        "mode": modes[trace.mode],
        "name": trace.name,
        "xaxis": f"x{number}",
        "yaxis": f"y{number}",
        "showlegend": trace.legend,
        "opacity": style.opacity,
        "hoverinfo": "skip" if trace.role.startswith("guide") else "x+y+name+text",
        "line": {"color": colour, "width": style.width, "dash": style.dash},
        "marker": {
            "color": colour,
            "size": style.size,
            "symbol": style.symbol,
            "line": {"color": colour, "width": style.width if style.symbol.endswith("-open") else 0},
        },
    }


def _arrays(trace: Trace) -> dict[str, Any]:
    x, y = rays(trace.x, trace.y) if trace.mode == "rays" else (np.asarray(trace.x), np.asarray(trace.y))
    arrays: dict[str, Any] = {"x": x, "y": y}
    if trace.labels is not None:
        arrays["text"] = list(trace.labels)
    return arrays


def rays(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return lines from the origin to each point, broken by NaN."""
    zero, gap = np.zeros_like(x, dtype=float), np.full_like(x, np.nan, dtype=float)
    return tuple(np.stack([zero, np.asarray(v, float), gap], -1).ravel() for v in (x, y))  # type: ignore[return-value]


def plotly_layout(spec: FigureSpec, theme: str) -> dict[str, Any]:
    """Return the layout: axes in their places, titles, legend, colours of a theme."""
    layout: dict[str, Any] = {
        "font": {**FONT, "color": TEXT[theme]},
        "paper_bgcolor": GROUND[theme],
        "plot_bgcolor": GROUND[theme],
        "margin": {"l": 56, "r": 16, "t": 30, "b": 78},
        "legend": {"orientation": "h", "x": 0.0, "y": 0.0, "yref": "container", "yanchor": "bottom"},
        "hovermode": "closest",
        "uirevision": "kept",
        "annotations": [],
    }
    for index, subplot in enumerate(spec.subplots):
        number = "" if index == 0 else str(index + 1)
        left, right, bottom, top = subplot.place
        layout[f"xaxis{number}"] = {**_axis(subplot.x, theme), "domain": [left, right], "anchor": f"y{number}"}
        layout[f"yaxis{number}"] = {**_axis(subplot.y, theme), "domain": [bottom, top], "anchor": f"x{number}"}
        if subplot.equal:
            layout[f"xaxis{number}"]["constrain"] = "domain"
            layout[f"yaxis{number}"] |= {"scaleanchor": f"x{number}", "scaleratio": 1, "constrain": "domain"}
        layout["annotations"].append(_title(subplot))
    return layout


def _title(subplot: Subplot) -> dict[str, Any]:
    left, right, _, top = subplot.place
    return _note(subplot.title, (left + right) / 2, top, "center", yanchor="bottom")


def _note(text: str, x: float, y: float, anchor: str, **more: Any) -> dict[str, Any]:
    place = {"x": x, "y": y, "xref": "paper", "yref": "paper", "xanchor": anchor}
    return {"text": text, "showarrow": False, **place, **more}


def _axis(axis: Axis, theme: str) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "title": {"text": axis.title, "standoff": 4},
        "gridcolor": GRID[theme],
        "zeroline": False,
        "linecolor": GRID[theme],
        "showgrid": axis.grid,
        "tickfont": {"size": 12},
    }
    if axis.scale == "log":
        drawn |= {"type": "log", "exponentformat": "power", "dtick": 2}
    if axis.range is not None:
        drawn["range"] = [float(np.log10(v)) for v in axis.range] if axis.scale == "log" else list(axis.range)
    if axis.ticks is not None:
        drawn["tickvals"] = list(axis.ticks)
    return drawn
