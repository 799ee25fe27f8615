"""How did a training go? Its loss on a logarithmic strip, its goal on a linear one, and lines to hold them to."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from simviz import checks
from simviz.records import Axis, FigureSpec, Subplot, Trace, TrainStep

VALIDATION = "validation "
HELD_OUT = "cross entropy"
"""A metric in the unit of the loss, which is drawn in its strip."""
SMOOTHED, NOISE = 100, 0.05
"""From so many steps on the mean of the last steps is drawn over the losses of single minibatches, where these jump by
more than that share of their size from step to step (median): not where every step sees the whole training part."""
WORDS = {
    "accuracy": "accuracy, the share that is right",
    "last ten": "last ten symbols, the share that is right",
    "psnr": "PSNR in dB, the larger the better",
    "rmse": "root mean squared error",
}
"""What a strip is called, by its metric; others go by their own name."""
LOW, MEDIAN, HIGH = "evaluations, 5 %", "evaluations, median", "evaluations, 95 %"
_PARTS = {"test": "metric", "validation": "method 2"}
_LOSS, _METRIC, _GAP, _RIGHT = (0.0, 1.0, 0.59, 1.0), (0.0, 1.0, 0.0, 0.42), 1.25, 1.02
Reference = tuple[float, str]
"""A number to hold a curve against, and its words."""


def training_curves(
    history: Sequence[TrainStep],
    *,
    goal: str = "",
    reference: Reference | None = None,
    loss_reference: Reference | None = None,
    total: int | None = None,
    live: bool = False,
) -> FigureSpec:
    """Draw a run's loss against the step, and its goal below: each part on its own axis, the loss's logarithmic.

    history: TrainSteps, none at all where the run has not begun; goal: a metric's name (default: the first that is not
    the cross entropy), drawn as measured on the test part and on the validation part; a cross entropy measured on these
    stands beside the loss. reference, loss_reference: (value, words), a dotted line in the strip of the goal and of the
    loss. total: steps in all, which fixes the axis; live: the curves grow, single losses are not averaged, and of the
    goal one part is followed: the test part, or with "validation accuracy" and its like the validation part.
    """
    steps = list(history)
    goal = goal or next((name for s in steps for name in s.metrics if HELD_OUT not in name), "")
    followed, goal = goal, goal.removeprefix(VALIDATION)
    end = float(total or max((s.step for s in steps), default=1))
    traces = _loss(steps, live) if live else [*_loss(steps, live), *_held_out(steps, HELD_OUT, 0)]
    if goal:
        traces += _goal_live(followed, steps) if live else _held_out(steps, goal, 1)
    for index, given in ((0, loss_reference), (1, reference)):
        if given is not None and (index == 0 or goal):
            traces.append(_level(given, end, index))
    state = _state(steps, goal)
    across = Axis("step", range=(0.0, _RIGHT * end))  # room for the last marks
    up = Axis("", scale="log") if live else _log_axis(traces)
    title = "loss" if not any(t.key.startswith(HELD_OUT) for t in traces) else "loss and cross entropy"
    whole = (0.0, 1.0, 0.0, 1.0)
    top = Subplot(title, Axis("", range=across.range) if goal else across, up, _LOSS if goal else whole)
    strips = (top, Subplot(WORDS.get(goal, goal), across, Axis(""), _METRIC)) if goal else (top,)
    below = f", below it the {goal} on a linear axis" if goal else ""
    alt = f"Training curves by step: the {title} on a logarithmic axis{below}. {state}."
    return FigureSpec(strips, tuple(_legend_once(traces)), state, alt, (860, 560 if goal else 380))


def evaluations(total: int, *, live: bool = True) -> FigureSpec:
    """Draw a strip, empty as yet, of how many evaluations a sample took: the median, and 5 to 95 % as thin lines."""
    axis = Axis("step", range=(0.0, _RIGHT * total))
    traces = tuple(
        Trace(name, role, np.empty(0), np.empty(0), mode=mode, live="append" if live else "", legend=name == MEDIAN)
        for name, role, mode in ((LOW, "sample", "line"), (HIGH, "sample", "line"), (MEDIAN, "method 1", "line+points"))
    )
    words = "Evaluations of the cell a sample by step: median, and 5 and 95 per cent."
    return FigureSpec((Subplot("evaluations a sample", axis, Axis("")),), traces, "", words, (860, 200))


def unlabelled(curves: FigureSpec) -> FigureSpec:
    """Return curves without words under their lowest axis, for where another strip follows."""
    last = curves.subplots[-1]
    strip = dataclasses.replace(last, x=dataclasses.replace(last.x, title=""))
    return dataclasses.replace(curves, subplots=(*curves.subplots[:-1], strip))


def at_step(curves: FigureSpec, step: int | None) -> FigureSpec:
    """Return curves with a line across each strip at a step, or without one."""
    cursor = None if step is None else float(step)
    strips = tuple(dataclasses.replace(subplot, cursor=cursor) for subplot in curves.subplots)
    return dataclasses.replace(curves, subplots=strips)


def _loss(steps: Sequence[TrainStep], live: bool) -> list[Trace]:
    x, y = np.array([s.step for s in steps], float), np.array([s.loss for s in steps], float)
    y = np.where(y > 0, y, np.nan)
    jumps = np.abs(np.diff(np.log(y[np.isfinite(y)]), n=2))  # of second order: a steady fall is no noise
    if live or len(steps) < SMOOTHED or np.median(jumps) < NOISE:
        return [Trace("loss", "loss", x, y, mode="line", live="append" if live else "")]
    width = max(5, len(steps) // 50)
    sums = np.cumsum(np.insert(np.nan_to_num(y), 0, 0.0))
    mean = (sums[width:] - sums[:-width]) / width  # (steps - width + 1,), of the last `width` steps
    return [
        Trace("loss of a minibatch", "sample", x, y, mode="line"),
        Trace(f"mean of {width} steps", "loss", x[width - 1 :], mean, mode="line"),
    ]


def _held_out(steps: Sequence[TrainStep], metric: str, index: int) -> list[Trace]:
    """A metric as measured on the test part and on the validation part, where it was."""
    found = []
    for part, role in reversed(_PARTS.items()):
        name = metric if part == "test" else VALIDATION + metric
        points = np.array([(s.step, s.metrics[name]) for s in steps if name in s.metrics], float).reshape(-1, 2)
        if len(points):
            found.append(Trace(part, role, points[:, 0], points[:, 1], index, "line+points", key=f"{metric}, {part}"))
    return found


def _goal_live(goal: str, steps: Sequence[TrainStep]) -> list[Trace]:
    points = np.array([(s.step, s.metrics[goal]) for s in steps if goal in s.metrics], float).reshape(-1, 2)
    return [Trace(goal, "metric", points[:, 0], points[:, 1], 1, "line+points", live="append")]


def _level(given: Reference, end: float, index: int) -> Trace:
    value, words = checks.real("reference", given[0]), str(given[1])
    ends = np.array([0.0, _RIGHT * end])
    return Trace(f"{words}: {value:.3g}", "guide dotted", ends, np.full(2, value), index, "line")


def _legend_once(traces: Sequence[Trace]) -> list[Trace]:
    """The same words, such as "test" in both strips, stand in the legend once; they look the same in both."""
    seen: set[str] = set()
    kept = []
    for trace in traces:
        kept.append(dataclasses.replace(trace, legend=trace.legend and trace.name not in seen))
        seen.add(trace.name)
    return kept


def _log_axis(traces: Sequence[Trace]) -> Axis:
    """A logarithmic axis round what is drawn in the first strip, with ticks at 1, 2 and 5 where decades are too few."""
    drawn = np.concatenate([np.asarray(t.y, float) for t in traces if t.subplot == 0] or [np.empty(0)])
    drawn = drawn[np.isfinite(drawn) & (drawn > 0)]
    if not len(drawn):
        return Axis("", scale="log")
    low, high = float(drawn.min()) / _GAP, float(drawn.max()) * _GAP
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5), tuple(range(1, 10))):
        ticks = [float(f"{digit}e{p}") for p in powers for digit in digits if low <= float(f"{digit}e{p}") <= high]
        if len(ticks) >= 3:
            break
    every = math.ceil(len(ticks) / 6)
    return Axis("", scale="log", range=(low, high), ticks=tuple(ticks[::every]))


def _state(steps: Sequence[TrainStep], goal: str) -> str:
    if not steps:
        return "not begun"
    few = [s.loss for s in steps[-20:]]
    mean = f" (mean of the last {len(few)} steps)" if len(few) > 1 else ""
    words = f"step {steps[-1].step}: loss {sum(few) / len(few):.3g}{mean}"
    for name in (VALIDATION + goal, goal):
        last = next((s for s in reversed(steps) if goal and name in s.metrics), None)
        if last is not None:
            words += f"; {name} {last.metrics[name]:.4g}{'' if name.startswith(VALIDATION) else ' on the test part'}"
    return words
