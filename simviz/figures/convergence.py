"""How does a solve go, and what is its gradient worth? Residuals by step, the path of the iterates, gradient errors."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from simviz import checks
from simviz.dynamics.systems import OwnMap
from simviz.figures.arrays import real
from simviz.figures.bars import bars
from simviz.figures.draw import arrange
from simviz.figures.portraits import phase_portrait
from simviz.records import Axis, FigureSpec, GradientError, Solution, Status, Subplot, Trace

METHODS = 5
"""Methods that one figure tells apart by colour, dash and mark."""
_STROKE = (1.0, 1.08)
"""Where the stroke at a median begins and ends, from the origin."""
_SINGLE = 8
"""Up to so many samples are drawn one by one."""


def residuals(solves: Solution | Mapping[str, Solution], *, radius: float | None = None) -> FigureSpec:
    """Draw |f(z) - z| against the step, on a logarithmic axis: the median of the samples, and the band of 5 to 95 %.

    solves: a Solution, or several by name, up to five. A sample that has left counts with its last residual; one that
    diverged counts up to its last finite one. Up to eight samples are drawn as thin lines instead of the band.
    radius: a spectral radius; a dotted line falls by that factor a step, as plain iteration does in the end.
    """
    named = {"": solves} if isinstance(solves, Solution) else dict(solves)
    if not named or len(named) > METHODS or not all(isinstance(s, Solution) and s.steps for s in named.values()):
        raise ValueError(f"solves must be one to {METHODS} Solutions with their steps, got {len(named)}")
    traces, words, longest, first = [], [], 1, math.nan
    for number, (name, solution) in enumerate(named.items(), 1):
        rows = _held(solution)  # (steps, batch)
        at = np.array([step.step for step in solution.steps], dtype=float)
        middle = np.nanmedian(rows, axis=1)
        first, longest = (middle[0] if math.isnan(first) else first), max(longest, int(at[-1]))
        traces += _around(rows, at, f"method {number}", name or "residual")
        shown = np.where(middle > 0, middle, np.nan)
        traces.append(Trace(name or "median", f"method {number}", at, shown, mode="line+points"))
        words.append(_outcome(name, solution))
    if radius is not None:
        fall = checks.positive("radius", radius)
        at = np.arange(longest + 1.0)
        slope = Trace(f"falls by {fall:.3g} a step", "guide dotted", at, first * fall**at, mode="line")
        traces.insert(0, dataclasses.replace(slope, y=np.where(slope.y > 1e-18, slope.y, np.nan)))
    state = "; ".join(words)
    subplot = Subplot("residual |f(z) - z|", Axis("step", range=(0.0, float(longest))), Axis("", scale="log"))
    alt = f"Residuals of fixed-point solves by step, logarithmic. {state}."
    return FigureSpec((subplot,), tuple(traces), state, alt, (640, 420))


def iterates(
    f: Callable[[torch.Tensor], torch.Tensor],
    paths: Any,
    *,
    z_star: Any = None,
    stable: Any = None,
    box: Sequence[tuple[float, float]] | None = None,
) -> FigureSpec:
    """Draw the paths of iterates in the plane over the displacements f(z) - z.

    f: (n, 2) -> (n, 2), the cell with its input fixed; paths: (steps, 2), or several by name, up to five; z_star:
    (n, 2) fixed points, stable: (n,) bool, filled where True; box: (low, high) of both axes, else round the paths.
    """
    named = dict(paths) if isinstance(paths, Mapping) else {"iterates": paths}
    if not named or len(named) > METHODS:
        raise ValueError(f"paths must be one to {METHODS} paths (steps, 2), got {len(named)}")
    drawn = {name: real("paths", path, (None, 2), "(steps, 2)") for name, path in named.items()}
    every = np.concatenate(list(drawn.values()) + ([] if z_star is None else [real("z_star", z_star, (None, 2))]))
    middle, half = (every.max(0) + every.min(0)) / 2, max(0.55 * float(np.ptp(every, axis=0).max()), 1e-9)
    ends = box if box is not None else [(float(m - half), float(m + half)) for m in middle]
    portrait = phase_portrait(OwnMap(f, ends), fixed_points=z_star, stable=stable)
    traces = [
        Trace(name, f"method {number}", path[:, 0], path[:, 1], mode="line+points")
        for number, (name, path) in enumerate(drawn.items(), 1)
    ]
    state = ", ".join(f"{name}: {len(path) - 1} steps" for name, path in drawn.items())
    strokes = [t for t in portrait.traces if t.role == "flow"]
    points = [t for t in portrait.traces if t.role != "flow"]
    x, y = (dataclasses.replace(a, title=t) for a, t in zip(_axes(portrait), ("z1", "z2"), strict=True))
    subplot = dataclasses.replace(portrait.subplots[0], title="iterates", x=x, y=y)
    alt = f"Plane of the state; strokes point from z to f(z); lines join the iterates. {state}."
    return FigureSpec((subplot,), (*strokes, *traces, *points), state, alt, portrait.size)


def gradient_errors(
    errors: Sequence[GradientError],
    *,
    others: Mapping[str, tuple[Any, Any]] | None = None,
    expected: Mapping[str, tuple[float, float]] | None = None,
    live: bool = False,
) -> FigureSpec:
    """Draw gradients as arrows against the exact one, which points up with length 1, and what each cost.

    errors: one record a rule, up to five. Right: the time of a backward pass, and the memory held for it. others:
    angles and lengths, (n,) each, by rule, of several cells, drawn as the tips of their arrows with a stroke across the
    circle at their median; expected: by rule, between which angles in degrees half of all cells lie, drawn as a sector;
    live: each state is a frame of one film.
    """
    listed = list(errors)
    if not listed or len(listed) > METHODS or not all(isinstance(e, GradientError) for e in listed):
        raise ValueError(f"errors must be one to {METHODS} GradientError records, got {len(listed)}")
    arrows, names = _arrows(listed, others or {}, expected or {}, "replace" if live else ""), [e.rule for e in listed]
    seconds = bars("milliseconds a backward pass", names, [1e3 * e.seconds for e in listed], "{:.2g} ms", live=live)
    memory = bars("memory held for it, KiB", names, [e.bytes / 2**10 for e in listed], "{:.3g} KiB", live=live)
    state = "; ".join(f"{e.rule}: {e.angle:.3g} degrees off, length {e.length:.3g}" for e in listed)
    parts = [(arrows, (0.0, 0.46, 0.0, 1.0)), (seconds, (0.58, 1.0, 0.62, 1.0)), (memory, (0.58, 1.0, 0.0, 0.38))]
    alt = f"Half disc with one arrow a rule, the exact gradient up; bars of time and memory. {state}."
    return arrange(parts, size=(960, 600), state=state, alt=alt)


def _held(solution: Solution) -> np.ndarray:
    """(steps, batch): each sample's residual, and once it has left its last one."""
    rows = np.stack([step.residual.detach().cpu().double().numpy() for step in solution.steps])
    rows[~np.isfinite(rows)] = np.nan
    for before, after in itertools.pairwise(rows):
        gone = np.isnan(after)
        after[gone] = before[gone]
    return rows


def _around(rows: np.ndarray, at: np.ndarray, role: str, name: str) -> list[Trace]:
    """Thin lines of single samples, or the band of 5 to 95 per cent; none for one sample, which is its own median."""
    positive = np.where(rows > 0, rows, np.nan)
    if 1 < rows.shape[1] <= _SINGLE:
        x = np.tile(np.append(at, np.nan), rows.shape[1])
        y = np.concatenate([positive, np.full((1, rows.shape[1]), np.nan)]).T.ravel()
        return [Trace(f"{name}, samples", "sample", x, y, mode="line", legend=False)]
    if rows.shape[1] == 1:
        return []
    low, high = np.nanquantile(rows, [0.05, 0.95], axis=1)
    seen = low > 0
    x, y = np.concatenate([at[seen], at[seen][::-1]]), np.concatenate([low[seen], high[seen][::-1]])
    return [Trace(f"{name}, 5 to 95 %", role, x, y, mode="band", legend=False)]


def _outcome(name: str, solution: Solution) -> str:
    done = solution.converged.cpu()
    text = f"{int(done.sum())} of {len(done)} converged"
    if done.any():
        text += f" in {int(solution.evaluations.cpu()[done].median())} evaluations (median)"
    diverged = sum(s is Status.DIVERGED for s in solution.status)
    if diverged:
        text += f", {diverged} diverged"
    return f"{name}: {text}" if name else text


def _axes(spec: FigureSpec) -> tuple[Axis, Axis]:
    return spec.subplots[0].x, spec.subplots[0].y


def _arrows(
    errors: Sequence[GradientError],
    others: Mapping[str, tuple[Any, Any]],
    expected: Mapping[str, tuple[float, float]],
    live: str,
) -> FigureSpec:
    turn = np.linspace(0, np.pi, 91)  # angles have no sign
    traces = [
        Trace("length 1", "guide", np.sin(turn), np.cos(turn), mode="line", legend=False),
        Trace("exact", "true", np.array([0.0, 0.0]), np.array([0.0, 1.0]), mode="line"),
    ]
    arrows, longest = [], 1.0
    for number, e in enumerate(errors, 1):
        role = f"method {number}"
        if e.rule in expected:
            x, y = _tips(np.linspace(*expected[e.rule], 25), np.ones(25))
            x, y = (np.concatenate([[0.0], v, [0.0]]) for v in (x, y))
            traces.append(Trace(f"{e.rule}: expected", role, x, y, mode="band", live=live, legend=False))
        if e.rule in others:
            angles, lengths = (np.asarray(v, float) for v in others[e.rule])
            longest = max([longest, *lengths.tolist()])
            key, tips = f"{e.rule}: other cells", _tips(angles, lengths)
            arrows.append(Trace(key, f"path {number}", *tips, live=live, legend=False))
            middle = np.full(2, np.median(angles)) if len(angles) > 1 else np.empty(0)
            stroke = _tips(middle, np.array(_STROKE)[: len(middle)])
            arrows.append(Trace(f"{e.rule}: median", role, *stroke, mode="line", live=live, legend=False))
        x, y = (np.append(0.0, tip) for tip in _tips(np.array(e.angle), np.array(e.length)))
        arrows.append(Trace(e.rule, role, x, y, mode="line+points", live=live))
        longest = max(longest, e.length) if math.isfinite(e.length) else longest
    side = 1.1 * math.ceil(4 * longest) / 4  # in quarters: the axes stand still while arrows move a little
    low = min(-0.1, *(1.1 * e.length * math.cos(math.radians(e.angle)) for e in errors)) * 1.0
    title = "gradient by rule" + (" (sectors: half of cells)" if expected else "")
    axes = (Axis("across the gradient", range=(-0.15 * side, side)), Axis("along the gradient", range=(low, side)))
    return FigureSpec((Subplot(title, *axes, equal=True),), (*traces, *arrows))


def _tips(angles: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where arrows end: degrees from the exact gradient, which points up, and lengths."""
    return lengths * np.sin(np.radians(angles)), lengths * np.cos(np.radians(angles))
