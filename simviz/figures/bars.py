"""How do a few numbers compare? Horizontal bars, each with its name and its number."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from simviz.records import Axis, FigureSpec, Subplot, Trace


def bars(title: str, names: Sequence[str], values: Sequence[float], words: str, *, live: bool = False) -> FigureSpec:
    """Draw horizontal bars from 0, the first on top; words: a number's format, such as "{:.3g} ms".

    names: of the bars, five at most, which take the colours of `residuals`' methods; values: NaN leaves a bar out.
    """
    known = [value if math.isfinite(value) else 0.0 for value in values]
    longest = max(known) or 1.0
    changes = "replace" if live else ""
    traces = []
    for row, (name, value) in enumerate(zip(names, known, strict=True)):
        role = f"method {row + 1}"
        x, corners = np.array([0, value, value, 0, 0]), np.array([-0.42, -0.42, 0.0, 0.0, -0.42]) - row
        traces.append(Trace(f"{title}: {name}", role, x, corners, mode="band", live=changes, legend=False))
        traces.append(Trace(f"{title}: {name}, edge", role, x, corners, mode="line", live=changes, legend=False))
    written = [words.format(value) if math.isfinite(value) else "not yet" for value in values]
    labels = [f"{name}: {word}" for name, word in zip(names, written, strict=True)]
    x, y = np.full(len(names), 0.57 * longest), 0.24 - np.arange(len(names), dtype=float)
    traces.append(Trace(title, "label", x, y, mode="text", legend=False, labels=labels))
    ends = (0.48 - len(names), 0.8)
    axes = (Axis("", range=(0.0, 1.15 * longest)), Axis("", range=ends, ticks=(), grid=False))
    return FigureSpec((Subplot(title, *axes),), tuple(traces))
