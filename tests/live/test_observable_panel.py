"""Pictures that K drags, without a browser: held against the flows' closed forms."""

import math

import numpy as np
import pytest

from simviz import live
from simviz.live.panels.dragged.drag import CURVED, SIDE, STEPS

MU, LAM, DT = -0.05, -1.0, 0.1


@pytest.fixture
def observable(mounted):
    """Make a panel whose page is absent, given up when the test ends."""
    return lambda *given, **named: mounted(live.ObservablePanel(*given, **named))


def on_the_slow_manifold(x, y, t):
    """The closed form: s1 decays alone, and s2 - c s1^2 does."""
    c = LAM / (LAM - 2 * MU)
    after = x * math.exp(MU * t)
    return after, (y - c * x**2) * math.exp(LAM * t) + c * after**2


def on_the_circle(x, y, t, mu=0.25, omega=1.0):
    """Stuart and Landau's equation in polar coordinates: 1/r^2 - 1 decays alone, the angle turns evenly."""
    r = 1 / np.sqrt(1 + (1 / (x**2 + y**2) - 1) * math.exp(-2 * mu * t))
    angle = np.arctan2(y, x) + omega * t
    return r * np.cos(angle), r * np.sin(angle)


FLOWS = {"slow manifold": on_the_slow_manifold, "Stuart-Landau": on_the_circle}
FUNCTIONS = {
    "s1": lambda a, b: a,
    "s2": lambda a, b: b,
    "s1^2": lambda a, b: a**2,
    "s1 s2": lambda a, b: a * b,
    "s2 - c s1^2": lambda a, b: b - CURVED * a**2,
    "e^(i theta)": lambda a, b: np.exp(1j * np.arctan2(b, a)),
    "(1 - r^2) / r^2": lambda a, b: 1 / (a**2 + b**2) - 1,
}
EIGENVALUES = {
    ("slow manifold", "s1"): math.exp(MU * DT),
    ("slow manifold", "s1^2"): math.exp(2 * MU * DT),
    ("slow manifold", "s2 - c s1^2"): math.exp(LAM * DT),
    ("Stuart-Landau", "e^(i theta)"): np.exp(1j * DT),
    ("Stuart-Landau", "(1 - r^2) / r^2"): math.exp(-2 * 0.25 * DT),
}


@pytest.mark.parametrize("system", FLOWS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_picture_is_g_of_the_closed_forms_states(system, name, observable):
    record = observable(system, observable=name, steps=23).record
    x, y = np.meshgrid(record.centres, record.centres)
    if system == "Stuart-Landau":
        hole = np.hypot(x, y) < 0.1
        assert np.array_equal(np.isnan(record.after), hole)
        x, y = np.where(hole, np.nan, x), np.where(hole, np.nan, y)
    expected = FUNCTIONS[name](*FLOWS[system](x, y, 23 * DT))
    scale = np.nanmax(np.abs(expected))
    assert record.after == pytest.approx(expected, abs=1e-9 * scale, nan_ok=True)


@pytest.mark.parametrize("system", FLOWS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_eigenfunctions_alone_keep_their_shape_and_their_factor_is_the_eigenvalue(system, name, observable):
    record = observable(system, observable=name, steps=9).record
    known = EIGENVALUES.get((system, name))
    assert record.eigenfunction == (known is not None)
    if known is None:
        assert record.change > 0.05
    else:
        assert record.change < 1e-11
        assert record.multiple == pytest.approx(known**9, rel=1e-10)


def test_the_picture_at_the_start_and_g_at_the_dot_are_one_number(observable):
    panel = observable(observable="s1 s2", steps=31)
    panel.clicked(0, -1.2, 0.7)
    record = panel.record
    row, column = record.cell
    start = record.centres[column], record.centres[row]
    assert start == pytest.approx((-1.2, 0.7), abs=4 / SIDE)
    for n in (0, 31, STEPS):
        a, b = on_the_slow_manifold(*start, n * DT)
        assert record.orbit[n] == pytest.approx((a, b), abs=1e-11)
        assert record.readings[n] == pytest.approx(a * b, abs=1e-11)
    assert record.after[row, column] == pytest.approx(record.readings[31], abs=1e-12)


def test_the_sentence_says_by_how_much_a_shape_changed_or_how_far_it_turned(observable):
    panel = observable()
    assert "Will the picture keep its shape" in panel.spec().state
    panel.set(steps=8)
    g = np.meshgrid(panel.record.centres, panel.record.centres)
    before, after = g[1], on_the_slow_manifold(*g, 0.8)[1]
    cosine = (before * after).sum() / np.linalg.norm(before) / np.linalg.norm(after)
    assert f"its shape changed by {math.sqrt(1 - cosine**2):.2f}" in panel.spec().state
    panel.set(system="Stuart-Landau", observable="e^(i theta)", steps=3)
    assert f"turned by {math.degrees(0.3):.1f}° and kept its strength" in panel.spec().state


def test_play_reset_and_recipe_agree(observable, mounted):
    panel = observable(observable="s1", steps=4)
    panel.ahead(3)
    assert panel.values["steps"] == 7
    again = mounted(eval(panel.recipe(), {"live": live}))
    assert again.spec().state == panel.spec().state
    panel.player.reset()
    assert panel.values["steps"] == 4
    panel.ahead(100)
    assert panel.values["steps"] == STEPS
    panel.set(steps=5).ahead(1)
    assert panel.values["steps"] == 6


def test_the_table_has_a_row_for_each_step_and_a_click_elsewhere_does_nothing(observable):
    panel = observable(steps=12)
    assert len(panel.data()) == 13
    start = panel.values["start"]
    panel.clicked(1, 0.3, 0.3)
    assert panel.values["start"] == start


@pytest.mark.parametrize(
    ("given", "word"),
    [({"start": (1,)}, "start"), ({"dt": 2.0}, "dt"), ({"steps": 61}, "steps"), ({"observable": "x"}, "obs")],
)
def test_wrong_arguments_are_named(given, word, observable):
    with pytest.raises(ValueError, match=word):
        observable(**given)
