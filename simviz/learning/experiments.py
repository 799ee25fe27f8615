"""Which settings does each model get in the paper's three tasks? A run for a word: image classes, memory, a picture.

Konishi and Kawahara, arXiv 2207.07475. The settings are the best on validation parts of those tried, and not equally
many were tried for every model (docs/quality.md says how many). `paper=True` takes the lengths of the published
experiments (their ranges: epochs 20..80, batches 64..512; copy memory: 20 epochs of batches up to 20, gradients clipped
at 1; image regression: 2,000 full-batch steps).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.learning.data.rhythms import RHYTHMS
from simviz.learning.kinds import CLASSIFIERS, CLOCKS, FEED_FORWARD
from simviz.learning.run import Run
from simviz.learning.tails import pursued_angles
from simviz.learning.task import Task
from simviz.models import paper as published
from simviz.models.bases import FullyConnected
from simviz.models.deq import DEQ, Tanh
from simviz.models.propagators import Modes
from simviz.models.sim import SIM
from simviz.models.timed import Iterated, Recurrent, Timeless, Told

CLASSIFY: dict[str, dict[str, Any]] = {
    "single": {"lr": 5e-3, "weight_decay": 0.5},
    "two": {"lr": 5e-3, "weight_decay": 0.5},
    "deq": {"lr": 5e-3, "weight_decay": 0.1},
    "monotone": {"lr": 5e-3, "weight_decay": 0.1},
    "plain": {"lr": 5e-3, "weight_decay": 0.5},
    "wide": {"lr": 5e-3, "weight_decay": 0.5},
}
CLASSIFY_SMALL: dict[str, dict[str, Any]] = {
    "single": {"lr": 2e-2, "weight_decay": 0.5},
    "two": {"lr": 1e-2, "weight_decay": 0.1},
    "deq": {"lr": 2e-2, "weight_decay": 0.01},
    "monotone": {"lr": 1e-2, "weight_decay": 0.1},
    "plain": {"lr": 1e-2, "weight_decay": 0.5},
    "wide": {"lr": 2e-2, "weight_decay": 0.5},
}
"""For images below 16 pixels a side, such as `data.digits`: fewer of them, so fewer and longer steps."""
COPY: dict[str, Any] = {"lr": 4e-3, "schedule": "constant", "clip": 1.0, "batch_size": 10}
REGRESS: dict[str, dict[str, Any]] = {
    "fourier": {"lr": 6e-3, "weight_decay": 1.0},
    "network": {"lr": 2e-3, "weight_decay": 0.0},
}
"""By the basis of the one tier; two tiers stand on a network. Strong decay keeps a picture smooth between pixels."""
CLOCK: dict[str, dict[str, Any]] = {
    "deq": {"max_steps": 300},
    "deq told": {"max_steps": 400, "batch_size": 16},
    "plain told": {"max_steps": 800, "batch_size": 64},
    "gru": {"max_steps": 500, "clip": 1.0, "lr": 3e-3},
    "cell": {"max_steps": 300, "clip": 1.0},
    "sim": {"max_steps": 3000},
}
"""Lengths by what a step costs."""
HARMONICS = 6
"""Of each of the SIM's base angles in the clock task."""
BANDWIDTH = 0.1
"""Of the Fourier basis, in units of the square's half side."""


def classify(kind: str, task: Task, *, seed: int = 0, paper: bool = False, **options: Any) -> Run:
    """Return the run that trains a classifier on square images, (samples, channels, side, side), ten classes.

    kind: one of `CLASSIFIERS`; paper: 20 epochs; options: of the Run, instead of the settings chosen here. Raises
    ValueError for another kind, and for a task of anything but square images in at most ten classes.
    """
    checks.one_of("kind", kind, list(CLASSIFIERS))
    _, channels, side = _image_shape(task)
    makers: dict[str, Callable[[], nn.Module]] = {
        "single": lambda: published.image_classifier(1, side, channels),
        "two": lambda: published.image_classifier(2, side, channels, bandwidth="median"),
        "deq": lambda: published.image_deq(side, channels),
        "monotone": lambda: published.image_monotone(side, channels),
        "plain": lambda: published.plain_image_classifier(1, side, channels),
        "wide": lambda: published.plain_image_classifier(1, side, channels, widened=True),
    }
    chosen = CLASSIFY_SMALL if side < published.LARGE else CLASSIFY
    settings = {"epochs": 20 if paper else 10, "batch_size": 128, **chosen[kind], **options}
    return Run(_seeded(makers[kind], seed), task, seed=seed, **settings)


def copy(kind: str, task: Task, *, seed: int = 0, paper: bool = False, **options: Any) -> Run:
    """Return the run that trains a model of `FEED_FORWARD` on a task of `data.copy_memory`.

    paper: 20 epochs; else 600 steps, measured every 20; options: of the Run, instead of the settings in `COPY`.
    """
    checks.one_of("kind", kind, list(FEED_FORWARD))
    makers: dict[str, Callable[[], nn.Module]] = {
        "single": lambda: published.copy_memory(1),
        "two": lambda: published.copy_memory(2),
        "plain": lambda: published.plain_copy_memory(1),
        "wide": lambda: published.plain_copy_memory(1, widened=True),
    }
    length = {"epochs": 20} if paper else {"max_steps": 600, "measure_every": 20}
    return Run(_seeded(makers[kind], seed), task, seed=seed, **{**length, **COPY, **options})


def regress(
    kind: str,
    task: Task,
    *,
    basis: str = "fourier",
    bandwidth: float | str | None = None,
    seed: int = 0,
    paper: bool = False,
    **options: Any,
) -> Run:
    """Return the run that teaches a model of `FEED_FORWARD` a picture, see `data.photograph`; full-batch steps.

    The readout's bias begins at the mean colour. basis: of one tier, "fourier" or "network"; bandwidth: of the random
    features (None: `BANDWIDTH`, of two tiers "median"); paper: 2,000 steps, else 500; options: of the Run,
    instead of the settings in `REGRESS`.
    """
    checks.one_of("kind", kind, list(FEED_FORWARD))
    tiers = 2 if kind == "two" else 1
    basis = "network" if tiers == 2 else checks.one_of("basis", basis, list(REGRESS))
    width = ("median" if tiers == 2 else BANDWIDTH) if bandwidth is None else bandwidth
    makers: dict[str, Callable[[], nn.Module]] = {
        "single": lambda: published.image_regressor(1, basis, width),
        "two": lambda: published.image_regressor(2, basis, width),
        "plain": lambda: published.plain_image_regressor(1, basis, width),
        "wide": lambda: published.plain_image_regressor(1, basis, width, widened=True),
    }
    length = {"max_steps": 2000 if paper else 500, "measure_every": 25, "batch_size": len(task.train[0])}
    model = _seeded(makers[kind], seed)
    last = list(model.modules())[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.get_parameter("bias").copy_(task.train[1].mean(0))
    return Run(model, task, seed=seed, **{**length, **REGRESS[basis], **options})


def tell_time(kind: str, task: Task, *, seed: int = 0, **options: Any) -> Run:
    """Return the run that teaches a model of `CLOCKS` the clock task, `data.rhythms`.

    "deq told" and "plain told" are given the true angles a step of the four rhythms as the hands of a clock. "sim" is
    not: its base angles begin at what `pursued_angles` finds in the training signals, and are learned. "cell" is a cell
    as in "deq", read at step t; "gru" goes on from its own answers. options: of the Run. Raises ValueError for another
    kind, and for another task.
    """
    checks.one_of("kind", kind, list(CLOCKS))
    if task.name != "rhythms":
        raise ValueError(f"task must be the clock task, see data.rhythms, got {task.name!r}")
    heard = task.train[0].shape[1]
    hands = [rhythm.angle for rhythm in RHYTHMS]
    told = heard + 2 * len(hands)

    def sim() -> SIM:
        modes = Modes(
            len(hands), HARMONICS, 0, mixed=False, unit_phases=False, start=pursued_angles(task.train[1], len(hands))
        )
        basis = FullyConnected(heard, modes.inputs, hidden=128, activation=nn.GELU)
        return SIM(basis, modes, nn.Identity(), nn.Linear(modes.outputs, 1))

    def plain(inputs: int) -> nn.Module:
        return FullyConnected(inputs, 1, hidden=128, activation=nn.GELU)

    def deq(inputs: int) -> DEQ:
        return DEQ(Tanh(inputs, 64), nn.Linear(64, 1))

    makers: dict[str, Callable[[], nn.Module]] = {
        "deq": lambda: Timeless(deq(heard)),
        "deq told": lambda: Told(deq(told), hands),
        "plain told": lambda: Told(plain(told), hands),
        "gru": lambda: Recurrent(64),
        "cell": lambda: Iterated(Tanh(heard, 64, gain=1.0), nn.Linear(64, 1)),
        "sim": sim,
    }
    settings = {"lr": 5e-3, "weight_decay": 1e-4, "batch_size": 128, **CLOCK[kind], **options}
    every = max(1, (settings["max_steps"] or CLOCK[kind]["max_steps"]) // 5)
    return Run(_seeded(makers[kind], seed), task, seed=seed, **{"measure_every": every, **settings})


def _image_shape(task: Task) -> tuple[int, int, int]:
    shape = tuple(task.train[0].shape[1:])
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(f"task must hold square images (samples, channels, side, side), got samples of {shape}")
    classes = task.number_of_classes
    if classes is None or classes > published.classification.CLASSES:
        raise ValueError(f"task must have at most ten classes for the paper's classifiers, got {classes}")
    return classes, shape[0], shape[1]


def _seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The model with weights drawn from this seed, PyTorch's generator left where it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(checks.positive_int("seed", seed, 0))
        return make()
