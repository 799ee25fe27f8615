"""Who can tell the time, without a browser: what is drawn, said and listed is what each run's model answers."""

import numpy as np
import pytest
import torch

from simviz import live
from simviz.learning import experiments
from simviz.learning.data import digits, rhythms
from simviz.learning.data.rhythms import RHYTHMS
from simviz.learning.run import Run
from simviz.models import paper

TASK = rhythms(train=100, test=40)
KINDS = ("deq", "plain told", "sim")


def runs(task=TASK):
    steps = {"deq": 4, "plain told": 10, "sim": 8}
    return {kind: experiments.tell_time(kind, task, max_steps=steps[kind], measure_every=2) for kind in KINDS}


@pytest.fixture
def panel(mounted):
    """Make a panel whose page is absent, given up when the test ends."""
    return lambda given=None, **named: mounted(live.ClockPanel(runs() if given is None else given, **named))


def drawn(panel, key):
    return next(t for t in panel.spec().traces if t.key == key)


def same(one, other):
    return all(
        np.array_equal(a.said, b.said)
        and np.array_equal([a.here, (a.error, a.beyond)], [b.here, (b.error, b.beyond)], True)
        for a, b in zip(one.answers, other.answers, strict=True)
    )


@pytest.mark.parametrize("rhythm", [r.name for r in RHYTHMS])
def test_each_strip_shows_the_excerpt_its_signal_and_what_the_model_says(panel, rhythm):
    given = runs()
    one = panel(given, rhythm=rhythm, excerpt=2).ahead(6)
    x, signal, which = TASK.test
    row = [i for i, k in enumerate(which.tolist()) if RHYTHMS[k].name == rhythm][2]
    for kind, run in given.items():
        with torch.no_grad():
            said = run.model.orbit(x[row : row + 1], torch.arange(256))[0, :, 0].numpy()
        assert drawn(one, f"{kind}: excerpt").y == pytest.approx(x[row].numpy())
        assert drawn(one, f"{kind}: signal").y == pytest.approx(signal[row].numpy())
        assert drawn(one, f"{kind}: answer").y == pytest.approx(np.clip(said, -3.2, 3.2), abs=1e-5)
        answer = next(a for a in one.record.answers if a.name == kind)
        miss = (said - signal[row].numpy()) ** 2
        assert answer.here == pytest.approx((miss[:128].mean(), miss[128:].mean()), rel=1e-3)


def test_the_smallest_share_is_taught_next_and_reset_begins_again(panel):
    given = runs()
    one = panel(given)
    for _ in range(22):
        before = {kind: run.step / run.total_steps for kind, run in given.items()}
        one.ahead(1)
        moved = [kind for kind, run in given.items() if run.step / run.total_steps != before[kind]]
        assert len(moved) == 1
        assert before[moved[0]] == min(before.values())
    assert one.record.trained == 1
    assert one.length() == 22
    one.player.reset()
    assert [run.step for run in given.values()] == [0, 0, 0]


def test_the_sentence_and_the_table_name_the_measured_errors(panel):
    given = runs()
    one = panel(given)
    assert "press Start" in one.spec().state
    assert one.data().column("error") == ["not measured yet"] * 3 + [1.0]
    one.ahead(22)
    spec, table = one.spec(), one.data()
    measured = [run.history[-1].metrics for run in given.values()]
    assert table.column("model") == [*KINDS, "the best constant"]
    assert table.column("error") == [*(m["error"] for m in measured), 1.0]
    assert table.column("error beyond") == [*(m["error beyond"] for m in measured), 1.0]
    assert table.column("trained") == [1.0] * 4
    for kind, m in zip(KINDS, measured, strict=True):
        assert f"{kind} {m['error']:.2g}" in spec.state
    assert spec.state in spec.alt
    assert "3 models" in spec.alt
    assert all(np.isfinite(t.y).any() for t in spec.traces)


def test_computing_changes_nothing(panel):
    one = panel().ahead(5)
    given = {name: one.values[name] for name in ("rhythm", "excerpt")}
    assert same(one.compute(**given), one.compute(**given))
    other = one.compute(rhythm="sine", excerpt=0)
    assert not same(other, one.record)
    assert same(one.compute(**given), one.record)


def test_the_recipe_makes_the_same_picture_from_fresh_runs(panel, mounted):
    one = panel(rhythm="square").set(excerpt=1).ahead(7)
    assert one.recipe() == "live.ClockPanel(runs, rhythm='square', excerpt=1).ahead(7)"
    again = mounted(eval(one.recipe(), {"live": live, "runs": runs()}))
    assert again.spec().state == one.spec().state
    assert same(again.record, one.record)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: live.ClockPanel([]), "runs must be 1 to 6 Runs by name"),
        (lambda: live.ClockPanel({}), "runs must be 1 to 6 Runs by name"),
        (
            lambda: live.ClockPanel({"a": Run(paper.image_classifier(1, 8, 1), digits())}),
            "runs must all be Runs of one",
        ),
        (lambda: live.ClockPanel({"a": 3}), "runs must all be Runs of one task of data.rhythms"),
        (
            lambda: live.ClockPanel({"a": runs()["deq"], "b": runs(rhythms(train=100, test=40))["deq"]}),
            "runs must all be of one task",
        ),
        (lambda: live.ClockPanel({"a": runs(rhythms(train=100, test=2))["deq"]}), "make test larger"),
        (lambda: live.ClockPanel(runs(), rhythm="waltz"), "rhythm must be one of 'sine'"),
        (lambda: live.ClockPanel(runs(), excerpt=999), "excerpt must"),
    ],
)
def test_wrong_arguments_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()
