"""The digits: known counts, split by class, normalised by the training part alone, seeded."""

import pytest
import torch
from sklearn.datasets import load_digits

from simviz.learning.data import digits


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
