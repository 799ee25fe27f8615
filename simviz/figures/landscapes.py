"""How does a loss look against one number? A curve of hills and dips, a dot and its way, the truth dashed."""

from __future__ import annotations

from typing import Any

import numpy as np

from simviz.figures.arrays import real
from simviz.figures.draw import NONE
from simviz.records import Axis, FigureSpec, Subplot, Trace


def landscape(
    x: Any, losses: Any, path: Any, heights: Any, *, true: float | None = None, title: str = "", names: tuple[str, str]
) -> FigureSpec:
    """Draw a loss from 0 to 1 against a number, in per cent, and the way of a descent on it, its last point a dot.

    x, losses: (n,); path, heights: (m,) from the start on; true: where a dashed line stands; names: of the two axes.
    """
    across, up = real("x", x, (None,)), 100 * real("losses", losses, (len(x),))
    way, high = real("path", path, (None,)), 100 * real("heights", heights, (len(path),))
    at = NONE if true is None else np.full(2, true)
    traces = (
        _replaced("loss of the best amplitudes", "loss", across, up, mode="line"),
        _replaced("true angle", "true", at, np.array([-4.0, 106.0])[: len(at)], mode="line", legend=true is not None),
        _replaced("its way", "cobweb", way, high, mode="line+points"),
        _replaced("start", "orbit start", way[:1], high[:1]),
        _replaced("dot", "method 2", way[-1:], high[-1:]),
    )
    axes = (
        Axis(names[0], range=(float(across[0]) - 0.02, float(across[-1]) + 0.02)),
        Axis(names[1], range=(-4.0, 106.0)),
    )
    state = f"from {way[0]:.4g} to {way[-1]:.4g}, loss {high[-1]:.3g} %"
    return FigureSpec((Subplot(title, *axes),), traces, state, f"A loss with hills and dips. {state}.", (900, 320))


def fitted(times: Any, wave: Any, fit: Any, *, title: str = "", axis: str = "t (steps)") -> FigureSpec:
    """Draw a signal as points and a fit to it as a line; times, wave, fit: (n,)."""
    at, seen = real("times", times, (None,)), real("wave", wave, (len(times),))
    reach = 1.35 * float(np.abs(seen).max() or 1.0)
    traces = (
        _replaced("best sines at the dot", "density", at, real("fit", fit, (len(at),)), mode="line"),
        _replaced("data", "data", at, seen),
    )
    axes = Axis(axis, range=(float(at[0]) - 1, float(at[-1]) + 1)), Axis("", range=(-reach, reach))
    return FigureSpec((Subplot(title, *axes),), traces, "", "A signal and a fit to it.", (520, 200))


def falling(heights: Any, total: int, lowest: float, *, title: str = "") -> FigureSpec:
    """Draw a loss against the steps of a descent, on a log axis; heights: (m,), from 0 to 1; lowest: possible."""
    down = np.maximum(100 * real("heights", heights, (None,)), 1e-4)
    steps = np.arange(float(len(down)))
    low = max(100 * lowest, 1e-4)
    floor = 10.0 ** np.floor(np.log10(min(low, float(down.min()))) - 0.2)
    end = max(10.0, 1.05 * total)
    traces = (
        _replaced("loss by step", "loss", steps, down, mode="line", legend=False),
        _replaced("lowest", "true", np.array([0.0, end]), np.full(2, low), mode="line", legend=False),
        _replaced("now", "method 2", steps[-1:], down[-1:], legend=False),
    )
    axes = (
        Axis("step", range=(-0.05 * end, end)),
        Axis("", scale="log", range=(float(floor), 300.0), ticks=(1e-4, 0.01, 1.0, 100.0)),
    )
    return FigureSpec((Subplot(title, *axes),), traces, "", "A loss that falls.", (320, 200))


def _replaced(name: str, role: str, x: Any, y: Any, mode: str = "points", legend: bool = True) -> Trace:
    return Trace(name, role, np.asarray(x, float), np.asarray(y, float), mode=mode, live="replace", legend=legend)
