"""What does each model say when it is asked for every time? Answers to one excerpt, and the runs that teach them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from simviz.learning.data.rhythms import HORIZON, RHYTHMS, told
from simviz.learning.run import Run
from simviz.records import TrainStep

NAMES = tuple(rhythm.name for rhythm in RHYTHMS)
MOST = 6
"""Models that one figure has room for."""


@dataclass(frozen=True)
class Answer:
    """What one model says of an excerpt. said: (2 HORIZON,); here: its mean squared error there, within the trained
    times and beyond them; error, beyond: the same of all test excerpts as last measured, NaN before; share: of its
    training done.
    """

    name: str
    said: np.ndarray
    here: tuple[float, float]
    error: float
    beyond: float
    share: float


@dataclass(frozen=True)
class Asked:
    """An excerpt, (16,), the signal that follows, (2 HORIZON,), and what the models answer."""

    rhythm: str
    excerpt: int
    heard: np.ndarray
    signal: np.ndarray
    answers: tuple[Answer, ...]

    @property
    def trained(self) -> float:
        """The share of all trainings that is done, of the least one."""
        return min(answer.share for answer in self.answers)


class Lessons:
    """Several runs as one iterator: the one with the smallest share done is pulled next."""

    def __init__(self, runs: Mapping[str, Run]) -> None:
        self.runs = dict(runs)

    def __iter__(self) -> Iterator[tuple[str, TrainStep]]:
        return self

    def __next__(self) -> tuple[str, TrainStep]:
        open_ = [name for name, run in self.runs.items() if run.step < run.total_steps]
        if not open_:
            raise StopIteration
        name = min(open_, key=lambda one: self.runs[one].step / self.runs[one].total_steps)
        return name, next(self.runs[name])

    def rewind(self, step: int = 0) -> int:
        """Bring every run back to its beginning."""
        for run in self.runs.values():
            run.rewind(0)
        return 0


@torch.no_grad()
def asked(runs: Mapping[str, Run], rhythm: str, excerpt: int) -> Asked:
    """Ask every model of the runs for all times after the excerpt of that number, of one rhythm."""
    test = next(iter(runs.values())).task.test
    row = int(torch.nonzero(test[2] == NAMES.index(rhythm))[excerpt, 0])
    x, signal = test[0][row], test[1][row]
    answers = []
    for name, run in runs.items():
        with run.lock:
            said = told(run.model, x[None].to(run.device), len(signal))[0].cpu()
            metrics = next((s.metrics for s in reversed(run.history) if s.metrics), {})
            share = run.step / run.total_steps
        miss = (said - signal).square()
        here = float(miss[:HORIZON].mean()), float(miss[HORIZON:].mean())
        error, beyond = (float(metrics.get(key, np.nan)) for key in ("error", "error beyond"))
        answers.append(Answer(name, said.numpy(), here, error, beyond, share))
    return Asked(rhythm, excerpt, x.numpy(), signal.numpy(), tuple(answers))
