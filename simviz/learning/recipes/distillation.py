r"""How well does another network know a DEQ's answers? :math:`x \to z^*(x)`, learned from as many pairs as one likes.

The teacher can be asked, so pairs cost a solve each and never run out: inputs are drawn between the examples and a
little beside them. What is measured is the relative error on inputs held out.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.learning.run import Run
from simviz.learning.splits import TRAIN, split
from simviz.learning.task import Task, regression_loss
from simviz.models import paper
from simviz.models.deq import DEQ

PIECE = 2048
"""Inputs that the teacher solves at once."""
NOISE = 0.2
"""Of the inputs that are asked, in units of the examples' standard deviation."""
SETTINGS: dict[str, Any] = {"lr": 1e-2, "weight_decay": 1e-4, "batch_size": 256}


def distil(teacher: DEQ, x: Any, student: nn.Module | None = None, **options: Any) -> nn.Module:
    """Return a student that answers z*(x) as the teacher does, trained; options: see `distil_run`.

    The measured error is in `distil_run(..).history[-1].metrics["relative error"]`, if you pull the run yourself.

    >>> from simviz.models.deq import Tanh
    >>> teacher = DEQ(Tanh(2, 3, gain=0.5), nn.Identity())
    >>> student = distil(teacher, torch.randn(64, 2), pairs=512, steps=5)
    >>> student(torch.randn(4, 2)).shape
    torch.Size([4, 3])
    """
    run = distil_run(teacher, x, student, **options)
    for _ in run:
        pass
    return run.model.eval()


def distil_run(
    teacher: DEQ,
    x: Any,
    student: nn.Module | None = None,
    *,
    rank: int = 32,
    test: Any = None,
    pairs: int = 32768,
    steps: int = 3000,
    seed: int = 0,
    device: str = "auto",
    **options: Any,
) -> Run:
    """Return the run that trains a student on pairs (x, z*(x)) of a teacher, for a live figure or a loop of your own.

    teacher: a trained DEQ whose state is flat or can be flattened; x: (samples, ...) examples of its inputs, of which
    a fifth is held out where test, (samples, ...) inputs of their own, is not given; student: a module from inputs to
    (batch, units), by default `paper.vector_regressor` of this rank; pairs: that the teacher is asked for; steps: of
    training; options: of the Run, instead of `SETTINGS`. Metric and goal: "relative error" (`relative_error`). Raises
    ValueError for another teacher, inputs it does not take, or where it settles on fewer than half of them.
    """
    task = distillation(teacher, x, test, pairs=pairs, seed=seed)
    inputs, outputs = task.train[0][0].numel(), task.train[1].shape[1]
    if student is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            student = paper.vector_regressor(inputs, outputs, rank)
    checks.positive_int("steps", steps)
    settings = {**SETTINGS, "max_steps": steps, "measure_every": max(1, steps // 20), **options}
    return Run(student, task, seed=seed, device=device, **settings)


def distillation(teacher: DEQ, x: Any, test: Any = None, *, pairs: int = 32768, seed: int = 0) -> Task:
    """Return the task of answering as the teacher does; arguments as in `distil_run`."""
    if not isinstance(teacher, DEQ):
        raise ValueError(f"teacher must be a DEQ, got {type(teacher).__name__}")
    examples = checks.tensor("x", x).to(torch.get_default_dtype())
    if examples.ndim < 2 or len(examples) < 2:
        raise ValueError(f"x must be (samples, ...) with at least 2 samples, got {tuple(examples.shape)}")
    if test is None:
        part = split(torch.zeros(len(examples)), 0.2, 0.0, seed)
        examples, held_out = examples[part == TRAIN], examples[part != TRAIN]
    else:
        held_out = checks.tensor("test", test, (None, *examples.shape[1:])).to(examples)
    generator = torch.Generator().manual_seed(checks.positive_int("seed", seed, 0))
    asked = between(examples, checks.positive_int("pairs", pairs), generator)
    return Task(
        "distillation", answers(teacher, asked), answers(teacher, held_out), regression_loss,
        distillation_metrics, goal="relative error", larger=False,
    )  # fmt: skip


def between(examples: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw inputs between two examples, nearer to the one, with a little noise: (count, ...)."""
    one, other = (examples[torch.randint(len(examples), (count,), generator=generator)] for _ in range(2))
    share = 0.5 * torch.rand(count, *[1] * (examples.ndim - 1), generator=generator).to(examples)
    noise = torch.randn(one.shape, generator=generator).to(examples)
    return torch.lerp(one, other, share) + NOISE * examples.std() * noise


@torch.no_grad()
def answers(teacher: DEQ, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the inputs on which the teacher settles, and its z*, (samples, units).

    Raises ValueError where these are fewer than half.
    """
    place = next(teacher.parameters(), x).device
    kept, states = [], []
    for piece in x.split(PIECE):
        solution = teacher.equilibrium(piece.to(place))
        settled = solution.converged.cpu()
        kept.append(piece[settled])
        states.append(solution.z.flatten(1).cpu()[settled])
    inputs, z_star = torch.cat(kept), torch.cat(states)
    if 2 * len(inputs) < len(x):
        raise ValueError(
            f"teacher settles on {len(inputs)} of {len(x)} inputs only: there is nothing to answer with; raise its "
            f"max_steps, or look at teacher.report(x)"
        )
    return inputs, z_star.to(x)


def relative_error(student: torch.Tensor, teacher: torch.Tensor) -> float:
    """Return the mean over samples of |s - t| / |t|; student, teacher: (samples, ...).

    >>> relative_error(torch.tensor([[1.0], [20.0]]), torch.tensor([[2.0], [20.0]]))
    0.25
    """
    given, wanted = student.flatten(1), teacher.flatten(1)
    if given.shape != wanted.shape:
        raise ValueError(f"student and teacher must have one shape, got {tuple(given.shape)}, {tuple(wanted.shape)}")
    return float(((given - wanted).norm(dim=1) / wanted.norm(dim=1)).mean())


def distillation_metrics(model: nn.Module, x: torch.Tensor, z_star: torch.Tensor) -> dict[str, float]:
    """Return the relative error on a part."""
    return {"relative error": relative_error(torch.cat([model(piece) for piece in x.split(PIECE)]), z_star)}
