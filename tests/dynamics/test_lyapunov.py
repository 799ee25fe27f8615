"""Largest Lyapunov exponents are those of closed forms and of the literature, within 3 per cent."""

import math

import pytest
import torch

from simviz.dynamics.orbits import lyapunov
from simviz.dynamics.systems import (
    CircleRotation,
    Duffing,
    Henon,
    LinearMap,
    Logistic,
    Lorenz,
    NeimarkSacker,
    OwnMap,
    StuartLandau,
)


@pytest.mark.parametrize(
    ("system", "time"), [(Logistic(), 2000), (Henon(), 3000), (LinearMap(0.9, 0.4), 300)], ids=repr
)
def test_maps_have_their_known_exponents(system, time):
    found = lyapunov(system, time=time)
    assert len(found.values) == 32
    assert found.mean == pytest.approx(system.truth().lyapunov, rel=0.03)
    assert found.spread < 0.05 * abs(found.mean)


@pytest.mark.slow
def test_lorenz_has_the_exponent_of_the_literature():
    found = lyapunov(Lorenz(), time=200)
    assert found.mean == pytest.approx(0.9056, rel=0.03)
    assert 0.001 < found.spread < 0.05


@pytest.mark.parametrize(
    "system", [Duffing(0.5), StuartLandau(), NeimarkSacker(1.2), NeimarkSacker(0.8), CircleRotation()], ids=repr
)
def test_orbits_that_settle_have_the_exponent_of_what_they_settle_to(system):
    found = lyapunov(system, time=300.0, orbits=8)
    assert found.mean == pytest.approx(system.truth().lyapunov, abs=0.004)


def test_the_exponent_is_the_mean_logarithm_of_the_slope_along_the_orbit():
    """At growth 3.9 no closed form is known; the chain rule gives the same sum from the orbit's own slopes."""
    system = Logistic(3.9)
    z0 = system.initial(4)
    found = lyapunov(system, z0, time=5000, transient=500)
    orbit = system.orbit(z0, 200000)[:, 500:, 0]
    chain = (3.9 * (1 - 2 * orbit)).abs().log().mean(1)
    assert found.mean == pytest.approx(float(chain.mean()), rel=0.03)


def test_a_superstable_point_has_a_finite_very_negative_exponent():
    assert -22 < lyapunov(Logistic(2.0), time=100).mean < -15


def test_numpy_and_single_precision_are_taken_and_followed_in_double():
    z0 = Logistic().initial(3)
    assert torch.equal(lyapunov(Logistic(), z0.numpy(), time=50).values, lyapunov(Logistic(), z0, time=50).values)
    assert lyapunov(Logistic(), z0.float(), time=50).values.dtype == torch.float64
    assert math.isnan(lyapunov(Logistic(), z0[:1], time=50).spread)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: lyapunov(Logistic(), torch.ones(3)), r"z0 must be \(batch, dim\)"),
        (lambda: lyapunov(Logistic(), time=-1), "time must be finite"),
        (lambda: lyapunov(Lorenz(), interval=0), "interval must be finite"),
        (lambda: lyapunov(Logistic(), transient=-1), "transient must be finite"),
        (lambda: lyapunov(Logistic(), [[math.nan]]), "z0 holds 1 values"),
        (lambda: lyapunov(OwnMap(lambda s: s**2, [(-2, 2)]), [[3.0]]), "z0 holds 1 initial conditions .* escape"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, words):
    with pytest.raises(ValueError, match=words):
        call()
