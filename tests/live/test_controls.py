"""Every value comes in through one door: in range, an option, a finite pair, or a sentence that names it."""

import pytest

from simviz.live.controls import Button, Choices, Handle, Select, Slider, Toggle


def test_a_slider_keeps_what_lies_between_its_ends():
    slider = Slider("radius", "radius", 0.2, 1.3, 0.01, 0.9, unit="of 1")
    assert slider.check(1.3 + 1e-12) == 1.3
    assert slider.check(0.123456789 + 0.2) == 0.323457
    for bad in (1.4, float("nan"), "much", None, True):
        with pytest.raises(ValueError, match="radius must"):
            slider.check(bad)
    steps = Slider("shown", "step", 0, 500, 1)
    assert isinstance(steps.check(12.0), int)
    with pytest.raises(ValueError, match="radius must lie between 0 and 1, got 3"):
        Slider("radius", "radius", 0.0, 1.0, 0.1, 3.0)


def test_the_others_refuse_what_they_do_not_know():
    with pytest.raises(ValueError, match="single must be True or False, got 1"):
        Toggle("single", "single").check(1)
    with pytest.raises(ValueError, match="view must be one of"):
        Select("view", "view", options=("a", "b"), value="c")
    solvers = Choices("solvers", "solvers", options=("a", "b", "c"), value=("c", "a"))
    assert solvers.check(["c", "a"]) == ("a", "c")
    for bad in ("a", ["d"], 3):
        with pytest.raises(ValueError, match="solvers must"):
            solvers.check(bad)
    with pytest.raises(ValueError, match="nudge is a button"):
        Button("nudge", "Nudge").check(1)


def test_a_handle_stays_in_its_box():
    handle = Handle("eigenvalue", "eigenvalue", box=(-1.0, 1.0, -1.0, 1.0))
    assert handle.check([3, -0.5]) == (1.0, -0.5)
    for bad in (3, [1, 2, 3], ["a", "b"], [float("nan"), 0], None):
        with pytest.raises(ValueError, match="eigenvalue must be a pair"):
            handle.check(bad)


def test_a_description_is_what_the_page_reads():
    told = Slider("radius", "radius", 0.2, 1.3, 0.01, 0.9, scrub=True, tip="drag me").describe()
    assert told == {
        "kind": "slider", "name": "radius", "label": "radius", "low": 0.2, "high": 1.3, "step": 0.01, "value": 0.9,
        "log": False, "unit": "", "scrub": True, "tip": "drag me",
    }  # fmt: skip
