"""Which model learns better, and at what price? Two to four runs side by side, on one clock, with a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from simviz import checks, figures
from simviz.figures import Runner, Table
from simviz.figures.training import VALIDATION
from simviz.learning.run import Run
from simviz.live.controls import Select
from simviz.live.panels.panel import Panel
from simviz.live.player import Player
from simviz.models.sim import SIM
from simviz.records import FigureSpec, TrainStep

FEWEST, MOST = 2, 4
CLOCKS = ("seconds", "epochs")


class Race:
    """Several runs as one iterator: whoever is behind on the clock steps next, so that all are pulled at one time."""

    def __init__(self, runs: Sequence[Run], clock: str) -> None:
        self.runs, self.clock = list(runs), clock

    def __iter__(self) -> Iterator[tuple[int, TrainStep]]:
        return self

    def __next__(self) -> tuple[int, TrainStep]:
        behind = [i for i, run in enumerate(self.runs) if run.step < run.total_steps]
        if not behind:
            raise StopIteration
        chosen = min(behind, key=lambda i: (self.at(i), i))
        return chosen, next(self.runs[chosen])

    def at(self, number: int) -> float:
        """Return where a run stands on the clock."""
        run = self.runs[number]
        if self.clock == "epochs":
            return run.step / run.steps_per_epoch
        return run.history[-1].seconds if run.history else 0.0

    def rewind(self, step: int = 0) -> int:
        """Bring every run back to its beginning."""
        for run in self.runs:
            run.rewind(0)
        return 0


class ComparePanel(Panel):
    """Train two to four models side by side and compare them: a metric, the loss, the time of a step, the parameters.

    runs: Runs of one task, each with a model of its own; names: one a run (default: the models' classes); metric: a
    name of the task's metrics (default: its goal, on the validation part where there is one, else the first); clock:
    whoever is behind in "seconds" of training, or in "epochs", steps next. One thread pulls them all, so their seconds
    are seconds of the same machine in the same state. The table says besides what each model's spectrum is of.
    """

    open_table = True

    def __init__(
        self,
        runs: Sequence[Run],
        names: Sequence[str] | None = None,
        metric: str | None = None,
        clock: str = "seconds",
    ) -> None:
        listed = list(runs)
        if not FEWEST <= len(listed) <= MOST or not all(isinstance(run, Run) for run in listed):
            raise ValueError(f"runs must be {FEWEST} to {MOST} Runs, got {len(listed)} things")
        if len({id(run.model) for run in listed}) < len(listed):
            raise ValueError("runs must each have a model of its own, two of them share one")
        self.runs = listed
        self.names = _names(listed, names)
        known = set.intersection(*({*run.measure()} for run in listed))
        goal = listed[0].task.goal
        if all(run.task.validation is not None for run in listed):  # then the test part is opened once, at the end
            known |= {f"{VALIDATION}{name}" for name in known}
            goal = f"{VALIDATION}{goal}"
        first = goal if goal in known else min(known)
        self.metric = first if metric is None else checks.one_of("metric", metric, tuple(sorted(known)))
        self.race = Race(listed, checks.one_of("clock", clock, CLOCKS))
        self._parameters = [sum(p.numel() for p in run.model.parameters() if p.requires_grad) for run in listed]
        controls = [Select("clock", "Clock", options=CLOCKS, value=clock)]
        super().__init__(controls, Player(self.race), {"runs": runs, "names": names, "metric": metric})
        self.restarted()

    def length(self) -> int:
        return sum(run.total_steps for run in self.runs)

    def played(self, item: tuple[int, TrainStep]) -> None:
        """Let the curves of one run grow by a step."""
        number, step = item
        runner = self._runner(number)
        at = runner.clock(self.values["clock"], step)
        self.grow(f"{runner.name}, loss", at, step.loss)
        if self.metric in step.metrics:
            self.grow(runner.name, at, step.metrics[self.metric])

    def restarted(self) -> None:
        """Draw the curves as far as the runs have come."""
        for trace in self._drawn(self.record).traces:
            if trace.live == "append":
                self.figure_widget.replace(trace.channel, trace.x, trace.y)

    def changed(self, name: str) -> None:
        """Draw the curves against the other clock."""
        self.race.clock = self.values["clock"]
        self.record = self.compute(**self.values)
        self.restarted()

    def compute(self, *, clock: str) -> tuple[str, list[Runner]]:
        """Return the clock and every run as far as it has come."""
        return clock, [self._runner(number) for number in range(len(self.runs))]

    def drawing(self, record: tuple[str, list[Runner]]) -> FigureSpec:
        """Draw the runs; the sentence tells the metric of each."""
        return self._drawn(record, points=False)

    def table(self, record: tuple[str, list[Runner]]) -> Table:
        """Return a row for each run."""
        rows = []
        for runner, run in zip(record[1], self.runs, strict=True):
            last = runner.last(self.metric)
            done = len(runner.history)
            rows.append((
                runner.name, runner.parameters, done, done / runner.steps_per_epoch,
                runner.history[-1].loss if done else "", "" if last is None else last,
                1e3 * runner.step_seconds if done else "", spectrum_of(run.model),
            ))  # fmt: skip
        columns = ("model", "parameters", "steps", "epochs", "loss", self.metric, "ms a step", "its spectrum")
        return Table(columns, tuple(rows), self._drawn(record).state)

    def _runner(self, number: int) -> Runner:
        run = self.runs[number]
        return Runner(self.names[number], self._parameters[number], run.history, run.total_steps, run.steps_per_epoch)

    def _drawn(self, record: tuple[str, list[Runner]], points: bool = True) -> FigureSpec:
        clock, runners = record
        drawn = figures.comparison(runners, self.metric, clock=clock, live=True, points=points)
        if not any(runner.history for runner in runners):
            steps = ", ".join(f"{r.name} {r.total_steps}" for r in runners)
            return figures.arrange([(drawn, (0, 1, 0, 1))], size=drawn.size, alt=drawn.alt, state=_begin(steps))
        return drawn


def spectrum_of(model: Any) -> str:
    """Return in words what a model's spectrum is of: what a SIM's limit shows, a DEQ's equilibrium, or nothing.

    >>> import torch
    >>> spectrum_of(torch.nn.Linear(2, 2))
    'none: nothing is iterated'
    """
    if isinstance(model, SIM):
        kind = model.propagator.spectrum().kind
        return kind or "of its modes"
    if hasattr(model, "equilibrium"):
        return "the Jacobian's at z*, another for each x"
    return "none: nothing is iterated"


def _begin(steps: str) -> str:
    return f"steps to go: {steps}; press Start, or space"


def _names(runs: Sequence[Run], names: Sequence[str] | None) -> list[str]:
    if names is None:
        kinds = [type(run.model).__name__ for run in runs]
        return [f"{kind} {i + 1}" if kinds.count(kind) > 1 else kind for i, kind in enumerate(kinds)]
    listed = [str(name) for name in names]
    if len(listed) != len(runs) or len(set(listed)) < len(listed):
        raise ValueError(f"names must be {len(runs)} different names, one a run, got {listed}")
    return listed
