"""The clock task: standard signals of known periods, excerpts that go on into them, errors counted by hand."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from simviz.learning.data import rhythms
from simviz.learning.data.rhythms import EXCERPT, HORIZON, RHYTHMS, excerpts, told

TASK = rhythms(train=400, test=80)
SHAPES = {
    "sine": np.sin,
    "pulse": lambda p: np.exp(3 * np.cos(p)),
    "two tones": lambda p: np.sin(p) + 0.8 * np.sin(2 * p + 1),
    "square": lambda p: np.tanh(4 * np.sin(p)),
}


class Always(nn.Module):
    """The same answer to everything, scaled by the time plus 1 to a power."""

    def __init__(self, value, power=0):
        super().__init__()
        self.value, self.power = value, power

    def orbit(self, x, times):
        return (self.value * (times + 1.0) ** self.power).expand(len(x), -1)[..., None]


@pytest.mark.parametrize("rhythm", RHYTHMS, ids=lambda r: r.name)
def test_a_rhythm_is_its_shape_with_mean_0_and_variance_1(rhythm):
    phases = (np.arange(100_000) + 0.5) * 2 * math.pi / 100_000
    signal = rhythm(torch.from_numpy(phases)).numpy()
    assert signal.mean() == pytest.approx(0, abs=1e-9)
    assert signal.var() == pytest.approx(1, rel=1e-9)
    shape = SHAPES[rhythm.name](phases)
    np.testing.assert_allclose(signal, (shape - shape.mean()) / shape.std(), atol=1e-9)
    assert rhythm.angle * rhythm.period == pytest.approx(2 * math.pi)


def test_the_four_periods_are_apart_and_in_no_simple_ratio():
    assert [r.period for r in RHYTHMS] == [10.6, 14.3, 20.6, 33.1]
    for a in RHYTHMS:
        for b in RHYTHMS:
            ratio = a.period / b.period
            assert a is b or min(abs(ratio * q - round(ratio * q)) for q in (1, 2)) > 0.02


def test_without_noise_an_excerpt_goes_on_into_its_signal_at_the_rhythms_own_pace():
    x, signal, which = excerpts(60, 2 * HORIZON, 0.0, torch.Generator().manual_seed(3))
    whole = torch.cat([x, signal], 1).numpy()  # t = -16 .. 255
    assert set(which.tolist()) == {0, 1, 2, 3}
    for row, number in zip(whole, which.tolist(), strict=True):
        phases = np.linspace(0, 2 * math.pi, 721)
        t = np.arange(-EXCERPT, 2 * HORIZON)
        paths = phases[:, None] + 2 * math.pi / RHYTHMS[number].period * t
        fitted = RHYTHMS[number](torch.from_numpy(paths)).numpy()
        best = np.abs(fitted - row).max(1).argmin()
        assert np.abs(fitted[best] - row).max() < 0.03  # half a step of the 720 phases tried, 0.0044, by slopes to 6


def test_noise_is_on_the_excerpt_alone_and_of_the_size_asked():
    clean, noisy = (excerpts(200, 8, noise, torch.Generator().manual_seed(0)) for noise in (0.0, 0.3))
    assert torch.equal(clean[1], noisy[1])
    assert float((noisy[0] - clean[0]).std()) == pytest.approx(0.3, rel=0.05)


def test_the_parts_have_the_shapes_said_and_the_seed_decides_them():
    assert [t.shape for t in TASK.train] == [(400, 16), (400, 128)]
    assert [t.shape for t in TASK.test] == [(80, 16), (80, 256), (80,)]
    again, other = rhythms(train=400, test=80), rhythms(train=400, test=80, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(TASK.train + TASK.test, again.train + again.test, strict=True))
    assert torch.equal(again.loss.keywords["times"], TASK.loss.keywords["times"])
    assert not torch.equal(TASK.train[0], other.train[0])
    assert not torch.equal(TASK.train[0][:80], TASK.test[0])


def test_the_best_constant_is_off_by_1():
    metrics = TASK.metrics(Always(0.0), *TASK.test)
    assert metrics["error"] == pytest.approx(1, abs=0.05)
    assert metrics["error beyond"] == pytest.approx(1, abs=0.05)
    assert TASK.metrics(Always(0.3), *TASK.test)["error"] > metrics["error"]
    assert (TASK.goal, TASK.larger) == ("error", False)


def test_errors_are_those_counted_by_hand_within_the_trained_times_and_beyond():
    x, signal, which = TASK.test
    said = 0.2 / np.arange(1, 257) ** 0.5
    miss = (signal.double().numpy() - said) ** 2
    metrics = TASK.metrics(Always(0.2, -0.5), x, signal, which)
    assert metrics == {
        "error": pytest.approx(miss[:, :128].mean(), rel=1e-5),
        "error beyond": pytest.approx(miss[:, 128:].mean(), rel=1e-5),
    }
    np.testing.assert_allclose(told(Always(0.2, -0.5), x, 256).numpy(), np.tile(said, (80, 1)), rtol=1e-5)


def test_the_loss_asks_for_64_of_the_first_128_times():
    times = TASK.loss.keywords["times"]
    assert len(set(times.tolist())) == 64
    assert 0 <= int(times.min()) < int(times.max()) < 128
    x, signal = TASK.train
    wanted = ((signal.double().numpy() - 0.2) ** 2)[:, times.numpy()].mean()
    assert float(TASK.loss(Always(0.2), x, signal)) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"train": 0}, "train must be at least 1"),
        ({"test": 0}, "test must be at least 1"),
        ({"noise": -0.1}, "noise must be finite and lie in"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_bad_numbers_are_refused_by_name(given, words):
    with pytest.raises(ValueError, match=words):
        rhythms(**given)
