"""A page without a kernel shows a figure's picture in both themes, with its alt text."""

import base64
import re

import numpy as np

from simviz.figures import embedded
from simviz.records import Axis, FigureSpec, Subplot, Trace


def test_the_pictures_are_pngs_of_both_themes_with_the_alt_text():
    trace = Trace("a line", "learned", np.arange(3.0), np.arange(3.0), mode="line")
    spec = FigureSpec(
        (Subplot("a < b", Axis("x"), Axis("y")),), (trace,), 'said "so" & <so>', "A line. 1 < 2.", (400, 300)
    )
    page = embedded(spec)
    assert re.findall(r'class="simviz-still (\S+)"', page) == ["only-light", "only-dark"]
    light, dark = (base64.b64decode(data) for data in re.findall(r"base64,([^\"]+)", page))
    assert light[:4] == dark[:4] == b"\x89PNG"
    assert light != dark
    assert page.count('alt="A line. 1 &lt; 2."') == 2
