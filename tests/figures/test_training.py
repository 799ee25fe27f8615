"""The curves of a training hold its own numbers, the loss apart from its goal; learned pictures stand as they are."""

import math

import numpy as np
import pytest
from PIL import Image

from simviz import figures
from simviz.figures.theme import GROUND
from simviz.records import TrainStep


def history(count=60, every=10, jump=0.0, validation=True):
    """The loss halves every ten steps, jumping up and down by a factor exp(jump); accuracy grows to 0.9."""
    steps = []
    for n in range(1, count + 1):
        metrics = {}
        if n % every == 0:
            metrics = {"accuracy": 0.9 * n / count, "cross entropy": 3 * 0.5 ** (n / 10)}
            if validation:
                metrics = {f"validation {name}": value for name, value in metrics.items()}
        if n == count and validation:
            metrics |= {"accuracy": 0.85, "cross entropy": 0.2}
        steps.append(TrainStep(n, 0, 2 * 0.5 ** (n / 10) * math.exp(jump * (-1) ** n), metrics))
    return steps


def of(spec, index, name):
    (found,) = [t for t in spec.traces if t.subplot == index and t.name == name]
    return found.x.tolist(), found.y.tolist()


def test_loss_and_goal_stand_in_strips_of_their_own_with_their_own_axes():
    spec = figures.training_curves(history(), goal="accuracy")
    assert [s.y.scale for s in spec.subplots] == ["log", "linear"]
    assert [s.x.range for s in spec.subplots] == [(0.0, 61.2)] * 2
    assert of(spec, 0, "loss") == (list(range(1, 61)), pytest.approx([2 * 0.5 ** (n / 10) for n in range(1, 61)]))
    assert of(spec, 1, "validation") == ([10, 20, 30, 40, 50, 60], pytest.approx([0.15, 0.3, 0.45, 0.6, 0.75, 0.9]))
    assert of(spec, 1, "test") == ([60], [0.85])
    assert of(spec, 0, "validation")[1][0] == pytest.approx(1.5)
    assert [t.name for t in spec.traces if t.legend] == ["loss", "validation", "test"]  # each once
    assert "validation accuracy 0.9; accuracy 0.85 on the test part" in spec.state
    assert spec.state in spec.alt


def test_the_lower_strips_title_keeps_clear_of_the_upper_strip():
    figure = figures.to_matplotlib(figures.training_curves(history(), goal="accuracy"))
    figure.canvas.draw()
    upper, lower = figure.axes
    assert lower.title.get_window_extent().y1 < upper.get_tightbbox().y0


def test_a_noisy_loss_is_averaged_and_a_smooth_one_is_not():
    def names(steps):
        return [t.name for t in figures.training_curves(steps).traces if t.subplot == 0 and t.role != "metric"]

    assert "loss" in names(history(300))
    spec = figures.training_curves(history(300, jump=0.5))
    x, y = of(spec, 0, "mean of 6 steps")
    losses = np.array([s.loss for s in history(300, jump=0.5)])
    assert x[0] == 6
    assert y == pytest.approx([losses[n - 6 : n].mean() for n in range(6, 301)])
    assert of(spec, 0, "loss of a minibatch")[1] == pytest.approx(losses.tolist())


def test_lines_to_hold_the_curves_to_are_named_with_their_numbers_in_their_own_strip():
    words = {"reference": (0.7, "a plain net"), "loss_reference": (0.0399851, "best without memory")}
    spec = figures.training_curves(history(), goal="accuracy", **words)
    assert of(spec, 1, "a plain net: 0.7")[1] == [0.7, 0.7]
    assert of(spec, 0, "best without memory: 0.04")[1] == [0.0399851] * 2
    entries = [text.get_text() for text in figures.to_matplotlib(spec).legends[0].get_texts()]
    assert {"a plain net: 0.7", "best without memory: 0.04"} <= set(entries)


@pytest.mark.parametrize(
    ("low", "high"), [(1.1, 1.3), (0.02, 0.05), (0.3, 2.5), (1e-3, 2.5), (1e-9, 1e3), (1e-30, 1e30)]
)
def test_a_logarithmic_axis_has_a_few_round_ticks_in_the_same_words_in_both_renderers(low, high):
    steps = [TrainStep(1, 0, high), TrainStep(2, 0, low)]
    spec = figures.training_curves(steps)
    ticks = spec.subplots[0].y.ticks
    assert 1 <= len(ticks) <= 7
    assert low / 1.26 <= min(ticks) <= max(ticks) <= high * 1.26
    words = list(figures.plotly_layout(spec, "light")["yaxis"]["ticktext"])
    (axes,) = figures.to_matplotlib(spec).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == words
    assert [float(word) for word in words] == list(ticks)
    assert not axes.yaxis.get_minorticklocs().size


def test_a_run_that_has_not_begun_or_measured_or_has_a_bad_loss_is_drawn_all_the_same():
    assert figures.training_curves([]).state == "not begun"
    assert len(figures.training_curves([TrainStep(1, 0, 1.0)]).subplots) == 1
    spec = figures.training_curves([TrainStep(1, 0, 0.0), TrainStep(2, 0, math.inf), TrainStep(3, 0, 0.5)])
    assert np.isfinite(spec.subplots[0].y.range).all()
    assert np.isnan(of(spec, 0, "loss")[1][0])  # which no logarithmic axis can show
    for drawn in ([], history(), [TrainStep(1, 0, 0.0)]):
        figures.to_plotly(figures.training_curves(drawn))
        figures.to_matplotlib(figures.training_curves(drawn)).canvas.draw()


def test_pictures_are_shown_pixel_for_pixel_with_their_names(tmp_path):
    checked = np.indices((4, 4)).sum(0)[..., None] % 2 * np.array([1.0, 0.5, 0.0])
    path = figures.side_by_side({"one": checked, "two": np.ones((2, 2, 3))}, tmp_path / "a.png", "dark")
    image = Image.open(path)
    assert image.text["Description"] == "Pictures side by side: one, two."
    pixels = np.asarray(image.convert("RGB"))
    assert "#" + "".join(f"{v:02x}" for v in pixels[-3, 3]) == GROUND["dark"]
    top, left, side = 92, 24, 520
    square = pixels[top : top + side, left : left + side]
    middles = square[side // 8 :: side // 4, side // 8 :: side // 4] / 255
    assert np.abs(middles - checked).max() < 0.01
    assert np.abs(square[side // 8, side // 4 - 4] / 255 - checked[0, 0]).max() < 0.01  # not blended at their edges
    with pytest.raises(ValueError, match="numbers from 0 to 1"):
        figures.side_by_side({"one": 2 * checked}, tmp_path / "b.png")
    with pytest.raises(ValueError, match="images must be one or more"):
        figures.side_by_side({}, tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()
