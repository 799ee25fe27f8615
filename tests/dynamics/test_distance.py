"""Distances between sets agree with SciPy's and with circles whose distance is known."""

import math

import pytest
import torch
from scipy.spatial import cKDTree
from scipy.spatial.distance import directed_hausdorff

from simviz.dynamics.orbits import set_distance


def random_points(count, seed):
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_nearest_distances_are_those_of_a_tree_and_their_largest_is_hausdorffs():
    a, b = random_points(5000, 0), random_points(300, 1)
    d = set_distance(a, b)
    torch.testing.assert_close(d.forward, torch.from_numpy(cKDTree(b).query(a)[0]))
    torch.testing.assert_close(d.backward, torch.from_numpy(cKDTree(a).query(b)[0]))
    both = max(directed_hausdorff(a, b)[0], directed_hausdorff(b, a)[0])
    assert d.larger(1.0) == d.hausdorff == pytest.approx(both, rel=1e-12)
    assert d.mean == pytest.approx(max(float(d.forward.mean()), float(d.backward.mean())))


def test_a_point_of_a_circle_lies_on_it_but_is_not_the_circle():
    angles = 2 * math.pi * torch.arange(1000, dtype=torch.float64) / 1000
    circle = torch.stack([angles.cos(), angles.sin()], -1)
    d = set_distance(circle[:1], circle)
    assert float(d.forward.max()) == 0
    assert d.larger(1.0) == pytest.approx(2.0)
    assert set_distance(circle, 1.5 * circle).larger(0.95) == pytest.approx(0.5, abs=1e-9)


def test_a_set_far_from_the_origin_is_at_distance_zero_from_itself_in_single_precision():
    points = 1000 + random_points(400, 2).float()
    assert set_distance(points, points).larger(1.0) == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: set_distance(torch.ones(3), torch.ones(2, 3)), r"first must be \(points, dim\)"),
        (lambda: set_distance(torch.ones(2, 3), torch.ones(2, 2)), r"second must be \(points, 3\)"),
        (lambda: set_distance([[math.nan]], [[0.0]]), "first holds 1 values"),
        (lambda: set_distance([[0.0]], [[0.0]]).larger(1.5), "quantile must be finite and lie in"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, words):
    with pytest.raises(ValueError, match=words):
        call()
