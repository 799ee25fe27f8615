"""The panel of receipts without a browser: closed forms, residuals by their definition, a reader's hand."""

import math
import threading

import numpy as np
import pytest

from simviz import live
from simviz.dynamics.systems import Henon, Lorenz, SlowManifold, VanDerPol
from simviz.live.panels.beliefs.drawing import view_of
from simviz.live.panels.spectrum_panel import BOX

CLOSED = ("s1", "s2", "s1^2")
LIAR = (*CLOSED, "tanh(3 s2)")
FUNCTIONS = {
    "s1": lambda a, b: a,
    "s2": lambda a, b: b,
    "s1^2": lambda a, b: a**2,
    "tanh(3 s2)": lambda a, b: np.tanh(3 * b),
}


def flowed(s, dt, mu=-0.05, lam=-1.0):
    """The slow manifold in closed form: s2 - c s1^2 decays alone, with c = lam / (lam - 2 mu)."""
    c = lam / (lam - 2 * mu)
    after = s[:, 0] * math.exp(mu * dt)
    return np.stack([after, (s[:, 1] - c * s[:, 0] ** 2) * math.exp(lam * dt) + c * after**2], 1)


def observed(names, s):
    return np.stack([FUNCTIONS[name](s[:, 0], s[:, 1]) for name in names], 1)


def snapshots(count, dt, seed=12345):
    s = np.random.default_rng(seed).uniform(-2.5, 2.5, (count, 2))
    return s, flowed(s, dt)


def exact(dt):
    return sorted((math.exp(-0.05 * dt), math.exp(-dt), math.exp(-0.1 * dt)), reverse=True)


@pytest.mark.parametrize("dt", [0.02, 0.1, 0.5])
def test_s1_s2_and_s1_squared_have_exactly_the_three_eigenvalues_of_the_closed_form(dt):
    record = live.SpectrumPanel(observables=CLOSED, dt=dt).record
    assert record.values.real == pytest.approx(exact(dt), abs=1e-11)
    assert np.abs(record.values.imag).max() == 0
    assert record.residuals.max() < 1e-11


def test_ticking_s1_squared_brings_0_9900_and_makes_all_solid(mounted):
    panel = mounted(live.SpectrumPanel())
    assert "1 of 2 believed" in panel.spec().state
    assert "tick s1^2: 0.9900 appears and all become solid" in panel.spec().state
    assert math.exp(2 * -0.05 * 0.1) == pytest.approx(0.9900, abs=1e-4)
    assert len(panel.figure_widget.points("ring doubted")[0]) > 0
    panel.set(observables=CLOSED)
    assert "3 of 3 believed" in panel.spec().state
    assert np.abs(panel.record.values - math.exp(-0.01)).min() < 1e-12
    assert len(panel.figure_widget.points("ring doubted")[0]) == 0


def test_the_liars_residual_is_what_ten_thousand_other_snapshots_say():
    panel = live.SpectrumPanel(observables=LIAR)
    record = panel.record
    liar = int(record.residuals.argmax())
    before, after = snapshots(200, 0.1, seed=7)  # other snapshots, another fit, in NumPy
    K = np.linalg.lstsq(observed(LIAR, before), observed(LIAR, after), rcond=None)[0]
    ours, vectors = np.linalg.eig(K)
    before, after = snapshots(10_000, 0.1)
    h, moved = observed(LIAR, before) @ vectors, observed(LIAR, after) @ vectors
    ours_res = np.sqrt((np.abs(moved - ours * h) ** 2).sum(0) / (np.abs(h) ** 2).sum(0))
    assert 0.05 < ours_res.max() < 0.2
    # and of the panel's own eigenfunction, by the definition
    found = panel._beliefs.fitted(LIAR, 200, 0.1, True)
    v, value = found.vectors[:, liar].numpy(), record.values[liar]
    h, moved = observed(LIAR, before) @ v, observed(LIAR, after) @ v
    residual = math.sqrt((np.abs(moved - value * h) ** 2).sum() / (np.abs(h) ** 2).sum())
    assert record.residuals[liar] == pytest.approx(residual, rel=0.1)
    assert 0.06 < residual < 0.1
    assert sorted(record.residuals)[2] < 1e-12
    assert list(record.believed).count(True) == 3
    assert "3 of 4 believed" in panel.spec().state


def test_the_number_in_the_hand_has_the_least_residual_of_any_combination(mounted):
    """Against a generalised eigenvalue problem in NumPy on the same fresh snapshots."""
    panel = mounted(live.SpectrumPanel(observables=CLOSED, moved=(0.93, 12.0)))
    number = 0.93 * np.exp(1j * math.radians(12))
    assert panel.record.number == pytest.approx(number)
    before, after = (part.numpy() for part in panel._beliefs.snapshots(1000, 0.1, 1_000_003))
    assert after == pytest.approx(flowed(before, 0.1), abs=1e-8)
    X, Y = observed(CLOSED, before), observed(CLOSED, after)
    Q, R = np.linalg.qr(X)
    least = np.linalg.svd((Y @ np.linalg.inv(R)) - number * Q, compute_uv=False)[-1]
    assert panel.record.residual == pytest.approx(least, rel=1e-9)
    assert f"moved to 0.930 at 12.0°: residual {least:.3g}, not believed" in panel.spec().state
    grown = [panel.set(modulus=0.99, angle=a).record.residual for a in (2.0, 5.0, 10.0, 20.0)]
    assert grown == sorted(grown)


def test_the_hand_the_sliders_and_the_eigenvalue_are_the_same_number(mounted):
    panel = mounted(live.SpectrumPanel(observables=CLOSED, whole=True))
    assert panel.values["modulus"] == pytest.approx(math.exp(-0.01), abs=1e-3)
    panel.set(angle=3.0)
    assert abs(panel.record.number) == pytest.approx(math.exp(-0.01), abs=1e-5)  # not the three digits shown
    panel.set(hand=(0.0, 0.5))
    assert (panel.values["modulus"], panel.values["angle"]) == (0.5, 90.0)
    panel.set(angle=-90.0)
    assert panel.values["hand"] == pytest.approx((0.0, -0.5), abs=1e-12)
    assert panel.record.moved
    panel._event("back", None)
    assert not panel.record.moved
    assert panel.record.number == panel.record.values[1]
    assert panel.record.residual == panel.record.residuals[1]
    panel.set(hand=(0.3, 0.0), eigenvalue=1)
    assert panel.record.number == pytest.approx(math.exp(-0.005), abs=1e-12)


def test_a_click_takes_the_nearest_eigenvalue_in_the_disc_and_its_row_among_the_residuals(mounted):
    panel = mounted(live.SpectrumPanel(observables=CLOSED))
    panel._event("click", [0, 0.91, 0.01])
    assert panel.record.number == pytest.approx(math.exp(-0.1), abs=1e-10)
    panel._event("click", [1, 1e-9, -1.2])
    assert panel.record.number == pytest.approx(math.exp(-0.005), abs=1e-10)
    assert panel.values["eigenvalue"] == 1


def test_the_signal_is_the_powers_of_the_number_and_fresh_orbits_follow_a_true_one(mounted):
    panel = mounted(live.SpectrumPanel(observables=LIAR, eigenvalue=2))
    t = np.arange(41.0)
    assert panel.figure_widget.points("its powers")[1] == pytest.approx(np.exp(-0.01 * t), abs=1e-10)
    assert panel.record.orbits.shape == (4, 41)
    assert np.abs(panel.record.orbits - np.exp(-0.01 * t)).max() < 1e-3
    assert all(s.cursor is None for s in panel.spec().subplots)
    panel.set(eigenvalue=4)
    assert np.abs(panel.record.orbits - panel.record.number**t).max() > 0.2
    assert panel.spec().subplots[2].cursor == pytest.approx(1 / panel.record.residual)
    panel.set(modulus=0.9, angle=30.0)
    assert panel.figure_widget.points("its powers")[1] == pytest.approx(0.9**t * np.cos(t * math.pi / 6), abs=1e-10)
    envelope = panel.figure_widget.points("modulus^t")[1]
    assert envelope[:41] == pytest.approx(0.9**t)
    assert envelope[-41:] == pytest.approx(-(0.9**t))


def test_with_more_observables_than_snapshots_training_residuals_vanish_and_fresh_ones_do_not(mounted):
    panel = mounted(live.SpectrumPanel(observables=("s1", "s2", "40 bumps"), snapshots=20, fresh=False))
    assert panel.record.residuals.max() < 1e-9
    assert "training snapshots: 20 of 20 below 0.05 (42 observables, only 20 snapshots)" in panel.spec().state
    assert "proves nothing" in panel.spec().state
    assert "believed;" not in panel.spec().state
    assert all(math.isnan(steps) for steps in panel.data().column("trusted steps"))
    panel.set(modulus=0.5)
    assert "no residual, as 20 snapshots are too few" in panel.spec().state
    panel.set(fresh=True)
    assert np.median(panel.record.residuals) > 0.1
    assert panel.record.residuals.min() > 0.01


def test_with_dt_a_hundred_times_smaller_residuals_shrink_and_the_time_trusted_does_not_grow(mounted):
    """For small dt the residual is dt |h' - rate h|: proportional to dt, and dt / residual stays."""
    panel = mounted(live.SpectrumPanel(dt=0.1))
    before = panel.record.residuals.max()
    panel.set(dt=0.001)
    after = panel.record.residuals.max()
    assert before / after == pytest.approx(100, rel=0.1)
    assert "2 of 2 believed" in panel.spec().state
    assert 0.001 / after == pytest.approx(0.1 / before, rel=0.1)
    assert f"steps ({0.001 / after:.2g} units of time)" in panel.spec().state


def test_the_table_holds_the_closed_forms():
    table = live.SpectrumPanel(observables=CLOSED).data()
    assert len(table) == 3
    assert table.column("rate") == pytest.approx([-0.05, -0.1, -1.0], abs=1e-9)
    assert table.column("modulus") == pytest.approx(exact(0.1), abs=1e-11)
    assert table.column("believed") == ["yes"] * 3
    steps, residuals = table.column("trusted steps"), table.column("residual")
    assert np.multiply(steps, residuals) == pytest.approx(np.ones(3))


def test_the_constant_is_named_for_what_it_is():
    panel = live.SpectrumPanel(VanDerPol(), observables=("1", "s1", "s2"), eigenvalue=1)
    assert panel.record.values[0] == pytest.approx(1, abs=1e-12)
    assert panel.record.residuals[0] < 1e-12
    assert "the 1 in the hand is the constant's: every system has it" in panel.spec().state


def test_an_observable_that_is_zero_on_all_fresh_snapshots_has_no_residual_and_the_words_say_so(mounted):
    def once(s):  # 1 on the 200 snapshots of the fit alone
        return 1.0 * (len(s) <= 200) + 0 * s[:, 0]

    panel = mounted(live.SpectrumPanel(observables={"once": once})).set(observables=["once"])
    assert np.isnan(panel.record.residuals).sum() == 1
    assert "1 without a residual (?)" in panel.spec().state
    assert "?" in next(t for t in panel.spec().traces if t.channel == "rows").labels[0]
    panel.set(angle=30.0)
    assert "at 30.0°: no residual" in panel.spec().state


def test_your_own_observables_and_systems_take_part(mounted):
    fast = {"fast": lambda s: s[:, 1] - s[:, 0] ** 2 / 0.9}  # c = lam / (lam - 2 mu) = 1 / 0.9
    panel = mounted(live.SpectrumPanel(observables=fast))
    assert panel.values["observables"] == ("s1", "s2", "fast")
    panel.set(observables=["fast"])
    assert panel.record.values == pytest.approx([math.exp(-0.1)], abs=1e-11)
    assert panel.record.residuals[0] < 1e-11
    assert panel.recipe() == (
        "live.SpectrumPanel(observables=observables, dt=0.1, eigenvalue=1).set(observables=('fast',))"
    )
    mapped = live.SpectrumPanel(Henon(), observables=("1", "s1", "s2"))
    assert "dt" not in mapped.controls
    assert mapped.record.spectrum.dt == 1
    own = SlowManifold()
    own.box = BOX
    assert live.SpectrumPanel(own).record.values == pytest.approx(live.SpectrumPanel().record.values)
    own.mu = -0.5
    kept = mounted(live.SpectrumPanel(own))
    own.mu = -0.1
    assert kept.set(observables=CLOSED, snapshots=300).record.values[0] == pytest.approx(math.exp(-0.05), abs=1e-10)


def test_the_recipe_makes_the_same_panel_again(mounted):
    panel = mounted(live.SpectrumPanel())
    assert panel.recipe() == "live.SpectrumPanel(dt=0.1)"
    panel.set(observables=LIAR, snapshots=333.3, fresh=False, whole=True, eigenvalue=4)
    panel.set(hand=(0.4, 0.3))
    again = eval(panel.recipe(), {"live": live})
    assert again.spec().state == panel.spec().state
    assert again.record.snapshots == 333
    assert again.record.number == panel.record.number == pytest.approx(0.4 + 0.3j, abs=1e-3)
    assert again.recipe() == panel.recipe()


def test_the_hand_stays_inside_what_is_shown_and_the_sliders_open_the_whole_disc(mounted):
    panel = mounted(live.SpectrumPanel(observables=CLOSED))
    left, right, _, top = view_of(panel.record)
    assert right - left == pytest.approx(0.25)
    assert ((panel.record.values.real > left) & (panel.record.values.real < right)).all()
    panel.set(hand=(-1.0, 1.0))
    assert panel.values["hand"] == pytest.approx((left, top), abs=1e-3)
    assert not panel.values["whole"]
    panel.set(angle=150.0)
    assert panel.values["whole"]
    assert view_of(panel.record)[0] < -1


def test_every_state_is_a_frame_of_one_film(mounted):
    """The page draws anew only where the set of traces changes: here it never does."""
    panel = mounted(live.SpectrumPanel())
    drawn = panel.figure_widget.drawing
    for values in (
        {"observables": ()}, {"observables": panel.controls["observables"].options}, {"fresh": False},
        {"snapshots": 20}, {"modulus": 1.2}, {"observables": ["1"]}, {"observables": LIAR, "angle": 170.0},
        {"dt": 1.0, "whole": False}, {"eigenvalue": 40},
    ):  # fmt: skip
        panel.set(**values)
        assert panel.figure_widget.drawing is drawn
        assert panel.spec().state
    panel.set(observables=())
    assert "tick s1" in panel.spec().state
    assert len(panel.data()) == 0


def test_a_panel_that_nobody_shows_starts_no_thread_and_yet_stands_at_its_eigenvalue():
    before = set(threading.enumerate())
    panel = live.SpectrumPanel()
    assert set(threading.enumerate()) <= before
    second = panel.record.values[1].real
    assert panel.values["modulus"] == pytest.approx(second, abs=1e-3)
    assert panel.values["hand"] == pytest.approx((second, 0.0))
    assert panel.figure_widget._controls["eigenvalue"]["high"] == 2


def test_compute_is_pure(mounted):
    panel = mounted(live.SpectrumPanel(observables=LIAR))
    values = dict(panel.values)
    first = panel.compute(**values)
    panel.set(snapshots=500, dt=0.3, fresh=False, hand=(0.9, 0.0))
    again = live.SpectrumPanel().compute(**values)
    assert np.array_equal(first.values, again.values)
    assert np.array_equal(first.residuals, again.residuals)
    assert np.array_equal(first.orbits, again.orbits)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"system": Lorenz()}, "system must be a System of two coordinates"),
        ({"system": "lorenz"}, "system must be a System"),
        ({"observables": ["s3"]}, "observables must be one of"),
        ({"observables": "s1"}, "observables must be a list"),
        ({"observables": {"s1": lambda s: s[:, 0]}}, "observables must have names of their own"),
        ({"observables": {"g": 3}}, "observables must be functions"),
        ({"observables": {"g": lambda s: s}}, "observables: 'g' must return"),
        ({"observables": {"g": lambda s: s[:, 0].log()}}, "observables: 'g' is NaN or infinite"),
        ({"snapshots": 5}, "snapshots must lie between 20 and 2000"),
        ({"dt": 3.0}, "dt must lie between"),
        ({"system": Henon(), "dt": 0.1}, "dt must be 1 for a map"),
        ({"fresh": 1}, "fresh must be True or False"),
        ({"eigenvalue": 0}, "eigenvalue must lie between"),
        ({"moved": (2.0, 0.0)}, "moved's modulus"),
        ({"moved": 0.5}, "moved must be"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_what_cannot_be_is_named(given, words):
    with pytest.raises(ValueError, match=words):
        live.SpectrumPanel(**given)
