"""A record in, a drawing out; three renderers draw the same points; colours can be read in both themes."""

import json
import re

import numpy as np
import pytest
import torch

from simviz import figures
from simviz.dynamics.systems import StuartLandau
from simviz.figures.theme import GROUND, IMAGES, STYLES, TEXT, image_colours
from simviz.live.figure import LiveFigure
from simviz.records import Spectrum, TrainStep
from tests.figures.test_labels import MAKERS

VALUES = torch.tensor([1.0, 0.6 + 0.8j, 0.6 - 0.8j, 0.5j, 1.3], dtype=torch.complex128)


def contrast(one, other):
    """The contrast ratio of WCAG 2.2."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_is_readable_in_both_themes(theme):
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for colour in [TEXT[theme], *(style.colour(theme) for style in STYLES.values())]:
        assert contrast(colour, GROUND[theme]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("role", ["modulus", "phase", "residual"])
def test_lines_and_words_are_readable_on_every_part_of_an_image(role, theme):
    for colour in image_colours(role, theme):
        assert contrast(colour, TEXT[theme]) >= 2.9


def lightness(role, theme):
    return [contrast(colour, "#000000") for colour in image_colours(role, theme)]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_images_can_be_read_without_colour_and_angles_have_no_seam(theme):
    for role in set(IMAGES) - {"phase"}:
        steps = np.diff(lightness(role, theme))
        assert (steps > 0).all() or (steps < 0).all()
    assert image_colours("phase", theme)[0] == image_colours("phase", theme)[-1]
    assert image_colours("mass", theme)[0] == GROUND[theme]
    assert image_colours("residual", theme)[-1] == GROUND[theme]


def drawn_points(spec):
    """What Matplotlib drew: the points of lines, and the numbers of images, in the order of the traces."""
    found = []
    for axes in figures.to_matplotlib(spec).axes:
        found += [np.ma.filled(mesh.get_array(), np.nan).ravel() for mesh in axes.collections if hasattr(mesh, "cmap")]
        found += [np.concatenate(line.get_data()) for line in axes.lines]
    return [np.asarray(f, dtype=float) for f in found if len(f)]


@pytest.mark.parametrize("name", MAKERS)
def test_every_figure_is_the_same_in_both_renderers_and_themes(name):
    spec = MAKERS[name]()
    matplotlib = drawn_points(spec)
    for theme in ("light", "dark"):
        plotly = figures.to_plotly(spec, theme)
        assert plotly.layout.meta["alt"] == spec.alt
        for number in range(len(spec.subplots)):
            axis = f"x{number + 1 if number else ''}"
            traces = [t for t in plotly.data if t.xaxis == axis and t.visible is not False]
            for trace in traces:
                parts = [trace.z] if trace.type == "heatmap" else [trace.x, trace.y]
                points = np.concatenate([np.asarray(p, dtype=float).ravel() for p in parts])
                same = (f.shape == points.shape and np.allclose(f, points, equal_nan=True) for f in matplotlib)
                assert not len(points) or any(same), trace.name
    assert spec.state
    assert spec.state in spec.alt


@pytest.mark.parametrize("name", MAKERS)
def test_what_the_live_figure_is_told_of_a_drawing_is_json(name):
    spec = MAKERS[name]()
    for theme in ("light", "dark"):
        told = {
            "data": [figures.plotly_style(t, theme) for t in spec.traces],
            "layout": figures.plotly_layout(spec, theme),
        }
        assert json.loads(json.dumps(told, allow_nan=False)) == told


@pytest.mark.parametrize("name", ["spectrum", "portrait", "density"])
def test_a_drawing_without_images_can_be_a_live_figure(name):
    spec = MAKERS[name]()
    figure = LiveFigure(spec)
    kept = {t.channel: t for t in figure.snapshot().traces}
    for trace in spec.traces:
        assert np.array_equal(kept[trace.channel].x, trace.x, equal_nan=True)
    figure.publisher.close()


def test_eigenvalues_are_filed_by_modulus_and_told_apart_by_shape():
    spec = figures.spectrum(Spectrum(VALUES, kind="a test"))
    drawn = {t.name: t.x + 1j * t.y for t in spec.traces}
    assert drawn["persistent"].tolist() == [1, 0.6 + 0.8j, 0.6 - 0.8j]
    assert drawn["decaying"].tolist() == [0.5j]
    assert drawn["growing"].tolist() == [1.3]
    assert len({STYLES[name].symbol for name in ("persistent", "decaying", "growing")}) == 3
    assert spec.state == "5 eigenvalues: 3 persistent, 1 decaying, 1 growing"
    assert "a test" in spec.subplots[0].title


def test_the_renderers_draw_the_same_points():
    spec = figures.spectrum(Spectrum(VALUES))
    plotly = {t.name: np.asarray(t.x) for t in figures.to_plotly(spec).data}
    (axes,) = figures.to_matplotlib(spec).axes
    matplotlib = {line.get_label(): line.get_xdata() for line in axes.lines}
    for name in ("persistent", "decaying", "growing"):
        assert plotly[name].tolist() == list(matplotlib[name])
    assert len(axes.lines) == len(plotly)


def test_strokes_stand_at_the_multiples_of_the_true_angle():
    x, y = figures.angle_ticks(0.3, harmonics=2)
    angles = np.arctan2(y, x)[np.isfinite(x)]
    assert np.allclose(angles, np.repeat([-0.6, -0.3, 0, 0.3, 0.6], 2))


def test_curves_show_loss_at_every_step_and_a_metric_where_it_was_measured():
    steps = [TrainStep(1, 0, 2.0), TrainStep(2, 0, 1.0, {"accuracy": 0.5})]
    loss, accuracy = figures.curves(steps, metric="accuracy").traces
    assert (loss.x.tolist(), loss.y.tolist()) == ([1, 2], [2, 1])
    assert (accuracy.x.tolist(), accuracy.y.tolist()) == ([2], [0.5])


def test_an_arrangement_keeps_every_trace_on_its_own_axes():
    spec = figures.arrange(
        [
            (figures.set_in_plane(StuartLandau()), (0.0, 0.5, 0.0, 1.0)),
            (figures.curves([]), (0.6, 1.0, 0.5, 1.0)),
        ],
        size=(800, 400),
    )
    assert [t.subplot for t in spec.traces] == [0, 0, 0, 1]
    assert spec.subplots[1].place == pytest.approx((0.6, 1.0, 0.5, 1.0))


def test_a_still_is_a_file_with_alt_text_and_leaves_matplotlib_as_it_was(tmp_path):
    import matplotlib as mpl

    before = json.dumps({k: str(v) for k, v in mpl.rcParams.items()})
    path = figures.still(figures.set_in_plane(StuartLandau()), tmp_path / "set.svg", theme="dark")
    assert re.search("State plane with the data", path.read_text(encoding="utf-8"))
    assert json.dumps({k: str(v) for k, v in mpl.rcParams.items()}) == before
    with pytest.raises(ValueError, match="theme"):
        figures.still(figures.curves([]), tmp_path / "a.png", theme="sepia")
