"""Phases against scipy's own orbits, closed forms, and models whose phase is known."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import simviz
from simviz.dynamics.systems import StuartLandau, VanDerPol
from simviz.live.panels.sets import phases
from simviz.live.panels.sets.layer import grid, layering
from simviz.live.panels.sets.shadow import pair
from simviz.live.panels.sets.survey import finished
from tests.live.sets.models import known

PERIOD = 6.66328686  # of the literature, mu = 1


def of_scipy(point):
    """The phase of a point, counted from the largest s1: when, after five periods, s2 next falls through 0."""

    def rate(t, s):
        return [s[1], (1 - s[0] ** 2) * s[1] - s[0]]

    path = solve_ivp(rate, (0, 6.2 * PERIOD), point, method="DOP853", rtol=1e-10, atol=1e-11, dense_output=True).sol
    times = np.linspace(5 * PERIOD, 6.2 * PERIOD, 2001)
    s2 = path(times)[1]
    first = np.flatnonzero((s2[:-1] > 0) & (s2[1:] <= 0))[0]
    moment = brentq(lambda t: path(t)[1], times[first], times[first + 1])
    return -2 * math.pi * moment / PERIOD


@pytest.fixture(scope="module")
def sample():
    """60 points of the box, and their phases from scipy."""
    points = np.random.default_rng(0).uniform(-3, 3, (60, 2))
    return points, np.array([of_scipy(p) for p in points])


def test_the_exact_phase_of_van_der_pol_is_that_of_scipys_orbits(sample):
    found = phases.exact_phase(VanDerPol(), sample[0])
    apart = np.angle(np.exp(1j * (found - sample[1])))
    assert np.abs(apart).max() < 0.01


def test_the_polar_angle_of_van_der_pol_is_wrong_by_half_a_radian(sample):
    points, truth = sample
    mine = phases.phase_error(phases.polar_angle(VanDerPol(), points), truth)
    angles = -np.arctan2(points[:, 1], points[:, 0])  # clockwise
    apart = np.angle(np.exp(1j * (angles - truth)))
    middle = np.angle(np.exp(1j * apart).mean())
    apart = np.angle(np.exp(1j * (apart - middle)))
    apart -= apart.mean()
    assert mine.median == pytest.approx(np.median(np.abs(apart)), abs=0.01)
    layer = finished(layering(VanDerPol(), polar=True))
    assert layer.error.median == pytest.approx(0.51, abs=0.03)
    assert layer.error.high == pytest.approx(1.6, abs=0.08)
    assert f"wrong by {layer.error.median:.2f} rad" in layer.words()


def test_for_stuart_landau_the_polar_angle_is_the_phase():
    layer = finished(layering(StuartLandau(), polar=True))
    assert layer.error.high < 1e-12


def test_the_error_of_a_phase_is_blind_to_where_counting_begins():
    truth = np.random.default_rng(0).uniform(-10, 10, 1001)
    assert phases.phase_error(truth + 2.5, truth).high < 1e-12
    error = phases.phase_error(truth + np.linspace(-0.2, 0.2, 1001), truth)
    assert error.median == pytest.approx(0.1, abs=1e-3)
    assert error.high == pytest.approx(0.19, abs=1e-3)
    with pytest.raises(ValueError, match="truth"):
        phases.phase_error(truth, truth[1:])


def test_a_model_that_is_off_by_a_known_angle_is_found_to_be():
    layer = finished(layering(StuartLandau(), known(lambda x: 0.1 * torch.sin(3 * x[:, 0]))))
    _, _, points = grid(2.0)
    off = 0.1 * np.sin(3 * points[:, 0])
    assert layer.error.median == pytest.approx(np.median(np.abs(off - off.mean())), rel=1e-3)


def test_the_hole_of_a_model_is_where_its_phases_meet():
    layer = finished(layering(StuartLandau(), known(centre=(0.123, -0.2))))
    assert layer.hole == pytest.approx(np.array([[0.123, -0.2]]), abs=0.003)
    assert layer.words().startswith(f"hole {math.hypot(0.123, 0.2):.2f} from the unstable point; phase error 0.")
    assert len(finished(layering(VanDerPol())).hole) == 1


def test_holes_of_either_turn_are_found_and_a_pair_in_one_cell_is_none():
    x = np.linspace(-1, 1, 41)
    z = x + 1j * x[:, None]
    two = np.angle((z - 0.51) * np.conj(z + 0.52))
    assert len(phases.holes(x, x, two)) == 2
    near = np.angle((z - 0.51) * np.conj(z - 0.56))
    assert len(phases.holes(x, x, near)) == 0


def test_a_start_and_its_shadow_on_the_circle_part_as_the_radius_does():
    found = pair(StuartLandau(), np.array([0.5, 0.0]), 0.05)
    radius = 1 / np.sqrt(1 + 3 * np.exp(-2 * found.times))  # r' = r (1 - r^2) from 1/2
    assert found.gaps == pytest.approx(1 - radius, abs=1e-4)
    learned = pair(StuartLandau(), np.array([0.5, 0.0]), 0.05, model=known())
    assert learned.gaps == pytest.approx(1 - radius, abs=1e-4)


def test_a_model_without_phases_is_refused_by_name():
    with pytest.raises(ValueError, match="model must be a SIM"):
        phases.learned_phase(torch.nn.Linear(2, 2), np.zeros((3, 2)))


@pytest.mark.slow
def test_a_learned_phase_is_near_the_angle():
    system = StuartLandau()
    sim = simviz.learn_invariant_set(system.trajectories(300, 60, 0.3), 0.3, steps=600)
    points = system.initial(500, seed=9).numpy()
    error = phases.phase_error(phases.learned_phase(sim, points), np.arctan2(points[:, 1], points[:, 0]))
    assert error.median < 0.1


def test_the_error_beyond_a_disc_is_of_the_points_outside_it_alone():
    """A phase that is wrong by 2 within a radius of 0.8 of the unstable point, nowhere else."""

    def wrong(x):
        return 2.0 * (torch.hypot(x[:, 0], x[:, 1]) < 0.8).to(x)

    layer = finished(layering(StuartLandau(), known(wrong)))
    x, y = np.meshgrid(layer.x, layer.y)
    away = np.hypot(x, y)
    assert layer.error_beyond(0.8).high < 1e-5
    off_by = np.where(away < 0.8, 2.0, 0.0)
    for radius in (0.0, 0.4, 0.7):
        turns = np.exp(1j * off_by[away > radius])
        off = np.angle(turns / turns.mean())
        apart = np.abs(off - off.mean())  # the offset is the mean, counted from the circular one
        found = layer.error_beyond(radius)
        assert found.median == pytest.approx(np.median(apart), abs=1e-4)
        assert found.high == pytest.approx(np.quantile(apart, 0.95), abs=1e-4)
    with pytest.raises(ValueError, match="there is nothing to compare"):
        layer.error_beyond(100.0)
