"""Orbits are what their systems are known to end as: at least 95 of 100 draws a class; undecided counts as a miss.

Draws keep 5 per cent away from bifurcations, and tori as far from their resonances of low order.
"""

import math

import pytest
import torch

from simviz.dynamics.orbits import KINDS, classify, simulate
from simviz.dynamics.orbits.classify import Classification
from simviz.dynamics.systems import (
    AttractingTorus,
    CircleRotation,
    Henon,
    LinearMap,
    Logistic,
    Lorenz,
    NeimarkSacker,
    Pendulum,
    StuartLandau,
    VanDerPol,
)
from simviz.dynamics.systems.base import integrate

DRAWS = 100
STEPS = 4000


class Draw:
    """Seeded numbers, one a row."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, low, high, *shape):
        return low + (high - low) * torch.rand(*(shape or (DRAWS,)), generator=self.generator, dtype=torch.float64)

    def away_from_resonance(self, low, high):
        """Two turns a row whose ratio keeps 5 per cent away from 1/3, 1/2, 2/3, 1, 3/2, 2 and 3."""
        first, second = self(low, high, 40 * DRAWS), self(low, high, 40 * DRAWS)
        ratio = first / second
        kept = torch.stack([(ratio / r - 1).abs() > 0.05 for r in (1 / 3, 1 / 2, 2 / 3, 1, 3 / 2, 2, 3)]).all(0)
        return first[kept][:DRAWS], second[kept][:DRAWS]


def turned(s, turn):
    x, y = s[..., 0], s[..., 1]
    return torch.stack([turn.cos() * x - turn.sin() * y, turn.sin() * x + turn.cos() * y], -1)


def iterated(step, z):
    states = [z]
    for _ in range(STEPS):
        states.append(step(states[-1]))
    return torch.stack(states, 1)


def integrated(rate, z, dt, steps=1400):
    return integrate(rate, z, dt * torch.arange(steps + 1, dtype=torch.float64), 1e6)


def neimark_sacker(radius, turn):
    return lambda s: radius[:, None] * turned(s, turn) * (1 - s.square().sum(-1, keepdim=True) / 10)


def right(found, kind):
    return sum(one.kind == kind for one in found)


def check(orbits, kind, dt=None):
    found = classify(orbits, dt)
    assert right(found, kind) >= 95, [str(one) for one in found if one.kind != kind]
    return found


def test_maps_that_end_in_a_point():
    draw = Draw(0)
    check(iterated(neimark_sacker(draw(0.3, 0.95), draw(0.1, 3.0)), draw(-1, 1, DRAWS, 2)), "fixed point")
    growth = draw(1.05, 2.85)[:, None]
    found = check(iterated(lambda s: growth * s * (1 - s), draw(0.05, 0.95, DRAWS, 1)), "fixed point")
    assert torch.allclose(torch.stack([one.point for one in found]), 1 - 1 / growth, atol=1e-6)


def test_maps_that_end_in_a_cycle():
    draw = Draw(1)
    growth = draw(3.15, 3.277)[:, None]  # the 2-cycle lives between 3 and 3.449
    found = check(iterated(lambda s: growth * s * (1 - s), draw(0.05, 0.95, DRAWS, 1)), "cycle")
    assert {one.period for one in found} == {2}
    whole = draw(3, 40).floor()
    turn = 2 * math.pi * (draw(0, 1) * (whole - 1)).ceil() / whole
    found = check(iterated(lambda s: turned(s, turn), draw(0.2, 1, DRAWS, 2)), "cycle")
    lengths = [
        w / math.gcd(w, round(t * w / 2 / math.pi)) for t, w in zip(turn.tolist(), whole.int().tolist(), strict=True)
    ]
    assert [one.period or 1 for one in found] == lengths


def test_maps_that_end_on_a_closed_curve():
    draw = Draw(2)
    for radius in (draw(1.05, 1.3), torch.ones(DRAWS, dtype=torch.float64)):
        turn = draw(0.1, 3.0)
        step = neimark_sacker(radius, turn) if radius[0] > 1 else (lambda s, turn=turn: turned(s, turn))
        found = check(iterated(step, draw(-1, 1, DRAWS, 2)), "closed curve")
        rotation = torch.tensor([one.rotation_number or math.nan for one in found])
        assert ((rotation - turn / (2 * math.pi)).abs() < 1e-6).sum() >= 95


def test_maps_on_a_torus():
    draw = Draw(3)
    first, second = draw.away_from_resonance(0.1, 3.0)

    def step(s):
        return torch.cat([turned(s[:, :2], first), turned(s[:, 2:], second)], -1)

    found = check(iterated(step, draw(0.2, 1, DRAWS, 4)), "torus")
    for one, a, b in zip(found, first.tolist(), second.tolist(), strict=True):
        if one.kind == "torus":
            assert sorted(one.frequencies) == pytest.approx(sorted([a, b]), abs=1e-5)


@pytest.mark.slow
def test_chaotic_maps():
    draw = Draw(4)
    check(iterated(Logistic().step, draw(0.05, 0.95, DRAWS, 1)), "chaos")
    check(Henon().trajectories(DRAWS, STEPS, seed=5), "chaos")


def test_maps_that_escape():
    draw = Draw(6)
    check(iterated(Henon().step, 3 + draw(-1, 1, DRAWS, 2)), "escape")
    modulus, turn = draw(1.05, 1.5)[:, None], draw(0.1, 3.0)
    check(iterated(lambda s: modulus * turned(s, turn), draw(0.2, 1, DRAWS, 2))[:, :400], "escape")
    check(iterated(lambda s: s + 0.1, draw(0, 1, DRAWS, 1)), "escape")


@pytest.mark.slow
def test_flows_that_end_in_a_point_a_cycle_a_torus_or_escape():
    draw = Draw(7)
    damping = draw(0.1, 2.0)

    def duffing(s):
        x, y = s.unbind(-1)
        return torch.stack([y, x - x**3 - damping * y], -1)

    check(integrated(duffing, draw(-2, 2, DRAWS, 2), 0.2), "fixed point", 0.2)
    mu, omega = draw(0.1, 3.0), draw(0.5, 3.0)

    def stuart_landau(s):
        growth = (mu * (1 - s.square().sum(-1)))[:, None]
        return growth * s + omega[:, None] * torch.stack([-s[:, 1], s[:, 0]], -1)

    found = check(integrated(stuart_landau, draw(-2, 2, DRAWS, 2), 0.15), "cycle", 0.15)
    periods = torch.tensor([one.period or math.nan for one in found])
    assert ((periods * omega / (2 * math.pi) - 1).abs() < 1e-3).sum() >= 95
    growth = draw(0.2, 2.0)

    def van_der_pol(s):
        return torch.stack([s[:, 1], growth * (1 - s[:, 0] ** 2) * s[:, 1] - s[:, 0]], -1)

    check(integrated(van_der_pol, draw(-2, 2, DRAWS, 2), 0.15), "cycle", 0.15)
    first, second = draw.away_from_resonance(0.5, 3.0)

    def torus(s):
        x, y, v = s.unbind(-1)
        around = torch.hypot(x, y)
        u = around - 2
        pull = 1 - u.square() - v.square()
        outward = (pull * u - second * v) / around
        return torch.stack([outward * x - first * y, outward * y + first * x, pull * v + second * u], -1)

    check(integrated(torus, AttractingTorus().initial(DRAWS, 8).double(), 0.15, 2400), "torus", 0.15)
    check(integrated(lambda s: s**2, draw(0.5, 1, DRAWS, 1), 0.05, 400), "escape", 0.05)


@pytest.mark.slow
def test_lorenz_is_chaotic_wherever_its_parameter_is_drawn():
    draw = Draw(9)
    rho = draw(28.0, 90.0)

    def lorenz(s):
        x, y, z = s.unbind(-1)
        return torch.stack([10 * (y - x), x * (rho - z) - y, x * y - 8 / 3 * z], -1)

    check(integrated(lorenz, Lorenz().initial(DRAWS, 3).double(), 0.05, 1200), "chaos", 0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("system", "dt"),
    [(VanDerPol(), 0.15), (Pendulum(0.3), 0.15), (StuartLandau(), 0.15), (NeimarkSacker(), None), (Logistic(), None),
     (Henon(), None), (CircleRotation(), None), (Logistic(3.5), None), (AttractingTorus(), 0.15)],
    ids=str,
)  # fmt: skip
def test_with_the_system_given_its_lyapunov_exponent_stands_beside_the_rest(system, dt):
    orbits = simulate(system, steps=1200, dt=dt or 1.0, transient=100, orbits=2, seed=1)
    for one in classify(orbits, dt, system=system):
        assert one.kind == system.truth().kind
        assert "Lyapunov exponent" in one.evidence
        if one.kind != "chaos":
            assert one.lyapunov < 0.02


def test_a_system_that_contradicts_the_orbit_leaves_it_undecided():
    (one,) = classify(CircleRotation(1.0).trajectories(1, 2000), system=LinearMap(1.2, 0.5))
    assert one.kind == "undecided"
    assert "but:" in one.evidence
    (one,) = classify(CircleRotation(1.0).trajectories(1, 2000), system=Henon())  # whose orbits leave from there
    assert one.kind == "undecided"


def test_slow_orbits_are_undecided_and_the_advice_is_to_go_on():
    """At the bifurcation the extent falls like one over the root of time: no window decides."""
    (one,) = classify(NeimarkSacker(1.0, 1.0).trajectories(1, 2000))
    assert one.kind == "undecided"
    assert "simulate longer" in one.evidence


def test_an_orbit_on_several_curves_is_still_a_closed_curve():
    """A circle whose points alternate between two copies: one free frequency, and a rational one."""
    turn = 1.0
    t = torch.arange(4000, dtype=torch.float64)
    side = 3.0 * (-1.0) ** t
    orbit = torch.stack([side + torch.cos(turn * t), torch.sin(turn * t)], -1)
    (one,) = classify(orbit)
    assert one.kind == "closed curve"
    doubled = min(one.rotation_number % 0.5, 0.5 - one.rotation_number % 0.5)
    assert doubled == pytest.approx(turn / (2 * math.pi) % 0.5, abs=1e-6)


def test_a_classification_reads_as_a_sentence():
    (one,) = classify(simulate(VanDerPol(), steps=1500, dt=0.1, orbits=1), 0.1)
    assert str(one).startswith("cycle, period 6.66329")
    assert "passages through the section" in str(one)
    assert set(KINDS) >= {one.kind}
    assert "torus, frequencies 1, 2" in str(Classification("torus", "told", frequencies=(1.0, 2.0)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: classify(torch.ones(100, 2)), r"orbits must be \(batch, time, dim\).* at least 256 states"),
        (lambda: classify(torch.ones(300)), r"orbits must be \(batch, time, dim\)"),
        (lambda: classify(torch.ones(300, 2), 0.0), "dt must be finite"),
        (lambda: classify("orbit"), "orbits must be a tensor"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, words):
    with pytest.raises(ValueError, match=words):
        call()
