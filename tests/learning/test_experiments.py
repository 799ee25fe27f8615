"""The paper's three tasks with the library's settings: what is trained, that it is seeded, and that it learns."""

import math

import pytest
import torch

from simviz.learning import data, experiments
from simviz.learning.task import Task


def small_digits():
    return data.digits(held_out=0.8)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("kind", experiments.CLASSIFIERS)
def test_every_classifier_trains_and_its_seed_decides(kind):
    task = small_digits()
    runs = [experiments.classify(kind, task, seed=seed, max_steps=2) for seed in (1, 1, 2)]
    before = torch.random.get_rng_state()
    for run in runs:
        for step in run:
            assert step.loss > 0
    assert torch.equal(torch.random.get_rng_state(), before)
    assert same(runs[0].model, runs[1].model)
    assert not same(runs[0].model, runs[2].model)
    assert 0 <= runs[0].history[-1].metrics["accuracy"] <= 1


def test_the_drawing_of_weights_leaves_the_users_generator_where_it_was():
    before = torch.random.get_rng_state()
    experiments.classify("two", small_digits())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_settings_can_be_replaced_one_by_one_and_paper_takes_the_papers_lengths():
    task = small_digits()
    usual, other = experiments.classify("single", task), experiments.classify("single", task, lr=1e-4)
    assert (usual.options["lr"], other.options["lr"]) == (experiments.CLASSIFY_SMALL["single"]["lr"], 1e-4)
    assert other.options["weight_decay"] == usual.options["weight_decay"]
    assert experiments.classify("single", task, paper=True).options["epochs"] == 20
    memory = data.copy_memory(20, train=100, test=10)
    assert experiments.copy("single", memory, paper=True).total_steps == 20 * 10
    assert experiments.copy("single", memory, paper=True).options["clip"] == 1.0
    picture = data.photograph("china", side=16)
    assert experiments.regress("single", picture, paper=True).total_steps == 2000


def test_a_step_of_image_regression_sees_every_training_pixel():
    run = experiments.regress("single", data.photograph("china", side=16), max_steps=30)
    assert run.steps_per_epoch == 1
    assert [step.step for step in run if step.metrics] == [25, 30]
    assert run.best.measure == "validation psnr"


@pytest.mark.parametrize("kind", experiments.FEED_FORWARD)
def test_the_words_name_the_papers_models(kind):
    memory, picture = data.copy_memory(20, train=20, test=10), data.photograph("china", side=16)

    def count(model):
        return sum(p.numel() for p in model.parameters() if p.requires_grad)

    copied, drawn = experiments.copy(kind, memory).model, experiments.regress(kind, picture, basis="network").model
    expected = {"plain": (16_270, 330_499)}.get(kind, (17_294, 396_035))
    assert (count(copied), count(drawn)) == pytest.approx(expected, rel=1e-2 if kind == "wide" else 0)


@pytest.mark.parametrize("kind", experiments.CLOCKS)
def test_every_clock_trains_and_its_seed_decides(kind):
    task = data.rhythms(train=40, test=8)
    runs = [experiments.tell_time(kind, task, seed=seed, max_steps=2, batch_size=20) for seed in (1, 1, 2)]
    for run in runs:
        for step in run:
            assert step.loss > 0
    assert same(runs[0].model, runs[1].model)
    assert not same(runs[0].model, runs[2].model)
    assert set(runs[0].history[-1].metrics) == {"error", "error beyond"}


def test_only_the_told_clocks_hold_the_true_angles_and_the_sims_begin_near_them():
    task = data.rhythms(train=400, test=8)
    true = [2 * math.pi / period for period in (10.6, 14.3, 20.6, 33.1)]
    for kind in ("deq told", "plain told"):
        assert experiments.tell_time(kind, task).model.angles.tolist() == pytest.approx(true)
    found = experiments.tell_time("sim", task).model.propagator
    begun, bin_width = found.options["start"], 2 * math.pi / 128
    assert not found.options["mixed"]
    for angle in true:  # itself, or the second harmonic where that is the louder one
        assert min(abs(a - h * angle) for a in begun for h in (1, 2)) < bin_width / 2


def test_the_length_of_a_lesson_can_be_given_in_steps_or_in_epochs():
    task = data.rhythms(train=256, test=8)
    assert experiments.tell_time("sim", task).total_steps == experiments.CLOCK["sim"]["max_steps"]
    assert experiments.tell_time("sim", task, max_steps=7).total_steps == 7
    assert experiments.tell_time("sim", task, max_steps=None, epochs=3).total_steps == 3 * 2


@pytest.mark.slow
def test_a_sim_with_modes_can_tell_the_time_after_six_hundred_steps():
    run = experiments.tell_time("sim", data.rhythms(train=500, test=40), max_steps=600, measure_every=600)
    for _ in run:
        pass
    assert run.history[-1].metrics["error"] < 0.1
    assert run.history[-1].metrics["error beyond"] < 0.3


def test_a_deq_without_a_clock_stays_at_the_error_of_the_best_constant():
    run = experiments.tell_time("deq", data.rhythms(train=500, test=40), max_steps=60, measure_every=60)
    for _ in run:
        pass
    assert run.history[-1].metrics["error"] == pytest.approx(1, abs=0.1)
    assert run.history[-1].metrics["error beyond"] == pytest.approx(1, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["single", "two"])
def test_ten_symbols_are_carried_over_a_hundred_steps_within_six_hundred_steps_of_training(kind):
    task = data.copy_memory(100, train=6_000, test=100)
    run = experiments.copy(kind, task)
    reached = next((step.step for step in run if step.metrics.get("last ten", 0) >= 0.99), None)
    assert reached is not None
    assert reached <= 600
    assert run.history[-1].loss < data.memoryless(100) / 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["single", "two"])
def test_ten_epochs_of_four_thousand_mnist_digits_are_right_on_ninety_seven_of_a_hundred_others(kind):
    run = experiments.classify(kind, data.mnist5k().folds(5)[0])
    for _ in run:
        pass
    assert run.history[-1].metrics["accuracy"] >= 0.965


@pytest.mark.slow
def test_a_sim_on_a_fourier_basis_draws_the_flower_better_than_bilinear_interpolation():
    task = data.photograph("flower")
    run = experiments.regress("single", task)
    for _ in run:
        pass
    bilinear = task.metrics(data.Bilinear(task), *task.test)["psnr"]
    assert run.history[-1].metrics["psnr"] > bilinear + 0.1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: experiments.classify("cnn", small_digits()), "kind must be one of 'single', 'two', 'deq'"),
        (lambda: experiments.copy("deq", data.copy_memory(5, train=4, test=2)), "kind must be one of 'single'"),
        (lambda: experiments.regress("monotone", data.photograph("china", side=16)), "kind must be one of"),
        (
            lambda: experiments.regress("single", data.photograph("china", side=16), basis="wave"),
            "basis must be one of",
        ),
        (
            lambda: experiments.classify("single", Task.from_arrays(torch.randn(9, 4), [0, 1, 2] * 3)),
            r"task must hold square images \(samples, channels, side, side\), got samples of \(4,\)",
        ),
        (
            lambda: experiments.classify("single", Task.from_arrays(torch.randn(36, 1, 8, 8), [*range(12)] * 3)),
            "task must have at most ten classes for the paper's classifiers, got 12",
        ),
        (
            lambda: experiments.classify("single", Task.from_arrays(torch.randn(8, 1, 8, 8), torch.randn(8))),
            "at most ten classes",
        ),
        (lambda: experiments.classify("single", small_digits(), lr=-1.0), "lr must be"),
        (lambda: experiments.tell_time("clock", data.rhythms(train=4, test=4)), "kind must be one of 'deq'"),
        (lambda: experiments.tell_time("sim", small_digits()), "task must be the clock task, see data.rhythms"),
        (lambda: experiments.classify("single", small_digits(), seed=-1), "seed must be at least 0"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
