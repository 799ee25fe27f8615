"""How are turning coordinates drawn? Image and logits left; right eigenvalues that fly, over the matrices' shapes."""

from __future__ import annotations

import numpy as np

from simviz import figures
from simviz.figures import gauges
from simviz.figures.tables import Table
from simviz.live.panels.gauge.turned import Gauged
from simviz.live.panels.gauge.words import sentence
from simviz.records import FigureSpec

SIZE = (980, 620)
BLANK = "no time left in here"


def gauge_figure(record: Gauged, widest: int) -> FigureSpec:
    """Return the drawing of a record, its sentence as the state; widest: columns of the unfolded matrices, summed."""
    n, guess = len(record.logits), int(record.logits.argmax())
    picture = gauges.pixels(record.picture, title=f"test image {record.number}: a {record.label}")
    logits = gauges.columns(
        record.logits, record.before, names=[str(k) for k in range(n)], axis="digit",
        words=("logits now", "logits as trained", "its answer"),
        title=f"its {n} logits: it says {guess}, which is {'right' if guess == record.label else 'wrong'}",
    )  # fmt: skip
    if record.merged is None:
        shown = record.eigenvalues, record.trail, record.trained
        titles = "eigenvalues of the limit operator (depend on coordinates)", "matrices, as they are multiplied"
    else:
        shown = np.empty(0), np.empty(0), np.empty(0)
        titles = "folded: nothing to draw", f"one matrix of rank {record.rank}, of at most {min(record.merged)}"
    disc = gauges.flying(*shown, reach=record.reach, title=titles[0], words="" if record.merged is None else BLANK)
    rectangles = gauges.shapes(record.matrices, widest, size=4, title=titles[1])
    parts = [
        (picture, (0.0, 0.38, 0.6, 1.0)),
        (logits, (0.0, 0.38, 0.0, 0.43)),
        (disc, (0.5, 1.0, 0.39, 1.0)),
        (rectangles, (0.46, 1.0, 0.0, 0.2)),
    ]
    state = sentence(record)
    alt = (
        "Left: a test image above its logits as columns, those of the trained model dashed. Right: eigenvalues of V^T "
        f"U in the complex plane with the unit circle, above the shapes of the matrices round them. {state}."
    )
    return figures.arrange(parts, size=SIZE, state=state, alt=alt)


def gauge_table(record: Gauged) -> Table:
    """Return a row for each logit of the image, then one for each eigenvalue (none once it is folded)."""
    values = [
        (f"eigenvalue {k + 1}", float(value.real), float(value.imag), "", "")
        for k, value in enumerate(record.eigenvalues)
    ]
    rows = [
        (f"logit of {k}", float(now), 0.0, float(before), float(now - before))
        for k, (now, before) in enumerate(zip(record.logits, record.before, strict=True))
    ]
    columns = ("what", "now (real part)", "imaginary part", "as trained", "change")
    return Table(columns, (*rows, *([] if record.fold else values)), sentence(record))
