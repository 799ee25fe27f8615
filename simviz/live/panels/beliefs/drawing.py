"""What is drawn of a belief: the disc, a row for each residual, and a number's signal against fresh orbits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from simviz import figures
from simviz.figures.spectra import BELIEVED, KINDS
from simviz.figures.tables import Table
from simviz.live.panels.beliefs.belief import FRESH, STEPS, Belief, leaders
from simviz.live.panels.beliefs.words import receipt, sentence, written
from simviz.records import Axis, FigureSpec, Subplot, Trace

DISC, ROWS, STRIP = range(3)
"""The subplots' places in the figure."""
SIZE = (980, 620)
_NONE = np.empty(0)
_WIDTHS = (0.25, 0.5, 1.0)
"""Widths of the plane that is drawn where eigenvalues crowd, the smallest that holds them all."""
_RESIDUALS, _GUTTER = (1e-33, 10.0), 1e-25
"""The axis of residuals leaves room on its left for what is written."""
_SMALLEST = 1e-16
_TICKS = (1e-15, 1e-10, 1e-5, BELIEVED)
_MOST_ROWS, _FEWEST_ROWS = 9, 3
_BESIDE = 0.2 * STEPS
"""Steps from the line in the strip to the middle of the words beside it."""


def view_of(record: Belief) -> tuple[float, float, float, float]:
    """Return what is drawn of the plane, (left, right, bottom, top): the whole disc, or where the eigenvalues are."""
    values = record.values
    reach = max(1.25, 1.1 * float(np.abs(values).max())) if len(values) else 1.25
    if not record.whole and len(values):
        right = max(1.0, float(values.real.max()))
        for width in _WIDTHS:
            left = right - 0.86 * width
            if values.real.min() > left + 0.12 * width and np.abs(values.imag).max() < 0.4 * width:
                return left, left + width, -width / 2, width / 2
    return -reach, reach, -reach, reach


def belief_figure(record: Belief) -> FigureSpec:
    """Return the drawing of a belief, its sentence as the state."""
    parts = [
        (_disc(record), (0.03, 0.51, 0.0, 1.0)),
        (_rows(record), (0.59, 1.0, 0.6, 1.0)),
        (_strip(record), (0.59, 1.0, 0.0, 0.4)),
    ]
    state = sentence(record)
    alt = (
        "Left: eigenvalues in the complex plane with the unit circle, a solid ring where the residual is below "
        f"{BELIEVED}, dotted where not. Right: every residual on a logarithmic axis; below, the powers of one number "
        f"against its eigenfunction along fresh orbits. {state}"
    )
    return figures.arrange(parts, size=SIZE, state=state, alt=alt)


def belief_table(record: Belief) -> Table:
    """Return a row for each eigenvalue, with its rate log(lambda) / dt, residual and the steps it is trusted for."""
    rates = record.spectrum.continuous.numpy()
    trusted = record.spectrum.trusted_steps.numpy()
    names = record.spectrum.names or [""] * len(rates)
    rows = [
        (
            i + 1, names[i], float(v.real), float(v.imag), float(abs(v)), float(np.degrees(np.angle(v))),
            float(rates[i].real), float(rates[i].imag), float(record.residuals[i]),
            "in sample" if record.spectrum.in_sample else "yes" if record.believed[i] else "no", float(trusted[i]),
        )
        for i, v in enumerate(record.values)
    ]  # fmt: skip
    columns = (
        "number", "mostly", "real", "imaginary", "modulus", "angle (degrees)",
        "rate", "rate, imaginary", "residual", "believed", "trusted steps",
    )  # fmt: skip
    return Table(columns, tuple(rows), sentence(record).rstrip("."))


def _disc(record: Belief) -> FigureSpec:
    view = view_of(record)
    drawn = figures.spectrum(record.spectrum, view=view, live=True)
    upper = leaders(record.values)
    chosen = upper[np.argsort(record.residuals[upper], kind="stable")][:_MOST_ROWS]
    label = [receipt(r) for r in record.residuals[chosen]]
    at = record.values[chosen]
    taken = record.values[[record.picked]] if record.picked is not None else np.empty(0, complex)
    moved = np.array([record.number] if record.moved else [], complex)
    guides = [t for t in drawn.traces if not t.live]
    traces = [
        *guides,
        *[t for t in drawn.traces if t.live],
        _replaced("in your hand", "true points", taken.real, taken.imag),
        _replaced("moved to", "point", moved.real, moved.imag),
        Trace("residuals", "label", at.real, at.imag, mode="text beside", legend=False, labels=label),
    ]
    ticks = (-1.0, 0.0, 1.0) if view[0] <= -1 else None
    re, im = (Axis(t, range=end, ticks=ticks) for t, end in (("Re", view[:2]), ("Im", view[2:])))
    near = "" if view[0] <= -1 else " near 1"
    count = f"{record.size} observable{'s' * (record.size != 1)}"
    title = f"eigenvalues{near}: {count}, dt {record.spectrum.dt:g}"
    return FigureSpec((Subplot(title, re, im, equal=True),), tuple(traces))


def _rows(record: Belief) -> FigureSpec:
    """Return the residuals, a row for each real eigenvalue and each pair, marked as in the disc."""
    upper = leaders(record.values)
    count = min(max(len(upper), _FEWEST_ROWS), _MOST_ROWS)
    row = {int(place): -1.0 - i for i, place in enumerate(upper[:_MOST_ROWS])}
    shown = np.array(list(row), int)
    x, y = _held(record.residuals[shown]), np.array(list(row.values()))
    believed = record.believed[shown]
    threshold = Trace(
        "threshold", "guide dotted", np.full(2, BELIEVED), np.array([-99.0, 0.0]), mode="line", legend=False
    )
    traces = [threshold]
    for name in KINDS:
        kind = getattr(record.spectrum, name).numpy()[shown]
        for role, mask in ((name, kind & believed), (f"{name} doubted", kind & ~believed)):
            traces.append(_replaced(f"{role}: row", role, x[mask], y[mask], legend=False))
    mine = np.array([height for height in [_row_of(record, row)] if height is not None])
    own = math.nan if record.picked is None else record.residuals[record.picked]
    moved = mine if record.moved else _NONE
    traces.append(_replaced("taken: row", "true points", _held(own + 0 * mine), mine, legend=False))
    traces.append(_replaced("moved: row", "point", _held(record.residual + 0 * moved), moved, legend=False))
    words = [
        f"{written(complex(v))}: {receipt(r)}"
        for v, r in zip(record.values[shown], record.residuals[shown], strict=True)
    ]
    traces.append(Trace("rows", "label", np.full(len(y), _GUTTER), y, mode="text", legend=False, labels=_apart(words)))
    on = f"the {record.snapshots} training snapshots" if record.spectrum.in_sample else f"{FRESH:,} fresh snapshots"
    axes = (
        Axis("", scale="log", range=_RESIDUALS, ticks=_TICKS),
        Axis("", range=(-count - 0.6, -0.4), ticks=(), grid=False),
    )
    more = f", {_MOST_ROWS} of {len(upper)}" if len(upper) > _MOST_ROWS else ""
    return FigureSpec((Subplot(f"residual on {on}{more}", *axes),), tuple(traces))


def _strip(record: Belief) -> FigureSpec:
    steps = np.arange(STEPS + 1.0)
    with np.errstate(all="ignore"):
        powers = record.number**steps
    found = _NONE
    if record.moved and record.picked is not None:
        found = (record.values[record.picked] ** steps).real
    turning = abs(record.number.imag) > 1e-9 or record.number.real < 0
    size = np.abs(powers)
    envelope = np.concatenate([size, [np.nan], -size]) if turning else _NONE
    orbits = np.where(np.abs(record.orbits.real) < 10, record.orbits.real, np.nan)
    joined = np.concatenate([orbits, np.full((len(orbits), 1), np.nan)], 1).ravel()
    across = np.tile(np.append(steps, np.nan), len(orbits))
    traces = [
        _replaced("modulus^t", "guide dotted", np.append(np.append(steps, np.nan), steps)[: len(envelope)], envelope,
                  mode="line", legend=False),
        _replaced("powers of the one found", "loss", steps[: len(found)], found, mode="line"),
        _replaced("its powers", "method 4", steps, powers.real, mode="line"),
        _replaced("h along fresh orbits", "true", across, joined, mode="line"),
    ]  # fmt: skip
    until = record.trusted if not record.moved and record.trusted <= STEPS else None
    at = np.array([] if until is None else [until])
    label = [] if until is None else ["trusted up to here"]
    beside = np.where(at < 0.6 * STEPS, at + _BESIDE, at - _BESIDE)
    traces.append(Trace("trust", "label", beside, 1.22 + 0 * at, mode="text", legend=False, labels=label))
    lowest = min(float(np.nanmin(powers.real)), float(np.nanmin(orbits)) if np.isfinite(orbits).any() else 0.0)
    axes = (
        Axis("t (steps)", range=(0.0, float(STEPS))),
        Axis("h(s_t) / h(s_0)", range=(-0.05 if lowest > -0.05 else -1.4, 1.4)),
    )
    title = f"powers of {written(record.number)}, fresh orbits"
    return FigureSpec((Subplot(title, *axes, cursor=until),), tuple(traces))


def _row_of(record: Belief, row: dict[int, float]) -> float | None:
    """Return the height of the row that the picked eigenvalue, or its conjugate, has; None where it is not shown."""
    if record.picked is None:
        return None
    return row.get(record.picked, row.get(record.picked - 1) if record.values[record.picked].imag < 0 else None)


def _apart(words: list[str]) -> list[str]:
    """Return words of which no two are the same, as the same word is not written twice close together."""
    return [word + " " * words[:i].count(word) for i, word in enumerate(words)]


def _held(residuals: np.ndarray) -> np.ndarray:
    """Return residuals as they are drawn: those of rounding at the left end, large ones at the right."""
    return np.clip(residuals, _SMALLEST, 5.0)


def _replaced(name: str, role: str, x: Any, y: Any, **more: Any) -> Trace:
    return Trace(name, role, np.asarray(x, float), np.asarray(y, float), live="replace", **{"mode": "points", **more})
