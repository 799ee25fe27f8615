"""The bases against their formulas written out, and against the kernel they approximate."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from simviz.dynamics.features import median_distance
from simviz.models.bases import Convolutional, FullyConnected, Pooled, RandomFourier
from simviz.models.config import build, describe


def test_the_fully_connected_basis_is_its_formula():
    torch.manual_seed(0)
    basis = FullyConnected(3, 5, hidden=7, activation=nn.Tanh)
    x = torch.randn(4, 3)
    a, b, c = (m for m in basis.layers if isinstance(m, nn.Linear))
    h = torch.tanh(x @ a.weight.T + a.bias)
    h = torch.tanh(h @ b.weight.T + b.bias)
    torch.testing.assert_close(basis(x), h @ c.weight.T + c.bias)
    assert sum(p.numel() for p in basis.parameters()) == 3 * 7 + 7 + 7 * 7 + 7 + 7 * 5 + 5


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (10, 3)])
def test_the_convolutional_basis_is_the_papers_formula(side, channels):
    torch.manual_seed(0)
    basis = Convolutional(side, channels, d=5, width=4)
    x = torch.randn(6, channels, side, side)
    weights = list(basis.parameters())
    h = x
    for block in range(4):
        w, b, gamma, beta = weights[4 * block : 4 * block + 4]
        h = F.conv2d(h, w, b, padding=1)
        mean, var = h.mean((0, 2, 3), keepdim=True), h.var((0, 2, 3), keepdim=True, correction=0)
        h = ((h - mean) / (var + 1e-5).sqrt() * gamma[:, None, None] + beta[:, None, None]).relu()
        if block in (1, 3):
            h = F.max_pool2d(h, 2)
    assert h.shape == (6, 4, side // 4, side // 4)
    torch.testing.assert_close(basis(x), h.flatten(1) @ weights[16].T + weights[17], rtol=1e-4, atol=1e-5)


def test_random_fourier_features_approximate_the_gaussian_kernel_as_one_over_the_root_of_their_number():
    torch.manual_seed(0)
    u = torch.randn(60, 3, dtype=torch.float64)
    kernel = (-torch.cdist(u, u).square() / (2 * 1.5**2)).exp()
    sizes, errors = [64, 256, 1024, 4096], []
    for size in sizes:
        gaps = []
        for seed in range(20):
            psi = RandomFourier(3, size, bandwidth=1.5, seed=seed).double()(u)
            gaps.append((psi @ psi.T - kernel).square().mean())
        errors.append(torch.stack(gaps).mean().sqrt().item())
    slope = (math.log(errors[-1]) - math.log(errors[0])) / (math.log(sizes[-1]) - math.log(sizes[0]))
    assert slope == pytest.approx(-0.5, abs=0.1)
    assert errors[-1] < 0.02


@pytest.mark.parametrize(
    ("kernel", "form"), [("laplace", "cos-sin"), ("gaussian", "cos-bias"), ("laplace", "cos-bias")]
)
def test_every_kernel_and_form_is_approximated_with_an_error_that_halves_as_features_quadruple(kernel, form):
    torch.manual_seed(0)
    u = torch.randn(40, 2, dtype=torch.float64)
    exact = {
        "gaussian": lambda: (-torch.cdist(u, u).square() / (2 * 1.5**2)).exp(),
        "laplace": lambda: (-torch.cdist(u, u, p=1) / 1.5).exp(),
    }[kernel]()
    errors = []
    for size in (64, 4096):
        gaps = []
        for seed in range(20):
            psi = RandomFourier(2, size, 1.5, seed, kernel=kernel, form=form).double()(u)
            gaps.append((psi @ psi.T - exact).square().mean())
        errors.append(torch.stack(gaps).mean().sqrt().item())
    assert math.log(errors[1] / errors[0]) / math.log(64) == pytest.approx(-0.5, abs=0.1)


def test_the_median_bandwidth_is_that_of_the_first_batch_and_stays():
    torch.manual_seed(0)
    psi, plain = RandomFourier(3, 8, "median", seed=2), RandomFourier(3, 8, 1.0, seed=2)
    u = 7 * torch.randn(50, 3)
    assert psi.bandwidth.isnan()
    first = psi(u)
    width = torch.pdist(u).median()
    torch.testing.assert_close(psi.bandwidth, width)
    torch.testing.assert_close(first, plain(u / width))
    psi(100 * u)
    torch.testing.assert_close(psi.bandwidth, width)
    again = build(describe(psi))
    again.load_state_dict(psi.state_dict())
    assert torch.equal(again(u), first)
    torch.testing.assert_close(psi.set_bandwidth(2 * u), 2 * width.item())
    torch.testing.assert_close(psi(2 * u), first)


def test_random_fourier_directions_are_frozen_seeded_and_saved():
    one, same, other = RandomFourier(4, 10, seed=3), RandomFourier(4, 10, seed=3), RandomFourier(4, 10, seed=4)
    assert list(one.parameters()) == []
    assert torch.equal(one.directions, same.directions)
    assert not torch.equal(one.directions, other.directions)
    assert one.state_dict()["directions"].shape == (5, 4)


@pytest.mark.parametrize(
    "basis",
    [
        FullyConnected(16, 5, 8, nn.GELU),
        Convolutional(8, 1, 5, 3),
        RandomFourier(6, 10, 2.5, seed=7),
        RandomFourier(6, 9, 2.5, kernel="laplace", form="cos-bias"),
    ],
)
def test_a_basis_comes_back_from_its_description(basis):
    again = build(describe(basis))
    again.load_state_dict(basis.state_dict())
    x = torch.randn(4, 1, 8, 8) if isinstance(basis, Convolutional) else torch.randn(4, basis.inputs)
    assert torch.equal(basis.eval()(x), again.eval()(x))
    assert basis(x).shape == (4, basis.d)


def test_the_pooled_image_is_convolved_normalised_rectified_and_halved_by_maxima():
    torch.manual_seed(0)
    pooled = Pooled(8, 2, 3, halvings=2)
    x = torch.randn(5, 2, 8, 8)
    weights, h = list(pooled.parameters()), x
    for level in range(2):
        w, b, gamma, beta = weights[4 * level : 4 * level + 4]
        h = F.batch_norm(F.conv2d(h, w, b, padding=1), None, None, gamma, beta, training=True)
        h = F.max_pool2d(h.relu(), 2)
    torch.testing.assert_close(pooled(x), h, rtol=1e-4, atol=1e-5)
    assert h.shape == (5, 3, 2, 2)
    again = build(describe(pooled))
    again.load_state_dict(pooled.state_dict())
    assert torch.equal(again.eval()(x), pooled.eval()(x))


def test_the_layout_of_an_image_in_memory_changes_no_number():
    torch.manual_seed(0)
    x = torch.randn(4, 3, 8, 8)
    basis = Convolutional(8, 3, 5, 4).eval()
    odd = torch.randn(4, 8, 3, 8).transpose(1, 2)
    for image in (x, odd):
        same = image.contiguous(), image.contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(basis(image), basis(same[0]))
        torch.testing.assert_close(basis(image), basis(same[1]))
        torch.testing.assert_close(basis(image), basis.layers[1:](image), rtol=1e-5, atol=1e-5)


def test_an_image_may_be_given_to_a_basis_of_vectors_and_is_flattened():
    basis = FullyConnected(64, 5)
    x = torch.randn(3, 1, 8, 8)
    assert torch.equal(basis(x), basis(x.flatten(1)))


def test_the_median_distance_of_four_points_on_a_line_is_known():
    assert median_distance(torch.tensor([[0.0], [1.0], [3.0]])) == 2.0  # distances 1, 2, 3


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: FullyConnected(0, 5), "inputs must be at least 1"),
        (lambda: FullyConnected(4, 5, activation="relu"), "activation must be a class such as nn.ReLU"),
        (lambda: FullyConnected(4, 5)(torch.ones(2, 3)), r"x must be \(batch, 4\) for this basis, got \(2, 3\)"),
        (lambda: FullyConnected(4, 5)(torch.ones(4)), "did you forget the batch axis"),
        (lambda: Convolutional(3, 1, 5, 4), "side must be at least 4"),
        (lambda: Convolutional(8, 1, 5, 4)(torch.ones(2, 1, 9, 9)), r"x must be \(batch, 1, 8, 8\) .* \(2, 1, 9, 9\)"),
        (lambda: Convolutional(8, 1, 5, 4)(torch.ones(1, 8, 8)), "did you forget the batch axis"),
        (lambda: RandomFourier(4, 5), "features must be even"),
        (lambda: RandomFourier(4, 6, bandwidth=0.0), "bandwidth must be finite"),
        (lambda: RandomFourier(4, 6, bandwidth="mean"), 'bandwidth must be a number above 0 or "median", got .mean.'),
        (lambda: RandomFourier(4, 6, kernel="cauchy"), "kernel must be one of"),
        (lambda: RandomFourier(4, 6, form="sin"), "form must be one of"),
        (lambda: RandomFourier(4, 6)(torch.ones(4)), "did you forget the batch axis"),
        (lambda: RandomFourier(2, 6, "median")(torch.ones(5, 2)), "points must differ"),
        (lambda: Pooled(3, 1, 4, halvings=2), "side must be at least 4"),
        (lambda: RandomFourier(4, 6)(torch.ones(2, 3)), r"x must be \(batch, 4\) for this basis, got \(2, 3\)"),
        (lambda: median_distance(torch.ones(1, 2)), "points must hold at least 2"),
        (lambda: median_distance(torch.ones(5, 2)), "points must differ"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
