"""Periods, rotation numbers and what is left after a transient agree with closed forms and the literature."""

import math

import pytest
import torch

from simviz.dynamics.orbits import return_map, rotation_number, simulate
from simviz.dynamics.systems import (
    AttractingTorus,
    CircleRotation,
    Logistic,
    Lorenz,
    NeimarkSacker,
    OwnFlow,
    OwnMap,
    Pendulum,
    StuartLandau,
    TorusRotation,
    VanDerPol,
)


@pytest.mark.parametrize(("mu", "period"), [(1.0, 6.66328686), (2.0, 7.62987448), (3.0, 8.85909550)])
def test_the_return_map_finds_van_der_pols_period_to_1e_4(mu, period):
    (orbit,) = simulate(VanDerPol(mu), steps=600, dt=0.1, transient=300, orbits=1)
    found = return_map(orbit, 0.1)
    assert found.period == pytest.approx(period, abs=1e-4)
    assert found.returns == 1
    assert found.gap < 1e-3


def test_a_pendulums_period_is_that_of_the_elliptic_integral_at_its_amplitude():
    orbit = Pendulum().orbit(torch.tensor([[2.5, 0.0]], dtype=torch.float64), 600, 0.1)[0]
    assert return_map(orbit, 0.1).period == pytest.approx(Pendulum().period(2.5), abs=1e-4)


def test_a_cycle_that_closes_after_two_turns_has_twice_the_time_of_one():
    """r = 1 + cos(phi / 2) / 3 closes after two turns of phi; an orbit of a flow whose clock runs evenly."""
    t = torch.arange(1500, dtype=torch.float64) * 0.1
    r = 1 + torch.cos(t / 2) / 3
    found = return_map(torch.stack([r * t.cos(), r * t.sin()], -1), 0.1)
    assert found.returns == 2
    assert found.period == pytest.approx(4 * math.pi, abs=1e-4)


@pytest.mark.parametrize("system", [AttractingTorus(), Lorenz()], ids=repr)
def test_what_never_comes_back_has_no_period_and_words_say_so(system):
    (orbit,) = simulate(system, steps=500, dt=0.1, transient=100, orbits=1, seed=3)
    found = return_map(orbit, 0.1)
    assert math.isnan(found.period)
    assert found.returns is None
    assert "never back" in found.words


def test_a_fixed_point_and_a_short_orbit_have_no_period_and_words_say_why():
    assert "stands still" in return_map(torch.ones(50, 2), 0.1).words
    assert "simulate longer" in return_map(StuartLandau().trajectories(1, 40, 0.1)[0], 0.1).words


@pytest.mark.parametrize("turn", [0.1, 1.0, 2.4, 3.1, 3.3, 5.0])
def test_the_rotation_number_is_the_turn_in_parts_of_a_whole_one(turn):
    cosine, sine = math.cos(turn), math.sin(turn)
    matrix = torch.tensor([[cosine, -sine], [sine, cosine]], dtype=torch.float64)
    spin = OwnMap(lambda s: s @ matrix.T, [(-1, 1), (-1, 1)])
    orbit = spin.orbit(torch.tensor([[1.0, 0.0]], dtype=torch.float64), 2000)[0]
    assert rotation_number(orbit, [0.0, 0.0]) == pytest.approx(turn / (2 * math.pi), abs=1e-9)
    squeezed = orbit @ torch.tensor(
        [[1.0, 0.4], [0.0, 0.3]], dtype=torch.float64
    )  # an ellipse turns as fast on average
    assert rotation_number(squeezed) == pytest.approx(turn / (2 * math.pi), abs=1e-6)


def test_the_rotation_number_past_neimark_and_sacker_is_the_turn():
    system = NeimarkSacker(1.15, 0.9)
    (orbit,) = simulate(system, steps=1000, transient=500, orbits=1)
    assert rotation_number(orbit) == pytest.approx(system.truth().rotation_number, abs=1e-9)


def test_the_rotation_number_of_a_locked_circle_map_is_rational():
    """The sine circle map at coupling 0.9 is locked to 1/2 near offset 0.5: an outside truth is Arnold's tongue."""

    def step(s):
        phase = torch.atan2(s[..., 1], s[..., 0])
        after = phase + 2 * math.pi * 0.502 - 0.9 * torch.sin(phase)
        return torch.stack([after.cos(), after.sin()], -1)

    (orbit,) = simulate(OwnMap(step, [(-1, 1), (-1, 1)]), [[1.0, 0.3]], steps=2000, transient=500)
    assert rotation_number(orbit, [0.0, 0.0]) == pytest.approx(0.5, abs=1e-9)


def test_simulate_drops_the_transient_and_keeps_what_an_orbit_run_through_would_have():
    system = TorusRotation()
    z0 = system.initial(3)
    whole = system.orbit(z0, 1300)
    assert torch.equal(simulate(system, z0, steps=100, transient=1200), whole[:, 1200:])
    assert simulate(Logistic(), steps=5, orbits=7).shape == (7, 6, 1)
    assert simulate(StuartLandau(), steps=5, dt=0.1, orbits=2).dtype == torch.float64


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: return_map(torch.ones(3, 40, 2), 0.1), r"orbit must be \(time, dim\), one orbit"),
        (lambda: return_map(torch.ones(8, 2), 0.1), "orbit must hold at least 16 states, got 8"),
        (lambda: return_map(torch.ones(40, 2), 0.0), "dt must be finite"),
        (lambda: return_map(torch.ones(40, 2), 0.1, tolerance=-1), "tolerance must be finite"),
        (lambda: return_map(torch.full((40, 2), math.inf), 0.1), "orbit holds 80 values"),
        (lambda: rotation_number(torch.ones(40, 1)), "orbit must have at least 2 coordinates"),
        (lambda: rotation_number(torch.ones(40, 2), [1.0, 1.0]), "centre lies on the orbit"),
        (lambda: rotation_number(CircleRotation().trajectories(1, 30)[0], [1.0]), r"centre must be \(2\)"),
        (lambda: simulate(Logistic(), steps=0), "steps must be at least 1"),
        (lambda: simulate(Logistic(), steps=3, transient=-1), "transient must be at least 0"),
        (lambda: simulate(Logistic(), torch.ones(3), steps=3), r"z0 must be \(batch, 1\)"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_an_orbit_that_escapes_in_the_transient_is_named():
    square = OwnFlow(lambda s: s**2, [(-1, 1)])
    with pytest.raises(ValueError, match="z0 holds 1 initial conditions"), pytest.warns(UserWarning, match="escape"):
        simulate(square, torch.tensor([[0.1], [2.0]], dtype=torch.float64), steps=3, dt=0.1, transient=20)
