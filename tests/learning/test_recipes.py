"""One call finds a cycle whose truth is known, and says so in a sentence where there is none."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from simviz.dynamics.systems import AttractingTorus, StuartLandau, VanDerPol
from simviz.learning.judge import judge
from simviz.learning.orbits import trajectories, windows
from simviz.learning.recipes import invariant_set_run, learn_invariant_set

ROTATION = torch.tensor([[math.cos(0.3), -math.sin(0.3)], [math.sin(0.3), math.cos(0.3)]])


def spiral(steps, factor=0.95, count=200):
    states = [torch.randn(count, 2, generator=torch.Generator().manual_seed(0))]
    for _ in range(steps):
        states.append(factor * states[-1] @ ROTATION.T)
    return torch.stack(states, 1)


def lorenz(count=200):
    def rate(t, s):
        return [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]

    starts = np.random.default_rng(0).normal([0, 0, 25], 8, size=(count, 3))
    times = np.linspace(0, 10, 101)
    return np.stack([solve_ivp(rate, (0, 10), start, t_eval=times, rtol=1e-7, atol=1e-7).y.T for start in starts])


@pytest.mark.slow
def test_the_cycle_of_stuart_landau_is_found():
    system = StuartLandau()
    sim = learn_invariant_set(system.trajectories(800, 60, 0.3), 0.3, device="cpu")
    verdict = judge(sim, system, 0.3)
    assert sim.finding.found
    assert sim.finding.message.startswith("a cycle of period 6.28")
    assert verdict.true_angle == pytest.approx(0.3)
    assert verdict.angle_error < 0.0005
    assert verdict.set_distance < 0.005
    assert verdict.orbit_95 < 0.02


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mu", "period", "angle_error", "set_distance", "orbit_mean", "orbit_95"),
    [(1.0, 6.66328686, 0.001, 0.015, 0.03, 0.08), (2.0, 7.62987448, 0.003, 0.04, 0.08, 0.25)],
)
def test_the_cycle_of_van_der_pol_is_found(mu, period, angle_error, set_distance, orbit_mean, orbit_95):
    """The recipe chooses harmonics and steps by itself; with 8 harmonics the sharp cycle of mu = 2 is 0.23 off."""
    system = VanDerPol(mu)
    sim = learn_invariant_set(system.trajectories(1000, 60, 0.3), 0.3, device="cpu")
    verdict = judge(sim, system, 0.3)
    assert sim.finding.found
    assert sim.finding.periods[0] == pytest.approx(period, rel=angle_error)
    assert verdict.angle_error < angle_error
    assert verdict.set_distance < set_distance
    assert verdict.orbit_mean < orbit_mean
    assert verdict.orbit_95 < orbit_95


@pytest.mark.slow
@pytest.mark.parametrize(
    "data",
    [
        lambda: spiral(60),
        lambda: spiral(200),  # some sizes of its modes become denormal on the way
        lambda: torch.randn(200, 60, 2, generator=torch.Generator().manual_seed(0)),
        lorenz,
    ],
    ids=["a spiral cut short", "a long spiral", "noise", "chaos"],
)
def test_where_there_is_no_cycle_the_finding_and_a_warning_say_so(data):
    with pytest.warns(UserWarning, match="no cycle found: after the transient the best one misses held-out orbits"):
        sim = learn_invariant_set(data(), 0.1, steps=1000, device="cpu")
    assert not sim.finding.found
    assert sim.finding.orbit_error > 0.5


def test_orbits_at_rest_in_one_point_make_a_model_that_holds_that_point():
    data = spiral(300) + torch.tensor([3.0, -1.0])
    with pytest.warns(UserWarning, match=r"come to rest at the point \(3, -1\)"):
        sim = learn_invariant_set(data, 0.1, device="cpu")
    assert not sim.finding.found
    anywhere = torch.randn(20, 2)
    torch.testing.assert_close(sim(anywhere), torch.tensor([[3.0, -1.0]]).expand(20, 2), atol=1e-3, rtol=0)


def test_orbits_at_rest_in_different_points_are_no_cycle_either():
    data = torch.randn(20, 1, 2, generator=torch.Generator().manual_seed(0)).expand(-1, 40, -1)
    with pytest.warns(UserWarning, match="come to rest at different points"):
        assert not learn_invariant_set(data, 0.1, device="cpu").finding.found


def test_before_training_the_phases_wind_as_the_true_ones_do_and_the_rest_is_not_known():
    """The asymptotic phase of a Stuart-Landau orbit is its polar angle, everywhere (Koopman eigenfunctions)."""
    system = StuartLandau()
    sim = invariant_set_run(system.trajectories(100, 60, 0.3), 0.3, device="cpu").model
    start = system.initial(300, seed=1)
    with torch.no_grad():
        phases = sim.propagator.phases(sim.observables(start))[:, 0]
    apart = phases - torch.atan2(start[:, 1], start[:, 0])
    assert torch.polar(torch.ones_like(apart), apart).mean().abs() > 0.95  # 1 where they differ by a constant
    verdict = judge(sim, system, 0.3)
    assert verdict.angle_error > 0.01
    assert verdict.set_distance > 0.3


def test_harmonics_and_steps_are_the_datas_unless_they_are_given():
    data = VanDerPol(2.0).trajectories(40, 60, 0.3)
    chosen = invariant_set_run(data, 0.3, device="cpu")
    assert chosen.model.propagator.options["harmonics"] > 16
    assert chosen.total_steps == 200 * chosen.model.propagator.options["harmonics"]
    given = invariant_set_run(data, 0.3, harmonics=5, steps=7, device="cpu")
    assert (given.model.propagator.options["harmonics"], given.total_steps) == (5, 7)
    round_one = invariant_set_run(StuartLandau().trajectories(40, 60, 0.3), 0.3, device="cpu")
    assert (round_one.model.propagator.options["harmonics"], round_one.total_steps) == (8, 2000)


def test_the_same_seed_gives_the_same_run():
    data = spiral(60, factor=1.0)
    first, second, other = (
        [s.loss for s in invariant_set_run(data, 0.1, seed=n, steps=5, device="cpu")] for n in (3, 3, 4)
    )
    assert first == second
    assert first != other


def test_windows_are_pieces_of_the_trajectories_and_the_parts_share_none():
    data = torch.arange(10 * 41, dtype=torch.float32).reshape(10, 41, 1)
    cut = windows(data, 20)
    assert cut.shape == (30, 21, 1)
    assert ((cut[:, 1:] - cut[:, :-1]) == 1).all()
    assert cut[:3, 0, 0].tolist() == [0, 10, 20]
    task = trajectories(data, window=20)
    assert not set(task.train[0].flatten().tolist()) & set(task.test[0].flatten().tolist())


GOOD = torch.zeros(4, 20, 2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: learn_invariant_set(GOOD[0], 0.1), r"trajectories must be \(batch, time, dim\), got \(20, 2\)"),
        (lambda: learn_invariant_set(GOOD[:1], 0.1), "trajectories must hold at least 2 orbits"),
        (lambda: learn_invariant_set(GOOD[:, :5], 0.1), "trajectories must hold at least 2 orbits of 9 states"),
        (lambda: learn_invariant_set(GOOD * math.nan, 0.1), "trajectories holds 160 values that are NaN"),
        (lambda: learn_invariant_set(GOOD, 0.0), "dt must be finite"),
        (lambda: learn_invariant_set(GOOD, -1.0), "dt must be finite"),
        (lambda: learn_invariant_set(GOOD, 0.1, frequencies=3), "frequencies must be 1"),
        (lambda: learn_invariant_set(GOOD, 0.1, frequencies=0), "frequencies must be at least 1"),
        (lambda: learn_invariant_set(GOOD, 0.1, seed=-1), "seed must be at least 0"),
        (lambda: learn_invariant_set(GOOD, 0.1, steps=0), "^steps must be at least 1"),
        (lambda: trajectories(GOOD, held_out=1.0), "held_out must be finite"),
        (lambda: trajectories(GOOD, window=3), "window must be at least 8"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def from_the_torus(points):
    """The exact distance of (..., 3) to the tube of radius 1 round the circle of radius 2 in the plane s3 = 0."""
    return (torch.hypot(torch.hypot(points[..., 0], points[..., 1]) - 2, points[..., 2]) - 1).abs()


def change_of_basis(found, true):
    """The integer matrix of determinant 1 or -1 that takes the true angles nearest to the found ones, and its miss."""
    entries = range(-3, 4)
    rows = np.array([(a, b) for a in entries for b in entries])
    tried = [(i, j) for i in range(len(rows)) for j in range(len(rows))]
    tried = [pair for pair in tried if abs(round(np.linalg.det(rows[list(pair)]))) == 1]
    missed = [np.abs(rows[list(pair)] @ true / found - 1).max() for pair in tried]
    return rows[list(tried[int(np.argmin(missed))])], min(missed)


def test_before_training_a_torus_phases_turn_evenly_and_its_decoder_knows_where_it_lies():
    """From random phases the states would be anywhere; the torus is 6 across."""
    data = AttractingTorus().trajectories(200, 80, 0.3)[:, 20:].float()
    sim = invariant_set_run(data, 0.3, 2, device="cpu").model
    with torch.no_grad():
        phases = sim.propagator.phases(sim.observables(data[:20].flatten(0, 1))).unflatten(0, (20, -1))
        late = sim.shadow(data[:, -1], torch.zeros(1))[:, 0]
    waits = phases - sim.propagator.base_angles.detach() * torch.arange(data.shape[1])[:, None]
    assert torch.polar(torch.ones_like(waits), waits).mean(1).abs().min() > 0.9  # 1 where they turn evenly
    assert float(from_the_torus(late).mean()) < 0.15


@pytest.mark.slow
def test_the_attracting_torus_is_found():
    data = AttractingTorus().trajectories(400, 100, 0.3)[:, 20:]
    sim = learn_invariant_set(data, 0.3, frequencies=2, steps=200, device="cpu")
    assert sim.finding.found
    assert sim.finding.message.startswith("a torus of period")
    found = sim.propagator.base_angles.detach().double().numpy()
    _, missed = change_of_basis(found, np.array([0.3, 0.3 * math.sqrt(3)]))
    assert missed < 0.005
    with torch.no_grad():
        points = sim.shadow(data[:20, 0].float(), torch.arange(0.0, 100.0)).flatten(0, 1)
    assert float(from_the_torus(points).max()) < 0.05 * 6
    assert float(from_the_torus(points).mean()) < 0.05
