"""What is read off the tails of orbits before training is what the systems are known to do."""

import functools
import math

import pytest
import torch

from simviz.dynamics.systems import StuartLandau, VanDerPol
from simviz.learning.tails import (
    harmonics_needed,
    linear_phase,
    orbit_phases,
    peak_angles,
    pursued_angles,
    refined_pair,
)


def two_oscillators(count=200, steps=60):
    slow, fast = StuartLandau(omega=1.0), StuartLandau(omega=math.sqrt(2))
    return torch.cat([slow.trajectories(count, steps, 0.3, seed=0), fast.trajectories(count, steps, 0.3, seed=5)], -1)


@pytest.mark.parametrize("system", [StuartLandau(omega=2.0), VanDerPol(1.0)], ids=repr)
def test_the_highest_peak_of_the_spectrum_is_the_cycles_angle_to_a_bin(system):
    data = system.trajectories(20, 200, 0.3)
    assert peak_angles(data)[0] == pytest.approx(system.angle(0.3), abs=2 * math.pi / (4 * 101))


def test_two_angles_closer_than_the_spectrum_resolves_are_told_apart():
    """30 samples resolve 0.21 radians a step; 0.3 and 0.424 lie 0.124 apart."""
    assert sorted(peak_angles(two_oscillators(), 2)) == pytest.approx([0.3, 0.3 * math.sqrt(2)], rel=2e-3)


@functools.cache
def power_of_the_true_cycle(mu):
    cycle = VanDerPol(mu).invariant_set(128)
    return torch.fft.rfft(cycle / cycle.std(0), dim=0).abs().square().sum(1)


def left_above(mu, harmonics):
    """What the true cycle's Fourier series leaves when it is cut off, as a share of the cycle's spread."""
    power = power_of_the_true_cycle(mu)
    return float((power[harmonics + 1 :].sum() / power[1:].sum()).sqrt())


@pytest.mark.parametrize(("mu", "steps", "dt"), [(0.5, 60, 0.3), (1.0, 60, 0.3), (1.0, 120, 0.15), (2.0, 60, 0.3)])
def test_the_harmonics_leave_a_thousandth_or_so_of_the_true_cycle(mu, steps, dt):
    data = VanDerPol(mu).trajectories(20, steps, dt)
    wanted = harmonics_needed(data, peak_angles(data)[0])
    assert left_above(mu, wanted) < 0.003
    assert wanted == 8 or left_above(mu, wanted - 4) > 0.001


@pytest.mark.parametrize(
    ("data", "angle"),
    [
        (lambda: StuartLandau().trajectories(40, 60, 0.3), 0.3),  # one harmonic is the whole of it
        (lambda: VanDerPol(1.0).trajectories(10, 60, 2.0), 1.886),  # hardly more than three samples a period
        (lambda: VanDerPol(1.0).trajectories(40, 9, 0.3), 0.28),
        (lambda: torch.randn(200, 60, 2, generator=torch.Generator().manual_seed(0)), 0.3),
        (lambda: torch.ones(10, 60, 2), 0.3),
    ],
    ids=["a circle", "few samples a period", "few samples", "noise", "rest"],
)
def test_where_no_decay_of_harmonics_can_be_seen_there_are_eight(data, angle):
    assert harmonics_needed(data(), angle) == 8


def test_relaxation_wants_as_many_as_there_may_be():
    data = VanDerPol(4.0).trajectories(20, 60, 0.3)
    assert harmonics_needed(data, peak_angles(data)[0]) == 24


def test_the_phases_of_a_circle_are_its_polar_angles_up_to_a_constant():
    tail = StuartLandau().trajectories(40, 80, 0.3)[:, 40:].double()
    polar = torch.atan2(tail[..., 1], tail[..., 0])
    apart = orbit_phases(tail, 0.3) - polar
    torch.testing.assert_close((apart - apart[0, 0]).cos(), torch.ones_like(apart), atol=1e-4, rtol=0)


@pytest.mark.parametrize("turn", [1.0, -1.0])
def test_the_plane_of_a_turn_in_many_dimensions_is_found(turn):
    """A circle in a plane of R^7, off the origin: the affine map gives back cosine and sine, up to a rotation."""
    generator = torch.Generator().manual_seed(0)
    plane = torch.linalg.qr(torch.randn(7, 2, generator=generator, dtype=torch.float64)).Q
    phases = 6 * torch.rand(30, 1, generator=generator, dtype=torch.float64) + turn * 0.4 * torch.arange(50)
    tail = 3 * torch.stack([phases.cos(), phases.sin()], -1) @ plane.T + 5.0
    found = linear_phase(tail, 0.4)
    seen = tail @ found[:, :-1].T + found[:, -1]
    apart = torch.atan2(seen[..., 1], seen[..., 0]) - turn * phases
    torch.testing.assert_close((apart - apart[0, 0]).cos(), torch.ones_like(apart), atol=1e-2, rtol=0)
    assert float(seen.square().mean()) == pytest.approx(1.0, rel=1e-6)
    assert math.isclose(float(torch.linalg.svdvals(found[:, :-1] @ plane).log().diff()), 0.0, abs_tol=0.05)


def test_four_known_sines_of_different_clocks_are_pursued_to_an_eighth_of_a_bin():
    angles = [0.593, 0.439, 0.305, 0.190]
    generator = torch.Generator().manual_seed(0)
    phases = 6.3 * torch.rand(40, 4, 1, generator=generator, dtype=torch.float64)
    sizes = torch.tensor([1.0, 0.9, 0.7, 0.5], dtype=torch.float64)[:, None]
    own = torch.eye(4, dtype=torch.float64).repeat(10, 1)[..., None]  # each signal has one sine
    turned = torch.tensor(angles, dtype=torch.float64)[:, None] * torch.arange(128)
    signals = (own * sizes * (phases + turned).cos()).sum(1) + 3.0
    bin_width = 2 * math.pi / 128
    for some in (signals, signals.reshape(10, 4, 128).sum(1)):
        assert pursued_angles(some, 4) == pytest.approx(angles, abs=bin_width / 8)
    assert pursued_angles(signals, 2) == pytest.approx(angles[:2], abs=bin_width / 8)


def quasi_periodic(angles, ks, count=30, steps=128, dim=3):
    """Waves at sums k1 a + k2 b, every k with vectors of its own, the phases of each orbit's own."""
    generator = torch.Generator().manual_seed(0)
    begun = 6.3 * torch.rand(count, 1, 2, generator=generator, dtype=torch.float64)
    phases = begun + torch.arange(steps)[:, None] * torch.tensor(angles, dtype=torch.float64)  # (count, steps, 2)
    waves = phases @ torch.tensor(ks, dtype=torch.float64).T
    across = torch.randn(2, len(ks), dim, generator=generator, dtype=torch.float64)
    return waves.cos() @ across[0] + waves.sin() @ across[1] + 1.0


def test_a_pair_is_refined_by_its_lattice_to_a_millionth():
    true = [0.3, 0.3 * math.sqrt(3)]
    tail = quasi_periodic(true, [(1, 0), (0, 1), (1, 1), (1, -1), (2, 0)])
    near = [true[0] + 0.002, true[1] - 0.0015]
    assert refined_pair(tail, near) == pytest.approx(true, abs=1e-6)


def test_a_pair_stays_where_its_sines_would_fit_anything_and_near_where_it_is_wrong():
    true = [0.3, 0.3 * math.sqrt(3)]
    assert refined_pair(quasi_periodic(true, [(1, 0), (0, 1)], steps=20), [0.31, 0.5]) == [0.31, 0.5]
    half_a_bin = math.pi / 128
    for wrong in ([0.36, 0.45], [1.5, 2.2], [0.31, 1.0]):
        assert refined_pair(quasi_periodic(true, [(1, 0), (0, 1)]), wrong) == pytest.approx(wrong, abs=half_a_bin)
