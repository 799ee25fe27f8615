"""A task's two parts never share a sample, keep the classes' shares and follow the seed."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error
from torch import nn

from simviz.learning.task import Task

NUMBERS = np.arange(200.0)[:, None]
LABELS = np.repeat([0, 1, 2], [120, 60, 20])


def labelled(**options):
    return Task.from_arrays(NUMBERS, LABELS, **options)


def test_every_sample_is_in_exactly_one_part():
    task = labelled(held_out=0.3)
    together = torch.cat([task.train[0], task.test[0]])[:, 0]
    assert sorted(together.tolist()) == NUMBERS[:, 0].tolist()
    for x, y in (task.train, task.test):
        assert y.tolist() == LABELS[x[:, 0].long()].tolist()


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_each_class_is_held_out_by_the_same_share(share):
    assert torch.bincount(labelled(held_out=share).test[1]).tolist() == [120 * share, 60 * share, 20 * share]


def test_the_seed_decides_the_split():
    a, b, c = (labelled(seed=seed).test[0] for seed in (3, 3, 4))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_a_class_of_two_is_in_both_parts_and_a_class_of_one_is_trained_on():
    task = Task.from_arrays(np.ones((6, 1)), [0, 0, 0, 1, 1, 2])
    assert set(task.test[1].tolist()) == {0, 1}
    assert set(task.train[1].tolist()) == {0, 1, 2}


def test_real_targets_make_a_regression_whose_metric_is_scikit_learns():
    y = np.sin(NUMBERS)
    task = Task.from_arrays(NUMBERS, y)
    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    guess = model(task.test[0]).detach()
    with torch.no_grad():
        told = task.metrics(model, *task.test)
        loss, trained = float(task.loss(model, *task.train)), model(task.train[0])
    assert told["rmse"] == pytest.approx(root_mean_squared_error(task.test[1], guess))
    assert loss == pytest.approx(root_mean_squared_error(task.train[1], trained) ** 2)


def test_labels_make_a_classification_whose_metrics_are_scikit_learns():
    task = Task.from_arrays(NUMBERS / 200, LABELS)
    torch.manual_seed(0)
    model = nn.Linear(1, 3)
    chances = model(task.test[0]).softmax(-1).detach().double()
    with torch.no_grad():
        told = task.metrics(model, *task.test)
    assert told["accuracy"] == accuracy_score(task.test[1], chances.argmax(1))
    loss = log_loss(task.test[1], chances / chances.sum(1, keepdim=True), labels=[0, 1, 2])
    assert told["test loss"] == pytest.approx(loss, rel=1e-5)
    assert float(task.loss(model, *task.test).detach()) == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize(
    ("x", "y", "options", "words"),
    [
        ([[1.0], [math.nan]], [0, 1], {}, "x holds 1 values that are NaN"),
        ([[1.0], [2.0]], [0.0, math.inf], {}, "y holds 1 values that are NaN"),
        ([[1.0], [2.0]], [0, 1, 1], {}, "x and y must have one row a sample, got 2 and 3"),
        ([[1.0], [2.0]], [0, -1], {}, "y holds labels and must be .* smallest -1"),
        ([[1.0], [2.0]], [[0], [1]], {}, r"y holds labels and must be \(samples,\)"),
        ([[1.0], [2.0]], ["a", "b"], {}, "y must be labels or numbers, got list"),
        ([[1.0], [2.0]], 3, {}, "y must be"),
        ([[1.0]], [0], {}, "test must hold"),
        ([[1.0], [2.0]], [0, 1], {"held_out": 1.0}, "held_out must be finite"),
        ([[1.0], [2.0]], [0, 1], {"held_out": 0.0}, "held_out must be finite"),
        ([[1.0], [2.0]], [0, 1], {"seed": -1}, "seed must be at least 0"),
    ],
)
def test_arrays_that_make_no_task_are_refused_by_name(x, y, options, words):
    with pytest.raises(ValueError, match=words):
        Task.from_arrays(x, y, **options)


def test_parts_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match=r"train must hold tensors of one equal length above 0, got \[2, 3\]"):
        Task("t", (torch.ones(2), torch.ones(3)), (torch.ones(1),), nn.functional.mse_loss, dict)
