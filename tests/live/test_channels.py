"""What the page needs travels once, and arrives as it was."""

import numpy as np

from simviz.live.channels import APPEND, HALVE, IMAGE, LONGEST, QUANTISED, REPLACE, Channel
from simviz.records import Axis, ColourBar, FigureSpec, Subplot, Trace


def spec(live, box=None):
    trace = Trace("t", "data", np.arange(3.0), np.arange(3.0), live=live)
    return FigureSpec((Subplot("", Axis(range=box), Axis(range=box)),), (trace,))


def channel(live, box=None):
    made = spec(live, box)
    return Channel(made.traces[0], made)


class Page:
    """Takes updates as page/figure.js does."""

    def __init__(self):
        self.points = np.empty((2, 0))

    def take(self, updates):
        for header, raw in updates:
            kind, count = header[:2]
            if kind == HALVE:
                for _ in range(count):
                    self.points = self.points[:, ::2]
            elif kind == QUANTISED:
                ends = np.array(header[2:]).reshape(2, 2)
                shares = np.frombuffer(raw, "<i2").reshape(2, count).astype(float)
                shares[shares == -32768] = np.nan
                self.points = ends.mean(1)[:, None] + 1.5 * np.diff(ends) * shares / 32767
            else:
                new = np.frombuffer(raw, "<f4")
                if len(header) > 2:
                    new = np.stack([header[2] + header[3] * np.arange(count), new])
                new = new.reshape(2, count)
                self.points = np.concatenate([self.points, new], 1) if kind == APPEND else new
        return self


def test_an_appending_channel_sends_only_what_is_new_and_everything_on_demand():
    one = channel("append")
    one.append([3.0, 4.0], [5.0, 6.0])
    ((header, raw),) = one.take()
    assert header == [APPEND, 2]
    assert np.frombuffer(raw, "<f4").tolist() == [3, 4, 5, 6]
    assert one.take() == []
    ((header, raw),) = one.take(everything=True)
    assert header == [REPLACE, 5]
    assert np.frombuffer(raw, "<f4").tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 5, 6]


def test_points_one_whole_step_apart_travel_in_half_the_bytes():
    one = channel("append")
    one.append(np.arange(3.0, 43.0, 2), np.ones(20))
    assert one.pending() == 80
    ((header, raw),) = one.take()
    assert header == [APPEND, 20, 3.0, 2.0]
    assert len(raw) == 80
    one.append([50.0, *np.arange(51.0, 70.0)], np.ones(20))
    assert one.take()[0][0] == [APPEND, 20, 50.0, 1.0]
    one.append([70.0, *np.arange(72.0, 91.0)], np.ones(20))
    assert one.take()[0][0] == [APPEND, 20]


def test_a_long_curve_is_thinned_evenly_keeps_its_shape_and_is_never_sent_again():
    one, page, largest = channel("append"), Page(), 0
    one.replace([], [])
    page.take(one.take())
    for step in range(0, 20_000, 10):
        one.append(np.arange(step, step + 10.0), np.arange(step, step + 10.0) ** 2)
        if step % 70 == 0:  # frames come now and then
            updates = one.take()
            largest = max(largest, sum(len(raw) for _, raw in updates))
            page.take(updates)
    page.take(one.take())
    x, y = one.points
    assert len(x) <= LONGEST
    assert (y == x**2).all()
    assert len(set(np.diff(x))) == 1
    assert x[0] == 0
    assert x[-1] > 19_980
    assert np.array_equal(page.points, one.points.astype(np.float32))
    assert largest <= 1_000


def test_sixteen_bits_are_finer_than_a_pixel_keep_gaps_and_follow_the_axes():
    one, page = channel("replace", (-2.0, 2.0)), Page()
    points = np.array([-2.0, 0.1234567, np.nan, 1.9])
    one.replace(points, points)
    assert one.take(everything=True)[0][0] == [QUANTISED, 4, -2.0, 2.0, -2.0, 2.0]
    back = page.take(one.take(everything=True)).points[0]
    assert np.isnan(back[2])
    assert abs(back - points)[[0, 1, 3]].max() < 4 / 4000  # a pixel of a 4,000-pixel screen
    other = spec("replace", (-20.0, 20.0))
    trace = Trace("t", "data", 8 * points, 8 * points, live="replace")
    one.follow(trace, other)
    back = page.take(one.take()).points[1]
    assert abs(back - 8 * points)[[0, 1, 3]].max() < 40 / 4000


def test_the_same_points_again_cost_nothing():
    one = channel("replace", (-2.0, 2.0))
    one.replace([1.0], [1.0])
    assert one.take() != []
    one.replace([1.0], [1.0])
    assert one.take() == []


def test_an_image_travels_in_sixteen_bits_of_its_own_scale_and_only_when_it_changes():
    z = np.array([[1.0, 10.0, np.nan], [100.0, 0.1, 3.0]])
    bar = ColourBar("z", (0.1, 100.0), "log")
    trace = Trace("i", "mass", np.arange(4.0), np.arange(3.0), mode="image", live="replace", z=z, bar=bar)
    drawn = FigureSpec((Subplot("", Axis(), Axis()),), (trace,))
    one = Channel(trace, drawn)
    ((header, raw),) = one.take(everything=True)
    assert header == [IMAGE, 3, 2, -1.0, 2.0]
    assert np.frombuffer(raw[:28], "<f4").tolist() == [0, 1, 2, 3, 0, 1, 2]
    numbers = np.frombuffer(raw[28:], "<i2").reshape(2, 3).astype(float)
    back = 10 ** (-1 + 3 * (numbers / 65534 + 0.5))
    assert numbers[0, 2] == -32768
    assert abs(np.delete(back, 2) / np.delete(z, 2) - 1).max() < 1e-3
    one.follow(trace, drawn)
    assert one.take() == []
    one.follow(Trace("i", "mass", trace.x, trace.y, mode="image", live="replace", z=2 * z, bar=bar), drawn)
    assert len(one.take()) == 1
