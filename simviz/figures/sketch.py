"""FigureSpec -> a small SVG within milliseconds: what a saved notebook shows where no kernel and no widget is.

Plotly and Matplotlib draw better; neither is loaded here, and a live figure is not delayed by its own picture.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import itertools
import math
import re
from collections.abc import Iterator
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from PIL import Image

from simviz import checks
from simviz.figures.frame import Frame, frame, legend_columns, legend_names, wrapped
from simviz.figures.images import scaled
from simviz.figures.labels import FONT_SIZE, placed
from simviz.figures.theme import GRID, GROUND, STYLES, TEXT, THEMES, Style, image_colours
from simviz.records import Axis, FigureSpec, Subplot, Trace

POINTS = 150
"""Most points of a trace that are drawn; of more, every second, third and so on."""
CELLS = 64
"""Most cells along a side of an image."""
_LEFT, _SIDES, _ABOVE, _ABOVE_BELOW = 62, 84, 40, 155
_LINE = 20
_DASHES = {"solid": "", "dash": " stroke-dasharray='8 5'", "dot": " stroke-dasharray='2 4'"}
_SHAPES = {
    "diamond": "m0-{0}l{0} {0}-{0} {0}-{0}-{0}z", "square": "m-{0}-{0}h{1}v{1}h-{1}z",
    "x": "m-{0}-{0}l{1} {1}m0-{1}l-{1} {1}", "triangle-up": "m0-{0}l{0} {1}h-{1}z",
    "circle": "m-{0} 0a{0} {0} 0 1 0 {1} 0a{0} {0} 0 1 0-{1} 0",
}  # fmt: skip
_WORDS = (
    "text{{font:13px sans-serif;text-anchor:middle;fill:{0}}}.t{{font-size:12px}}.y{{text-anchor:end}}"
    ".l{{text-anchor:start}}.h{{font-size:15px}}.s{{font-size:14px}}"
)
"""Styles by class: t a tick's number, y one on the left, l what begins at its place, h a heading, s the state."""
_PLAIN = " '()*,-./:;=@_~!$&+?"
"""What stands for itself in an address that is an attribute."""


def to_svg(spec: FigureSpec, theme: str = "light") -> str:
    """Return a drawing as SVG: axes, traces thinned out, legend and state; the alt text is its title.

    Everything stands on whole pixels: it is to be short.
    """
    checks.one_of("theme", theme, THEMES)
    width = spec.size[0]
    legend = _legend(spec, theme)
    state = wrapped(spec.state, 0.96 * width, 14)
    bottom = spec.size[1] - _ABOVE_BELOW + _ABOVE + 54
    height = bottom + _LINE * (len(legend) + len(state)) + 8
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' role='img'>",
        f"<title>{escape(spec.alt)}</title>" if spec.alt else "",
        f"<style>{_WORDS.format(TEXT[theme])}</style>",
        f"<rect width='{width}' height='{height}' fill='{GROUND[theme]}'/><g fill='none'>",
        *_markers(spec, theme),
    ]
    for index, subplot in enumerate(spec.subplots):
        parts += _subplot(spec, index, subplot, theme)
    parts += [row.replace("@", f"{bottom + _LINE * number}") for number, row in enumerate(legend)]
    parts += [_text(width / 2, bottom + _LINE * number, line, "s") for number, line in enumerate(state, len(legend))]
    return "".join([*parts, "</g></svg>"])


def as_image(spec: FigureSpec) -> str:
    """Return a drawing as HTML: its sketch as an image with the alt text, its state below."""
    data = quote(to_svg(dataclasses.replace(spec, state="", alt="")), safe=_PLAIN)
    image = f'<img alt={quoteattr(spec.alt)} src="data:image/svg+xml,{data}">'
    return f"<figure>{image}<figcaption>{escape(spec.state)}</figcaption></figure>"


def _markers(spec: FigureSpec, theme: str) -> Iterator[str]:
    """What stands at each point of a trace, by its role."""
    for role in sorted({trace.role for trace in spec.traces if "points" in trace.mode}):
        style = STYLES[role]
        symbol, colour = style.symbol.removesuffix("-open"), style.colour(theme)
        filled = symbol == style.symbol and symbol != "x" and not style.hollow
        paint = f"fill='{colour}'" if filled else f"fill='none' stroke='{colour}' stroke-width='{style.width:g}'"
        shape = _SHAPES[symbol].format(f"{style.size / 2:g}", f"{style.size:g}")
        mark = f"<path d='{shape}' {paint}{_solid(style)}/>"
        yield f"<marker id='{_id(role)}' markerUnits='userSpaceOnUse' overflow='visible'>{mark}</marker>"


def _id(role: str) -> str:
    return role.replace(" ", "-")


def _solid(style: Style) -> str:
    return f" opacity='{style.opacity:g}'" if style.opacity < 1 else ""


def _subplot(spec: FigureSpec, index: int, subplot: Subplot, theme: str) -> Iterator[str]:
    pixels = frame(spec, index)
    width, height = pixels.size
    left, right, _, top = subplot.place
    room = (spec.size[0] - _SIDES) * (right - left)
    x = _LEFT + (spec.size[0] - _SIDES) * left + (room - width) / 2
    y = _ABOVE + (spec.size[1] - _ABOVE_BELOW) * (1 - top)
    yield f"<svg x='{x:.0f}' y='{y:.0f}' width='{width:.0f}' height='{height:.0f}' overflow='visible'>"
    yield _text(width / 2, -12, subplot.title, "h") if subplot.title else ""
    ends = f"M0 0H{width:.0f}V{height:.0f}H0z"
    grid, words = zip(_axis(subplot.x, pixels, 0), _axis(subplot.y, pixels, 1), strict=True)
    yield f"<path d='{''.join(grid)}{ends}' stroke='{GRID[theme]}'/>{''.join(words)}"
    yield f"<svg width='{width:.0f}' height='{height:.0f}'>"  # clips what lies outside the axes
    if subplot.cursor is not None:
        at = pixels.pixels(np.array([subplot.cursor]), np.array([pixels.data(np.zeros(2))[1]]))[0, 0]
        yield f"<path d='M{at:.0f} 0V{height:.0f}' stroke='{TEXT[theme]}' stroke-dasharray='6 4'/>"
    for trace in spec.traces:
        if trace.subplot == index and trace.mode == "image":
            yield _image(trace, pixels, theme)
        elif trace.subplot == index and len(trace.x) and not trace.mode.startswith("text"):
            yield from _trace(trace, pixels, theme)
    for label in placed(spec):
        if label.subplot == index:
            (at,) = pixels.pixels(np.array([label.x]), np.array([label.y]))
            yield _text(at[0], height - at[1] + 0.35 * FONT_SIZE, label.text, more=f" font-size='{FONT_SIZE:g}'")
    yield "</svg></svg>"


def _axis(axis: Axis, pixels: Frame, side: int) -> tuple[str, str]:
    """The grid of one axis as a path, and its numbers and title; side: 0 below, 1 on the left."""
    width, height = pixels.size
    low, high, log = pixels.low[side], pixels.high[side], pixels.logs[side]
    grid, words = "", ""
    for tick in axis.ticks if axis.ticks is not None else _ticks(low, high, log):
        share = ((math.log10(tick) if log else tick) - low) / (high - low)
        if not -1e-6 <= share <= 1 + 1e-6:
            continue
        at = share * width if side == 0 else (1 - share) * height
        if axis.grid:
            grid += f"M{at:.0f} 0V{height:.0f}" if side == 0 else f"M0 {at:.0f}H{width:.0f}"
        x, y, name = (at, height + 16, "t") if side == 0 else (-6, at + 4, "t y")
        words += _text(x, y, f"{tick:.4g}", name)
    if axis.title and side == 0:
        words += _text(width / 2, height + 36, axis.title)
    elif axis.title:
        words += _text(-44, height / 2, axis.title, more=f" transform='rotate(-90 -44 {height / 2:.0f})'")
    return grid, words


def _ticks(low: float, high: float, log: bool) -> list[float]:
    """A handful of round numbers between two ends, of which a scale that is logarithmic gives the logarithms."""
    if log and abs(high - low) >= 1:
        every = max(1, round(abs(high - low) / 5))
        first = math.ceil(min(low, high))
        return [10.0**power for power in range(first, math.floor(max(low, high)) + 1, every)]
    if log:
        low, high = 10**low, 10**high
    span = abs(high - low)
    power = 10.0 ** math.floor(math.log10(span / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= 7)
    return [step * k for k in range(math.ceil(min(low, high) / step), math.floor(max(low, high) / step) + 1)]


def _trace(trace: Trace, pixels: Frame, theme: str) -> Iterator[str]:
    style, height = STYLES[trace.role], pixels.size[1]
    colour = style.colour(theme)
    with np.errstate(divide="ignore", invalid="ignore"):  # a zero on a logarithmic axis stands nowhere
        at = _thinned(pixels.pixels(np.asarray(trace.x), np.asarray(trace.y)) * [1, -1] + [0, height])
    stroke = f"stroke='{colour}' stroke-width='{style.width:g}'{_DASHES[style.dash]}{_solid(style)}"
    marked = f" style='marker:url(#{_id(trace.role)})'" if "points" in trace.mode else ""  # at each corner of the path
    if trace.mode == "rays":
        (origin,) = pixels.pixels(np.zeros(1), np.zeros(1)) * [1, -1] + [0, height]
        ends = at[np.isfinite(at).all(1)]
        yield f"<path d='{''.join(_path(np.stack([origin, end])) for end in ends)}' {stroke}/>"
    elif trace.mode == "points":
        yield f"<path d='{_path(at[np.isfinite(at).all(1)])}'{marked}/>"
    elif trace.mode == "line+points":
        yield f"<path d='{_path(at)}' {stroke}{marked}/>"
    elif trace.mode == "band":
        yield f"<path d='{_path(_straightened(at))}z' fill='{colour}' opacity='.3'/>"
    else:
        yield f"<path d='{_path(_straightened(at))}' {stroke}/>"
    if trace.mode == "area":
        yield f"<path d='{_path(_straightened(at))}V{height:.0f}H{at[0, 0]:.0f}z' fill='{colour}' opacity='.3'/>"


def _thinned(at: np.ndarray) -> np.ndarray:
    """Every second, third, .. of more than POINTS points, (n, 2); a broken line stays broken, and keeps its ends."""
    every = math.ceil(len(at) / POINTS)
    broken = ~np.isfinite(at).all(1)
    ends = np.ones(len(at), bool)
    ends[1:-1] = broken[:-2] | broken[2:]
    kept = broken | ends if broken.any() else np.zeros(len(at), bool)
    kept[::every] = True
    return at[kept]


def _straightened(at: np.ndarray) -> np.ndarray:
    """Without the points, (n, 2), that lie within half a pixel of the line through those that stay.

    Douglas and Peucker 1973. A point that is no number stays, and so do its neighbours.
    """
    kept = ~np.isfinite(at).all(1)
    kept[:-1] |= kept[1:].copy()
    kept[1:] |= ~np.isfinite(at[:-1]).all(1)
    kept[[0, -1]] = True
    stays = np.flatnonzero(kept)
    spans = list(itertools.pairwise(stays.tolist()))
    while spans:
        first, last = spans.pop()
        inside, (dx, dy) = at[first + 1 : last] - at[first], at[last] - at[first]
        length = math.hypot(dx, dy)
        off = np.abs(inside @ [-dy, dx]) / length if length > 0 else np.hypot(*inside.T)
        if len(off) and off.max() > 0.5:
            middle = first + 1 + int(off.argmax())
            kept[middle] = True
            spans += [(first, middle), (middle, last)]
    return at[kept]


def _path(at: np.ndarray) -> str:
    """A path through points in pixels, (n, 2), broken where one is no number; in small steps, so that it is short."""
    path: list[str] = []
    last: tuple[int, int] | None = None
    for x, y in at:
        if not (math.isfinite(x) and math.isfinite(y)):
            last = None
            continue
        here = (round(x), round(y))
        if last is None:
            path.append(f"M{here[0]} {here[1]}l")
        elif here != last:
            path.append(f"{here[0] - last[0]} {here[1] - last[1]}")
        last = here
    words = " ".join(path).replace(" -", "-").replace("l ", "l").replace(" M", "M")
    return re.sub(r"l(?=M|$)", "h0", words)  # a point alone


def _image(trace: Trace, pixels: Frame, theme: str) -> str:
    image = scaled(trace)
    z = np.asarray(image.z, float)
    z = z[:: math.ceil(len(z) / CELLS), :: math.ceil(len(z[0]) / CELLS)][::-1]  # the first row stands below
    low, high = image.ends
    share = np.clip((np.nan_to_num(z, nan=low) - low) / ((high - low) or 1), 0, 1)
    colours = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in image_colours(trace.role, theme)])
    stops = np.linspace(0, 1, len(colours))
    rgb = np.stack([np.interp(share, stops, colours[:, channel]) for channel in range(3)], -1)
    alpha = np.where(np.isfinite(z), 255, 0)[..., None]
    file = io.BytesIO()
    Image.fromarray(np.concatenate([rgb, alpha], -1).astype(np.uint8), "RGBA").save(file, "PNG", optimize=True)
    (left, low_y), (right, high_y) = pixels.pixels(np.asarray(trace.x)[[0, -1]], np.asarray(trace.y)[[0, -1]])
    return (
        f"<image x='{left:.1f}' y='{pixels.size[1] - high_y:.1f}' width='{right - left:.1f}' "
        f"height='{high_y - low_y:.1f}' preserveAspectRatio='none' style='image-rendering:pixelated' "
        f"href='data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}'/>"
    )


def _legend(spec: FigureSpec, theme: str) -> list[str]:
    """The rows of the legend, each at height "@"."""
    shown = [t for t in spec.traces if t.name in legend_names(spec) and t.legend and len(t.x)]
    width = spec.size[0] - _SIDES
    columns = legend_columns([t.name for t in shown], width, 14)
    rows = []
    for first in range(0, len(shown), columns):
        row = []
        for column, trace in enumerate(shown[first : first + columns]):
            x = _LEFT + width / columns * column
            colour = STYLES[trace.role].colour(theme)
            dash = _DASHES[STYLES[trace.role].dash]
            key = (
                f"<circle cx='{x + 11:.0f}' cy='-4' r='4.5' fill='{colour}'/>"
                if trace.mode == "points"
                else f"<path d='M{x:.0f}-4h22' stroke='{colour}' stroke-width='3'{dash}/>"
            )
            row.append(key + _text(x + 28, 0, trace.name, "l"))
        rows.append(f"<g transform='translate(0 @)'>{''.join(row)}</g>")
    return rows


def _text(x: float, y: float, words: str, kind: str = "", more: str = "") -> str:
    """Words at a place; kind: their classes, see _WORDS; more: further attributes."""
    classes = f" class='{kind}'" if kind else ""
    return f"<text x='{x:.0f}' y='{y:.0f}'{classes}{more}>{escape(words)}</text>"
