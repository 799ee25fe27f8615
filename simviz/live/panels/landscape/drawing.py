"""How is a descent on a frequency drawn? The landscape with its dot, a tail and its fit, the loss by step."""

from __future__ import annotations

import numpy as np

from simviz import figures
from simviz.figures import landscapes
from simviz.figures.tables import Table
from simviz.live.panels.landscape.roll import Roll
from simviz.live.panels.landscape.words import percent, sentence
from simviz.records import FigureSpec

SIZE = (980, 600)
LAND = 0
NAMES = ("base angle theta (radians a step)", "left, % of the spread")


def roll_figure(record: Roll) -> FigureSpec:
    """Return the drawing of a record, its sentence as the state."""
    here = float(record.path[-1])
    times = np.arange(float(record.length))
    multiples = f"theta to {record.harmonics} theta" if record.harmonics > 1 else "theta"
    land = landscapes.landscape(
        record.angles, record.losses, record.path, record.heights, true=record.true and record.true[0], names=NAMES,
        title=f"what sines of {multiples} leave of tails of {record.length} steps",
    )  # fmt: skip
    fit = landscapes.fitted(times, record.wave, record.fit, title=f"one tail, s1, and its best sines at {here:.4f}")
    fall = landscapes.falling(
        record.heights, record.total, min(record.goal[1], record.best[1]), title="left, % (dashed: lowest)"
    )
    parts = [(land, (0.0, 1.0, 0.5, 1.0)), (fit, (0.0, 0.6, 0.0, 0.27)), (fall, (0.7, 1.0, 0.0, 0.27))]
    state = sentence(record)
    alt = (
        f"Above: the share of the tails' spread that the best sines leave, against their base angle, a curve with "
        f"{record.dips} dips; a dot that rolls down on it; the true angle a dashed line. Below: one tail and its fit, "
        f"and the loss by step. {state}."
    )
    return figures.arrange(parts, size=SIZE, state=state, alt=alt)


def roll_table(record: Roll) -> Table:
    """Return a row for each step of the descent so far."""
    rows = [
        (step, float(angle), float(100 * height), percent(float(height)))
        for step, (angle, height) in enumerate(zip(record.path, record.heights, strict=True))
    ]
    return Table(("step", "theta (radians a step)", "left of the spread, %", "in words"), tuple(rows), sentence(record))
