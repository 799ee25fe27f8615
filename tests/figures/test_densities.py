"""A density integrates to 1 and stands over its exact curve; a matrix of masses says what sums to 1."""

import math

import numpy as np
import pytest
import torch

from simviz import figures

EDGES = np.array([0.0, 0.1, 0.15, 0.4, 0.7, 1.0])


def arcsine(x):
    return 1 / (math.pi * torch.sqrt(x * (1 - x)))


def arcsine_masses(edges):
    return np.diff(2 / math.pi * np.arcsin(np.sqrt(edges)))


def named(spec, name):
    return next(t for t in spec.traces if t.name == name)


def test_the_steps_integrate_to_one_on_cells_of_any_width():
    masses = arcsine_masses(EDGES)
    steps = named(figures.density(EDGES, masses), "density")
    assert np.trapezoid(steps.y, steps.x) == pytest.approx(1)
    assert steps.y[0::2] == pytest.approx(masses / np.diff(EDGES))


def test_the_distance_from_the_exact_density_is_half_the_difference_of_the_masses():
    even = np.diff(EDGES)
    true = 0.5 * np.abs(even - arcsine_masses(EDGES)).sum()
    spec = figures.density(EDGES, even, exact=arcsine)
    assert f"{100 * true:.2g} %" in spec.state
    share = float(figures.density(EDGES, arcsine_masses(EDGES), exact=arcsine).state.split(":")[1].split("%")[0])
    assert share < 0.05


def test_the_exact_curve_may_be_points_or_a_function():
    x = np.linspace(0, 1, 11)
    given = named(figures.density(EDGES, np.diff(EDGES), exact=(x, 2 * x)), "exact")
    assert given.y == pytest.approx(2 * given.x)
    assert (np.diff(given.x) > 0).all()
    called = named(figures.density(EDGES, np.diff(EDGES), exact=lambda s: 2 * s), "exact")
    assert called.y == pytest.approx(2 * called.x)


def test_the_bars_of_an_orbit_are_its_share_in_each_cell():
    orbit = np.random.default_rng(0).random(20_000)
    bars = named(figures.density(EDGES, np.diff(EDGES), histogram=orbit), "orbit")
    assert bars.mode == "area"
    assert np.trapezoid(bars.y, bars.x) == pytest.approx(1)
    assert bars.y[1:-1] == pytest.approx(np.ones(10), abs=0.06)
    assert (bars.y[0], bars.y[-1]) == (0, 0)


def test_a_density_of_two_coordinates_is_mass_over_area():
    x, y = np.array([0.0, 1.0, 3.0]), np.array([0.0, 0.5, 1.0, 2.0])
    masses = np.array([[0.1, 0.2], [0.0, 0.3], [0.2, 0.2]])
    image = named(figures.density((x, y), masses), "density")
    assert image.z[0].tolist() == pytest.approx([0.2, 0.2])
    assert np.isnan(image.z[1, 0])
    assert np.nansum(image.z * np.outer(np.diff(y), np.diff(x))) == pytest.approx(1)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.array([[0.5, 0.5], [0.2, 0.8]]), "rows sum to 1"),
        (np.array([[0.5, 0.2], [0.5, 0.8]]), "columns sum to 1"),
        (np.eye(2), "rows and columns sum to 1"),
        (np.ones((2, 2)), "neither rows nor columns sum to 1"),
    ],
)
def test_a_matrix_says_what_sums_to_one(matrix, words):
    assert figures.transfer_matrix(matrix).state.endswith(words)


def test_row_zero_is_on_top_and_entries_stand_in_their_cells():
    matrix = np.array([[0.0, 1.0], [0.25, 0.75]])
    spec = figures.transfer_matrix(matrix)
    (axes, *_) = figures.to_matplotlib(spec).axes
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    (heat,) = figures.to_plotly(spec).data
    assert np.asarray(heat.z, float)[1] == pytest.approx([0.5, math.sqrt(0.75)])  # coloured by the root
    assert np.isnan(np.asarray(heat.z, float)[0, 0])
    assert np.asarray(heat.customdata)[1] == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize("scale", ["sqrt", "log", "linear"])
def test_every_scale_has_ticks_within_its_ends(scale):
    figure = figures.to_plotly(figures.transfer_matrix(np.eye(3) * 0.6 + 0.1, scale=scale))
    (heat,) = figure.data
    ticks = np.asarray(heat.colorbar.tickvals)
    assert len(ticks) >= 2
    assert heat.zmin - 1e-9 <= ticks.min() <= ticks.max() <= heat.zmax + 1e-9


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: figures.density(EDGES, np.ones(4) / 4), r"masses must be \(5,\), one a cell, got \(4,\)"),
        (lambda: figures.density(EDGES, np.ones(5)), "masses must sum to 1, got 5"),
        (lambda: figures.density(EDGES, np.full(5, np.nan)), "masses holds 5 values that are NaN"),
        (lambda: figures.density([], []), "edges is empty"),
        (lambda: figures.density(EDGES[::-1], np.ones(5) / 5), "edges must be at least 2 increasing numbers"),
        (lambda: figures.density((EDGES, EDGES), np.ones((5, 4)) / 20), r"masses must be \(rows, columns\) = \(5, 5\)"),
        (lambda: figures.density((EDGES, EDGES), np.ones((5, 5)) / 25, exact=arcsine), "exact and histogram"),
        (lambda: figures.density(EDGES, np.diff(EDGES), histogram=[]), "histogram is empty"),
        (lambda: figures.density(EDGES, np.diff(EDGES), exact=lambda x: x / 0), "exact holds 160 values"),
        (lambda: figures.transfer_matrix(np.ones((2, 3))), r"matrix must be square, got \(2, 3\)"),
        (lambda: figures.transfer_matrix(-np.eye(2)), "matrix must hold masses"),
        (lambda: figures.transfer_matrix(np.zeros((2, 2))), "matrix must hold masses"),
        (lambda: figures.transfer_matrix(np.eye(2) * np.nan), "matrix holds 4 values that are NaN"),
        (lambda: figures.transfer_matrix(np.eye(2), scale="cube"), "scale must be one of"),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(make, words):
    with pytest.raises(ValueError, match=words):
        make()
