"""What moves when only coordinates turn? A picture, numbers as columns, eigenvalues that fly, matrices."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from simviz.figures.arrays import real
from simviz.figures.draw import NONE
from simviz.figures.spectra import spectrum
from simviz.records import Axis, ColourBar, FigureSpec, Spectrum, Subplot, Trace


def pixels(image: Any, *, title: str = "") -> FigureSpec:
    """Draw a grey picture, (rows, columns), its first row on top; its largest number is the darkest."""
    shown = real("image", image, (None, None), "(rows, columns)")
    rows, columns = shown.shape
    ends = (float(shown.min()), max(float(shown.max()), float(shown.min()) + 1e-9))
    trace = Trace(
        "picture", "mass", np.arange(columns + 1.0), np.arange(rows + 1.0), mode="image", legend=False,
        live="replace", z=shown[::-1], bar=ColourBar("", ends),
    )  # fmt: skip
    across, up = (Axis("", range=(0.0, float(n)), ticks=(), grid=False) for n in (columns, rows))
    return FigureSpec((Subplot(title, across, up, equal=True),), (trace,), "", f"Picture: {title}.", (260, 280))


def columns(
    values: Any,
    before: Any,
    *,
    names: Sequence[str],
    title: str = "",
    axis: str = "",
    words: tuple[str, str, str] = ("now", "before", "largest"),
) -> FigureSpec:
    """Draw a number for each name as a column from 0, the largest with a mark, over the same numbers before, dashed.

    values, before: (n,); names: n; axis: what is counted along; words: of the columns, the dashed
    ones and the mark.
    """
    now = real("values", values, (len(names),))
    old = real("before", before, (len(names),))
    best, n = int(now.argmax()), len(names)
    room = 0.16 * float(np.ptp(np.append(old, 0.0)) or 1.0)
    traces = (
        _replaced(words[0], "histogram", *_steps(now, 0.38), mode="area"),
        _replaced(words[1], "true", *_steps(old, 0.46), mode="line"),
        _replaced(words[2], "growing", np.array([float(best)]), now[best : best + 1] + 0.5 * room),
    )
    ends = (float(min(old.min(), 0.0)) - 0.5 * room, float(max(old.max(), 0.0)) + 1.3 * room)
    axes = (
        Axis(axis, range=(-0.7, n - 0.3), ticks=tuple(float(k) for k in range(n)), grid=False),
        Axis("", range=ends),
    )
    state = f"largest: {names[best]} with {now[best]:.3g}"
    return FigureSpec((Subplot(title, *axes),), traces, state, f"{n} columns, {state}.", (420, 280))


def flying(eigenvalues: Any, trail: Any, trained: Any, *, reach: float, title: str = "", words: str = "") -> FigureSpec:
    """Draw eigenvalues that a change of coordinates moves as diamonds, where they have just been as dots.

    eigenvalues, trail, trained: (n,) complex, trained as open diamonds; nothing where empty; reach: half the side of
    what is shown; words: written in the middle of the disc where there is no eigenvalue to show. None of them is called
    persistent, decaying or growing: there is no time in them.
    """
    now, past, first = (np.asarray(v, complex).ravel() for v in (eigenvalues, trail, trained))
    disc = spectrum(Spectrum(torch.empty(0)), view=(-reach, reach, -reach, reach))
    (axes,) = disc.subplots
    middle = np.zeros(1 if words else 0)
    traces = (
        *disc.traces,
        _replaced("a moment ago", "data", past.real, past.imag),
        _replaced("as trained", "persistent doubted", first.real, first.imag),
        _replaced("eigenvalues of V^T U", "persistent", now.real, now.imag),
        Trace("words", "label", middle, middle, mode="text", legend=False, labels=[words] if words else []),
    )
    state = words or f"{len(now)} eigenvalues, radius {np.abs(now).max(initial=0.0):.2f}"
    subplot = dataclasses.replace(axes, title=title)
    return FigureSpec((subplot,), traces, state, f"Eigenvalues in the complex plane. {state}.", (460, 500))


def shapes(matrices: Sequence[tuple[str, int, int]], widest: int, *, title: str = "", size: int = 1) -> FigureSpec:
    """Draw matrices as rectangles of their rows and columns, side by side as they are multiplied, with their names.

    matrices: (name, rows, columns) from the left; widest: columns, summed, that fit into the picture with the gaps
    between them; size: how many rectangles there are at the most (nothing is drawn of those that are not).
    """
    gap = 0.07 * widest
    whole = sum(columns for _, _, columns in matrices) + gap * (len(matrices) - 1)
    tall = max(rows for _, rows, _ in matrices)
    left, traces, at = -whole / 2, [], []
    for name, rows, wide in matrices:
        x = left + wide * np.array([0, 1, 1, 0, 0.0])
        y = rows * np.array([-0.5, -0.5, 0.5, 0.5, -0.5])
        traces.append((name, x, y))
        at.append(left + wide / 2)
        left += wide + gap
    traces += [("", NONE, NONE)] * (size - len(traces))
    drawn = []
    for number, (_, x, y) in enumerate(traces):
        for mode in ("band", "line"):
            key = f"matrix {number + 1} {mode}"
            drawn.append(Trace(key, "method 1", x, y, mode=mode, live="replace", legend=False))
    labels = [f"{name} {rows} x {wide}" for name, rows, wide in matrices]
    heights = [-tall * (0.72 + 0.32 * (number % 2)) for number in range(len(matrices))]
    drawn.append(Trace("names", "label", np.array(at), np.array(heights), mode="text", legend=False, labels=labels))
    axes = (
        Axis("", range=(-0.64 * widest, 0.64 * widest), ticks=(), grid=False),
        Axis("", range=(-1.25 * tall, 0.62 * tall), ticks=(), grid=False),
    )
    state = " times ".join(labels)
    return FigureSpec((Subplot(title, *axes),), tuple(drawn), state, f"Matrices: {state}.", (460, 160))


def _steps(values: np.ndarray, half: float) -> tuple[np.ndarray, np.ndarray]:
    """The outline of columns, from 0 up and back to 0: (4 n,) each."""
    x = np.arange(len(values))[:, None] + half * np.array([-1.0, -1.0, 1.0, 1.0])
    y = values[:, None] * np.array([0.0, 1.0, 1.0, 0.0])
    return x.ravel(), y.ravel()


def _replaced(name: str, role: str, x: Any, y: Any, mode: str = "points", legend: bool = True) -> Trace:
    return Trace(name, role, np.asarray(x, float), np.asarray(y, float), mode=mode, live="replace", legend=legend)
