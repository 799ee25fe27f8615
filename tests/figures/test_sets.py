"""Clouds, phases and shares: every state is drawn once, and every line where it should be."""

import math

import numpy as np
import pytest

from simviz import figures
from simviz.figures import sets

ENDS = ((-2.0, 2.0), (-2.0, 2.0))


def test_every_state_of_a_cloud_is_drawn_once_and_by_its_basin():
    points = np.random.default_rng(0).uniform(-2, 2, (50, 2))
    labels = np.arange(50) % 3 - 1
    spec = sets.cloud(points, labels, ENDS)
    by_role = {t.role: np.stack([t.x, t.y], 1) for t in spec.traces}
    assert (by_role["data"] == points[labels == -1]).all()
    assert (by_role["basin 2"] == points[labels == 1]).all()
    assert sum(map(len, by_role.values())) == 50
    with pytest.raises(ValueError, match="labels"):
        sets.cloud(points, labels + 3, ENDS)


def test_the_lines_of_a_polar_phase_are_rays_45_degrees_apart(tmp_path):
    x = np.linspace(-1, 1, 40)
    spec = sets.phase_plane(x, x, np.arctan2(x[:, None], x), hole=[[0.0, 0.0]])
    line = next(t for t in spec.traces if t.name == "exact isochrons")
    far = np.hypot(line.x, line.y) > 0.3
    angles = np.arctan2(line.y[far], line.x[far]) / (math.pi / 4)
    assert np.abs(angles - np.rint(angles)).max() < 0.02
    assert len(set(np.rint(angles).astype(int) % 8)) == 8
    image = next(t for t in spec.traces if t.mode == "image")
    assert image.z[39, 20] == pytest.approx(90, abs=3)
    assert figures.still(spec, tmp_path / "a.png").stat().st_size > 1000


def test_shares_are_of_all_states_those_outside_and_those_gone_too():
    spec = sets.shares([0.1, 0.1, 0.9, math.nan, 7.0], (0.0, 1.0), late=[0.5] * 4)
    now, late = spec.traces
    assert now.y[1:-1:2].sum() == pytest.approx(60)
    assert late.y.max() == 100


def test_a_distance_is_drawn_up_to_now():
    times = np.arange(5.0)
    curve, now = sets.apart(times, 0.1**times, now=2.0).traces
    assert curve.x.tolist() == [0, 1, 2]
    assert now.y == pytest.approx([0.01])
