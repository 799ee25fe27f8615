"""Ulam's matrix has the invariant densities of closed forms, and the errors of the exact matrix."""

import math

import numpy as np
import pytest
import torch

from simviz.dynamics import transfer
from simviz.dynamics.systems import AttractingTorus, Duffing, Henon, Logistic, StuartLandau
from simviz.dynamics.transfer import cut, evolve, ulam

UNIT = (0.0, 1.0)


def arcsine_masses(edges):
    return (2 / math.pi * torch.asin(edges.clamp(0, 1).sqrt())).diff()


def arcsine_cells(u):
    return torch.sin(math.pi * u / 2) ** 2


def off(found):
    """L1 distance of the cells' masses from those of 1 / (pi sqrt(x (1 - x)))."""
    return float((found.masses - arcsine_masses(found.edges)).abs().sum())


@pytest.mark.parametrize(
    ("cells", "spacing", "bound", "exact"),
    [(200, None, 0.10, 0.080), (400, None, 0.07, 0.057), (1000, None, 0.05, 0.040), (10000, None, 0.02, None),
     (200, arcsine_cells, 0.025, 0.021), (400, arcsine_cells, 0.015, 0.012)],
)  # fmt: skip
def test_the_logistic_density_is_as_far_off_as_that_of_the_exact_matrix(cells, spacing, bound, exact):
    found = ulam(Logistic(), UNIT, cells, spacing=spacing)
    assert off(found) < bound
    assert exact is None or off(found) == pytest.approx(exact, abs=0.0035)
    assert float(found.masses.sum()) == pytest.approx(1)
    assert found.lost == pytest.approx(0, abs=1e-12)


def test_the_logistic_matrix_has_an_eigenvalue_that_is_not_truth_and_its_kind_says_so():
    values = ulam(Logistic(), UNIT, 200).spectrum.eigenvalues.abs()
    assert float(values[0]) == pytest.approx(1)
    assert 0.5 < float(values[1]) < 0.62
    assert "depend on the grid" in ulam(Logistic(), UNIT, 200).spectrum.kind


def test_the_doubling_map_keeps_the_even_density_and_forgets_all_else():
    found = ulam(lambda s: 2 * s % 1, UNIT, 64)
    assert torch.allclose(found.density, torch.ones(64, dtype=torch.float64), atol=1e-7)
    rows = found.matrix.to_dense()
    assert torch.allclose(rows.sum(1), torch.ones(64, dtype=torch.float64))
    assert rows[3].nonzero().flatten().tolist() == [6, 7]
    assert rows[3, 6] == pytest.approx(0.5)
    start = torch.zeros(64, dtype=torch.float64).index_fill(0, torch.tensor([5]), 1.0)
    assert torch.allclose(found.push(start, 6)[-1], torch.full((64,), 1 / 64, dtype=torch.float64))


def test_a_rotation_by_whole_cells_permutes_them_and_its_ring_is_exact():
    found = ulam(lambda s: (s + 0.25) % 1, UNIT, 8, leading=8)
    got = found.spectrum.eigenvalues
    for root in (1, 1j, -1, -1j):
        assert int(((got - root).abs() < 1e-9).sum()) == 2


def test_the_ring_of_an_uneven_rotation_shrinks_by_the_diffusion_of_the_grid():
    """Shift by (n + f) cells: a share f goes one cell further, so lambda_k = e^{-i w n} ((1 - f) + f e^{-i w})."""
    cells, turn = 50, 0.123
    f = (turn * cells) % 1
    found = ulam(lambda s: (s + turn) % 1, UNIT, cells, samples=1000, leading=5)
    for k in (1, 2):
        w = 2 * math.pi * k / cells
        assert float((found.spectrum.eigenvalues.abs() - abs(1 - f + f * np.exp(-1j * w))).abs().min()) < 1e-6


def test_arnolds_cat_keeps_the_even_density_in_two_coordinates():
    def cat(s):
        return torch.stack([2 * s[..., 0] + s[..., 1], s[..., 0] + s[..., 1]], -1) % 1

    found = ulam(cat, (UNIT, UNIT), (12, 8), samples=144)
    assert found.density.shape == (8, 12)
    assert torch.allclose(found.density, torch.ones(8, 12, dtype=torch.float64), atol=0.02)
    assert [len(e) for e in found.edges] == [13, 9]


def test_rows_are_the_second_coordinate():
    """All mass runs to (0.9, 0.1): the right-most column, the lowest row."""
    target = torch.tensor([0.9, 0.1], dtype=torch.float64)
    found = ulam(lambda s: target + 0 * s, (UNIT, UNIT), 4)
    assert found.masses[0, 3] == pytest.approx(1)


@pytest.mark.parametrize("cells", [20, 31])
def test_two_wells_share_an_even_start_evenly_with_dense_and_sparse_eigenvalues(cells):
    found = ulam(Duffing(), ((-2, 2), (-2, 2)), cells, 16, dt=1.0)
    assert (found.spectrum.eigenvalues - 1).abs()[:2].max() < 1e-9
    middle = cells // 2
    assert float(found.masses[:, :middle].sum()) == pytest.approx(0.5, abs=0.01)
    assert float(found.masses[:, -middle:].sum()) == pytest.approx(0.5, abs=0.01)


def test_what_takes_turns_has_its_mean_as_density():
    found = ulam(lambda s: 1 - s, UNIT, 2, leading=2)  # the halves swap
    assert found.density.tolist() == pytest.approx([1.0, 1.0])
    assert sorted(found.spectrum.eigenvalues.real.tolist()) == pytest.approx([-1, 1])


def test_an_open_map_loses_what_leaves_and_says_so():
    """s -> 3 s on the unit interval: a third stays, evenly."""
    found = ulam(lambda s: 3 * s, UNIT, 27, samples=300)
    assert found.spectrum.eigenvalues[0].real == pytest.approx(1 / 3, abs=1e-3)
    assert found.lost == pytest.approx(2 / 3, abs=1e-3)
    assert found.density.tolist() == pytest.approx([1.0] * 27, abs=0.01)
    assert "leaves the box" in found.notes[1]


def test_henons_density_is_the_histogram_of_a_long_orbit():
    system = Henon()
    found = ulam(system, ((-1.5, 1.5), (-0.45, 0.45)), 100)
    orbit = system.orbit(system.initial(400), 1000)[:, 100:].reshape(-1, 2)
    counted = found.cells.masses(orbit)
    assert float((found.masses - counted).abs().sum()) < 0.35  # fractal: the grid blurs across the folds
    assert float(found.masses[counted == 0].sum()) < 0.15
    assert found.lost < 0.01


def test_an_ensemble_carried_by_the_map_and_masses_pushed_by_the_matrix_agree():
    found = ulam(Logistic(3.8), UNIT, 400)
    points = 0.4 + 0.05 * torch.rand(200000, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ensemble = evolve(Logistic(3.8), points, 3, found.cells)
    pushed = found.push(ensemble.masses[0], 3)
    assert torch.equal(ensemble.points[0], points)
    assert torch.allclose(ensemble.masses.sum(1), torch.ones(4, dtype=torch.float64))
    assert float((pushed[1] - ensemble.masses[1]).abs().sum()) < 0.05
    assert float((pushed[3] - ensemble.masses[3]).abs().sum()) < 0.25


def test_a_flow_is_followed_over_dt():
    found = ulam(StuartLandau(), ((-1.5, 1.5), (-1.5, 1.5)), 30, 9, dt=1.0)
    x, y = (0.5 * (e[1:] + e[:-1]) for e in found.edges)
    r = torch.hypot(x[None, :], y[:, None])
    assert float(found.masses[(r - 1).abs() < 0.15].sum()) > 0.99
    assert found.spectrum.dt == 1.0


def test_cells_are_found_as_numpy_finds_them():
    grid = cut(((0, 1), (-1, 3)), (5, 7))
    points = torch.rand(1000, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 5 - 1.5
    counts, _, _ = np.histogram2d(points[:, 0], points[:, 1], bins=[e.numpy() for e in grid.edges])
    np.testing.assert_allclose(grid.masses(points).numpy(), counts.T / 1000)
    assert cut((0, 1), 4).masses([[1.0], [0.0], [math.nan], [2.0]]).tolist() == [0.25, 0, 0, 0.25]
    assert float(grid.volumes.sum()) == pytest.approx(4)
    assert torch.equal(cut((0, 1), 2, spacing=[0.0, 0.3, 1.0]).edges[0], torch.tensor([0, 0.3, 1], dtype=torch.float64))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ulam(Logistic(), (1, 0), 10), "box must give each coordinate a low end below"),
        (lambda: ulam(Logistic(), (0, 1, 2), 10), r"box must be \(low, high\) for each coordinate"),
        (lambda: ulam(AttractingTorus(), ((0, 1),) * 3, 10, dt=1.0), "box must have one or two coordinates, got 3"),
        (lambda: ulam(Logistic(), (0, 1), 1), "cells must be at least 2"),
        (lambda: ulam(Logistic(), (0, 1), (3, 4)), "cells must be a number, or one for each of 1"),
        (lambda: ulam(Logistic(), (0, 1), 10, 0), "samples must be at least 1"),
        (lambda: ulam(Logistic(), (0, 1), 10, leading=0), "leading must be at least 1"),
        (lambda: ulam(Logistic(), (0, 1), 10, spacing=lambda u: -u), "spacing must lead from 0 to 1"),
        (lambda: ulam(Logistic(), (0, 1), 3, spacing=[0, 0.5, 0.5, 1]), "spacing must rise"),
        (lambda: ulam(Logistic(), (0, 1), 3, spacing=[0, 0.5, 1]), r"spacing must be \(4,\), the edges of 3 cells"),
        (lambda: ulam(Duffing(), ((-2, 2), (-2, 2)), 4), "dt must be given for a flow"),
        (lambda: ulam(Logistic(), (0, 1), 10, dt=0.1), "dt is for flows"),
        (lambda: ulam(lambda s: s + 9, (0, 1), 10), "map takes every sample of the box .* out of it"),
        (lambda: ulam(lambda s: s[0], (0, 1), 10), "function must return a tensor of the states' shape"),
        (lambda: ulam("logistic", (0, 1), 10), "function must be callable"),
        (lambda: ulam(Logistic(), (0, 1), 10).push(torch.ones(9), 1), r"masses must be \(10,\), one a cell"),
        (lambda: evolve(Logistic(), torch.ones(3), 1, cut((0, 1), 4)), r"points must be \(n, 1\)"),
        (lambda: evolve(Logistic(), [[math.nan]], 1, cut((0, 1), 4)), "points holds 1 values"),
        (lambda: transfer.cut(((0, 1), (0, 1)), 3, spacing=[None]), "spacing must be one for each of 2"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, words):
    with pytest.raises(ValueError, match=words):
        call()
