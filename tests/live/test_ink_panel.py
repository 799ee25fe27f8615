"""Stirred ink without a browser: closed forms of densities, Lyapunov exponents, a rotation's spectrum."""

import itertools
import math

import numpy as np
import pytest

from simviz import live
from simviz.live.panels.ink.stir import BARS, DOTS, MAPS, STEPS, TURN


@pytest.fixture
def ink(mounted):
    """Make a panel whose page is absent, given up when the test ends."""
    return lambda *given, **named: mounted(live.InkPanel(*given, **named))


def test_logistic_twins_part_by_a_factor_of_two_a_step_until_they_are_apart(ink):
    apart = ink(steps=STEPS).record.apart
    assert apart[0] == pytest.approx(1e-6, rel=1e-6)
    assert math.log(apart[18] / apart[0]) / 18 == pytest.approx(math.log(2), abs=0.12)
    assert 17 <= int((apart > 0.3).argmax()) <= 24  # 2^20 is a million
    # and on average over twins all along the drop, by Ulam and von Neumann's exponent
    s = np.random.default_rng(0).uniform(0.2, 0.4, 4000)
    r = s + 1e-9
    for _ in range(12):
        s, r = 4 * s * (1 - s), 4 * r * (1 - r)
    assert np.log(np.abs(r - s) / 1e-9).mean() / 12 == pytest.approx(MAPS["logistic"].lyapunov, abs=0.06)


def test_bars_are_the_dots_and_come_to_the_exact_density_while_the_dots_move(ink):
    panel = ink(steps=25)
    record = panel.record
    assert record.masses.sum() == pytest.approx(1)
    counts = np.bincount((record.dots * BARS).astype(int), minlength=BARS) / DOTS
    assert record.masses == pytest.approx(counts)
    arcsine = np.diff(2 / math.pi * np.arcsin(np.sqrt(np.linspace(0, 1, BARS + 1))))
    assert record.exact == pytest.approx(arcsine)
    assert record.off < 1.5 * record.noise
    after = ink(steps=26).record
    assert after.dots == pytest.approx(4 * record.dots * (1 - record.dots))
    assert np.abs(after.dots - record.dots).mean() > 0.2
    assert after.moved < 3 * record.noise


def test_gauss_dots_come_to_gauss_density(ink):
    record = ink("Gauss", steps=12).record
    expected = np.diff(np.log2(1 + np.linspace(0, 1, BARS + 1)))
    assert np.abs(record.masses - expected).sum() < 1.5 * record.noise
    assert MAPS["Gauss"].lyapunov == pytest.approx(2.3731, abs=1e-4)


def test_the_rotations_ring_creeps_to_the_circle_as_cells_grow(ink):
    def inside(cells):
        found = ink("rotation", cells=cells).record.transfer.spectrum.eigenvalues.numpy()
        first = found[np.abs(np.angle(found) - 2 * math.pi * TURN).argsort()]
        near = first[np.abs(first - np.exp(2j * math.pi * TURN)).argmin()]
        return 1 - abs(near)

    gaps = [inside(cells) for cells in (20, 50, 100, 200)]
    assert all(a > b > 0 for a, b in itertools.pairwise(gaps))
    # a cell's mass goes to two cells in shares p and 1 - p: 1 - |lambda_1| = 2 pi^2 p (1 - p) / cells^2, circulant
    p = 20 * TURN % 1
    assert gaps[0] == pytest.approx(2 * math.pi**2 * p * (1 - p) / 20**2, rel=0.05)


def test_a_rotation_keeps_its_twins_and_its_drop(ink):
    record = ink("rotation", steps=40).record
    assert record.apart == pytest.approx(1e-6, rel=1e-6)
    assert record.off > 1
    assert "never stirs it" in ink("rotation", steps=40).spec().state


def test_ulams_density_is_near_the_exact_one_and_its_second_eigenvalue_is_no_truth(ink):
    record = ink(cells=400, steps=STEPS).record
    exact = np.diff(2 / math.pi * np.arcsin(np.sqrt(np.linspace(0, 1, 401))))
    assert np.abs(record.pushed - exact).sum() < 0.06
    seconds = [abs(ink(cells=cells).record.second) for cells in (100, 200, 400)]
    assert all(0.5 < s < 0.6 for s in seconds)
    assert np.ptp(seconds) > 0.01  # another grid, another number


def test_random_features_believe_the_rotations_eigenvalues_and_of_chaos_the_1_alone(ink):
    chaos = ink(features=True).record.features
    believed = chaos.eigenvalues[chaos.residuals < 0.05].numpy()
    assert believed == pytest.approx([1.0], abs=1e-3)
    turning = ink("rotation", features=True).record.features
    powers = np.exp(2j * math.pi * TURN * np.arange(-40, 41))
    believed = turning.eigenvalues[turning.residuals < 0.05].numpy()
    assert len(believed) > 10
    assert np.abs(believed[:, None] - powers).min(1).max() < 0.05


def test_turning_the_bandwidth_shows_the_features_and_play_moves_the_ink(ink, mounted):
    panel = ink()
    assert "Press Start" in panel.spec().state
    panel.set(bandwidth=0.1).ahead(21)
    assert panel.values["features"] is True
    assert "After 21 steps: twins" in panel.spec().state
    assert mounted(eval(panel.recipe(), {"live": live})).spec().state == panel.spec().state
    assert len(panel.data()) == BARS


def test_wrong_arguments_are_named(ink):
    for given in ({"map": "tent"}, {"cells": 10}, {"steps": -1}, {"bandwidth": 3.0}):
        with pytest.raises(ValueError, match=next(iter(given))):
            ink(**given)
