"""How does the error of a student fall with its rank? SIMs and plain nets taught the same pairs, several seeds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from simviz.learning.recipes.distillation import SETTINGS
from simviz.learning.run import Run
from simviz.learning.task import Task
from simviz.models import paper

KINDS = ("SIM", "plain net")
PULL = 50
"""Steps of training a pull."""


@dataclass(frozen=True)
class Student:
    """One student that is, or was, taught: its kind, rank (of a plain net: the SIM's beside it) and seed, the steps
    done, and its relative error on held-out inputs once it is done, else None.
    """

    kind: str
    rank: int
    seed: int
    done: int = 0
    error: float | None = None


@dataclass(frozen=True)
class Answers:
    """All students so far, the last of them perhaps still learning. ranks: of them all; seeds, training: how many seeds
    and steps there are to be.
    """

    ranks: tuple[int, ...]
    seeds: int
    training: int
    students: tuple[Student, ...]

    def errors(self, kind: str, seed: int) -> list[tuple[int, float]]:
        """(rank, error) of the students of one kind and seed that are done, by rank."""
        own = [s for s in self.students if s.kind == kind and s.seed == seed and s.error is not None]
        return sorted((s.rank, s.error) for s in own if s.error is not None)

    def means(self, kind: str) -> list[tuple[int, float]]:
        """(rank, mean error over the seeds done) of one kind."""
        found = {}
        for rank in self.ranks:
            errors = [e for seed in range(self.seeds) for r, e in self.errors(kind, seed) if r == rank]
            if errors:
                found[rank] = sum(errors) / len(errors)
        return sorted(found.items())


def students(task: Task, ranks: Sequence[int], seeds: int, training: int) -> Iterator[Student]:
    """Teach one student after the other, some steps a pull; the last pull of each has its error."""
    inputs, outputs = task.train[0][0].numel(), task.train[1].shape[1]
    for seed in range(seeds):
        for rank in ranks:
            for kind in KINDS:
                make = paper.vector_regressor if kind == KINDS[0] else paper.plain_vector_regressor
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(seed)
                    model = make(inputs, outputs, rank)
                run = Run(model, task, seed=seed, max_steps=training, measure_every=training, device="cpu", **SETTINGS)
                student = Student(kind, rank, seed)
                for step in run:
                    if step.step == training:
                        yield dataclasses.replace(student, done=training, error=step.metrics["relative error"])
                    elif step.step % PULL == 0:
                        yield dataclasses.replace(student, done=step.step)
