"""The copy memory task: its layout by hand, uniform symbols, and the loss of a model that remembers nothing."""

import math

import pytest
import torch
from scipy.stats import chisquare
from torch import nn

from simviz.learning.data import copy_memory, memoryless

TASK = copy_memory(delay=20, train=2000, test=300, validation=50)


class Oracle(nn.Module):
    """Logits of the right answer, got from x itself: the first ten symbols, put last; `wrong` of them are off."""

    def __init__(self, wrong=0):
        super().__init__()
        self.wrong = wrong

    def forward(self, x):
        y = torch.zeros(x.shape[:2], dtype=torch.long)
        y[:, -10:] = x[:, :10, 0].long()
        last = y[:, -10:][:, : self.wrong]
        last.copy_(last % 8 + 1)
        return 100 * nn.functional.one_hot(y, 10).float()


class Memoryless(nn.Module):
    """Silence, then all eight symbols alike: log probabilities."""

    def forward(self, x):
        chances = torch.zeros(*x.shape[:2], 10)
        chances[:, :-10, 0] = 1.0
        chances[:, -10:, 1:9] = 1 / 8
        return chances.clamp(1e-30).log()


def test_a_sequence_is_laid_out_as_in_the_paper():
    """Bai et al. 2018: ten symbols, delay - 1 zeros, eleven nines -> delay + 10 zeros, the ten symbols."""
    x, y = (t[0] for t in copy_memory(delay=7, train=1, test=1, seed=3).train)
    symbols = x[:10, 0].tolist()
    assert x.shape == (27, 1)
    assert x[:, 0].tolist() == symbols + [0.0] * 6 + [9.0] * 11
    assert y.tolist() == [0] * 17 + [int(s) for s in symbols]
    assert y.dtype == torch.long


def test_the_symbols_are_one_to_eight_equally_often():
    counts = torch.bincount(TASK.train[1][:, -10:].flatten(), minlength=10)
    assert counts[0] == counts[9] == 0
    assert chisquare(counts[1:9].numpy()).pvalue > 0.001


def test_the_parts_have_the_asked_sizes_and_share_no_sequence():
    parts = TASK.train, TASK.test, TASK.validation
    assert [len(x) for x, _ in parts] == [2000, 300, 50]
    seen = [tuple(row) for _, y in parts for row in y[:, -10:].tolist()]
    assert len(set(seen)) == len(seen)  # of 8^10 possible ones


def test_the_loss_without_memory_is_ten_logs_of_eight_by_the_length():
    told = TASK.metrics(Memoryless(), *TASK.test)
    assert told["cross entropy"] == pytest.approx(10 * math.log(8) / 40, rel=1e-5)
    assert told["cross entropy"] == pytest.approx(memoryless(20), rel=1e-5)
    assert float(TASK.loss(Memoryless(), *TASK.test)) == pytest.approx(memoryless(20), rel=1e-5)
    assert told["last ten"] < 0.2


@pytest.mark.parametrize("wrong", [0, 3, 10])
def test_the_share_of_the_last_ten_counts_the_symbols_that_are_right(wrong):
    assert TASK.metrics(Oracle(wrong), *TASK.test)["last ten"] == pytest.approx(1 - wrong / 10)
    assert TASK.goal == "last ten"


def test_measuring_in_pieces_gives_what_one_piece_gives():
    task = copy_memory(delay=300, train=1, test=500)
    sizes = []

    class Watched(Memoryless):
        def forward(self, x):
            sizes.append(x.shape[0] * x.shape[1])
            return super().forward(x)

    assert task.metrics(Watched(), *task.test)["cross entropy"] == pytest.approx(memoryless(300), rel=1e-5)
    assert sum(sizes) == 500 * 320
    assert max(sizes) <= 2**16
    assert len(sizes) == 3


def test_the_seed_decides_the_sequences():
    a, b, c = (copy_memory(5, train=3, test=3, seed=seed).test[0] for seed in (0, 0, 1))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


def test_another_number_of_symbols_has_a_name_of_its_own():
    task = copy_memory(delay=4, symbols=3, train=2, test=2)
    assert task.goal == "last 3"
    assert task.train[0].shape == (2, 10, 1)


@pytest.mark.parametrize("name", ["delay", "symbols", "train", "test"])
def test_numbers_below_one_are_refused_by_name(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        copy_memory(**{name: 0})


def test_a_model_with_another_shape_of_answer_is_told_which_it_should_give():
    with pytest.raises(ValueError, match=r"the model must return logits \(1, 29, 10\), .*got \(1, 29, 8\)"):
        TASK.loss(nn.Linear(1, 8), *copy_memory(delay=9, train=1, test=1).train)
    with pytest.raises(ValueError, match="delay must be at least 1"):
        memoryless(0)
