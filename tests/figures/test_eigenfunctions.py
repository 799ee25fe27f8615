"""Lines of equal phase lie where the phase is that angle, and nowhere else: not on the cut, not where h is 0."""

import numpy as np
import pytest

from simviz import figures

X = np.linspace(-2, 2, 121)
PLANE = X + 1j * X[:, None]


def lines(spec):
    """Each line of equal phase by its angle in degrees, as complex points."""
    return {
        float(t.name.removeprefix("phase ").removesuffix("°")): (t.x + 1j * t.y)[np.isfinite(t.x)]
        for t in spec.traces
        if t.role == "level"
    }


def turned(values, degrees):
    """The angle of values from a direction, in degrees, in (-180, 180]."""
    return np.degrees(np.angle(values * np.exp(-1j * np.radians(degrees))))


def test_lines_of_equal_phase_lie_at_their_angle():
    found = lines(figures.eigenfunction(X, X, PLANE))
    assert sorted(found) == [0, 45, 90, 135, 180, 225, 270, 315]
    for degrees, points in found.items():
        away = points[np.abs(points) > 0.1]
        assert len(away) > 50
        assert np.abs(turned(away, degrees)).max() < 0.2


def test_no_line_lies_on_the_cut_of_the_argument():
    found = lines(figures.eigenfunction(X, X, PLANE, isochrons=5))  # none of these is 180 degrees, where the cut is
    assert sorted(found) == [0, 72, 144, 216, 288]
    for points in found.values():
        away = points[np.abs(points) > 0.2]
        assert np.abs(turned(away, 180)).min() > 35


def test_no_line_runs_along_the_circle_where_the_eigenfunction_changes_sign():
    radius = np.abs(PLANE)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = (1 - radius**2) / radius**2 * PLANE / radius
    values[radius < 0.25] = np.nan
    for degrees, points in lines(figures.eigenfunction(X, X, values)).items():
        radii = np.abs(points)
        assert radii.min() > 0.2
        assert (np.abs(radii - 1) < 0.02).sum() <= 8
        inside, outside = points[radii < 0.9], points[radii > 1.1]
        assert np.abs(turned(inside, degrees)).max() < 0.5
        assert np.abs(turned(-outside, degrees)).max() < 0.5


def test_the_hole_stays_blank_in_modulus_phase_and_both_renderers():
    values = np.where(np.abs(PLANE) < 0.5, np.nan, PLANE)
    spec = figures.eigenfunction(X, X, values)
    hole = np.abs(PLANE) < 0.5
    images = [t for t in spec.traces if t.mode == "image"]
    assert [t.name for t in images] == ["modulus", "phase"]
    plotly = [np.asarray(t.z, dtype=float) for t in figures.to_plotly(spec).data if t.type == "heatmap"]
    meshes = [axes.collections[0] for axes in figures.to_matplotlib(spec).axes[:2]]
    for image, heat, mesh in zip(images, plotly, meshes, strict=True):
        assert np.array_equal(np.isnan(image.z), hole)
        assert np.array_equal(np.isnan(heat), hole)
        assert np.array_equal(np.ma.getmaskarray(mesh.get_array()).reshape(hole.shape), hole)


def test_modulus_and_phase_are_those_of_the_values_and_cells_surround_their_points():
    modulus, phase = (t for t in figures.eigenfunction(X, X, PLANE).traces if t.mode == "image")
    assert np.allclose(modulus.z, np.abs(PLANE))
    assert np.allclose(phase.z, np.degrees(np.angle(PLANE)) % 360)
    assert np.allclose((modulus.x[1:] + modulus.x[:-1]) / 2, X)
    assert phase.bar.ticks == (0, 90, 180, 270)


def test_a_pole_does_not_take_all_the_colours_and_the_bar_says_so():
    modulus = next(t for t in figures.eigenfunction(X, X, 1 / (PLANE + 1e-3)).traces if t.mode == "image")
    assert modulus.bar.range[1] < 20
    assert modulus.bar.labels[-1].startswith("≥")
    tame = next(t for t in figures.eigenfunction(X, X, np.exp(1j * PLANE.real)).traces if t.mode == "image")
    assert (tame.bar.range, tame.bar.labels[-1]) == ((0.0, 1.0), "1")


def test_the_state_says_fading_turning_and_residual():
    spec = figures.eigenfunction(X, X, PLANE, eigenvalue=0.9 * np.exp(0.5j), residual=0.02)
    assert "multiplies the modulus by 0.900 and turns the phase by 28.6 degrees; residual 0.02" in spec.state


def test_sets_and_orbits_are_drawn_on_both_panels():
    circle = np.stack([np.cos(X), np.sin(X)], 1)
    spec = figures.eigenfunction(X, X, PLANE, invariant_set=circle, orbit=circle / 2)
    assert sorted(t.subplot for t in spec.traces if t.name == "orbit") == [0, 1]
    assert sorted(t.subplot for t in spec.traces if t.name == "invariant set") == [0, 1]
    assert len({t.channel for t in spec.traces}) == len(spec.traces)


@pytest.mark.parametrize(
    ("x", "y", "values", "words"),
    [
        (X[::-1], X, PLANE, "x must be at least 2 increasing numbers"),
        (X, X[:1], PLANE[:1], "y must be at least 2 increasing numbers, got 1"),
        (X, X, PLANE[:, :5], r"values must be \(len\(y\), len\(x\)\) = \(121, 121\), got \(121, 5\)"),
        (X, X, PLANE[0], r"values must be numbers \(rows, columns\)"),
        (X, X, PLANE * np.nan, "values holds no finite value"),
        (np.full(3, np.nan), X, PLANE, "x holds 3 values that are NaN"),
        (X, X, np.full((121, 121), "a"), "values must be numbers"),
    ],
)
def test_an_eigenfunction_without_sense_is_refused_by_name(x, y, values, words):
    with pytest.raises(ValueError, match=words):
        figures.eigenfunction(x, y, values)
