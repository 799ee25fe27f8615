"""How do things stand with the eigenvalues? Numbers as they are written beside them, and the state line."""

from __future__ import annotations

import cmath
import math

import numpy as np

from simviz.dynamics.systems import SlowManifold
from simviz.figures.spectra import BELIEVED, short
from simviz.live.panels.beliefs.belief import Belief, nearest


def written(value: complex) -> str:
    """Write a number in few digits: a real one as it is, any other as modulus and angle.

    >>> written(0.99), written(1j)
    ('0.9900', '1.000 at 90.0°')
    """
    if abs(value.imag) < 1e-9:
        return f"{value.real:.4f}"
    return f"{abs(value):.3f} at {math.degrees(cmath.phase(value)):.1f}°"


def receipt(residual: float) -> str:
    """Write a residual in few letters, "?" where there is none."""
    return "?" if math.isnan(residual) else short(residual)


def span(steps: float, dt: float) -> str:
    """Say for how long something is trusted, in steps and in units of time."""
    if steps > 1e6:
        return "more than a million steps"
    count = f"{steps:.1f}" if steps < 9.95 else f"{float(f'{steps:.2g}'):,.0f}"
    return f"{count} steps ({float(f'{steps * dt:.2g}'):g} units of time)"


def sentence(record: Belief) -> str:
    """Return how many are believed and for how long, what is in the hand, and one thing to try."""
    if not len(record.values):
        return "No observable is ticked, so there is no eigenvalue: tick s1."
    parts = [_count(record), _hand(record), _hint(record)]
    return "; ".join(part for part in parts if part)


def _count(record: Belief) -> str:
    total, few = len(record.values), record.size > record.snapshots
    crowd = f" ({record.size} observables, only {record.snapshots} snapshots)" if few else ""
    if record.spectrum.in_sample:
        small = int(record.believed.sum())
        return (
            f"residuals on the training snapshots: {small} of {total} below {BELIEVED}{crowd}, which proves nothing, "
            "for the fit made them small itself"
        )
    said = f"{int(record.believed.sum())} of {total} believed{crowd}"
    if record.believed.any():
        weakest = 1 / max(float(record.residuals[record.believed].max()), 1e-300)
        word = "the weakest is" if record.believed.sum() > 1 else "it is"
        said += f"; {word} trusted for {span(weakest, record.spectrum.dt)}"
    doubted, missing = np.flatnonzero(record.residuals >= BELIEVED), int(np.isnan(record.residuals).sum())
    if len(doubted) and not record.moved:
        worst = doubted[record.residuals[doubted].argmax()]
        said += f"; the worst, {written(complex(record.values[worst]))}, has residual {short(record.residuals[worst])}"
    if missing:
        said += f"; {missing} without a residual (?), as its observables are 0 on the snapshots it is measured on"
    return said


def _hand(record: Belief) -> str:
    if record.moved:
        place = f"moved to {abs(record.number):.3f} at {math.degrees(cmath.phase(record.number)):.1f}°"
        near = nearest(record.values, record.number)
        beside = f"the nearest one found, {written(complex(record.values[near]))}, has"
        if np.isnan(record.residuals).all():
            return f"{place}: no residual"
        if math.isnan(record.residual):
            return (
                f"{place}: no residual, as {record.snapshots} snapshots are too few to rule a number out for "
                f"{len(record.values)} independent observables: take fresh ones, or more"
            )
        verdict = "" if record.spectrum.in_sample else f", {'' if record.residual < BELIEVED else 'not '}believed"
        return f"{place}: residual {short(record.residual)}{verdict}; {beside} {receipt(record.residuals[near])}"
    assert record.picked is not None
    assert record.spectrum.names is not None
    if record.spectrum.names[record.picked] == "1" and abs(record.number - 1) < 1e-9:
        return "the 1 in the hand is the constant's: every system has it, with a fixed point or without"
    return ""


def _hint(record: Belief) -> str:
    """Return the next thing to try, along the path of the slow manifold."""
    chosen, system = set(record.observables), record.system
    if record.moved or record.spectrum.in_sample or not isinstance(system, SlowManifold) or not {"s1", "s2"} <= chosen:
        return ""
    if "s1^2" not in chosen:
        appears = math.exp(2 * system.mu * record.spectrum.dt)
        return f"tick s1^2: {appears:.4f} appears" + (" and all become solid" if chosen == {"s1", "s2"} else "")
    if chosen == {"s1", "s2", "s1^2"}:
        return "the three are exact; now tick tanh(3 s2) and meet a liar"
    return ""
