"""How are answers to the clock task drawn? A strip for each model: the signal dashed, what the model says over it."""

from __future__ import annotations

import numpy as np

from simviz import figures
from simviz.figures.tables import Table
from simviz.learning.data.rhythms import HORIZON
from simviz.live.panels.clock.answers import Answer, Asked
from simviz.live.panels.clock.words import error, sentence
from simviz.records import Axis, FigureSpec, Subplot, Trace

COLUMNS = 2
ROW, WIDTH, AROUND = 160, 980, 130
"""Pixels of a strip's height, of the figure's width, and above and below all strips."""
TOP = 3.2


def clock_figure(record: Asked) -> FigureSpec:
    """Return the drawing of a record, its sentence as the state."""
    rows = -(-len(record.answers) // COLUMNS)
    parts = []
    for number, answer in enumerate(record.answers):
        row, column = divmod(number, COLUMNS)
        left, bottom = column * 0.54, 1 - (row + 1) / rows
        place = (left, left + 0.46, bottom + 0.1 / rows, bottom + 0.78 / rows)
        parts.append((_strip(record, answer, first=number == 0, last=row == rows - 1), place))
    state = sentence(record)
    alt = (
        f"A strip for each of {len(record.answers)} models: a {record.rhythm} signal against t, dashed, and what the "
        f"model says, up to t = {HORIZON} as trained and on beyond a dotted line. {state}."
    )
    return figures.arrange(parts, size=(WIDTH, AROUND + ROW * rows), state=state, alt=alt)


def clock_table(record: Asked) -> Table:
    """Return a row for each model: its mean squared errors on all test excerpts, and on this one."""
    rows = [(a.name, _or_not(a.error), _or_not(a.beyond), *a.here, a.share) for a in record.answers]
    rows.append(("the best constant", 1.0, 1.0, *_constant(record), 1.0))
    columns = ("model", "error", "error beyond", "this excerpt", "this excerpt, beyond", "trained")
    return Table(columns, tuple(rows), sentence(record))


def _strip(record: Asked, answer: Answer, *, first: bool, last: bool) -> FigureSpec:
    before, after = np.arange(-len(record.heard), 0.0), np.arange(float(len(record.signal)))
    shown = np.clip(answer.said, -TOP, TOP)
    edge = np.array([HORIZON - 0.5, HORIZON - 0.5]), np.array([-TOP, TOP])
    name = answer.name
    traces = (
        Trace("excerpt", "data", before, record.heard, live="replace", legend=first, key=f"{name}: excerpt"),
        Trace("signal", "true", after, record.signal, mode="line", live="replace", legend=first, key=f"{name}: signal"),
        Trace("answer", "learned", after, shown, mode="line", live="replace", legend=first, key=f"{name}: answer"),
        Trace("trained up to here", "guide dotted", *edge, mode="line", legend=first, key=f"{name}: edge"),
    )
    across = Axis("t (steps)" if last else "", range=(before[0], after[-1]))
    title = f"{name}: {error(answer.error)}"
    subplot = Subplot(title, across, Axis("", range=(-TOP, TOP), ticks=(-2.0, 0.0, 2.0)))
    return FigureSpec((subplot,), traces)


def _constant(record: Asked) -> tuple[float, float]:
    within, beyond = np.split(record.signal, [HORIZON])
    return float((within**2).mean()), float((beyond**2).mean())


def _or_not(value: float) -> float | str:
    return value if np.isfinite(value) else "not measured yet"
