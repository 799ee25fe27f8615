"""Frames are coalesced, held back by a slow page, and the last one always goes out."""

import time

import numpy as np

from simviz import figures
from simviz.live.channels import APPEND, LONGEST, QUANTISED, REPLACE, Channel
from simviz.live.figure import LiveFigure
from simviz.live.publisher import UNANSWERED, Publisher
from simviz.records import Axis, FigureSpec, Subplot, Trace
from tests.live.test_player import wait_for


def spec(live, box=None):
    trace = Trace("t", "data", np.arange(3.0), np.arange(3.0), live=live)
    return FigureSpec((Subplot("", Axis(range=box), Axis(range=box)),), (trace,))


def channel(live, box=None):
    made = spec(live, box)
    return Channel(made.traces[0], made)


def numbers(update):
    kind, count, raw = update
    return np.frombuffer(raw, "<i2" if kind == QUANTISED else "<f4").reshape(2, count)


def test_many_changes_between_two_frames_are_one_frame():
    sent, value = [], [0]
    publisher = Publisher(lambda number: bool(sent.append((number, value[0]))) or True)
    for change in range(1, 501):
        value[0] = change
        publisher.wake()
        publisher.answer(10**9)
    wait_for(lambda: sent and sent[-1][1] == 500)
    time.sleep(0.2)
    assert len(sent) < 20
    assert sent[-1][1] == 500
    publisher.close()


def test_a_page_that_does_not_answer_gets_two_frames_and_the_last_one_once_it_does():
    sent, value = [], [0]
    publisher = Publisher(lambda number: bool(sent.append(value[0])) or True)
    for change in range(1, 11):
        value[0] = change
        publisher.wake()
        time.sleep(0.08)
    assert len(sent) == UNANSWERED
    publisher.answer(UNANSWERED)
    wait_for(lambda: sent[-1] == 10)
    assert len(sent) == UNANSWERED + 1
    publisher.close()


def test_an_appending_channel_sends_only_what_is_new_and_everything_on_demand():
    one = channel("append")
    one.append([3.0, 4.0], [5.0, 6.0])
    update = one.take()
    assert update[:2] == (APPEND, 2)
    assert numbers(update).tolist() == [[3, 4], [5, 6]]
    assert one.take() is None
    whole = one.take(everything=True)
    assert whole[0] == REPLACE
    assert numbers(whole)[0].tolist() == [0, 1, 2, 3, 4]


def test_a_long_curve_is_thinned_evenly_and_keeps_its_shape():
    one = channel("append")
    one.replace([], [])
    for step in range(0, 20_000, 10):
        one.append(np.arange(step, step + 10.0), np.arange(step, step + 10.0) ** 2)
    x, y = one.points
    assert len(x) <= LONGEST
    assert (y == x**2).all()
    assert len(set(np.diff(x))) == 1
    assert x[0] == 0
    assert x[-1] > 19_980


def test_sixteen_bits_are_finer_than_a_pixel_and_keep_gaps():
    one = channel("replace", (-2.0, 2.0))
    points = np.array([-2.0, 0.1234567, np.nan, 1.9])
    one.replace(points, points)
    update = one.take()
    assert update[0] == QUANTISED
    raw = numbers(update)[0]
    assert raw[2] == -32768
    back = 6.0 * raw[[0, 1, 3]] / 32767
    assert abs(back - points[[0, 1, 3]]).max() < 4 / 4000  # a pixel of a 4,000-pixel screen


def test_the_same_points_again_cost_nothing():
    one = channel("replace", (-2.0, 2.0))
    one.replace([1.0], [1.0])
    assert one.take() is not None
    one.replace([1.0], [1.0])
    assert one.take() is None


def test_a_mounted_page_gets_everything_and_later_frames_only_changes():
    figure = LiveFigure(figures.curves([], live=True))
    sent = []
    figure.send = lambda content, buffers=None: sent.append((content, buffers))
    figure.append("loss", [1, 2], [0.5, 0.25])
    wait_for(lambda: len(sent) == 1)
    figure._receive(figure, {"ack": 1}, [])
    figure._receive(figure, {"ready": True, "dark": True}, [])
    wait_for(lambda: len(sent) == 2)
    content, (buffer,) = sent[1]
    assert content["c"] == [[0, REPLACE, 2]]
    assert np.frombuffer(buffer, "<f4").tolist() == [1, 2, 0.5, 0.25]
    assert content["s"] == "not begun"
    assert figure.theme == "dark"
    figure.publisher.close()


def test_an_error_while_an_event_is_answered_is_shown_not_lost():
    def breaks(name, value):
        raise RuntimeError(f"no {name} today")

    figure = LiveFigure(figures.curves([], live=True), on_event=breaks)
    figure.send = lambda content, buffers=None: None
    figure._receive(figure, {"event": "start"}, [])
    wait_for(lambda: figure.error)
    assert figure.error == "RuntimeError: no start today"
    figure.publisher.close()
