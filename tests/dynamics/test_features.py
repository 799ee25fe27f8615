"""Random Fourier features approximate the Gaussian kernel, the better the more there are."""

import math

import numpy as np
import pytest
import torch

from simviz.dynamics.features import RandomFourier

POINTS = torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def kernel_error(features, bandwidth, seed):
    psi = RandomFourier(3, features, bandwidth, seed=seed)(POINTS)
    truth = torch.exp(-torch.cdist(POINTS, POINTS).square() / (2 * bandwidth**2))
    return (psi @ psi.T - truth).square().mean().sqrt()


@pytest.mark.parametrize("bandwidth", [0.7, 2.0])
def test_the_kernels_error_falls_as_one_over_the_root_of_their_number(bandwidth):
    sizes = [64, 256, 1024, 4096]
    errors = [torch.stack([kernel_error(n, bandwidth, seed) for seed in range(8)]).mean() for n in sizes]
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.08)
    assert errors[-1] < 0.02


def test_every_point_has_features_of_length_one_in_its_own_dtype():
    psi = RandomFourier(3, 50)
    assert torch.allclose(psi(POINTS).norm(dim=1), torch.ones(40, dtype=torch.float64), atol=1e-12)
    assert psi(POINTS.float()).dtype == torch.float32
    assert psi(POINTS.reshape(4, 10, 3)).shape == (4, 10, 50)
    assert torch.equal(psi(POINTS.numpy()), psi(POINTS))


def test_the_seed_decides_the_directions():
    assert torch.equal(RandomFourier(2, 8, seed=4).directions, RandomFourier(2, 8, seed=4).directions)
    assert not torch.equal(RandomFourier(2, 8, seed=4).directions, RandomFourier(2, 8, seed=5).directions)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"inputs": 0}, "inputs must be at least 1"),
        ({"features": 7}, "features must be even"),
        ({"features": -4}, "features must be at least 2"),
        ({"bandwidth": 0.0}, "bandwidth must be finite"),
        ({"bandwidth": math.inf}, "bandwidth must be finite"),
        ({"kernel": "cauchy"}, "kernel must be one of 'gaussian'"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_bad_options_are_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        RandomFourier(**{"inputs": 2, "features": 8, **options})


def test_points_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match=r"points must be \(..., 2\), got \(4, 3\)"):
        RandomFourier(2, 8)(torch.ones(4, 3))
