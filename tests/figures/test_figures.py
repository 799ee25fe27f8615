"""A record in, a drawing out; three renderers draw the same points; colours can be read in both themes."""

import json
import re

import numpy as np
import pytest
import torch

from simviz import figures
from simviz.dynamics.systems import StuartLandau
from simviz.figures.theme import GROUND, STYLES, TEXT
from simviz.records import Spectrum, TrainStep

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
