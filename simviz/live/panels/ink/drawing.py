"""How is stirred ink drawn? Dots above the twins' distance, bars, the matrix above the disc."""

from __future__ import annotations

import dataclasses

import numpy as np

from simviz import figures
from simviz.figures import inks
from simviz.figures.tables import Table
from simviz.live.panels.ink.stir import BARS, DOTS, MAPS, STEPS, Stirred
from simviz.live.panels.ink.words import sentence
from simviz.records import FigureSpec, Trace

SIZE = (980, 600)
SHOWN = 1000
"""Dots that are drawn; all are counted."""


def ink_figure(record: Stirred) -> FigureSpec:
    """Return the drawing of a record, its sentence as the state."""
    stirrer = MAPS[record.map]
    exact = stirrer.map.truth().density
    assert exact is not None
    n = record.steps
    after = f"after {n} step{'s' * (n != 1)}"
    disc = figures.spectrum(record.transfer.spectrum, residuals=False, live=True)
    found = np.empty(0, complex) if record.features is None else record.features.eigenvalues.numpy()
    titled = dataclasses.replace(disc.subplots[0], title=f"its {len(record.pushed)} eigenvalues")
    squares = Trace("random features", "method 3", found.real, found.imag, live="replace")
    parts = [
        (inks.dots(record.dots[:SHOWN], record.twins[n], title=f"{SHOWN:,} of {DOTS:,} dots {after}"),
         (0.0, 0.3, 0.5, 1.0)),
        (inks.parting(record.apart, stirrer.lyapunov, STEPS), (0.0, 0.3, 0.0, 0.3)),
        (inks.bars_over(record.masses, record.pushed, exact, title=f"where the ink is {after}"),
         (0.37, 0.67, 0.0, 1.0)),
        (inks.matrix_graph(record.transfer.matrix.to_dense()), (0.75, 1.0, 0.62, 1.0)),
        (FigureSpec((titled,), (*disc.traces, squares)), (0.73, 1.0, 0.0, 0.44)),
    ]  # fmt: skip
    state = sentence(record)
    alt = (
        "Left: dots of ink, two of them twins, above the twins' distance on a log axis. Middle: bars, the share "
        "of dots in each of 25 cells, over the exact invariant density and over what Ulam's matrix makes of the drop. "
        f"Right: the matrix as an image above its eigenvalues in the unit disc. {state}."
    )
    return figures.arrange(parts, size=SIZE, state=state, alt=alt)


def ink_table(record: Stirred) -> Table:
    """Return a row for each bar: where it is, its mass now, the exact one."""
    edges = np.linspace(0, 1, BARS + 1)
    rows = [
        (float(edges[i]), float(edges[i + 1]), float(record.masses[i]), float(record.exact[i])) for i in range(BARS)
    ]
    return Table(("from", "to", "share of the dots", "exact, in the long run"), tuple(rows), sentence(record))
