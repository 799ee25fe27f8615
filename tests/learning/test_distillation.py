"""A DEQ's answers, and its iterates, retold by another network: what is asked, what is counted, what comes out."""

import functools
import math

import numpy as np
import pytest
import torch
from torch import nn

from simviz.dynamics.orbits.recurrence import rotation_number
from simviz.equilibria import Picard
from simviz.learning.recipes import distillation, iterates
from simviz.learning.recipes.distillation import answers, between, distil, distil_run, relative_error
from simviz.learning.teachers import teacher
from simviz.models.deq import DEQ, Tanh

X = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
made = functools.cache(teacher)


def contracting(gain=0.5, units=3, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return DEQ(Tanh(2, units, gain=gain), nn.Identity(), **options)


def pulled(run):
    for _ in run:
        pass
    return run


def test_the_relative_error_is_numpys():
    rng = np.random.default_rng(0)
    s, t = rng.normal(size=(2, 30, 4, 3))
    wanted = np.mean([np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(s, t, strict=True)])
    assert relative_error(torch.from_numpy(s), torch.from_numpy(t)) == pytest.approx(wanted)
    with pytest.raises(ValueError, match=r"one shape, got \(3, 4\), \(3, 5\)"):
        relative_error(torch.ones(3, 4), torch.ones(3, 5))


@pytest.mark.parametrize("shape", [(2,), (1, 4, 4)])
def test_inputs_are_drawn_between_two_examples_nearer_to_the_one(monkeypatch, shape):
    monkeypatch.setattr(distillation, "NOISE", 0.0)
    ends = torch.stack([torch.zeros(shape), torch.ones(shape)])
    drawn = between(ends, 4000, torch.Generator().manual_seed(0)).flatten(1)
    assert drawn.shape == (4000, math.prod(shape))
    assert torch.equal(drawn, drawn[:, :1].expand_as(drawn))  # one share a sample: on the line
    share = drawn[:, 0]
    assert 0 <= float(share.min()) < 0.01
    assert 0.99 < float(share.max()) <= 1
    away = torch.minimum(share, 1 - share)[(share > 0) & (share < 1)]  # half of the pairs are one example twice
    assert float(away.mean()) == pytest.approx(0.25, abs=0.01)  # uniform up to the middle
    assert len(away) == pytest.approx(2000, abs=150)


def test_the_noise_is_a_fifth_of_the_examples_spread_and_the_seed_decides():
    same = torch.tensor([[1.0, 5.0]]).repeat(2, 1)  # their spread is that over both numbers
    drawn = between(same, 4000, torch.Generator().manual_seed(0))
    assert (drawn - same[0]).std(0).tolist() == pytest.approx([0.2 * float(same.std())] * 2, rel=0.05)
    assert torch.equal(drawn, between(same, 4000, torch.Generator().manual_seed(0)))


def test_answers_are_the_fixed_points_and_inputs_on_which_the_teacher_does_not_settle_are_left_out():
    """Picard on a cell that contracts where its inputs are large, since tanh is flat there, and not near 0."""
    deq = contracting(gain=1.6, units=6, solver=Picard(), max_steps=50, rtol=1e-5)
    asked = torch.cat([4 * X, 0.01 * X[:60]])
    settled = deq.equilibrium(asked).converged
    assert 0 < int((~settled).sum()) < 130
    inputs, z_star = answers(deq, asked)
    assert torch.equal(inputs, asked[settled])
    again = z_star
    with torch.no_grad():
        again = deq.cell(again, inputs)
    assert relative_error(again, z_star) < 1e-4
    with pytest.raises(ValueError, match=r"teacher settles on \d+ of 60 inputs only: .*raise its max_steps"):
        answers(contracting(gain=1.6, units=6, solver=Picard(), max_steps=1, rtol=1e-9), 0.01 * X[:60])


def test_a_task_of_answers_holds_a_fifth_of_the_examples_out_or_the_test_that_is_given():
    deq = contracting()
    own = distillation.distillation(deq, X, pairs=300)
    assert (len(own.train[0]), len(own.test[0])) == (300, 40)
    assert {tuple(row) for row in own.test[0].tolist()} <= {tuple(row) for row in X.tolist()}
    given = distillation.distillation(deq, X, X[:7] + 1, pairs=300)
    assert torch.equal(given.test[0], X[:7] + 1)
    assert torch.equal(given.test[1], deq.equilibrium(X[:7] + 1).z)


def test_a_small_contracting_teacher_is_distilled_to_a_small_relative_error():
    run = pulled(distil_run(contracting(), X, rank=8, pairs=2048, steps=400, device="cpu"))
    error = run.history[-1].metrics["relative error"]
    assert error < 0.1
    x, z_star = run.task.test
    with torch.no_grad():
        said = run.model.eval()(x)
    by_hand = np.linalg.norm((said - z_star).numpy(), axis=1) / np.linalg.norm(z_star.numpy(), axis=1)
    assert error == pytest.approx(by_hand.mean(), rel=1e-3)


def test_a_student_of_ones_own_is_trained_and_given_back():
    student = nn.Linear(2, 3)
    before = student.weight.detach().clone()
    assert distil(contracting(), X, student, pairs=64, steps=2, device="cpu") is student
    assert not torch.equal(student.weight, before)
    assert not student.training


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: distil_run(nn.Linear(2, 2), X), "teacher must be a DEQ, got Linear"),
        (lambda: distil_run(contracting(), X[:, 0]), r"x must be \(samples, ...\) with at least 2 samples"),
        (lambda: distil_run(contracting(), X[:1]), r"x must be \(samples, ...\) with at least 2 samples"),
        (lambda: distil_run(contracting(), X * math.nan), "x holds 400 values that are NaN"),
        (lambda: distil_run(contracting(), torch.ones(9, 3)), r"x must be \(batch, 2\) for this cell"),
        (lambda: distil_run(contracting(), X, test=torch.ones(9, 3)), r"test must be \(any, 2\), got \(9, 3\)"),
        (lambda: distil_run(contracting(), X, pairs=0), "pairs must be at least 1"),
        (lambda: distil_run(contracting(), X, pairs=8, steps=0), "steps must be at least 1"),
        (lambda: distil_run(contracting(), X, pairs=8, rank=0), "rank must be at least 1"),
        (lambda: distil_run(contracting(), X, seed=-1), "seed must be at least 0"),
        (lambda: iterates.distil_orbits_run(nn.Linear(2, 2), X), "teacher must be a DEQ, got Linear"),
        (lambda: iterates.distil_orbits_run(contracting(), X, frequencies=2), "frequencies must be 0 .* or 1"),
        (lambda: iterates.distil_orbits_run(contracting(), X, count=1), "count must be at least 2"),
        (lambda: iterates.distil_orbits_run(contracting(), X, steps=5), "steps must be at least 20"),
        (lambda: iterates.distil_orbits_run(contracting(), X, training=0), "training must be at least 1"),
        (lambda: iterates.near_run(made(1.1, 1)), "teacher must have a radius below 1, .* got 1.1"),
        (lambda: iterates.near_run(made(0.8, 1), size=0.0), "size must be finite"),
        (lambda: iterates.near_run(made(0.8, 1), training=0), "training must be at least 1"),
        (lambda: iterates.loop_run(made(0.8, 1)), "teacher must have a radius above 1 .* got 0.8"),
        (lambda: iterates.on_the_loop(made(0.8, 1)), "teacher must have a radius above 1 .* got 0.8"),
    ],
)
def test_what_cannot_be_distilled_is_refused_by_name(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_the_iterates_that_are_retold_are_the_cells_own_from_zero():
    deq = contracting()
    run = iterates.distil_orbits_run(deq, X, count=50, training=1, device="cpu")
    x, z = (t.double().numpy() for t in run.task.train)
    assert z.shape == (50, 41, 3)
    W, U, b = (p.detach().double().numpy() for p in (deq.cell.W_z.weight, deq.cell.W_x.weight, deq.cell.W_x.bias))
    state = np.zeros((50, 3))
    for t in range(41):
        np.testing.assert_allclose(z[:, t], state, atol=1e-5)
        state = np.tanh(state @ W.T + x @ U.T + b)
    assert run.task.test[1].shape == (500, 201, 3)


@pytest.mark.slow
def test_the_orbits_of_a_contracting_teacher_are_retold_and_end_where_it_settles():
    run = pulled(iterates.distil_orbits_run(contracting(), X, count=1000, training=300, device="cpu"))
    metrics, (x, z) = run.history[-1].metrics, run.task.test
    assert metrics["relative error"] < 0.1
    assert metrics["limit error"] < 0.1
    with torch.no_grad():
        orbit, limit = run.model.eval().orbit(x, torch.arange(1.0, 21.0)), run.model(x)
    assert metrics["relative error"] == pytest.approx(relative_error(orbit, z[:, 1:21]), rel=1e-4)
    assert metrics["limit error"] == pytest.approx(relative_error(limit, contracting().equilibrium(x).z), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_round_the_fixed_point_the_decaying_modes_are_the_jacobians_leading_pair(seed):
    found = made(0.8, seed)
    run = pulled(iterates.near_run(found, training=300))
    values = np.linalg.eigvals(np.diag(1 - found.z_star[0].numpy() ** 2) @ found.cell.W_z.weight.numpy())
    leading = values[np.abs(values).argmax()]
    learned = run.model.spectrum().eigenvalues.numpy()
    assert np.abs(learned - leading).min() < 0.01
    assert np.abs(learned - leading.conj()).min() < 0.01
    assert run.history[-1].metrics["relative error"] < 0.5


def test_iterates_have_come_near_the_loop():
    """What is off it has shrunk to a fiftieth; the cloud was as wide as the loop."""
    found = made(1.15, 1)
    orbits = iterates.on_the_loop(found, count=20, steps=30).numpy()
    assert orbits.shape == (20, 31, 16)
    later = found.iterates(torch.from_numpy(orbits[:, -1]), 3000).numpy()[0, 1000:]  # 2,000 points of the loop itself
    nearest = np.linalg.norm(orbits[:, 0, None] - later, axis=2).min(1)
    across = np.ptp(later, axis=0).max()
    assert nearest.max() < 0.15 * across
    assert np.median(nearest) < across / 50


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_past_the_bifurcation_the_sims_period_is_the_loops_own(seed):
    found = made(1.1, seed)
    run = pulled(iterates.loop_run(found, training=300))
    late = found.iterates(iterates.on_the_loop(found, count=1, steps=10)[:, -1], 3000)[0, 1000:]
    wanted = 1 / rotation_number(late)
    learned = 2 * math.pi / abs(float(run.model.propagator.base_angles.detach()[0]))
    assert learned == pytest.approx(wanted, rel=0.005)
    assert run.model.propagator.options["harmonics"] <= wanted / 2
