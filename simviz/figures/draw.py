"""What is drawn of a record? Each function takes records and returns a FigureSpec nobody has drawn yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch

from simviz.dynamics.systems import Oscillator
from simviz.records import Axis, FigureSpec, Subplot, Trace, TrainStep

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


def plane(
    reach: float,
    *,
    data: np.ndarray | None = None,
    true_set: np.ndarray | None = None,
    learned: np.ndarray | None = None,
    live: bool = False,
    marks: Mapping[str, np.ndarray | None] | None = None,
) -> FigureSpec:
    """Draw a set in the state plane: data as grey dots, the true set thin and dashed, the decoded set filled.

    reach: half the side of the square drawn; each set is (points, 2). Live figures also hold the marks of a click, by
    name, each (2,) or (points, 2): "your start", "its shadow", the "gap" between them, and the "best single point".
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
        known = {name: None if p is None else np.atleast_2d(p) for name, p in (marks or {}).items()}
        traces += [
            Trace("gap", "gap", *pair(known.get("gap")), mode="line", live=changes, legend=False),
            Trace("best single point", "point", *pair(known.get("best single point")), live=changes),
            Trace("your start", "start", *pair(known.get("your start")), live=changes),
            Trace("its shadow", "shadow", *pair(known.get("its shadow")), live=changes),
        ]
    s1, s2 = (Axis(t, range=(-reach, reach)) for t in ("s1", "s2"))
    alt = "State plane with the data as dots, the true set dashed and the learned set as a line."
    return FigureSpec((Subplot("state plane", s1, s2, equal=True),), tuple(traces), "", alt, (520, 560))


def set_in_plane(system: Oscillator, learned: torch.Tensor | None = None, *, count: int = 256) -> FigureSpec:
    """Draw a planar system's initial conditions, its true set and, where given, a learned set of points (n, 2)."""
    decoded = None if learned is None else learned.detach().cpu().numpy()
    data, truth = system.initial(count).numpy(), system.invariant_set().numpy()
    return plane(1.05 * system.reach, data=data, true_set=truth, learned=decoded)


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


def _closed(points: np.ndarray | None) -> np.ndarray | None:
    return points if points is None or not len(points) else np.concatenate([points, points[:1]])


def _points(pairs: Iterable[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    listed = np.array(list(pairs), dtype=float).reshape(-1, 2)
    return listed[:, 0], listed[:, 1]
