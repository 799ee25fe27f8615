"""The temporal basis against its formula in NumPy, its causality, and its copies."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import torch

from simviz.models.bases import TemporalConvolutional
from simviz.models.config import build, describe


def convolved(x, direction, magnitude, bias, dilation):
    """A causal convolution with weight normalisation in NumPy: x (time, inputs) -> (time, outputs)."""
    weight = magnitude * direction / np.sqrt((direction**2).sum((1, 2), keepdims=True))
    out = np.tile(bias, (len(x), 1))
    taps = weight.shape[2]
    for t in range(len(x)):
        for tap in range(taps):
            past = t - (taps - 1 - tap) * dilation
            if past >= 0:
                out[t] += weight[:, :, tap] @ x[past]
    return out


def test_the_temporal_basis_is_its_formula():
    torch.manual_seed(0)
    basis = TemporalConvolutional(2, 5, width=3, levels=3, kernel=4).double()
    x = torch.randn(1, 20, 2, dtype=torch.float64)
    weights = {name: value.detach().numpy() for name, value in basis.named_parameters()}
    h = x[0].numpy()
    for level in range(3):
        block, skip = f"layers.{1 + level}.", h
        for part in ("first", "second"):
            g, v = (weights[f"{block}{part}.parametrizations.weight.original{i}"] for i in (0, 1))
            h = np.maximum(convolved(h, v, g, weights[f"{block}{part}.bias"], 2**level), 0)
        if level == 0:
            skip = skip @ weights[f"{block}shortcut.weight"][:, :, 0].T + weights[f"{block}shortcut.bias"]
        h = np.maximum(h + skip, 0)
    expected = h @ weights["layers.5.weight"].T + weights["layers.5.bias"]
    np.testing.assert_allclose(basis(x)[0].detach().numpy(), expected, atol=1e-12)


def test_nothing_sees_the_future_and_the_past_is_seen_as_far_as_said():
    torch.manual_seed(0)
    basis = TemporalConvolutional(1, 4, width=6, levels=3, kernel=3).double()
    assert basis.reach == 1 + 2 * 2 * 7
    x = torch.randn(1, 60, 1, dtype=torch.float64, requires_grad=True)
    gradient = torch.autograd.grad(basis(x)[0, 50].square().sum(), x)[0][0, :, 0]
    seen = torch.nonzero(gradient)[:, 0]
    assert (int(seen.max()), int(seen.min())) == (50, 50 - basis.reach + 1)


def test_the_papers_reach_covers_its_longest_delay():
    assert TemporalConvolutional(1, 32).reach > 1000


def test_no_deprecation_is_warned_of():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        TemporalConvolutional(1, 4)(torch.zeros(2, 5, 1)).sum().backward()
    assert [str(one.message) for one in seen] == []


def test_copies_pickles_and_descriptions_give_the_same_and_stand_apart():
    torch.manual_seed(0)
    basis = TemporalConvolutional(1, 4, width=5, levels=2, kernel=3)
    basis.layers[1].first.bias.requires_grad_(False)
    basis.eval()
    x = torch.randn(3, 12, 1)
    before = basis(x)
    again = build(describe(basis))
    again.load_state_dict(basis.state_dict())
    for other in (copy.deepcopy(basis), pickle.loads(pickle.dumps(basis)), again):
        assert torch.equal(other(x), before)
        with torch.no_grad():
            for parameter in other.parameters():
                parameter.add_(1.0)
        assert torch.equal(basis(x), before)
    twin = pickle.loads(pickle.dumps(basis))
    assert not twin.training
    assert [p.requires_grad for p in twin.parameters()] == [p.requires_grad for p in basis.parameters()]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: TemporalConvolutional(0, 4), "channels must be at least 1"),
        (lambda: TemporalConvolutional(1, 4, kernel=0), "kernel must be at least 1"),
        (lambda: TemporalConvolutional(1, 4, levels=0), "levels must be at least 1"),
        (lambda: TemporalConvolutional(1, 4)(torch.zeros(2, 5)), r"x must be \(batch, time, 1\) .* \(2, 5\)"),
        (lambda: TemporalConvolutional(1, 4)(torch.zeros(5, 1)), "did you forget the batch axis"),
        (lambda: TemporalConvolutional(2, 4)(torch.zeros(1, 5, 1)), r"x must be \(batch, time, 2\)"),
        (lambda: TemporalConvolutional(1, 4)(torch.zeros(1, 0, 1)), "x must be"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
