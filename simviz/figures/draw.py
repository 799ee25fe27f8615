"""What is drawn of a record? Each function takes records and returns a FigureSpec nobody has drawn yet."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch

from simviz.dynamics.systems import Flow
from simviz.records import Axis, FigureSpec, Spectrum, Subplot, Trace, TrainStep

NONE = np.empty(0)


def curves(
    steps: Sequence[TrainStep], *, metric: str = "", live: bool = False, total: int | None = None, dense: bool = False
) -> FigureSpec:
    """Draw the loss, and one metric where it is named, against the step, on a logarithmic axis.

    steps: of a run so far, none at all where it has not begun; total: steps in all, which fixes the axis;
    dense: the metric is known at every step and wants no marks.
    """
    measured = [s for s in steps if metric in s.metrics]
    grows = "append" if live else ""
    traces = [Trace("loss", "loss", *_points((s.step, s.loss) for s in steps), mode="line", live=grows)]
    if metric:
        points = _points((s.step, s.metrics[metric]) for s in measured)
        traces.append(Trace(metric, "metric", *points, mode="line" if dense else "line+points", live=grows))
    title = f"loss (solid), {metric} (dashed)" if metric else "loss"
    axis = Axis("step", range=(0.0, float(total)) if total else None)
    state = f"step {steps[-1].step}: loss {steps[-1].loss:.3g}" if steps else "not begun"
    return FigureSpec(
        (Subplot(title, axis, Axis("", scale="log")),), tuple(traces), state, f"Training curve. {state}.", (640, 300)
    )


def spectrum(
    record: Spectrum, *, true_angle: float | None = None, harmonics: int = 8, live: bool = False
) -> FigureSpec:
    """Draw eigenvalues on the unit disc: persistent ones as diamonds with rays, decaying discs, growing triangles.

    true_angle: radians a step; its multiples up to `harmonics` are drawn as strokes across the circle.
    """
    values = record.eigenvalues.detach().cpu().reshape(-1).numpy()
    groups = {name: getattr(record, name).cpu().reshape(-1).numpy() for name in ("persistent", "decaying", "growing")}
    changes = "replace" if live else ""
    turn = np.linspace(0, 2 * np.pi, 181)
    traces = [
        Trace("unit circle", "guide", np.cos(turn), np.sin(turn), mode="line", legend=False),
        Trace("radius 0.9", "guide dotted", 0.9 * np.cos(turn), 0.9 * np.sin(turn), mode="line", legend=False),
    ]
    if true_angle is not None:
        traces.append(
            Trace("true angles", "true angle", *angle_ticks(true_angle, harmonics), mode="line", legend=False)
        )
    persistent = values[groups["persistent"]]
    if len(persistent):
        pair = (persistent.real, persistent.imag)
        traces.append(Trace("rays", "ray", *pair, mode="rays", live=changes, legend=False))
    for name, mask in groups.items():
        if mask.any() or (live and name != "growing"):
            chosen = values[mask]
            labels = None if record.names is None or live else list(np.array(record.names)[mask])
            traces.append(Trace(name, name, chosen.real, chosen.imag, live=changes, labels=labels))
    reach = max(1.25, 1.1 * float(np.abs(values).max(initial=1.0)))
    re, im = (Axis(t, range=(-reach, reach), ticks=(-1.0, 0.0, 1.0)) for t in ("Re", "Im"))
    counts = ", ".join(f"{int(mask.sum())} {name}" for name, mask in groups.items() if mask.any())
    state = f"{len(values)} eigenvalues: {counts}"
    title = f"eigenvalues: {record.kind}" if record.kind else "eigenvalues"
    alt = f"Eigenvalues in the complex plane with the unit circle. {record.kind}. {state}."
    return FigureSpec((Subplot(title, re, im, equal=True),), tuple(traces), state, alt, (520, 560))


def plane(
    reach: float,
    *,
    data: np.ndarray | None = None,
    true_set: np.ndarray | None = None,
    learned: np.ndarray | None = None,
    live: bool = False,
) -> FigureSpec:
    """Draw a set in the state plane: data as grey dots, the true set thin and dashed, the decoded set filled.

    reach: half the side of the square drawn; each set is (points, 2). Live figures also hold the marks of a click:
    the start, its shadow, the gap between them, and the best single point.
    """
    changes = "replace" if live else ""

    def pair(points: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        return (NONE, NONE) if points is None else (points[:, 0], points[:, 1])

    traces = [
        Trace("data", "data", *pair(data), live=changes),
        Trace("learned set", "learned", *pair(learned), mode="line", live=changes),
        Trace("true", "true", *pair(_closed(true_set)), mode="line", live=changes),
    ]
    if live:
        traces += [
            Trace("gap", "gap", NONE, NONE, mode="line", live=changes, legend=False),
            Trace("best single point", "point", NONE, NONE, live=changes),
            Trace("your start", "start", NONE, NONE, live=changes),
            Trace("its shadow", "shadow", NONE, NONE, live=changes),
        ]
    s1, s2 = (Axis(t, range=(-reach, reach)) for t in ("s1", "s2"))
    alt = "State plane with the data as dots, the true set dashed and the learned set as a line."
    return FigureSpec((Subplot("state plane", s1, s2, equal=True),), tuple(traces), "", alt, (520, 560))


def set_in_plane(system: Flow, learned: torch.Tensor | None = None, *, count: int = 256) -> FigureSpec:
    """Draw a planar system's initial conditions, its true set and, where given, a learned set of points (n, 2)."""
    decoded = None if learned is None else learned.detach().cpu().numpy()
    data, truth = system.initial(count).numpy(), system.invariant_set().numpy()
    return plane(1.05 * system.box, data=data, true_set=truth, learned=decoded)


def arrange(
    parts: Sequence[tuple[FigureSpec, tuple[float, float, float, float]]],
    *,
    size: tuple[int, int],
    state: str = "",
    alt: str = "",
) -> FigureSpec:
    """Put several figures into one; each place is (left, right, bottom, top) as fractions of the whole."""
    subplots: list[Subplot] = []
    traces: list[Trace] = []
    for spec, (left, right, bottom, top) in parts:
        for trace in spec.traces:
            traces.append(dataclasses.replace(trace, subplot=trace.subplot + len(subplots)))
        for subplot in spec.subplots:
            a, b, c, d = subplot.place
            place = (
                left + a * (right - left),
                left + b * (right - left),
                bottom + c * (top - bottom),
                bottom + d * (top - bottom),
            )
            subplots.append(dataclasses.replace(subplot, place=place))
    return FigureSpec(tuple(subplots), tuple(traces), state, alt or " ".join(s.alt for s, _ in parts), size)


def angle_ticks(angle: float, harmonics: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Return short strokes across the unit circle at the multiples of an angle, as lines broken by NaN."""
    turns = angle * np.arange(-harmonics, harmonics + 1)
    radii = np.array([0.93, 1.17, math.nan])
    return np.outer(np.cos(turns), radii).ravel(), np.outer(np.sin(turns), radii).ravel()


def _closed(points: np.ndarray | None) -> np.ndarray | None:
    return points if points is None or not len(points) else np.concatenate([points, points[:1]])


def _points(pairs: Iterable[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    listed = np.array(list(pairs), dtype=float).reshape(-1, 2)
    return listed[:, 0], listed[:, 1]
