"""Two numbers that should agree are printed side by side, and it is said where they do not."""

import math

import numpy as np
import pytest
import torch

from simviz.course.agreement import DISAGREE, agree


def said(capsys, *arguments, **options):
    agree("a number", *arguments, **options)
    return capsys.readouterr().out.rstrip("\n")


def test_equal_numbers_of_any_kind_agree(capsys):
    line = said(capsys, math.sqrt(2), torch.tensor(2.0).double().sqrt())
    assert line.split() == ["a", "number", "by", "hand", "1.41421", "simviz", "1.41421", "agree"]
    line = said(capsys, [1 + 2j, 1 - 2j], np.array([1 + 2j, 1 - 2j]), names=("one", "other"))
    assert line.endswith("one (1+2j, 1-2j)   other (1+2j, 1-2j)   agree")


def test_what_differs_by_more_than_within_is_named_with_the_difference(capsys):
    assert said(capsys, 1.0, 1.1, within=0.05).endswith(f"{DISAGREE} by 0.1")
    assert said(capsys, 1.0, 1.1, within=0.2).endswith(" agree")
    assert DISAGREE in said(capsys, float("nan"), 1.0)


def test_within_is_a_share_of_large_numbers_and_a_distance_for_small_ones(capsys):
    assert DISAGREE not in said(capsys, 1e6, 1e6 + 0.5)
    assert DISAGREE in said(capsys, 1e-9, 2e-6)


def test_other_numbers_of_numbers_are_refused_by_name():
    with pytest.raises(ValueError, match="by_hand and simviz must hold as many numbers, got 2 and 3"):
        agree("x", [1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="within"):
        agree("x", 1, 1, within=0)
