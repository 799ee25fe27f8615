"""The best state is chosen on the validation part, never on the test part, and comes back bit for bit."""

import dataclasses
import itertools
import math

import pytest
import torch

from simviz.learning.run import Run
from tests.learning.small import equal_weights, losses, net, run, task


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def measured(data, values):
    """The task with a goal that takes these values, one a measurement of the validation part."""
    left = iter(values)

    def metrics(model, x, y):
        return {"skill": next(left) if x is data.validation[0] else 0.0, "test loss": 1.0}

    return dataclasses.replace(data, metrics=metrics, goal="skill", larger=True)


def test_each_epochs_end_measures_the_validation_part_and_the_last_step_the_test_part_too():
    data = task(validation=True)
    pulled = run(data=data, max_steps=14)
    steps = list(pulled)
    assert {s.step: sorted(s.metrics) for s in steps if s.metrics} == {
        6: ["validation rmse"],
        12: ["validation rmse"],
        14: ["rmse", "validation rmse"],
    }
    for part, name in (("validation", "validation rmse"), ("test", "rmse")):
        x, y = getattr(data, part)
        by_hand = (pulled.model(x) - y).square().mean().sqrt().item()
        assert steps[-1].metrics[name] == pytest.approx(by_hand, rel=1e-5)
        assert pulled.measure(part) == {"rmse": pytest.approx(by_hand, rel=1e-5)}
    assert pulled.measure() == pulled.measure("test")


def test_without_a_validation_part_the_test_part_is_measured_and_cannot_be_chosen_by():
    pulled = run()
    steps = list(pulled)
    assert {s.step: list(s.metrics) for s in steps if s.metrics} == {n: ["rmse"] for n in (6, 12, 18, 24)}
    means = {end: sum(losses(steps)[end - 6 : end]) / 6 for end in (6, 12, 18, 24)}
    assert pulled.best.measure == "training loss"
    assert pulled.best.step == min(means, key=means.get)
    assert pulled.best.value == pytest.approx(min(means.values()), rel=1e-12)
    with pytest.raises(ValueError, match="part must be one of 'train', 'test', got 'validation'"):
        pulled.measure("validation")


@pytest.mark.parametrize(
    ("values", "larger", "best"),
    [
        ([1.0, 3.0, 2.0, 3.0], True, (12, 3.0)),
        ([1.0, 3.0, 0.5, 2.0], False, (18, 0.5)),
        ([math.nan, 1.0, math.inf, 0.0], True, (12, 1.0)),
        ([math.nan] * 4, True, None),
    ],
)
def test_the_best_epochs_end_is_kept_and_comes_back_bit_for_bit(values, larger, best):
    data = dataclasses.replace(measured(task(validation=True), values), larger=larger)
    pulled = run(data=data, snapshots=1)
    assert pulled.best is None
    states = {}
    for step in pulled:
        states[step.step] = weights(pulled.model)
    if best is None:
        assert pulled.best is None
        return
    assert (pulled.best.step, pulled.best.value, pulled.best.measure) == (*best, "validation skill")
    assert pulled.rewind(pulled.best.step) == best[0]
    assert all(torch.equal(states[best[0]][name], value) for name, value in pulled.model.state_dict().items())
    assert len(pulled.history) == best[0]


def test_a_run_set_back_before_its_best_step_finds_it_again():
    pulled = run(data=task(validation=True))
    list(pulled)
    best, state = pulled.best, weights(pulled.model)
    pulled.rewind(0)
    assert pulled.best is None
    list(pulled)
    assert pulled.best == best
    assert all(torch.equal(state[name], value) for name, value in pulled.model.state_dict().items())


@pytest.mark.parametrize("validation", [True, False])
def test_the_best_state_is_saved_with_the_run(validation, tmp_path):
    data = task(validation=validation)
    pulled = run(data=data, lr=0.3, snapshots=1)
    steps = list(itertools.islice(pulled, 20))
    best = pulled.best
    assert best.step < 20
    resumed = Run.load(pulled.save(tmp_path / "run"), data)
    assert resumed.best == best
    for one in (pulled, resumed):
        assert one.rewind(best.step) == best.step
    assert equal_weights(resumed.model, pulled.model)
    went_on = losses(resumed)
    assert went_on == losses(pulled)
    assert went_on[: 20 - best.step] == losses(steps)[best.step :]


def test_a_goal_that_is_no_metric_is_refused():
    data = dataclasses.replace(task(validation=True), goal="accuracy")
    with pytest.raises(ValueError, match="the task's goal must be one of its metrics, got 'accuracy', measured: "):
        list(Run(net(), data, device="cpu"))
