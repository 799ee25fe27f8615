"""Eigenvalues with their receipts: what is believed, what is doubted, and where over the plane nothing is ruled out."""

import math

import numpy as np
import pytest
import torch

from simviz import figures
from simviz.figures.labels import placed
from simviz.figures.spectra import BELIEVED, LABELLED, short
from simviz.figures.theme import STYLES
from simviz.records import Spectrum

LATTICE = np.exp([(-2 * j + 1j * k) * 0.3 for j in (0, 1) for k in range(-8, 9)])
RECEIPTS = np.array([0.002 * math.exp(0.45 * abs(k)) * (1 + 6 * j) for j in (0, 1) for k in range(-8, 9)])


def lattice(**options):
    return Spectrum(torch.tensor(LATTICE), torch.tensor(RECEIPTS), dt=0.3, kind="EDMD, held out", **options)


def by_channel(spec):
    return {t.channel: t for t in spec.traces}


def complex_points(trace):
    return np.asarray(trace.x) + 1j * np.asarray(trace.y)


def rings(trace):
    """Centre and radius of every ring of a trace."""
    circles = complex_points(trace).reshape(-1, 26)[:, :24]
    return circles.mean(1), np.abs(circles - circles.mean(1, keepdims=True)).mean(1)


@pytest.mark.parametrize(("residual", "believed"), [(0.0499, True), (0.05, False), (0.0501, False), (0.0, True)])
def test_an_eigenvalue_is_believed_below_a_twentieth_and_no_further(residual, believed):
    drawn = by_channel(figures.spectrum(Spectrum(torch.tensor([0.5]), torch.tensor([residual], dtype=torch.float64))))
    assert ("ring believed" in drawn) is believed
    assert ("ring doubted" in drawn) is not believed
    assert ("decaying" in drawn) is believed
    assert ("decaying doubted" in drawn) is not believed


def test_rings_stand_round_their_eigenvalues_and_grow_with_the_residual():
    drawn = by_channel(figures.spectrum(lattice()))
    centres, radii = [], []
    for role, mask in (("ring believed", RECEIPTS < BELIEVED), ("ring doubted", RECEIPTS >= BELIEVED)):
        c, r = rings(drawn[role])
        assert np.allclose(c, LATTICE[mask])
        centres.append(RECEIPTS[mask])
        radii.append(r)
    order = np.argsort(np.concatenate(centres))
    assert (np.diff(np.concatenate(radii)[order]) >= -1e-12).all()
    assert np.ptp(np.concatenate(radii)) > 0.03


@pytest.mark.parametrize("name", ["persistent", "decaying", "growing"])
def test_what_is_doubted_is_hollow_faint_and_keeps_its_shape(name):
    believed, doubted = STYLES[name], STYLES[f"{name} doubted"]
    assert doubted.hollow
    assert not believed.hollow
    assert doubted.opacity < believed.opacity
    assert (doubted.symbol, doubted.hue) == (believed.symbol, believed.hue)
    assert STYLES["ring doubted"].dash != STYLES["ring believed"].dash


def test_hollow_marks_are_hollow_in_both_renderers():
    spec = figures.spectrum(Spectrum(torch.tensor([0.5]), torch.tensor([0.3])))
    (axes,) = figures.to_matplotlib(spec, "dark").axes
    assert "#111111" in [line.get_markerfacecolor() for line in axes.lines]
    marker = next(t.marker for t in figures.to_plotly(spec, "dark").data if t.mode == "markers")
    assert (marker.color, marker.line.width > 0) == ("#111111", True)


def test_at_most_twelve_residuals_are_written_the_smallest_and_one_of_a_pair():
    labels = by_channel(figures.spectrum(lattice()))["residuals"]
    upper = RECEIPTS[LATTICE.imag > -1e-9]
    assert labels.labels == [short(r) for r in sorted(upper)[:LABELLED]]
    assert (np.asarray(labels.y) > -1e-9).all()


def test_without_a_receipt_there_is_a_question_mark_no_ring_and_the_records_advice():
    record = Spectrum(torch.tensor([0.5, 0.8]), torch.tensor([math.nan, 0.01]), advice="give more snapshots")
    spec = figures.spectrum(record)
    drawn = by_channel(spec)
    assert drawn["residuals"].labels == ["0.01", "?"]
    assert complex_points(drawn["decaying doubted"]).real == pytest.approx([0.5])
    assert len(rings(drawn["ring believed"])[0]) == 1
    assert "ring doubted" not in drawn
    assert spec.state.endswith("1 without a residual (?); give more snapshots")


def test_the_state_counts_the_believed_and_says_how_long_the_weakest_is_trusted():
    record = Spectrum(torch.tensor([1.0, 0.9, 0.8]), torch.tensor([0.001, 0.04, 0.3]))
    assert figures.spectrum(record).state == (
        "2 of 3 believed (residual below 0.05, fresh snapshots); the weakest is trusted for about 25 steps"
    )
    tiny = figures.spectrum(Spectrum(torch.tensor([1.0]), torch.tensor([1e-15]))).state
    assert tiny.endswith("the weakest is trusted for more than a million steps")


def test_residuals_in_sample_are_called_so_and_vouch_for_nothing():
    state = figures.spectrum(lattice(in_sample=True)).state
    assert "residuals in sample: measured on the data of the fit" in state
    assert "believed" not in state
    assert "trusted" not in state


def test_residuals_can_be_left_out_and_then_nothing_is_doubted():
    with_, without = figures.spectrum(lattice(), residuals=False), figures.spectrum(Spectrum(torch.tensor(LATTICE)))
    assert "ring believed" not in by_channel(with_)
    assert sum(len(t.x) for t in with_.traces if t.mode == "points") == len(LATTICE)
    assert "believed" not in with_.state + without.state


def test_hovering_tells_eigenvalue_residual_and_steps():
    record = Spectrum(torch.tensor([0.5]), torch.tensor([0.02]), names=["s1"])
    (text,) = by_channel(figures.spectrum(record))["decaying"].labels
    assert all(word in text for word in ("0.5000", "s1", "2e-02", "about 50 steps"))


def test_a_live_spectrum_holds_a_channel_for_all_that_a_later_frame_may_need():
    spec = figures.spectrum(lattice(), live=True)
    points = figures.eigenvalue_points(lattice())
    moving = {t.channel: t for t in spec.traces if t.live}
    assert {"ring believed", "ring doubted", "persistent", "persistent doubted", "decaying doubted"} <= set(moving)
    for channel, trace in moving.items():
        assert np.array_equal(trace.x, points[channel][0], equal_nan=True)
    assert not any(t.mode.startswith("text") for t in spec.traces)


def test_an_eigenvalue_that_leaves_the_circle_while_a_figure_is_live_has_its_channel():
    inside, outside = (figures.spectrum(Spectrum(torch.tensor([v])), live=True) for v in (0.5, 1.1))
    assert {"growing", "persistent", "rays"} <= {t.channel for t in inside.traces}
    same = [(t.channel, t.name, t.role, t.legend) for t in inside.traces]
    assert same == [(t.channel, t.name, t.role, t.legend) for t in outside.traces]  # so nothing is drawn anew


def test_a_cloud_shades_every_eigenvalue_and_marks_the_largest_of_each_sample():
    values = torch.tensor([[0.5 + 0.2j, 0.5 - 0.2j, 0.1], [-0.9, 0.3, 0.3], [0.2j, -0.2j, 0.1]])
    spec = figures.jacobian_cloud(Spectrum(values, kind="Jacobian at z*"))
    image = next(t for t in spec.traces if t.mode == "image")
    assert np.nansum(image.z) == 9
    column, row = (np.searchsorted(edges, v, "right") - 1 for edges, v in ((image.x, 0.3), (image.y, 0.0)))
    assert image.z[row, column] == 2  # 0.3 twice
    marks = next(t for t in spec.traces if t.role == "decaying")
    assert sorted(zip(marks.x.round(3), marks.y.round(3), strict=True)) == [(-0.9, 0.0), (0.0, 0.2), (0.5, 0.2)]
    assert spec.state == "spectral radius of 3 samples 0.54 at the median, 0.90 at the most"
    with pytest.raises(ValueError, match="samples, n"):
        figures.jacobian_cloud(Spectrum(values[0]))


def test_an_empty_spectrum_is_drawn_as_an_empty_disc():
    spec = figures.spectrum(Spectrum(torch.empty(0)))
    assert spec.state.startswith("0 eigenvalues")
    figures.to_matplotlib(spec)


def test_a_view_shows_a_part_of_the_plane_with_rings_of_the_same_size_and_its_own_labels_alone():
    spec = figures.spectrum(lattice(), view=(0.5, 1.1, -0.3, 0.3))
    assert (spec.subplots[0].x.range, spec.subplots[0].y.range) == ((0.5, 1.1), (-0.3, 0.3))
    _, whole = rings(by_channel(figures.spectrum(lattice()))["ring believed"])
    _, part = rings(by_channel(spec)["ring believed"])
    assert part == pytest.approx(whole * 0.6 / 2.5)
    labels = placed(spec)
    assert {"0.002", "0.003"} <= {label.text for label in labels} <= {"0.002", "0.003", "0.014", "0.022"}
    with pytest.raises(ValueError, match="view must be"):
        figures.spectrum(lattice(), view=(1.0, 0.5, 0.0, 1.0))


@pytest.mark.parametrize(
    ("residual", "written"),
    [(0.003, "0.003"), (0.0301, "0.03"), (2.2e-15, "2e-15"), (0.0, "0"), (1.5, "1.5"), (4e-4, "4e-4"), (250.0, "2e2")],
)
def test_residuals_are_written_in_few_letters(residual, written):
    assert short(residual) == written


def plane(points=81):
    x = np.linspace(-1.5, 1.5, points)
    return x + 1j * x[:, None]


def test_the_lines_of_the_pseudospectrum_of_a_normal_matrix_are_circles_round_its_eigenvalue():
    grid = plane(301)
    spec = figures.pseudospectrum(grid, np.abs(grid - 0.25), levels=(0.1, 0.3))
    for level in (0.1, 0.3):
        line = complex_points(next(t for t in spec.traces if t.name == f"residual {level}"))
        assert np.abs(line[np.isfinite(line)] - 0.25) == pytest.approx(level, abs=2e-3)


def test_the_pseudospectrum_tells_the_share_of_the_plane_that_is_not_ruled_out():
    grid = plane(301)
    spec = figures.pseudospectrum(grid, np.abs(grid) / 10)
    assert spec.state.startswith(f"{100 * math.pi / 9.06:.0f} % of the plane")


def test_eigenvalues_stand_on_top_of_the_pseudospectrum():
    spec = figures.pseudospectrum(plane(), np.abs(plane()), lattice())
    modes = [t.mode for t in spec.traces]
    assert modes.index("points") > max(i for i, m in enumerate(modes) if m in ("image", "line"))
    assert "20 of 34 believed" in spec.state


@pytest.mark.parametrize(
    ("grid", "residuals", "words"),
    [
        (plane()[0], np.ones(81), r"grid must be numbers \(rows, columns\)"),
        (plane().T, np.ones((81, 81)), "grid must be a rectangle"),
        (plane() * 1j, np.ones((81, 81)), "grid must be a rectangle"),
        (plane(), np.ones((81, 80)), r"residuals must be \(rows, columns\) = \(81, 81\) as the grid"),
        (plane(), -np.ones((81, 81)), "residuals must be at least 0, got -1"),
        (plane(), np.full((81, 81), np.nan), "residuals are all NaN: a pseudospectrum needs"),
        (np.empty((0, 0)), np.empty((0, 0)), "grid is empty"),
        (plane() * np.nan, np.ones((81, 81)), "grid holds 6561 values that are NaN"),
    ],
)
def test_a_pseudospectrum_without_sense_is_refused_by_name(grid, residuals, words):
    with pytest.raises(ValueError, match=words):
        figures.pseudospectrum(grid, residuals)
