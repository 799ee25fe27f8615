"""Densities in random features move as the ensembles do; the one that stands still is the invariant one, blurred."""

import math

import pytest
import torch

from simviz.dynamics.features import RandomFourier
from simviz.dynamics.systems import Logistic
from simviz.dynamics.transfer import random_features

WIDTH = 0.05


@pytest.fixture(scope="module")
def learned():
    before = Logistic().initial(8000, seed=1)
    return random_features(before, Logistic().step(before), RandomFourier(1, 400, WIDTH))


def blurred_arcsine(points):
    """The arcsine density folded with a Gaussian of the bandwidth, by its quantiles: s = sin^2(pi u / 2)."""
    u = (torch.arange(20000, dtype=torch.float64) + 0.5) / 20000
    quantiles = torch.sin(math.pi * u / 2) ** 2
    return (torch.exp(-((points - quantiles) ** 2) / (2 * WIDTH**2)) / (math.sqrt(2 * math.pi) * WIDTH)).mean(1)


def test_the_embedding_that_stands_still_is_the_arcsine_density_blurred(learned):
    points = torch.linspace(-0.1, 1.1, 121, dtype=torch.float64)[:, None]
    found, truth = learned.density(points, learned.invariant()), blurred_arcsine(points)
    assert float((found - truth).abs().mean() / truth.mean()) < 0.15
    standing = learned.invariant()
    assert torch.allclose(learned.push(standing, 1)[1], standing, atol=1e-3 * float(standing.norm()))


def test_the_leading_eigenvalue_is_1_and_its_receipt_is_good(learned):
    spectrum = learned.spectrum
    assert abs(complex(spectrum.eigenvalues[0]) - 1) < 1e-3
    assert float(spectrum.residuals[0]) < 0.01
    assert not spectrum.in_sample
    assert float(spectrum.residuals[1:].min()) > 0.1  # the logistic map is mixing: there is no other


def test_a_pushed_embedding_is_that_of_the_pushed_ensemble(learned):
    generator = torch.Generator().manual_seed(3)
    points = 0.2 + 0.3 * torch.rand(20000, 1, generator=generator, dtype=torch.float64)
    pushed = learned.push(learned.embed(points), 3)
    for step in range(1, 4):
        points = Logistic().step(points)
        embedded = learned.embed(points)
        assert float((pushed[step] - embedded).norm() / embedded.norm()) < 0.25


def test_the_density_of_an_ensemble_integrates_to_one(learned):
    points = torch.linspace(-1, 2, 3001, dtype=torch.float64)[:, None]
    density = learned.density(points, learned.embed(Logistic().initial(500, seed=4)))
    assert float(density.sum() * 0.001) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda b, a: random_features(b, a, RandomFourier(1, 10, kernel="laplace")), "features must be RandomFourier"),
        (lambda b, a: random_features(b, a, RandomFourier(2, 10)), r"before must be \(n, 2\)"),
        (lambda b, a: random_features(b, a[:3], RandomFourier(1, 10)), "before and after must have the same shape"),
        (lambda b, a: random_features(b, a, RandomFourier(1, 10), tolerance=0), "tolerance must be finite"),
        (lambda b, a: random_features(b, a, RandomFourier(1, 10), dt=0), "dt must be finite"),
        (lambda b, a: random_features(b, a, RandomFourier(1, 10)).push(torch.ones(3), 1), r"mean must be \(10,\)"),
        (lambda b, a: random_features(b, a, RandomFourier(1, 10)).embed([1.0]), r"points must be \(n, 1\)"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, words):
    before = Logistic().initial(50)
    with pytest.raises(ValueError, match=words):
        call(before, Logistic().step(before))
