"""The small SVG of a drawing: its points stand where its axes say, it is short, and nothing heavy is loaded for it."""

import base64
import dataclasses
import io
import itertools
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from simviz import figures
from simviz.figures.theme import image_colours
from simviz.records import Axis, ColourBar, FigureSpec, Subplot, Trace

SVG = "{http://www.w3.org/2000/svg}"


def drawing(trace, x=None, y=None, **changes):
    axes = Subplot("", x or Axis("x", range=(-2, 3)), y or Axis("y", range=(0, 10)))
    return FigureSpec((axes,), (trace,), state="a state", alt="an alternative text", **changes)


def axes_of(spec, theme="light"):
    """The element that holds the first pair of axes."""
    return ET.fromstring(figures.to_svg(spec, theme)).find(f"{SVG}g/{SVG}svg")


def scale(axes, side):
    """Numbers as pixels, from the tick labels alone: x where they are centred, y where they end at the axis."""
    ticks = [(float(t.text), float(t.get(side))) for t in labels(axes, side)]
    shift = 0 if side == "x" else 4  # a number stands a little below its tick
    (a, p), (b, q) = ticks[0], ticks[-1]
    return lambda number: p - shift + (number - a) / (b - a) * (q - p)


def labels(axes, side):
    """The numbers along one axis."""
    return [t for t in axes.findall(f"{SVG}text") if t.get("class") == ("t" if side == "x" else "t y")]


def paths(axes):
    """What is drawn within the axes."""
    return [p for p in axes.find(f"{SVG}svg").findall(f"{SVG}path") if p.get("d")]


def points(path):
    """The corners of a path in pixels, a list for each unbroken part."""
    parts = []
    for x, y, rest in re.findall(r"M(-?\d+) (-?\d+)(?:l([-\d ]+)|h0)", path.get("d")):
        steps = [int(n) for n in re.findall(r"-?\d+", rest)]
        ends = np.cumsum([[int(x), int(y)], *zip(steps[::2], steps[1::2], strict=True)], axis=0)
        parts.append([tuple(end) for end in ends.tolist()])
    return parts


def marks(axes):
    """Where the marks of the first trace stand, in pixels."""
    (path,) = paths(axes)
    assert re.fullmatch(r"marker:url\(#[\w-]+\)", path.get("style"))
    return [end for part in points(path) for end in part]


def test_points_stand_where_the_axes_say():
    x, y = np.array([-1.5, 0.0, 2.5]), np.array([1.0, 9.5, 4.0])
    axes = axes_of(drawing(Trace("t", "data", x, y)))
    across, up = scale(axes, "x"), scale(axes, "y")
    for (px, py), a, b in zip(marks(axes), x, y, strict=True):
        assert px == pytest.approx(across(a), abs=1.1)  # whole pixels, of marks and of ticks
        assert py == pytest.approx(up(b), abs=1.1)


def test_a_logarithmic_axis_has_powers_of_ten_equally_far_apart_and_no_place_for_zero():
    y = np.array([1.0, 1e-2, 0.0, 1e-6])
    axes = axes_of(drawing(Trace("t", "data", np.arange(4.0) - 1, y), y=Axis("r", scale="log")))
    found = [t.text for t in labels(axes, "y")]
    assert found[-1] == "1"
    assert all(math.log10(float(tick)) % 1 == 0 for tick in found)
    heights = [py for _, py in marks(axes)]
    assert len(heights) == 3
    assert (heights[2] - heights[1]) == pytest.approx(2 * (heights[1] - heights[0]), abs=2)


def test_an_axis_without_any_positive_number_is_drawn_all_the_same():
    assert axes_of(drawing(Trace("t", "data", np.empty(0), np.empty(0)), y=Axis("r", scale="log"))) is not None


def test_a_line_is_broken_where_it_has_no_number_however_much_it_is_thinned():
    x = np.linspace(-2, 3, 4000)
    y = np.where(np.abs(x) < 0.5, np.nan, 5 + np.sin(x))
    axes = axes_of(drawing(Trace("t", "learned", x, y, mode="line")))
    (path,) = paths(axes)
    left, right = points(path)
    across, up = scale(axes, "x"), scale(axes, "y")
    assert right[0][0] - left[-1][0] == pytest.approx(across(0.5) - across(-0.5), abs=1.1)
    assert len(left) + len(right) < 40
    for (xa, ya), (xb, yb) in (*itertools.pairwise(left), *itertools.pairwise(right)):  # on the curve between them, too
        middle = -2 + ((xa + xb) / 2 - across(-2)) / (across(3) - across(-2)) * 5
        assert (ya + yb) / 2 == pytest.approx(up(5 + math.sin(middle)), abs=2)


def test_an_image_has_the_colours_of_its_numbers_the_right_way_up():
    z = np.array([[0.0, 1.0], [np.nan, 2.0]])  # the first row below
    bar = ColourBar(range=(0.0, 2.0))
    trace = Trace("i", "mass", np.array([0.0, 1.0, 2.0]), np.array([0.0, 5.0, 10.0]), mode="image", z=z, bar=bar)
    (image,) = axes_of(drawing(trace)).iter(f"{SVG}image")
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(image.get("href").split(",")[1]))))
    assert pixels.shape == (2, 2, 4)
    lowest, highest = (image_colours("mass", "light")[i] for i in (0, -1))
    assert "#" + bytes(pixels[1, 0, :3]).hex() == lowest
    assert "#" + bytes(pixels[0, 1, :3]).hex() == highest
    assert pixels[..., 3].tolist() == [[0, 255], [255, 255]]


def test_words_of_any_kind_make_valid_xml_with_the_alternative_text():
    nasty = 'a "quote" & <tag> of β'
    spec = dataclasses.replace(drawing(Trace(nasty, "data", np.ones(1), np.ones(1))), alt=nasty, state=nasty)
    root = ET.fromstring(figures.to_svg(spec))
    assert root.find(f"{SVG}title").text == nasty
    assert root.get("role") == "img"
    assert nasty in "".join(t.text or "" for t in root.iter(f"{SVG}text"))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_mode_is_drawn_in_both_themes(theme):
    x = np.linspace(-1, 2, 5)
    for mode in ("points", "line", "line+points", "rays", "area", "band"):
        axes = axes_of(drawing(Trace("t", "learned", x, x + 2, mode=mode)), theme)
        assert axes.find(f"{SVG}svg").findall(f"{SVG}path"), mode


def test_an_unknown_theme_is_named():
    with pytest.raises(ValueError, match="theme must be one of 'light', 'dark', got 'blue'"):
        figures.to_svg(drawing(Trace("t", "data", np.ones(1), np.ones(1))), "blue")


def test_neither_matplotlib_nor_plotly_is_loaded_for_it():
    script = (
        "import sys, numpy as np\n"
        "from simviz import figures\n"
        "from simviz.records import *\n"
        "spec = FigureSpec((Subplot('', Axis(), Axis()),), (Trace('t', 'data', np.arange(3.), np.arange(3.)),))\n"
        "figures.to_svg(spec)\n"
        "print([m for m in ('matplotlib', 'plotly') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
