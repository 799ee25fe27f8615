"""What is there to learn from? Data sets as Tasks: split, normalised by the training part alone, seeded."""

from __future__ import annotations

import dataclasses

import torch

from simviz import checks
from simviz.learning.orbits import trajectories
from simviz.learning.task import Task

__all__ = ["Task", "digits", "trajectories"]


def digits(held_out: float = 0.2, seed: int = 0) -> Task:
    """Return scikit-learn's 1,797 handwritten digits of 8 x 8 pixels, ten classes, as a classification task.

    x: (samples, 1, 8, 8), pixels / 16, then shifted and scaled to the training part's mean 0 and standard deviation 1;
    y: (samples,). held_out: share of each class kept for the test part. Nothing is downloaded. Raises ValueError for a
    share outside (0, 1). Alpaydin and Kaynak, UCI 1998.

    >>> task = digits()
    >>> [tuple(t.shape) for t in task.test]
    [(359, 1, 8, 8), (359,)]
    """
    checks.real("held_out", held_out, 0.0, 1.0, low_open=True, high_open=True)
    from sklearn.datasets import load_digits  # takes half a second

    bunch = load_digits()
    pixels = torch.as_tensor(bunch.images)[:, None] / 16  # (samples, 1, 8, 8)
    return _normalised(Task.from_arrays(pixels, bunch.target, held_out=held_out, seed=seed, name="digits"))


def _normalised(task: Task) -> Task:
    """The task with its inputs at mean 0 and standard deviation 1 over the training part."""
    mean, std = task.train[0].mean(), task.train[0].std()
    train, test = (((x - mean) / std, *rest) for x, *rest in (task.train, task.test))
    return dataclasses.replace(task, train=train, test=test)
