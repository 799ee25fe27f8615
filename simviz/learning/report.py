"""What came of a training, in numbers? A table to read, rows for a spreadsheet, values as JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simviz.learning.best import Best, validated
from simviz.learning.run import Run
from simviz.records import TrainStep

FINISHED, DIVERGED = "finished", "diverged"
_SHARES = ("accuracy", "last ten")


@dataclass(frozen=True)
class Result:
    """A training's end: metrics are those measured last; solved, missed: equilibria in training, and those not found.

    outcome: "finished" or "diverged"; best: the best step, as the run judged it.
    """

    model: str
    task: str
    parameters: int
    steps: int
    seconds: float
    goal: str
    metrics: dict[str, float]
    solved: int = 0
    missed: int = 0
    best: Best | None = None
    outcome: str = FINISHED

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        values = dataclasses.asdict(self)
        values["metrics"] = {name: value if math.isfinite(value) else None for name, value in self.metrics.items()}
        return values


def result(run: Run, model: str, history: Sequence[TrainStep] | None = None, outcome: str = FINISHED) -> Result:
    """Return what came of a run; model: its words; history: of a run that diverged, with what it has forgotten."""
    steps = list(run.history if history is None else history)
    return Result(
        model,
        run.task.name,
        sum(p.numel() for p in run.model.parameters() if p.requires_grad),
        len(steps),
        steps[-1].seconds if steps else 0.0,
        run.task.goal,
        dict(next((s.metrics for s in reversed(steps) if s.metrics), {})),
        sum(s.solved for s in steps),
        sum(s.missed for s in steps),
        run.best,
        outcome,
    )


def from_json(values: Mapping[str, Any]) -> Result:
    """Return the result that `to_json` wrote."""
    best = None if values["best"] is None else Best(**values["best"])
    metrics = {name: math.nan if value is None else value for name, value in values["metrics"].items()}
    return Result(**{**values, "best": best, "metrics": metrics})


def first_reached(history: Sequence[TrainStep], metric: str, level: float) -> int | None:
    """Return the first step at which a metric was measured at or above a level, on validation where it was, or None."""
    for step in history:
        value = step.metrics.get(validated(metric), step.metrics.get(metric))
        if value is not None and value >= level:
            return step.step
    return None


def table(results: Sequence[Result]) -> str:
    """Return the results as a table for the terminal, one row each; of several folds with their mean and its error."""
    goal = results[0].goal
    rows = [_row(one) for one in results]
    if len(results) > 1:
        for number, row in enumerate(rows, 1):
            row.pop("model")
            rows[number - 1] = {"fold": str(number), **row}
        mean, error = mean_and_error([r.metrics.get(goal, math.nan) for r in results])
        rows.append({"fold": "mean", f"test {goal}": said(goal, mean)})
        rows.append({"fold": "standard error", f"test {goal}": said(goal, error)})
    names = list(dict.fromkeys(name for row in rows for name in row))
    widths = {name: max(len(name), *(len(row.get(name, "")) for row in rows)) for name in names}
    lines = [{name: name for name in names}, *rows]
    return "\n".join(
        "  ".join(_cell(line.get(n, ""), widths[n], n == names[0]) for n in names).rstrip() for line in lines
    )


def to_csv(results: Sequence[Result]) -> str:
    """Return the results as CSV, one row each, a fold's number first where there are several."""
    metrics = list(dict.fromkeys(name for one in results for name in one.metrics))
    plain = [field.name for field in dataclasses.fields(Result) if field.name not in ("metrics", "best")]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["fold", *plain, *metrics, "best_step"])
    for number, one in enumerate(results, 1):
        fold = number if len(results) > 1 else ""
        values = [getattr(one, name) for name in plain]
        best = "" if one.best is None else one.best.step
        writer.writerow([fold, *values, *(one.metrics.get(name, "") for name in metrics), best])
    return text.getvalue()


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean of two or more values and its standard error, s / sqrt(n).

    >>> mean_and_error([2.0, 4.0])
    (3.0, 1.0)
    """
    return statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))


def said(name: str, value: float) -> str:
    """Return a metric's value in the words of its unit.

    >>> said("accuracy", 0.98765), said("validation psnr", 23.456), said("rmse", 0.012345)
    ('98.77 %', '23.46 dB', '0.01235')
    """
    metric = name.removeprefix(validated(""))
    if metric in _SHARES:
        return f"{100 * value:.2f} %"
    return f"{value:.2f} dB" if metric == "psnr" else f"{value:.4g}"


def _row(one: Result) -> dict[str, str]:
    row = {"model": one.model, "parameters": f"{one.parameters:,}", "steps": f"{one.steps:,}"}
    row["seconds"] = f"{one.seconds:.1f}"
    for name, words in ((one.goal, f"test {one.goal}"), (validated(one.goal), validated(one.goal))):
        if name in one.metrics:
            row[words] = said(name, one.metrics[name])
    if one.solved:
        row["equilibria not converged"] = f"{one.missed:,} of {one.solved:,}"
    return row


def _cell(text: str, width: int, first: bool) -> str:
    return text.ljust(width) if first else text.rjust(width)
