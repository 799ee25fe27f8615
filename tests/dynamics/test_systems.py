"""Known systems keep to what is known of them: closed forms, periods, orbits of a second integrator."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from simviz.dynamics import systems
from simviz.dynamics.systems import StuartLandau, VanDerPol


@pytest.mark.parametrize(("mu", "period"), [(1.0, 6.66328686), (2.0, 7.62987448), (3.0, 8.85909550)])
def test_van_der_pol_has_the_periods_of_the_literature(mu, period):
    assert VanDerPol(mu).period() == pytest.approx(period, abs=1e-6)


@pytest.mark.parametrize(("mu", "omega"), [(1.0, 1.0), (0.3, 2.5), (4.0, 0.2)])
def test_stuart_landau_orbits_follow_their_closed_form(mu, omega):
    """r(t)^2 = 1 / (1 + (1 / r0^2 - 1) exp(-2 mu t)), the angle grows by omega t."""
    system = StuartLandau(mu, omega)
    z0 = system.initial(50, seed=3).double()
    dt = 0.17
    got = system.orbit(z0, 40, dt)
    t = dt * torch.arange(41, dtype=torch.float64)
    r0, angle = z0.norm(dim=1, keepdim=True), torch.atan2(z0[:, 1:], z0[:, :1])
    r = (1 + (r0**-2 - 1) * torch.exp(-2 * mu * t)) ** -0.5
    truth = torch.stack([r * torch.cos(angle + omega * t), r * torch.sin(angle + omega * t)], -1)
    assert got.shape == (50, 41, 2)
    assert (got - truth).abs().max() < 1e-7


def test_van_der_pol_orbits_agree_with_scipy():
    system = VanDerPol(2.0)
    z0 = system.initial(5, seed=1).double()
    got = system.orbit(z0, 30, 0.3)
    for start, path in zip(z0, got, strict=True):
        mine = solve_ivp(
            lambda t, s: [s[1], 2.0 * (1 - s[0] ** 2) * s[1] - s[0]],
            (0.0, 9.0),
            start.numpy(),
            t_eval=0.3 * np.arange(31),
            method="LSODA",
            rtol=1e-11,
            atol=1e-12,
        )
        np.testing.assert_allclose(path.numpy(), mine.y.T, atol=1e-6)


def test_single_precision_orbits_stay_within_a_thousandth_of_double_ones():
    system = VanDerPol()
    z0 = system.initial(200)
    single = system.orbit(z0, 60, 0.3)
    assert single.dtype == torch.float32
    assert (single - system.orbit(z0.double(), 60, 0.3)).abs().max() < 1e-3


@pytest.mark.parametrize("system", [StuartLandau(0.7, 1.3), VanDerPol(1.5)], ids=repr)
def test_the_invariant_set_is_closed_in_time_and_invariant(system):
    points = system.invariant_set(100)
    after = system.orbit(points, 1, system.period() / 100)[:, 1]
    assert points.shape == (100, 2)
    assert (after - points.roll(-1, 0)).abs().max() < 1e-6
    assert system.angle(0.3) == pytest.approx(0.3 * 2 * math.pi / system.period(), rel=1e-12)


@pytest.mark.parametrize("system", [StuartLandau(), VanDerPol()], ids=repr)
def test_initial_conditions_fill_the_box_outside_the_hole_and_follow_the_seed(system):
    z = system.initial(4000, seed=5)
    assert z.shape == (4000, 2)
    assert z.norm(dim=1).min() > system.hole
    assert z.abs().max() <= system.box
    assert (z.amax(0) > 0.98 * system.box).all()
    assert (z.amin(0) < -0.98 * system.box).all()
    assert torch.equal(z, system.initial(4000, seed=5))
    assert not torch.equal(z, system.initial(4000, seed=6))


def test_a_system_is_found_by_name_with_its_parameters():
    assert repr(systems.named("van-der-pol", mu=2)) == "VanDerPol(mu=2)"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: systems.named("lorentz"), "name must be one of 'stuart-landau', 'van-der-pol', got 'lorentz'"),
        (lambda: StuartLandau(mu=-1.0), "mu must be finite and lie in"),
        (lambda: StuartLandau(omega=11.0), "omega must be finite and lie in"),
        (lambda: VanDerPol(mu=math.nan), "mu must be finite"),
        (lambda: StuartLandau().initial(0), "count must be at least 1"),
        (lambda: StuartLandau().initial(3, seed=-1), "seed must be at least 0"),
        (lambda: StuartLandau().orbit(torch.zeros(3), 4, 0.1), r"z0 must be \(batch, 2\)"),
        (lambda: StuartLandau().orbit(torch.full((1, 2), math.nan), 4, 0.1), "z0 holds 2 values"),
        (lambda: StuartLandau().orbit(torch.ones(1, 2), 0, 0.1), "steps must be at least 1"),
        (lambda: StuartLandau().orbit(torch.ones(1, 2), 4, 0.0), "dt must be finite"),
        (lambda: StuartLandau().angle(-0.1), "dt must be finite"),
        (lambda: VanDerPol().invariant_set(0), "points must be at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, words):
    with pytest.raises(ValueError, match=words):
        call()
