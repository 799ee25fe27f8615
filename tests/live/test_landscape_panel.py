"""A descent on a frequency without a browser: losses by an independent fit, slopes by differences, dips in place."""

import itertools
import math

import numpy as np
import pytest
import torch

from simviz import live
from simviz.dynamics.systems import Lorenz, StuartLandau, VanDerPol

TRUE = 2 * math.pi * 0.3 / 6.66328686  # the period of Van der Pol, mu 1, from the literature


@pytest.fixture
def panel(mounted):
    """Make a panel whose page is absent, given up when the test ends."""
    return lambda *given, **named: mounted(live.LandscapePanel(*given, **named))


def left(data, length, harmonics, angle):
    """The share of the variance of the last steps that sines leave, orbit by orbit and coordinate by coordinate."""
    tail = data[:, -length:].double().numpy()
    times = np.arange(length)
    columns = np.stack(
        [np.ones(length), *(f(k * angle * times) for k in range(1, harmonics + 1) for f in (np.cos, np.sin))], 1
    )
    residual = total = 0.0
    for orbit in tail:
        for wave in orbit.T:
            fit = columns @ np.linalg.lstsq(columns, wave, rcond=None)[0]
            residual += np.square(wave - fit).sum()
            total += np.square(wave - wave.mean()).sum()
    return residual / total


@pytest.mark.parametrize(("length", "harmonics"), [(96, 8), (24, 1), (64, 3), (128, 5)])
def test_the_losses_are_those_of_least_squares(panel, length, harmonics):
    data = VanDerPol().trajectories(16, 256, 0.3, 0)
    record = panel(length=length, harmonics=harmonics).record
    assert len(record.angles) >= 400
    chosen = np.random.default_rng(0).choice(len(record.angles), 12, replace=False)
    wanted = [left(data, length, harmonics, angle) for angle in record.angles[chosen]]
    assert record.losses[chosen] == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("length", [32, 96, 128])
def test_the_deepest_of_three_harmonics_is_within_the_grid_of_the_true_angle(panel, length):
    record = panel(length=length, harmonics=3).record
    assert record.true[0] == pytest.approx(TRUE, abs=1e-7)
    assert abs(record.angles[record.losses.argmin()] - TRUE) < record.angles[1] - record.angles[0]
    assert abs(record.best[0] - TRUE) < 1e-3


def test_the_slope_is_that_of_differences(panel):
    land = live.panels.landscape.roll.landscape(panel()._tails, 96, 8)
    for angle in (0.061, 0.14, 0.2829, 0.35, 0.5, 0.8333, 1.19):
        ahead, back = (land.losses(np.array([angle + h]))[0] for h in (1e-6, -1e-6))
        loss, slope = land.at(angle)
        assert loss == pytest.approx(land.losses(np.array([angle]))[0], abs=1e-10)
        assert slope == pytest.approx((ahead - back) / 2e-6, abs=1e-4 * (1 + abs(slope)))


@pytest.mark.parametrize("angle", [0.06, 0.1, 0.19, 0.25, 0.35, 0.5, 0.745, 0.9, 1.2])
@pytest.mark.parametrize(("length", "harmonics"), [(24, 1), (96, 8), (128, 4)])
def test_a_descent_falls_at_every_step_ends_flat_and_jumps_over_no_hill(panel, angle, length, harmonics):
    record = panel(angle=angle, length=length, harmonics=harmonics, steps=120).record
    assert record.ended
    assert all(a > b for a, b in itertools.pairwise(record.heights)) or np.ptp(record.heights[-4:]) < 1e-9
    assert abs(record.slope) < 1e-4 or record.path[-1] in (0.05, 1.2) or record.total == 120
    ends = sorted((record.path[0], record.path[-1]))
    between = (record.angles > ends[0]) & (record.angles < ends[1])
    if between.any():
        assert record.losses[between].max() <= record.heights[0] + 1e-9


def test_from_0_35_a_long_tail_ends_in_a_wrong_dip_and_a_short_one_in_the_right_one(panel):
    wrong = panel(steps=120)
    assert not wrong.record.right
    assert wrong.record.heights[-1] > 0.9
    assert "ended in the wrong dip at 0.3775, which leaves 95 % of the spread" in wrong.spec().state
    right = panel(length=48, steps=120)
    assert right.record.right
    assert right.record.path[-1] == pytest.approx(TRUE, abs=1e-4)
    assert wrong.record.dips > right.record.dips


def test_from_the_data_it_ends_in_the_right_dip_and_finds_the_period(panel):
    one = panel()
    one.pressed("peak")
    assert abs(one.values["angle"] - TRUE) < 2 * math.pi / 96
    one.ahead(120)
    assert one.record.path[-1] == pytest.approx(TRUE, rel=1e-5)
    assert "from the data, ended in the right dip at 0.2829" in one.spec().state


def test_half_the_angle_fits_as_half_as_many_harmonics_do(panel):
    record = panel(angle=0.142, steps=120).record
    assert record.part == 2
    assert record.path[-1] == pytest.approx(TRUE / 2, abs=1e-4)
    data = VanDerPol().trajectories(16, 256, 0.3, 0)
    assert record.heights[-1] == pytest.approx(left(data, 96, 4, TRUE), rel=0.02)
    assert "half the angle" in panel(angle=0.142, steps=120).spec().state


def test_an_alias_is_named(panel):
    one = panel(angle=0.745, steps=120)
    assert one.record.alias == 8
    assert one.record.path[-1] == pytest.approx((2 * math.pi - TRUE) / 8, abs=1e-4)
    assert "8 x 0.7501 is 2 pi - 0.2829" in one.spec().state


def test_play_rolls_to_the_end_and_another_start_begins_anew(panel, mounted):
    one = panel()
    assert "Press Start: into which will the dot roll?" in one.spec().state
    total = one.length()
    one.ahead(200)
    assert one.values["steps"] == total
    assert one.record.ended
    one.set(angle=0.29)
    assert one.values["steps"] == 0
    one.ahead(3)
    assert one.values["steps"] == 3
    assert mounted(eval(one.recipe(), {"live": live})).spec().state == one.spec().state
    assert len(one.data()) == 4


def test_the_handle_the_slider_and_a_click_are_one_start(panel):
    one = panel()
    one.set(dot=(0.5, 0.0))
    assert one.values["angle"] == 0.5
    x, y = one.values["dot"]
    assert (x, y) == (0.5, pytest.approx(100 * one.record.heights[0]))
    one.clicked(0, 0.7, 3.0)
    assert one.values["angle"] == one.values["dot"][0] == 0.7
    one.clicked(1, 3.0, 3.0)
    assert one.values["angle"] == 0.7


def test_trajectories_and_other_systems_are_taken(panel):
    angles = 0.4 * torch.arange(120.0)
    waves = torch.stack([(angles + phase).cos() for phase in (0.0, 1.0)])[..., None]
    record = panel(waves, harmonics=1, angle=0.41, steps=120).record
    assert record.true is None
    assert record.path[-1] == pytest.approx(0.4, abs=1e-4)
    assert record.best == (pytest.approx(0.4, abs=1e-4), pytest.approx(0.0, abs=1e-8))
    assert "the deepest is 0.4000" in panel(waves, harmonics=1, angle=0.41, steps=120).spec().state
    assert panel(StuartLandau(omega=2.0), 0.2).record.true[0] == pytest.approx(0.4)
    assert panel(Lorenz(), 0.1).record.true is None


def test_wrong_arguments_are_named(panel):
    cases = [
        ({"system": "pendulum"}, "system must be"),
        ({"system": torch.zeros(3, 40, 2)}, "system must have trajectories of at least 48 steps, got 40"),
        ({"system": torch.ones(3, 60, 2)}, "system must have trajectories that move"),
        ({"dt": 0.0}, "dt must"),
        ({"angle": 2.0}, "angle must lie"),
        ({"harmonics": 9}, "harmonics must lie"),
        ({"length": 10}, "length must lie"),
        ({"steps": 121}, "steps must lie"),
        ({"seed": -1}, "seed must"),
    ]
    for given, words in cases:
        with pytest.raises(ValueError, match=words):
            panel(**given)
