"""One step: the optimiser is the one that was asked for, the gradient is clipped, draws are the seed's and step's."""

import itertools
import math

import pytest
import torch
from torch import nn

from simviz.learning.batches import Batches
from simviz.learning.run import Run
from simviz.learning.task import Task
from simviz.models.deq import DEQ, Tanh
from simviz.records import Status
from tests.learning.small import equal_weights, losses, net, noisy, run, task

# optimisers


def after_one_step_on_a_flat_loss(optimizer):
    """The weight 2.0 after a step with lr 0.1 and weight decay 0.25, the loss being 0 wherever the weight is."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, 2.0)
    flat = Task("flat", (torch.ones(4, 1),), (torch.ones(1, 1),), lambda m, x: 0 * m(x).sum(), lambda m, x: {})
    options = {"optimizer": optimizer, "weight_decay": 0.25, "lr": 0.1, "schedule": "constant"}
    next(Run(model, flat, 1, 4, device="cpu", **options))
    return model.weight.item()


def test_adamw_decays_the_weight_and_adam_descends_its_square():
    assert after_one_step_on_a_flat_loss("adamw") == pytest.approx(2.0 * (1 - 0.1 * 0.25), rel=1e-6)
    assert after_one_step_on_a_flat_loss("adam") == pytest.approx(2.0 - 0.1, rel=1e-6)  # Adam's first step is lr long


def test_betas_and_eps_reach_the_optimiser():
    """With betas of 0 every step is lr g / (|g| + eps), whatever came before."""
    model = nn.Linear(1, 1, bias=False)
    slope = Task("slope", (torch.ones(4, 1),), (torch.ones(1, 1),), lambda m, x: 3 * m(x).mean(), lambda m, x: {})
    start = model.weight.item()
    pulled = Run(model, slope, 5, 4, lr=0.1, schedule="constant", device="cpu", betas=(0.0, 0.0), eps=1.0)
    list(pulled)
    assert model.weight.item() == pytest.approx(start - 5 * 0.1 * 3 / (3 + 1), rel=1e-5)


@pytest.mark.parametrize("optimizer", ["adamw", "adam"])
def test_the_fused_optimiser_goes_where_the_plain_one_goes(optimizer):
    fused, plain = (run(optimizer=optimizer, weight_decay=0.01) for _ in range(2))
    assert fused.optimizer.param_groups[0]["fused"] is True
    plain.optimizer.param_groups[0].update(fused=False, foreach=False)
    assert losses(fused) == pytest.approx(losses(plain), rel=1e-4)


def test_a_model_without_parameters_is_refused():
    with pytest.raises(ValueError, match="model must have parameters to train, a Tanh has none"):
        run(nn.Tanh())


def test_the_rate_drops_every_so_many_epochs():
    rates = [s.lr for s in run(schedule="step", drop_every=2, drop=0.5, lr=0.04)]
    assert rates == pytest.approx([0.04] * 12 + [0.02] * 12)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"schedule": "step"}, "drop_every must be a number of epochs with schedule='step'"),
        ({"drop_every": 3}, "drop_every must .* None with every other: got 3 with schedule='one_cycle'"),
        ({"schedule": "step", "drop_every": 0}, "drop_every must be at least 1"),
        ({"drop": 0.0}, "drop must be finite and lie in"),
        ({"drop": 1.5}, "drop must be finite and lie in"),
        ({"clip": 0.0}, "clip must be finite"),
        ({"clip": "1"}, "clip must be a number"),
        ({"optimizer": "sgd"}, "optimizer must be one of 'adamw', 'adam', got 'sgd'"),
        ({"betas": 0.9}, r"betas must be two numbers, such as \(0.9, 0.999\), got 0.9"),
        ({"betas": (0.9, 1.0)}, "betas must be finite and lie in"),
        ({"eps": 0.0}, "eps must be finite"),
        ({"autocast": "float64"}, "autocast must be one of 'bfloat16', 'float16', got 'float64'"),
        ({"autocast": "float16"}, 'autocast must be None or "bfloat16" on device cpu: "float16" wants CUDA'),
    ],
)
def test_bad_options_are_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        run(**options)


# clipping and precision


def handed_over(pulled):
    """Pull a run; the norm of the gradient that its optimiser gets, a step."""
    norms, step = [], pulled.optimizer.step

    def watched():
        gradients = [p.grad.flatten() for p in pulled.model.parameters()]
        norms.append(torch.cat(gradients).double().square().sum().sqrt().item())
        return step()

    pulled.optimizer.step = watched
    return norms, list(pulled)


def test_the_optimiser_never_gets_a_longer_gradient_than_clip():
    free, _ = handed_over(run())
    limit = sorted(free)[len(free) // 2]
    clipped, steps = handed_over(run(clip=limit))
    assert max(free) > 1.2 * limit
    for norm, step in zip(clipped, steps, strict=True):
        assert norm == pytest.approx(min(step.gradient, limit), rel=1e-4)
    assert any(step.gradient > limit for step in steps)
    assert steps[0].gradient == pytest.approx(free[0], rel=1e-6)


def test_a_clip_beyond_every_gradient_changes_nothing_and_none_records_none():
    assert losses(run(clip=1e6)) == losses(run())
    assert next(run()).gradient is None


def test_autocast_lowers_the_precision_of_the_loss_alone():
    seen = []

    def loss(model, x, y):
        out = model(x)
        seen.append((torch.is_grad_enabled(), out.dtype))
        return nn.functional.mse_loss(out.float(), y)

    def metrics(model, x, y):
        seen.append((torch.is_grad_enabled(), model(x).dtype))
        return {}

    data = task()
    pulled = Run(net(), Task("watched", data.train, data.test, loss, metrics), 1, 40, device="cpu", autocast="bfloat16")
    (step,) = list(pulled)
    assert seen == [(True, torch.bfloat16), (False, torch.float32)]
    assert all(p.dtype == torch.float32 for p in pulled.model.parameters())
    exact = next(run(batch_size=40)).loss
    assert step.loss != exact
    assert step.loss == pytest.approx(exact, rel=2**-6)


# draws and minibatches


def test_dropout_draws_from_seed_and_step_and_leaves_the_users_generator_alone():
    first = run(noisy())
    torch.manual_seed(7)
    one, mine = [], []
    for step in first:
        one.append(step.loss)
        mine.append(torch.rand(1).item())
    torch.manual_seed(7)
    assert mine == [torch.rand(1).item() for _ in mine]
    assert losses(run(noisy())) == one
    assert losses(run(noisy(), seed=1)) != one


def test_masks_differ_from_step_to_step():
    masks = []

    def loss(model, x, y):
        masks.append(model(torch.ones(1000)))
        return model[0].weight.sum() * 0

    data = task()
    holder = nn.Sequential(nn.Linear(1000, 1000, bias=False), nn.Dropout(0.5))
    nn.init.eye_(holder[0].weight)
    list(Run(holder, Task("masks", data.train, data.test, loss, lambda *a: {}), max_steps=3, device="cpu"))
    kept = [mask > 0 for mask in masks]
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(kept, 2))
    assert all(0.4 < mask.double().mean() < 0.6 for mask in kept)


@pytest.mark.parametrize("pulls", [3, 10])
def test_a_resumed_run_with_dropout_and_batch_norm_repeats_itself_bit_for_bit(pulls, tmp_path):
    whole = run(
        noisy(), clip=0.5, optimizer="adam", schedule="step", drop_every=1, autocast="bfloat16", betas=(0.8, 0.9)
    )
    truth = losses(whole)
    stopped = run(noisy(), **{name: whole.options[name] for name in whole.options})
    list(itertools.islice(stopped, pulls))
    torch.rand(3)
    resumed = Run.load(stopped.save(tmp_path / "run"), task())
    assert resumed.options == whole.options
    torch.rand(3)
    assert losses(resumed) == truth[pulls:]
    assert equal_weights(resumed.model, whole.model)
    assert [s.gradient for s in resumed.history] == [s.gradient for s in whole.history]


@pytest.mark.parametrize(
    ("samples", "size", "sizes"),
    [
        (40, 7, [7] * 5 + [5]),
        (41, 8, [8] * 4 + [9]),
        (9, 8, [9]),
        (1, 8, [1]),
        (3, 1, [1] * 3),
        (16, 8, [8, 8]),
        (5, 9, [5]),
    ],
)
def test_every_sample_is_shown_once_and_a_single_one_left_joins_the_batch_before_it(samples, size, sizes):
    batches = Batches(samples, size, 0, torch.device("cpu"))
    rows = [batches.rows(number) for number in range(1, 2 * len(sizes) + 1)]
    assert batches.per_epoch == len(sizes)
    assert [len(r) for r in rows] == sizes * 2
    assert batches.smallest == min(sizes)
    for epoch in (rows[: len(sizes)], rows[len(sizes) :]):
        assert sorted(torch.cat(epoch).tolist()) == list(range(samples))


def test_batch_norm_trains_where_one_sample_is_left_and_is_refused_where_there_is_but_one():
    data = task()
    assert len(list(Run(noisy(), data, epochs=2, batch_size=39, device="cpu"))) == 2
    assert all(math.isfinite(step.loss) for step in Run(noisy(), data, epochs=2, batch_size=13, device="cpu"))
    for options in (
        {"batch_size": 1},
        {"data": Task("one", tuple(t[:1] for t in data.train), data.test, data.loss, data.metrics)},
    ):
        with pytest.raises(ValueError, match="batch_size must be at least 2, and the training part too, for a Noisy"):
            run(noisy(), **options)
    assert len(list(run(batch_size=1, epochs=1))) == 40  # without batch normalisation nothing speaks against it


# equilibria


def deq(gain=0.9, max_steps=50):
    torch.manual_seed(0)
    return DEQ(Tanh(2, 16, gain=gain), nn.Linear(16, 1), max_steps=max_steps)


@pytest.mark.parametrize("max_steps", [1, 4, 50])
@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: nn.Sequential(nn.Identity(), m)])
def test_a_step_counts_the_samples_of_its_minibatch_that_did_not_converge(max_steps, wrap):
    model = deq(max_steps=max_steps)
    seen, data = [], task()

    def loss(whole, x, y):
        seen.append(model.equilibrium(x).status)
        return data.loss(whole, x, y)

    pulled = Run(wrap(model), Task("seen", data.train, data.test, loss, data.metrics), 2, 7, device="cpu")
    for step in pulled:
        assert step.solved == len(seen[-1]) == (5 if step.step % 6 == 0 else 7)
        assert step.missed == sum(s is not Status.CONVERGED for s in seen[-1])
        assert step.diverged == sum(s is Status.DIVERGED for s in seen[-1])
    assert sum(s.missed for s in pulled.history) == {1: 80, 50: 0}.get(max_steps, sum(s.missed for s in pulled.history))


def test_samples_that_ran_away_are_counted_and_training_goes_on():
    class Runaway(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(torch.tensor(1.0))

        def initial(self, x):
            return torch.zeros(len(x), 2, device=x.device, dtype=x.dtype)

        def forward(self, z, x):
            return torch.where(x[:, :1] > 0, z.square() * 1e30 + 1e20, self.w * 0.1 * z + x)

    data = task()
    steps = list(
        Run(
            DEQ(Runaway(), nn.Linear(2, 1)),
            Task("r", data.train, data.test, data.loss, data.metrics),
            1,
            40,
            device="cpu",
        )
    )
    right = int((data.train[0][:, 0] > 0).sum())
    assert (steps[0].solved, steps[0].missed, steps[0].diverged) == (40, right, right)


def test_a_model_that_solves_nothing_counts_nothing():
    step = next(run())
    assert (step.solved, step.missed, step.diverged) == (0, 0, 0)
