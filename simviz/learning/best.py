"""Which state of a run is best? Judged on the validation part where there is one, never on the test part.

What is chosen by the test part is no longer measured by it; so without a validation part, or without a goal, the
training loss decides, and `measure` says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from simviz.learning.task import Task
from simviz.records import TrainStep

TRAINING_LOSS = "training loss"


@dataclass(frozen=True)
class Best:
    """The best step so far: its number, its value, and of what: "validation accuracy", say, or "training loss"."""

    step: int
    value: float
    measure: str

    def beats(self, other: Best | None, task: Task) -> bool:
        """Say whether this is better than another; a value that is not finite never is, a tie is not."""
        if not math.isfinite(self.value):
            return False
        if other is None:
            return True
        larger = task.larger and self.measure != TRAINING_LOSS
        return self.value > other.value if larger else self.value < other.value


def validated(name: str) -> str:
    """Return the name under which a metric of the validation part stands in the history.

    >>> validated("accuracy"), validated("cross entropy")
    ('validation accuracy', 'validation cross entropy')
    """
    return f"validation {name}"


def judged(task: Task, history: Sequence[TrainStep], every: int) -> Best:
    """Return how good the state after the last step is, which must have been measured.

    The training loss is the mean over the last `every` steps, those since the last measurement. Raises ValueError where
    the task's goal is none of its metrics.
    """
    last = history[-1]
    if task.validation is None or not task.goal:
        losses = [step.loss for step in history[-every:]]
        return Best(last.step, sum(losses) / len(losses), TRAINING_LOSS)
    measure = validated(task.goal)
    if measure not in last.metrics:
        raise ValueError(f"the task's goal must be one of its metrics, got {task.goal!r}, measured: {[*last.metrics]}")
    return Best(last.step, float(last.metrics[measure]), measure)
