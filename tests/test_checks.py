"""An input that cannot work is refused in a sentence that names it; one that can comes through unchanged."""

import math

import numpy as np
import pytest
import torch

from simviz import checks


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers_of_python_and_numpy_are_whole_numbers(value):
    got = checks.positive_int("n", value)
    assert got == 3
    assert type(got) is int


@pytest.mark.parametrize("value", [0, -2, 2.0, "2", True, None, math.nan])
def test_what_is_no_positive_whole_number_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"^n must be .*got "):
        checks.positive_int("n", value)


@pytest.mark.parametrize(
    ("value", "inside"), [(0.0, False), (1e-300, True), (1.0, True), (1.0 + 1e-15, False), (math.inf, False)]
)
def test_an_interval_holds_its_closed_end_and_not_its_open_one(value, inside):
    if inside:
        assert checks.real("p", value, 0.0, 1.0, low_open=True) == value
    else:
        with pytest.raises(ValueError, match=r"^p must be finite and lie in \(0, 1\], got"):
            checks.real("p", value, 0.0, 1.0, low_open=True)


@pytest.mark.parametrize("value", [0, -1e-9, math.nan, math.inf, "1", True])
def test_what_is_not_positive_is_refused_by_name(value):
    with pytest.raises(ValueError, match=r"^dt must be "):
        checks.positive("dt", value)


def test_a_word_is_one_of_those_known_and_the_error_lists_them():
    assert checks.one_of("kernel", "gaussian", ("gaussian", "laplace")) == "gaussian"
    with pytest.raises(ValueError, match="kernel must be one of 'gaussian', 'laplace', got 'gauss'"):
        checks.one_of("kernel", "gauss", ("gaussian", "laplace"))


def test_arrays_of_any_layout_become_tensors_of_the_same_numbers():
    a = np.arange(6.0).reshape(2, 3)
    fixed = a.copy()
    fixed.flags.writeable = False
    for given in (a, fixed, a.tolist(), a[:, ::-1][:, ::-1]):
        assert torch.equal(checks.tensor("x", given), torch.tensor([[0.0, 1, 2], [3, 4, 5]], dtype=torch.float64))
    assert checks.tensor("x", a[::-1])[0, 0] == 3  # a negative stride
    assert checks.tensor("x", np.arange(3)).dtype == torch.get_default_dtype()
    same = torch.ones(2, dtype=torch.float16)
    assert checks.tensor("x", same) is same


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("text", "x must be a tensor or an array of numbers, got str"),
        ([[1.0], [1.0, 2.0]], "x must be a tensor or an array of numbers, got list"),
        (np.ones((2, 3), complex), "x must be real"),
        (np.ones((2, 4)), r"x must be \(batch, 3\), got \(2, 4\)$"),
        (np.ones(3), r"x must be \(batch, 3\), got \(3,\); did you forget the batch axis"),
        (np.ones((0, 3)), "x is empty"),
        ([[1.0, math.nan, math.inf]], "x holds 2 values that are NaN or infinite"),
    ],
)
def test_a_tensor_that_does_not_fit_is_refused_by_name(value, words):
    with pytest.raises(ValueError, match=words):
        checks.tensor("x", value, (None, 3), "(batch, 3)")
