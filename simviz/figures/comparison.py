"""Who is ahead? Several runs on one clock: their metric, their losses, and what each costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simviz import checks
from simviz.figures.bars import bars
from simviz.figures.draw import arrange
from simviz.figures.images import rounded_up
from simviz.figures.training import VALIDATION, WORDS
from simviz.records import Axis, FigureSpec, Subplot, Trace, TrainStep

RUNNERS = 5
"""Runs that one figure tells apart by colour, dash and mark."""


@dataclass(frozen=True)
class Runner:
    """One of several runs: its name, its parameters, its steps so far, and how many there are in all."""

    name: str
    parameters: int
    history: Sequence[TrainStep]
    total_steps: int
    steps_per_epoch: int

    @property
    def step_seconds(self) -> float:
        """Seconds a step so far, NaN before the first."""
        return self.history[-1].seconds / len(self.history) if self.history else float("nan")

    def clock(self, clock: str, step: TrainStep) -> float:
        """Return where a step stands on the clock: "seconds" of training, or "epochs" done."""
        return step.seconds if clock == "seconds" else step.step / self.steps_per_epoch

    def last(self, metric: str) -> float | None:
        """Return the metric as last measured."""
        return next((s.metrics[metric] for s in reversed(self.history) if metric in s.metrics), None)


def comparison(
    runners: Sequence[Runner], metric: str, *, clock: str = "seconds", live: bool = False, points: bool = True
) -> FigureSpec:
    """Draw runs side by side: a metric and the loss against the clock, milliseconds a step and parameters as bars.

    runners: two to five; clock: "seconds" of training, or "epochs"; live: the curves grow, and with points=False they
    are left to what they have grown to.
    """
    listed = list(runners)
    checks.one_of("clock", clock, ("seconds", "epochs"))
    if not 2 <= len(listed) <= RUNNERS:
        raise ValueError(f"runners must be 2 to {RUNNERS}, got {len(listed)}")
    grows = "append" if live else ""
    traces = []
    for number, runner in enumerate(listed, 1):
        steps = runner.history if points else []
        losses = [(runner.clock(clock, s), s.loss if s.loss > 0 else np.nan) for s in steps]
        measured = [(runner.clock(clock, s), s.metrics[metric]) for s in steps if metric in s.metrics]
        role = f"method {number}"
        for index, drawn, mode in ((0, measured, "line+points"), (1, losses, "line")):
            x, y = np.array(drawn, float).reshape(-1, 2).T
            name = runner.name if index == 0 else f"{runner.name}, loss"
            traces.append(Trace(name, role, x, y, index, mode, live=grows, legend=index == 0))
    title = WORDS.get(metric.removeprefix(VALIDATION), metric)
    across = Axis(f"{clock} of training" if clock == "seconds" else clock, range=(0.0, _end(listed, clock)))
    strips = (
        Subplot(title, Axis("", range=across.range), Axis(""), (0.0, 1.0, 0.58, 1.0)),
        Subplot("loss", across, Axis("", scale="log"), (0.0, 1.0, 0.0, 0.42)),
    )
    curves = FigureSpec(strips, tuple(traces))
    names = [r.name for r in listed]
    cost = bars("milliseconds a step", names, [1e3 * r.step_seconds for r in listed], "{:.3g} ms", live=live)
    size = bars("parameters", names, [float(r.parameters) for r in listed], "{:,.0f}", live=live)
    parts = [(curves, (0.0, 0.56, 0.0, 1.0)), (cost, (0.66, 1.0, 0.58, 1.0)), (size, (0.66, 1.0, 0.0, 0.42))]
    state = ", ".join(f"{r.name} {_said(r, metric)}" for r in listed)
    alt = f"{len(listed)} runs on one clock: {metric} above, loss below, bars of milliseconds a step and of parameters."
    return arrange(parts, size=(980, 520), state=f"{metric}: {state}", alt=alt)


def _end(runners: Sequence[Runner], clock: str) -> float:
    """Where the clock's axis ends: with the last epoch, or at a round number of seconds that all are below."""
    if clock == "epochs":
        return 1.02 * max(r.total_steps / r.steps_per_epoch for r in runners)
    return rounded_up(max([r.history[-1].seconds for r in runners if r.history], default=1.0))


def _said(runner: Runner, metric: str) -> str:
    value = runner.last(metric)
    return "not measured yet" if value is None else f"{value:.4g} after {_epochs(runner)}"


def _epochs(runner: Runner) -> str:
    done = len(runner.history) / runner.steps_per_epoch
    return f"{done:.3g} epoch{'' if done == 1 else 's'}"
