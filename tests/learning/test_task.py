"""A task's parts and folds never share a sample, keep the classes' shares and follow the seed."""

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
    assert told["cross entropy"] == pytest.approx(loss, rel=1e-5)
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
        ([[1.0]], [0], {}, "held_out is 0.2 and no sample can be spared for it: .* got 1 samples"),
        (np.ones((4, 1)), [0, 0, 1, 1], {"validation": 0.1}, "validation is 0.1 and no sample can be spared"),
        ([[1.0], [2.0]], [0, 1], {"held_out": 1.0}, "held_out must be finite"),
        ([[1.0], [2.0]], [0, 1], {"held_out": 0.0}, "held_out must be finite"),
        ([[1.0], [2.0]], [0, 1], {"seed": -1}, "seed must be at least 0"),
        ([[1.0], [2.0]], [0, 1], {"validation": 1.0}, "validation must be finite"),
        ([[1.0], [2.0]], [0, 1], {"held_out": 0.7, "validation": 0.3}, r"sum must be below 1, got 0.7 \+ 0.3"),
        ([[1.0], [2.0]], [0, 1], {"held_out": 0.5}, "held_out is 0.5 and no sample can be spared for it"),
        ([[1.0], [2.0]], [1j, 2j], {}, "y must be labels or real numbers, got torch.complex128"),
        ([[1.0], [2.0]], [], {}, "y is empty"),
        ([], [], {}, "x is empty"),
        (3.0, [1], {}, "x must be"),
    ],
)
def test_arrays_that_make_no_task_are_refused_by_name(x, y, options, words):
    with pytest.raises(ValueError, match=words):
        Task.from_arrays(x, y, **options)


def test_parts_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match=r"train must hold tensors of one equal length above 0, got \[2, 3\]"):
        Task("t", (torch.ones(2), torch.ones(3)), (torch.ones(1),), nn.functional.mse_loss, dict)


def test_the_validation_part_takes_its_share_of_every_class_and_no_sample_twice():
    task = labelled(held_out=0.25, validation=0.1)
    assert torch.bincount(task.validation[1]).tolist() == [12, 6, 2]
    together = torch.cat([part[0] for part in (task.train, task.validation, task.test)])[:, 0]
    assert sorted(together.tolist()) == NUMBERS[:, 0].tolist()
    assert torch.equal(task.test[0], labelled(held_out=0.25).test[0])  # choosing takes nothing from the test part
    assert labelled().validation is None


@pytest.mark.parametrize("k", [2, 5, 7])
def test_every_sample_is_in_the_test_part_of_exactly_one_fold(k):
    folds = labelled(validation=0.1).folds(k)
    assert len(folds) == k
    tested = torch.cat([fold.test[0] for fold in folds])[:, 0]
    assert sorted(tested.tolist()) == NUMBERS[:, 0].tolist()
    for fold in folds:
        parts = fold.train, fold.validation, fold.test
        assert sorted(torch.cat([x for x, _ in parts])[:, 0].tolist()) == NUMBERS[:, 0].tolist()
        for x, y in parts:
            assert y.tolist() == LABELS[x[:, 0].long()].tolist()


@pytest.mark.parametrize("k", [2, 5, 7])
def test_every_class_is_shared_out_evenly_among_the_folds(k):
    counts = torch.stack([torch.bincount(fold.test[1], minlength=3) for fold in labelled().folds(k)])  # (k, 3)
    assert (counts.amax(0) - counts.amin(0) <= 1).all()
    assert counts.sum(1).max() - counts.sum(1).min() <= 1


def test_folds_keep_the_share_of_validation_within_every_class():
    for fold in labelled(validation=0.1).folds(5):
        assert torch.bincount(fold.validation[1]).tolist() == [12, 6, 2]
        assert len(fold.test[1]) == 40
    assert all(fold.validation is None for fold in labelled().folds(5))


def test_the_seed_decides_the_folds():
    task = labelled()
    a, b, c = (task.folds(4, seed)[2].test[0] for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_real_targets_are_folded_too():
    task = Task.from_arrays(NUMBERS, np.sin(NUMBERS), validation=0.2)
    folds = task.folds(3)
    assert sorted(len(fold.test[0]) for fold in folds) == [66, 67, 67]
    assert {len(fold.validation[0]) for fold in folds} == {40}


@pytest.mark.parametrize(("k", "words"), [(1, "k must be at least 2"), (201, "k must be at most 200"), (2.5, "whole")])
def test_folds_that_cannot_be_are_refused(k, words):
    with pytest.raises(ValueError, match=words):
        labelled().folds(k)


def test_windows_and_whole_trajectories_are_not_folded_together():
    task = Task("t", (torch.ones(4, 5),), (torch.ones(4, 9),), nn.functional.mse_loss, dict)
    with pytest.raises(ValueError, match="folds needs parts whose samples have one shape, those of t have"):
        task.folds(2)


RAW = np.random.default_rng(0).normal(3.0, [2.0, 5.0, 0.1], (200, 3))


def test_every_fold_is_normalised_by_its_own_training_part_as_if_the_data_were_raw():
    raw = Task.from_arrays(RAW, LABELS)
    for one, plain in zip(raw.normalised().folds(5), raw.folds(5), strict=True):
        x = plain.train[0].double()
        mean, std = x.mean(0), x.std(0, correction=0)
        torch.testing.assert_close(one.normalisation[0], mean, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(one.normalisation[1], std, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(one.test[0], ((plain.test[0] - mean) / std).float(), rtol=1e-4, atol=1e-5)


def test_a_raw_input_is_prepared_as_the_tasks_own_inputs_were():
    raw = Task.from_arrays(RAW, LABELS)
    task = raw.normalised()
    torch.testing.assert_close(task.prepare(raw.test[0]), task.test[0])
    torch.testing.assert_close(task.prepare(raw.test[0][7].tolist()), task.test[0][7])
    assert torch.equal(raw.prepare(raw.test[0]), raw.test[0])
    with pytest.raises(ValueError, match=r"x must be \(3\) or a batch \(samples, 3\), got \(4,\)"):
        task.prepare(torch.ones(4))


def test_a_channel_without_spread_stays_in_its_units_and_gets_them_back_in_a_fold():
    x = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    x[:, 1] = 5.0
    assert (Task.from_arrays(x, torch.arange(40) % 2).normalised().train[0][:, 1] == 5).all()
    x[0, 1] = 6.0  # one sample differs: in the fold that tests it, the training part has no spread
    folds = Task.from_arrays(x, torch.arange(40) % 2).normalised().folds(4)
    constant = [fold for fold in folds if fold.normalisation[1][1] == 1]
    assert len(constant) == 1
    torch.testing.assert_close(constant[0].train[0][:, 1], torch.full((30,), 5.0))
    assert constant[0].test[0][:, 1].max().item() == pytest.approx(6.0, abs=1e-5)


@pytest.mark.parametrize(
    ("shape", "channels", "axes"), [((30, 3, 4, 4), (3, 1, 1), (0, 2, 3)), ((30, 7, 2), (1, 2), (0, 1)), ((30,), (), 0)]
)
def test_images_are_normalised_by_channel_and_sequences_by_their_last_axis(shape, channels, axes):
    x = 4 + 2 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    task = Task.from_arrays(x, torch.arange(30) % 3).normalised()
    assert task.normalisation[0].shape == channels
    std, mean = torch.std_mean(task.train[0], axes, correction=0)
    torch.testing.assert_close(mean, torch.zeros_like(mean), atol=1e-5, rtol=0)
    torch.testing.assert_close(std, torch.ones_like(std), atol=1e-5, rtol=0)


def test_numbers_too_large_to_be_squared_are_refused_and_not_made_zero():
    with pytest.raises(ValueError, match=r"x holds numbers too large to be normalised, up to 1e\+30: rescale it"):
        Task.from_arrays(1e30 * (NUMBERS % 2), LABELS).normalised()


def test_classes_are_counted_over_all_parts():
    assert labelled().number_of_classes == 3
    assert Task.from_arrays(np.ones((6, 1)), [0, 0, 0, 1, 1, 7]).number_of_classes == 8
    assert Task.from_arrays(NUMBERS, np.sin(NUMBERS)).number_of_classes is None


@pytest.mark.parametrize("measure", ["loss", "metrics"])
def test_a_label_that_the_model_does_not_know_is_named(measure):
    task = Task.from_arrays(np.ones((4, 2)), [12, 12, 0, 0])
    with pytest.raises(ValueError, match="y holds the label 12, the model tells 10 classes apart"):
        getattr(task, measure)(nn.Linear(2, 10), *task.test)
    with pytest.raises(ValueError, match="y holds the label -1, the model tells 3 classes apart"):
        getattr(task, measure)(nn.Linear(2, 3), torch.ones(2, 2), torch.tensor([-1, 0]))
    with pytest.raises(ValueError, match="y holds the label 12, the model tells 12 classes apart"):
        getattr(task, measure)(nn.Linear(2, 12), *task.test)
    assert task.loss(nn.Linear(2, 13), *task.test).isfinite()


def test_answers_of_another_shape_are_refused_before_they_are_broadcast():
    regression, classes = Task.from_arrays(NUMBERS, np.sin(NUMBERS[:, 0])), labelled()
    for measure in (regression.loss, regression.metrics):
        with pytest.raises(ValueError, match=r"the model returned \(40, 1\) where y is \(40,\)"):
            measure(nn.Linear(1, 1), *regression.test)
    for measure in (classes.loss, classes.metrics):
        with pytest.raises(ValueError, match=r"the model must return logits \(40, classes\), .*got \(40,\)"):
            measure(nn.Sequential(nn.Linear(1, 1), nn.Flatten(0)), *classes.test)
