"""How does an observable look on the plane? Numbers as colours, and the lines on which they are equal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from simviz import checks
from simviz.figures.arrays import increasing
from simviz.figures.contours import level_line, phase_line
from simviz.figures.images import cell_edges, rounded_up
from simviz.records import Axis, ColourBar, FigureSpec, Subplot, Trace

_LEVELS = (-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75)
"""Of the modulus that most values stay below: a picture that only fades keeps its lines, and their numbers shrink."""
_USUAL = 0.97


def picture(
    x: Any,
    y: Any,
    values: Any,
    *,
    usual: float,
    isochrons: int = 8,
    names: tuple[str, str] = ("s1", "s2"),
    title: str = "observable",
    marks: Sequence[Trace] = (),
    live: bool = False,
) -> FigureSpec:
    """Colour the plane by an observable: a real one by its value, a complex one by its phase, with level lines.

    x: (columns,), y: (rows,), increasing; values: (rows, columns), real or complex, blank where NaN; usual: the modulus
    at the ends of the colours; isochrons: lines of a complex one, 360 degrees divided by that number apart; marks:
    traces on top. Raises ValueError where the shapes do not fit.
    """
    across, up = increasing("x", x), increasing("y", y)
    shown = np.asarray(values)
    if shown.shape != (len(up), len(across)):
        raise ValueError(f"values must be (len(y), len(x)) = {(len(up), len(across))}, got {shown.shape}")
    edges = (cell_edges(across), cell_edges(up))
    changes = "replace" if live else ""
    if np.iscomplexobj(shown):
        z, role = np.degrees(np.angle(shown)) % 360, "phase"
        bar = ColourBar("phase, degrees", (0.0, 360.0), "linear", (0, 90, 180, 270, 360))
        angles = [360 * k / checks.positive_int("isochrons", isochrons) for k in range(isochrons)]
        lines = [(f"{a:g}°", phase_line(across, up, shown, math.radians(a))) for a in angles]
    else:
        z, role = shown, "modulus"
        high = rounded_up(checks.positive("usual", usual))
        bar = ColourBar("value", (-high, high), "linear", (-high, -high / 2, 0.0, high / 2, high))
        finite = np.abs(shown[np.isfinite(shown)])
        size = float(np.quantile(finite, _USUAL)) if len(finite) else 0.0
        lines = [(f"{k * size:.2g}", level_line(across, up, shown, k * size)) for k in _LEVELS] if size > 0 else []
    gap = np.full((2, 1), np.nan)
    joined = np.concatenate([p for _, line in lines for p in (np.stack(line), gap)] or [np.empty((2, 0))], 1)
    at, words = _candidates(lines)
    traces = (
        Trace("observable", role, *edges, mode="image", legend=False, live=changes, z=z, bar=bar),
        Trace("lines of equal value", "level", joined[0], joined[1], mode="line", live=changes, legend=False),
        *marks,
        Trace("their values", "label", at[:, 0], at[:, 1], mode="text", legend=False, labels=words),
    )
    ends = [(float(e[0]), float(e[-1])) for e in edges]
    s1, s2 = (Axis(name, range=end, grid=False) for name, end in zip(names, ends, strict=True))
    state = f"{title}: {'phase' if role == 'phase' else 'values'} with lines at {', '.join(w for w, _ in lines)}"
    return FigureSpec((Subplot(title, s1, s2, equal=True),), traces, state, f"The plane coloured. {state}.", (560, 600))


def _candidates(lines: list[tuple[str, tuple[np.ndarray, np.ndarray]]]) -> tuple[np.ndarray, list[str]]:
    """Return points where the lines' words may stand, some for each line: the first with room takes it."""
    points: list[np.ndarray] = []
    words: list[str] = []
    for number, (word, line) in enumerate(lines):
        kept = np.stack(line, 1)
        kept = kept[np.isfinite(kept).all(1)]
        for share in (0.3, 0.7, 0.5) if len(kept) > 8 else ():
            points.append(kept[int((share + 0.03 * (number % 2)) * len(kept))])
            words.append(word)
    return np.array(points).reshape(-1, 2), words
