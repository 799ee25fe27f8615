"""Pictures as tasks: every pixel in its sub-grid, PSNR by its formula, the bilinear baseline against SciPy's."""

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.interpolate import RegularGridInterpolator
from torch import nn

from simviz.learning.data import Bilinear, digits, photograph, picture, rendered_text
from simviz.learning.task import Task

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)


@pytest.fixture
def drawn(tmp_path):
    """The task of a small picture that was written here, pixel by pixel."""
    Image.fromarray(PIXELS).save(tmp_path / "drawn.png")
    return photograph(tmp_path / "drawn.png", side=8)


class Remembered(nn.Module):
    """Answers with the colours of PIXELS, found by position."""

    def forward(self, x):
        columns, rows = ((x + 1) / 2 * 7).round().long().T
        return torch.as_tensor(PIXELS)[rows, columns] / 255


@pytest.mark.parametrize(
    ("part", "corners"), [("train", {(0, 0)}), ("test", {(1, 1)}), ("validation", {(0, 1), (1, 0)})]
)
def test_a_part_holds_the_pixels_of_its_sub_grids_at_their_places(drawn, part, corners):
    x, y = getattr(drawn, part)
    found = {}
    for place, colour in zip(x.tolist(), (255 * y).round().int().tolist(), strict=True):
        column, row = (round((p + 1) / 2 * 7) for p in place)
        found[row, column] = colour
    assert found == {(r, c): PIXELS[r, c].tolist() for r in range(8) for c in range(8) if (r % 2, c % 2) in corners}


def test_positions_reach_from_minus_one_to_one_and_go_right_first_then_down(drawn):
    x = drawn.train[0]
    torch.testing.assert_close(x[:3], torch.tensor([[-1.0, -1.0], [4 / 7 - 1, -1.0], [8 / 7 - 1, -1.0]]))
    torch.testing.assert_close(drawn.test[0][-1], torch.ones(2))


def test_the_psnr_is_that_of_its_formula_with_peak_one(drawn):
    torch.manual_seed(0)
    model = nn.Linear(2, 3)
    x, y = drawn.test
    with torch.no_grad():
        told = drawn.metrics(model, x, y)["psnr"]
        guess = np.clip(model(x).numpy().astype(float), 0, 1)
    assert told == pytest.approx(-10 * np.log10(np.mean((guess - y.numpy()) ** 2)), abs=1e-5)
    assert (model(x) < 0).any()  # the clipping had something to do
    assert drawn.metrics(Remembered(), x, y) == {"psnr": np.inf}
    assert (drawn.goal, drawn.larger) == ("psnr", True)


def test_the_bilinear_baseline_is_scipys_interpolation_of_the_training_grid(drawn):
    even = np.arange(0, 8, 2)
    by_scipy = RegularGridInterpolator((even, even), PIXELS[::2, ::2] / 255)
    places = np.minimum(np.stack(np.meshgrid(np.arange(8), np.arange(8), indexing="ij"), -1), 6)
    np.testing.assert_allclose(picture(Bilinear(drawn), drawn), by_scipy(places), atol=1e-6)


@pytest.mark.parametrize(("name", "reference"), [("china", 22.7), ("flower", 25.1)])
def test_bilinear_interpolation_reaches_the_reference_on_the_two_photographs(name, reference):
    task = photograph(name)
    assert len(task.train[0]) == 64 * 64
    assert task.metrics(Bilinear(task), *task.test)["psnr"] == pytest.approx(reference, abs=0.05)


def test_the_picture_of_a_model_is_its_answer_at_every_pixel_and_leaves_its_mode(drawn):
    model = nn.Sequential(Remembered(), nn.Dropout(0.5))
    model.train()
    assert np.array_equal((255 * picture(model, drawn)).round().astype(np.uint8), PIXELS)
    assert model.training


def test_a_wide_picture_gives_its_middle_square(tmp_path):
    wide = np.zeros((6, 20, 3), dtype=np.uint8)
    wide[:, 7:13] = PIXELS[:6, :6]
    Image.fromarray(wide).save(tmp_path / "wide.png")
    task = photograph(str(tmp_path / "wide.png"), side=6)
    assert np.array_equal((255 * task.test[1]).round().int().numpy(), PIXELS[1:6:2, 1:6:2].reshape(-1, 3))


def test_a_grey_picture_has_three_equal_channels(tmp_path):
    Image.fromarray(PIXELS[..., 0]).save(tmp_path / "grey.png")
    y = photograph(tmp_path / "grey.png", side=8).train[1]
    assert torch.equal(y[:, 0], y[:, 1])
    assert torch.equal(y[:, 0], y[:, 2])


def whole(task):
    """(rows, columns, 3), put together from the three parts by position."""
    side = 2 * round(len(task.train[0]) ** 0.5)
    canvas = np.full((side, side, 3), np.nan)
    for x, y in (task.train, task.validation, task.test):
        columns, rows = ((x + 1) / 2 * (side - 1)).round().long().T
        canvas[rows, columns] = y
    return canvas


def test_every_word_stands_in_a_band_of_its_own_in_one_colour_on_black():
    canvas = whole(rendered_text(["stable", "invariant", "models"], side=96, seed=1))
    for band in np.split(canvas, 3):
        ink = band[band.max(-1) > 0]
        assert len(ink) > 50
        assert (band.max(-1) == 0).mean() > 0.5
        strengths = np.linalg.svd(ink, compute_uv=False)  # one colour, more or less of it
        assert strengths[1] < 0.02 * strengths[0]


def test_the_seed_moves_a_word_both_ways():
    corners = set()
    for seed in range(8):
        rows, columns = np.nonzero(whole(rendered_text("word", 48, seed)).max(-1))
        corners.add((rows.min(), columns.min()))
    assert len({row for row, _ in corners}) > 3
    assert len({column for _, column in corners}) > 3


def test_the_seed_decides_the_text_and_the_words_too():
    a, b, c, d = (whole(rendered_text(w, 64, s)) for w, s in (("a b", 0), ("a b", 0), ("a b", 1), ("a c", 0)))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    assert not np.array_equal(a, d)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p: photograph("chian"), "name must be one of 'china', 'flower' or the path .* there is no file chian"),
        (lambda p: photograph(3), "name must be .* got int"),
        (lambda p: photograph(p / "text.png", 8), "name: .* is no image that Pillow can read"),
        (lambda p: photograph(p / "cut.png", 8), "name: .* is no image that Pillow can read"),
        (lambda p: photograph("china", 127), "side must be even"),
        (lambda p: photograph("china", 2), "side must be at least 4"),
        (lambda p: photograph("china", 428), "side must be at most 426"),
        (lambda p: photograph("china", 64.0), "side must be a whole number"),
        (lambda p: rendered_text("  "), "words must be one string, or several, none of them blank"),
        (lambda p: rendered_text(["a", ""]), "words must be one string"),
        (lambda p: rendered_text("a " * 40), "words: 'a' would be less than 6 pixels high"),
        (lambda p: rendered_text("word", 33), "side must be even"),
        (lambda p: rendered_text("word", seed=-1), "seed must be at least 0"),
        (lambda p: rendered_text("word", font=p / "text.png"), "font: .* is no font"),
        (lambda p: Bilinear(digits()), "task must be one of a picture, .* got 'digits'"),
        (lambda p: picture(nn.Identity(), Task.from_arrays(np.ones((80, 2)), np.ones((80, 3)))), "task must be one of"),
    ],
)
def test_what_makes_no_picture_is_refused_by_name(call, words, tmp_path):
    (tmp_path / "text.png").write_text("no image")
    Image.fromarray(PIXELS).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:-60])
    with pytest.raises(ValueError, match=words):
        call(tmp_path)


def test_a_model_that_gives_no_colours_is_told_so(drawn):
    with pytest.raises(ValueError, match=r"the model must return one colour a pixel, \(16, 3\), got \(16, 1\)"):
        drawn.metrics(nn.Linear(2, 1), *drawn.test)
