"""How is a dragged picture drawn? The plane left; right what is read along the orbit, and how far the shape changed."""

from __future__ import annotations

from typing import Any

import numpy as np

from simviz import figures
from simviz.figures.images import rounded_up
from simviz.figures.tables import Table
from simviz.live.panels.dragged.drag import STEPS, Dragged
from simviz.live.panels.dragged.words import sentence
from simviz.records import Axis, FigureSpec, Subplot, Trace

SIZE = (980, 560)
PLANE = 0
_NONE = np.empty(0)


def dragged_figure(record: Dragged) -> FigureSpec:
    """Return the drawing of a record, its sentence as the state."""
    n, name = record.step, record.observable
    title = name if n == 0 else f"K of {name}" if n == 1 else f"K^{n} of {name}"
    marks = [
        _replaced("orbit so far", "orbit", *record.orbit[: n + 1].T, mode="line"),
        _replaced("its start", "true points", *record.orbit[:1].T),
        _replaced("dot, after n steps", "start", *record.orbit[n : n + 1].T),
    ]
    plane = figures.picture(
        record.centres, record.centres, record.after, usual=record.usual, marks=marks, live=True,
        title=f"{title} on the {record.system} plane",
    )  # fmt: skip
    parts = [
        (plane, (0.0, 0.46, 0.0, 1.0)),
        (_readings(record), (0.65, 1.0, 0.59, 1.0)),
        (_changes(record), (0.65, 1.0, 0.0, 0.36)),
    ]
    state = sentence(record)
    alt = (
        f"Left: the plane coloured by {title} with lines of equal value, one orbit on it, its start a square. Right: "
        f"{name} along that orbit; below, by how much the picture has changed its shape after each step. {state}."
    )
    return figures.arrange(parts, size=SIZE, state=state, alt=alt)


def dragged_table(record: Dragged) -> Table:
    """Return a row for each step so far: the nearest multiple, the change of shape, the orbit, the reading."""
    rows = [
        (
            n, float(n * record.dt), float(abs(record.multiples[n])), float(np.degrees(np.angle(record.multiples[n]))),
            float(record.changes[n]), *map(float, record.orbit[n]), float(record.readings[n].real),
            float(record.readings[n].imag),
        )
        for n in range(record.step + 1)
    ]  # fmt: skip
    columns = (
        "step", "time", "nearest multiple: modulus", "its angle (degrees)", "change of shape", "s1", "s2",
        "reading", "reading, imaginary",
    )  # fmt: skip
    return Table(columns, tuple(rows), sentence(record))


def _readings(record: Dragged) -> FigureSpec:
    """What is read along the orbit: of a complex observable, both parts."""
    n = record.step
    times = record.dt * np.arange(STEPS + 1)
    read = record.readings
    turning = np.iscomplexobj(read)
    top = rounded_up(1.02 * max(float(np.abs(read).max()), 1e-6))
    low = -top if float(read.real.min()) < -1e-9 * top or turning else 0.0
    one, other = ("real part", "imaginary part") if turning else ("value", "-")
    imaginary = read.imag[: n + 1] if turning else _NONE
    traces = [
        _replaced(one, "loss", times[: n + 1], read.real[: n + 1], mode="line", legend=turning),
        _replaced(other, "metric", times[: len(imaginary)], imaginary, mode="line", legend=turning),
        _replaced("reading now", "start", times[n : n + 1], read.real[n : n + 1], legend=False),
    ]
    axes = Axis("t", range=_span(record)), Axis("", range=(1.08 * low - 0.04 * top, 1.08 * top))
    return FigureSpec((Subplot(f"{record.observable} at the dot", *axes),), tuple(traces))


def _changes(record: Dragged) -> FigureSpec:
    times = record.dt * np.arange(record.step + 1)
    changes = record.changes[: record.step + 1]
    traces = [
        _replaced("change of shape", "method 4", times, changes, mode="line", legend=False),
        _replaced("change now", "growing", times[-1:], changes[-1:], legend=False),
    ]
    axes = (
        Axis("t", range=_span(record)),
        Axis("", range=(-0.06, 1.06), ticks=(0.0, 0.5, 1.0)),
    )
    return FigureSpec((Subplot("change of shape (0: none at all)", *axes),), tuple(traces))


def _span(record: Dragged) -> tuple[float, float]:
    return -0.02 * STEPS * record.dt, 1.02 * STEPS * record.dt


def _replaced(name: str, role: str, x: Any, y: Any, **more: Any) -> Trace:
    return Trace(name, role, np.asarray(x, float), np.asarray(y, float), live="replace", **more)
