"""How does a race of solvers stand? In one sentence, true of what is shown."""

from __future__ import annotations

import numpy as np

from simviz.live.panels.doors import COSINE, LOGISTIC
from simviz.live.panels.solver_race import NUDGE, NUDGED, SAME, Race, Run
from simviz.records import Status

_WINDOW = 9
"""Evaluations at the end of a path by which it is judged."""
_STEADY = 0.01
"""What changes by less than this share over the window stands still."""
_AGAIN = 0.002
"""A point that comes back does so within this share of the path's extent: what creeps has not settled."""
_LONGEST = 8
"""The longest cycle that is recognised."""


def sentence(race: Race) -> str:
    """Return where each method has come to, and one thing to try."""
    told = [f"{name} {fate(race, name)}" for name in race.runs if name != NUDGED and race.runs[name].seen(race.shown)]
    if NUDGED in race.runs and race.runs[NUDGED].seen(race.shown):
        told.append(_after_nudge(race))
    if race.nudges and not race.nudged:
        told.append("no method arrived, so there is nothing to nudge")
    said = f"{_head(race)}: " + ("; ".join(told) or "choose a solver")
    hint = _hint(race)
    return f"{said}. Try: {hint}" if hint else said


def fate(race: Race, name: str) -> str:
    """Return what became of a method, as far as it is shown: a phrase that begins with a verb."""
    run = race.runs[name]
    seen = run.seen(race.shown)
    path, residuals, over = run.path[:seen], run.residuals[:seen], seen == len(run.path)
    if over and run.status is Status.CONVERGED:
        return _arrival(race, run)
    if over and run.status is Status.DIVERGED:
        return "ran away: DIVERGED"
    settled = pattern(path, residuals, race.door.z_star.numpy())
    if settled:
        return settled
    pace = _pace(residuals)
    state = "is out of steps" if over else "is on its way"
    return f"{state}, residual {_short(residuals[-1])}{pace}"


def pattern(path: np.ndarray, residuals: np.ndarray, z_star: np.ndarray) -> str:
    """Return in words what a path (n, dim) keeps doing without arriving: "" where it is still under way."""
    if len(path) < _WINDOW + _LONGEST:
        return ""
    size = float(np.abs(path[-_WINDOW:] - path[-_WINDOW:].mean(0)).max())
    period = next((p for p in range(1, _LONGEST + 1) if _returns(path, p, _AGAIN * size)), None)
    if period == 2:
        return f"alternates between two points {_number(residuals[-1])} apart"
    radii = np.linalg.norm(path[-_WINDOW:] - z_star, axis=1)
    if path.shape[1] == 2 and _steady(radii) and _steady(residuals[-_WINDOW:]):
        return f"circles, each step {residuals[-1] / radii[-1]:.2f} of the radius"
    if period is not None and period > 2:
        return f"repeats {period} points for ever"
    return ""


def _returns(path: np.ndarray, period: int, within: float) -> bool:
    last = path[-period:]
    return bool(np.abs(last - path[-2 * period : -period]).max() < within)


def _steady(values: np.ndarray) -> bool:
    return bool(np.ptp(values) < _STEADY * np.abs(values).max())


def _pace(residuals: np.ndarray) -> str:
    if len(residuals) < _WINDOW:
        return ""
    before, now = residuals[-_WINDOW], residuals[-1]
    factor = float((now / before) ** (1 / (_WINDOW - 1))) if before > 0 else 1.0
    falls = bool((np.diff(residuals[-_WINDOW:]) < 0).all())
    return f", falling by {factor:.2f} a step" if falls and factor < 0.995 else ""


def _arrival(race: Race, run: Run) -> str:
    count = f"after {len(run.path)} evaluations"
    away = float(np.abs(run.path[-1] - race.door.z_star.numpy()).max())
    if run.radius > 1 and away < SAME:
        return f"returned a point that a nudge destroys, {count}"
    where = "" if away < SAME else f" elsewhere, at {_place(run.path[-1])},"
    leaves = " a point that iteration leaves," if run.radius > 1 else ""
    return f"arrives{where}{leaves} {count}"


def _distance(race: Race, seen: int) -> float:
    """From where the nudge began to where it has come."""
    run, source = race.runs[NUDGED], race.runs[race.nudged]
    return float(np.linalg.norm(run.path[seen - 1] - source.path[-1]))


def _after_nudge(race: Race) -> str:
    run = race.runs[NUDGED]
    seen = run.seen(race.shown)
    away = _distance(race, seen)
    steps = f"{seen - 1} step{'' if seen == 2 else 's'} later"
    verb = "it left" if away > 10 * NUDGE else "it is leaving" if away > 1.01 * NUDGE else "it comes back"
    return f"nudged by {NUDGE:g} from {race.nudged}'s end, {verb}: {_short(away)} away {steps}"


def _head(race: Race) -> str:
    slope = race.jacobian.eigenvalues.reshape(-1)[0].real.item()
    if race.map == LOGISTIC:
        return f"growth {race.growth:.2f}, slope {slope:.2f} at z*"
    return f"slope {slope:.2f} at z*" if race.map == COSINE else f"radius {race.radius:.2f}"


def _hint(race: Race) -> str:
    if race.shown is not None and race.shown < race.length:
        return ""
    on_the_tip = any(
        run.status is Status.CONVERGED and run.radius > 1 for name, run in race.runs.items() if name != NUDGED
    )
    if on_the_tip and not race.nudged:
        return "Nudge"
    if race.stable and race.map == LOGISTIC:
        return "growth past 3"
    if race.stable and race.map != COSINE:
        return "drag the eigenvalue out of the circle"
    return ""


def _place(point: np.ndarray) -> str:
    words = ", ".join(f"{v + 0.0:.2f}" for v in point.round(2))
    return f"({words})" if len(point) > 1 else words


def _number(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else _short(value)


def _short(value: float) -> str:
    return f"{value:.2f}" if value >= 0.1 else f"{value:.3f}" if value >= 1e-3 else f"{value:.0e}".replace("e-0", "e-")
