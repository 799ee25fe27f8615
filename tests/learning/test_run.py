"""A run is its seed's: watched, rewound, or saved and resumed, it gives the same losses bit for bit."""

import itertools
import math

import pytest
import torch
from torch import nn

from simviz.learning.run import Run
from simviz.learning.schedules import learning_rate
from simviz.learning.task import Task
from tests.learning.small import clock, losses, net, run


def test_the_same_seed_gives_the_same_run_bit_for_bit_whatever_else_is_drawn():
    first = losses(run(seed=3))
    second = []
    for step in run(seed=3):
        torch.rand(17)
        second.append(step.loss)
    assert first == second
    assert first != losses(run(seed=4))


def test_a_linear_regression_reaches_the_solution_of_least_squares():
    x = torch.randn(80, 3, generator=torch.Generator().manual_seed(0))
    data = Task.from_arrays(x, x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 3)
    torch.manual_seed(0)
    pulled = Run(nn.Linear(3, 1), data, epochs=400, batch_size=32, lr=5e-2, device="cpu")
    last = list(pulled)[-1]
    assert last.metrics["rmse"] < 1e-3
    ones = torch.cat([data.train[0], torch.ones(64, 1)], 1)
    truth = torch.linalg.lstsq(ones, data.train[1]).solution[:, 0]
    got = torch.cat([pulled.model.weight[0], pulled.model.bias]).detach()
    torch.testing.assert_close(got, truth, atol=1e-3, rtol=0)


def test_an_epoch_shows_every_sample_once_and_each_epoch_in_another_order():
    seen = []

    def loss(model, x):
        seen.append(x)
        return model.weight.sum()

    counted = Task("counted", (torch.arange(40.0),), (torch.zeros(1),), loss, lambda model, x: {})
    pulled = Run(nn.Linear(1, 1), counted, 2, 9, device="cpu")
    steps = list(pulled)
    assert [s.epoch for s in steps] == [0] * 5 + [1] * 5
    one, two = torch.cat(seen[:5]), torch.cat(seen[5:])
    assert sorted(one.tolist()) == sorted(two.tolist()) == list(range(40))
    assert one.tolist() != two.tolist()


def test_watching_changes_nothing():
    quiet = losses(run(clock(), spectrum_every=100))
    loud = run(clock(), spectrum_every=1)
    seen = []
    for step in loud:
        loud.measure(), loud.state(), loud.model.eval(), loud.model.spectrum()
        seen.append(step)
    assert losses(seen) == quiet
    assert all(step.spectrum is not None for step in seen)


@pytest.mark.parametrize("back", [0, 11, 24])
def test_a_rewound_run_repeats_itself_bit_for_bit(back):
    pulled = run(snapshots=8)
    whole = losses(pulled)
    landed = pulled.rewind(back)
    assert landed <= back
    assert back - landed < 3  # 24 steps, 8 snapshots
    assert pulled.step == len(pulled.history) == landed
    assert losses(pulled) == whole[landed:]


def test_one_cycle_starts_low_peaks_once_and_ends_lower():
    rates = [learning_rate("one_cycle", 0.1, step, 200) for step in range(1, 201)]
    top = rates.index(max(rates))
    assert rates[top] == pytest.approx(0.1)
    assert top + 1 == 60
    assert rates[0] < 0.05 * 0.1
    assert rates[-1] == pytest.approx(1e-4)
    assert all(b > a for a, b in itertools.pairwise(rates[: top + 1]))
    assert all(b < a for a, b in itertools.pairwise(rates[top:]))
    assert {learning_rate("constant", 0.1, step, 200) for step in range(1, 201)} == {0.1}
    assert all(math.isfinite(learning_rate("one_cycle", 0.1, 1, total)) for total in (1, 2, 3))


@pytest.mark.parametrize("snapshots", [4, 24])
def test_divergence_is_told_with_advice_and_the_last_good_state_is_back(snapshots):
    """At the eleventh step the weights are made infinite by hand; with a snapshot a step one would catch them so."""
    pulled = run(snapshots=snapshots)
    for _ in range(10):
        next(pulled)
    step = pulled.optimizer.step
    pulled.optimizer.step = lambda: [step(), pulled.model[0].weight.data.fill_(math.nan)]
    next(pulled)
    with pytest.raises(
        ArithmeticError, match=r"diverged after step 11: the loss is nan; .* of step \d+ is back. Lower lr"
    ):
        next(pulled)
    landed = pulled.step
    assert landed == {4: 6, 24: 10}[snapshots]
    assert all(p.isfinite().all() for p in pulled.model.parameters())
    pulled.optimizer.step = step
    assert losses(pulled) == losses(run())[landed:]


def test_a_learning_rate_out_of_all_measure_diverges():
    with pytest.raises(ArithmeticError, match="Lower lr"):
        list(run(lr=1e30, schedule="constant"))


def test_max_steps_ends_the_run_and_the_last_step_is_measured():
    steps = list(run(max_steps=9))
    assert [s.step for s in steps] == list(range(1, 10))
    assert [s.step for s in steps if s.metrics] == [6, 9]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch_size": -1}, "batch_size must be at least 1"),
        ({"lr": 0.0}, "lr must be finite"),
        ({"lr": math.nan}, "lr must be finite"),
        ({"schedule": "cosine"}, "schedule must be one of 'constant', 'step', 'one_cycle'"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"max_steps": 0}, "max_steps must be at least 1"),
        ({"weight_decay": -0.1}, "weight_decay must be finite"),
        ({"spectrum_every": 0}, "spectrum_every must be at least 1"),
        ({"snapshots": 0}, "snapshots must be at least 1"),
    ],
)
def test_bad_options_are_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        run(**options)


def test_what_is_no_task_and_a_rewind_before_the_start_are_refused_by_name():
    with pytest.raises(ValueError, match=r"task must be a simviz\.Task, got tuple"):
        Run(net(), (torch.ones(2), torch.ones(2)))
    with pytest.raises(ValueError, match="step must be at least 0"):
        run().rewind(-1)
