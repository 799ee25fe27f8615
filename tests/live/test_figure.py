"""A figure sends what is new, everything to a page that has just come, and never loses what went wrong."""

import dataclasses

import numpy as np
import pytest

from simviz import figures
from simviz.live.channels import APPEND, REPLACE
from simviz.live.controls import Slider
from simviz.live.figure import LiveFigure
from simviz.records import Axis, FigureSpec, Subplot, Trace
from tests.live.test_player import wait_for


class Sent:
    """A page that takes what is sent, and answers."""

    def __init__(self, figure, answers=True):
        self.figure, self.messages = figure, []
        figure.send = lambda content, buffers=None: self.take(content, buffers, answers)

    def take(self, content, buffers, answers):
        self.messages.append((content, buffers))
        if answers and "f" in content:
            self.figure.publisher.answer(content["f"])

    def has(self, key):
        return [content[key] for content, _ in self.messages if key in content]


@pytest.fixture
def made():
    figures_made = []

    def make(*given, **more):
        figures_made.append(LiveFigure(*given, **more))
        return figures_made[-1]

    yield make
    for figure in figures_made:
        figure.publisher.close()


def two(points, reach=2.0, words=("here",)):
    trace = Trace("dots", "data", points, points, live="replace")
    label = Trace("word", "label", np.array([0.0]), np.array([0.0]), mode="text", legend=False, labels=list(words))
    axis = Axis("s", range=(-reach, reach))
    return FigureSpec((Subplot("plane", axis, axis),), (trace, label), f"{len(points)} dots", "Dots.")


def test_a_mounted_page_gets_everything_and_later_frames_only_changes(made):
    figure = made(figures.curves([], live=True))
    page = Sent(figure)
    figure.append("loss", [1, 2], [0.5, 0.25])
    wait_for(lambda: page.messages)
    assert page.has("c") == [[[0, APPEND, 2]]]
    figure._receive(figure, {"ready": True, "dark": True}, [])
    wait_for(lambda: len(page.messages) == 2)
    content, (buffer,) = page.messages[1]
    assert content["c"] == [[0, REPLACE, 2]]
    assert np.frombuffer(buffer, "<f4").tolist() == [1, 2, 0.5, 0.25]
    assert content["s"] == "not begun"
    assert figure.theme == "dark"


def test_another_state_sends_its_points_its_axes_and_its_words_alone(made):
    figure = made(two(np.zeros(3)))
    page = Sent(figure)
    figure.show(two(np.ones(3)))
    wait_for(lambda: page.messages)
    assert [update[0] for update in page.has("c")[0]] == [0]
    assert page.has("l") == []
    figure.show(two(np.ones(3), reach=5.0))
    wait_for(lambda: page.has("l"))
    (layouts,) = page.has("l")
    assert set(layouts) == {"light", "dark"}
    assert set(layouts["light"]) == {"xaxis", "yaxis"}
    assert layouts["light"]["xaxis"]["range"] == [-5.0, 5.0]
    figure.show(two(np.ones(3), reach=5.0, words=("there",)))
    wait_for(lambda: len(page.has("l")) == 2)
    assert [note["text"] for note in page.has("l")[1]["light"]["annotations"]] == ["plane", "there"]
    before = figure.drawing
    figure.show(two(np.ones(3), reach=5.0, words=("there",)))
    assert figure.drawing is before  # nothing was drawn anew
    figure._receive(figure, {"ready": True}, [])  # a page that comes now knows the axes of `drawing` alone
    wait_for(lambda: len(page.has("l")) == 3)
    assert page.has("l")[2]["light"]["xaxis"]["range"] == [-5.0, 5.0]


def test_another_set_of_traces_is_drawn_anew_and_a_snapshot_holds_what_is_shown(made):
    figure = made(two(np.zeros(3)))
    Sent(figure)
    more = dataclasses.replace(
        two(np.ones(2)), traces=(*two(np.ones(2)).traces, Trace("more", "true", *np.ones((2, 1))))
    )
    figure.show(more)
    assert len(figure.drawing["light"]["traces"]) == 3
    shown = figure.snapshot()
    assert [len(t.x) for t in shown.traces] == [2, 1, 1]
    assert shown.alt == "Dots. 3 dots"  # nothing was said since
    assert figures.to_plotly(shown).data[0].x.tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="channel of its own"):
        figure.show(dataclasses.replace(more, traces=(*more.traces, more.traces[2])))


def test_a_curve_keeps_what_it_has_grown_to_when_the_rest_is_drawn_anew(made):
    def frame(*more):
        curve = Trace("loss", "loss", np.empty(0), np.empty(0), mode="line", live="append")
        return FigureSpec((Subplot("", Axis(), Axis()),), (curve, *more))

    figure = made(frame())
    page = Sent(figure)
    figure.append("loss", [1, 2], [3, 4])
    figure.show(frame(Trace("more", "true", *np.ones((2, 1)))))
    figure.append("loss", [3], [5])
    assert figure.points("loss").tolist() == [[1, 2, 3], [3, 4, 5]]
    wait_for(lambda: any(update[:2] == [0, REPLACE] and update[2] >= 2 for c in page.has("c") for update in c))


def test_an_error_while_an_event_is_answered_is_shown_not_lost(made):
    def breaks(name, value):
        if name != "fine":
            raise RuntimeError(f"no {name} today")

    figure = made(figures.curves([], live=True), on_event=breaks)
    Sent(figure)
    figure._receive(figure, {"event": "start"}, [])
    wait_for(lambda: figure.error)
    assert figure.error == "RuntimeError: no start today"
    figure._receive(figure, {"event": "fine"}, [])
    wait_for(lambda: not figure.error)


def test_a_value_that_cannot_be_is_refused_in_a_sentence_and_the_old_one_comes_back(made):
    slider = Slider("radius", "radius", 0.0, 1.0, 0.1, 0.5)
    figure = made(two(np.zeros(1)), [slider.describe()], lambda name, value: slider.check(value))
    page = Sent(figure)
    figure._receive(figure, {"event": "radius", "value": 7.0}, [])
    wait_for(lambda: page.has("u"))
    assert figure.error == "radius must lie between 0 and 1, got 7"
    assert page.has("u") == [{"radius": {"value": 0.5}}]


def test_of_many_places_of_a_slider_the_last_is_answered_and_no_press_is_lost(made):
    answered = []
    figure = made(two(np.zeros(1)), on_event=lambda name, value: answered.append((name, value)))
    Sent(figure)
    with figure.publisher._changed:  # the publisher's thread cannot begin
        for number in range(50):
            figure._receive(figure, {"event": "radius", "value": number}, [])
        figure._receive(figure, {"event": "start"}, [])
        figure._receive(figure, {"event": "start"}, [])
    wait_for(lambda: len(answered) >= 3)
    assert answered == [("radius", 49), ("start", None), ("start", None)]


def test_a_table_comes_when_it_is_wanted_follows_while_it_is_short_and_stops(made):
    shown = [figures.Table(("a", "b"), ((1, 0.5),), "one row")]
    figure = made(two(np.zeros(1)), table=lambda: shown[0])
    page = Sent(figure)
    figure.say("before")
    figure._receive(figure, {"want": "table"}, [])
    wait_for(lambda: page.has("t"))
    assert page.has("t") == [{"caption": "one row.", "columns": ["a", "b"], "rows": [["1", "0.5"]]}]
    shown[0] = figures.Table(("a", "b"), tuple((i, 2.0) for i in range(1000)), "many")
    figure.say("after")
    wait_for(lambda: len(page.has("t")) == 2)
    assert len(page.has("t")[1]["rows"]) == 300
    assert page.has("t")[1]["caption"] == "many. The first 300 of 1000 rows; panel.data() has all."
    figure.say("a long table does not follow")
    wait_for(lambda: "a long table does not follow" in page.has("s"))
    assert len(page.has("t")) == 2
    figure.say("but at an event", cue=True)
    wait_for(lambda: len(page.has("t")) == 3)
    figure._receive(figure, {"want": "no table"}, [])
    figure.say("gone", cue=True)
    wait_for(lambda: "gone" in page.has("s"))
    assert len(page.has("t")) == 3
