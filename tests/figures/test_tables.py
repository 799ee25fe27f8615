"""The numbers behind a figure: all that is drawn but guides and gaps, as text, HTML and CSV."""

import csv
import math

import numpy as np
import pytest

from simviz import figures
from simviz.records import Axis, ColourBar, FigureSpec, Subplot, Trace


def test_a_table_holds_every_point_but_guides_words_and_gaps():
    traces = (
        Trace("unit circle", "guide", np.ones(3), np.ones(3), mode="line"),
        Trace("orbit", "orbit", np.array([1.0, np.nan, 3.0]), np.array([4.0, np.nan, 6.0]), mode="line"),
        Trace("mass", "mass", np.arange(3.0), np.arange(2.0), 1, "image", z=np.array([[5.0, np.nan]]), bar=ColourBar()),
        Trace("word", "label", np.ones(1), np.ones(1), mode="text", labels=["here"]),
    )
    spec = FigureSpec((Subplot("plane", Axis(), Axis()), Subplot("density", Axis(), Axis())), traces, "so it stands")
    made = figures.table(spec)
    assert made.columns == ("subplot", "drawn as", "across", "up", "value")
    assert made.rows == (
        ("plane", "orbit", 1.0, 4.0, ""), ("plane", "orbit", 3.0, 6.0, ""), ("density", "mass", 0.5, 0.5, 5.0),
    )  # fmt: skip
    assert made.caption == "so it stands"
    assert made.column("across") == [1.0, 3.0, 0.5]
    with pytest.raises(ValueError, match="name must be one of subplot"):
        made.column("z")


def test_a_table_is_shown_short_and_written_in_full(tmp_path):
    made = figures.Table(("what", "number"), (("pi <", math.pi),), "a & b")
    assert str(made) == "what   number\npi <  3.14159"
    assert "<td>pi &lt;</td><td>3.14159</td>" in made._repr_html_()
    assert "<caption>a &amp; b</caption>" in made._repr_html_()
    with made.to_csv(tmp_path / "t.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["what", "number"], ["pi <", repr(math.pi)]]
    with pytest.raises(ValueError, match="rows must have 2 entries"):
        figures.Table(("what", "number"), (("pi",),))
