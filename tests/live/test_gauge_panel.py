"""Coordinates that turn without a browser: the eigenvalues are NumPy's, and no output knows of them."""

import copy
import functools
import itertools

import numpy as np
import pytest
import torch
from torch import nn

from simviz import live
from simviz.learning import experiments
from simviz.learning.data import digits, mnist5k
from simviz.learning.task import Task
from simviz.live.panels.gauge.subject import COORDINATES, subject
from simviz.models import paper
from simviz.models.bases import FullyConnected
from simviz.models.propagators import Projection
from simviz.models.sim import SIM


@functools.cache
def trained(kind="single"):
    task = digits(validation=0.2)
    run = experiments.classify(kind, task, epochs=1)
    for _ in run:
        pass
    return run.model.eval(), task


@pytest.fixture
def panel(mounted):
    """Make a panel whose page is absent, given up when the test ends."""
    return lambda *given, **named: mounted(live.GaugePanel(*(given or trained()), **named))


def apart(found, wanted):
    """The largest distance of an eigenvalue from the nearest of the others, both ways."""
    table = np.abs(np.asarray(found)[:, None] - np.asarray(wanted)[None])
    return max(table.min(0).max(), table.min(1).max())


def test_as_trained_it_shows_the_models_own_spectrum_logits_and_accuracy(panel):
    sim, task = trained()
    record = panel(digit=7).record
    U, V = (factor.detach().double().numpy() for factor in sim.propagator.factors())
    assert apart(record.eigenvalues, np.linalg.eigvals(V.T @ U)) < 1e-12
    limit = U @ V.T
    assert record.defect == pytest.approx(np.linalg.norm(limit @ limit - limit) / np.linalg.norm(limit))
    with torch.no_grad():
        logits = sim(task.test[0])
    assert record.logits == pytest.approx(logits[7].numpy(), abs=1e-4)
    assert record.accuracy == pytest.approx(float((logits.argmax(1) == task.test[1]).double().mean()))
    assert record.label == int(task.test[1][7])
    pixels = task.test[0][7, 0] * task.normalisation[1][0] + task.normalisation[0][0]
    assert record.picture == pytest.approx(pixels.numpy(), abs=1e-6)
    assert record.change == 0


def test_the_named_coordinates_have_the_spectra_they_are_named_for(panel):
    one = panel()
    projection = one.set(coordinates="projection").record
    assert np.abs(projection.eigenvalues - 1).max() < 1e-10
    assert projection.defect < 1e-12
    zero = one.set(coordinates="all zero").record
    assert np.abs(zero.eigenvalues).max() < 1e-12
    assert zero.defect == pytest.approx(1)  # Pi Pi = 0
    spiral = one.set(coordinates="spiral").record.eigenvalues
    upper = np.sort(np.abs(spiral[np.abs(spiral.imag) > 1e-9]))[::2]
    assert np.diff(upper) == pytest.approx(1.4 / 12, rel=1e-6)


@pytest.mark.parametrize("fold", [False, True])
@pytest.mark.parametrize("coordinates", COORDINATES)
def test_no_output_moves_while_the_eigenvalues_fly(panel, coordinates, fold):
    one = panel(coordinates=coordinates, fold=fold)
    begun = one.record.eigenvalues
    for steps in (30, 90, 180, 301):
        record = one.set(steps=steps).record
        assert 0 < record.change < 1e-12
        assert record.accuracy == record.accuracy_before
        assert record.logits == pytest.approx(record.before, abs=1e-12)
        assert apart(record.eigenvalues, begun) > 0.05
        assert record.radius < record.reach
    back = one.set(steps=360).record
    assert apart(back.eigenvalues, begun) < 1e-6  # of a 25-fold eigenvalue, roots of rounding


def test_a_turned_model_is_the_trained_one_times_a_rotation(panel):
    one = panel(steps=50)
    kept = one._subject
    turn = torch.linalg.matrix_exp(np.deg2rad(50) * kept.generator).numpy()
    assert turn @ turn.T == pytest.approx(np.eye(50), abs=1e-12)
    U, V = (factor.detach().double().numpy() for factor in trained()[0].propagator.factors())
    assert apart(one.record.eigenvalues, np.linalg.eigvals(V.T @ turn @ U)) < 1e-10


def test_eigenvalues_fly_smoothly(panel):
    one = panel(coordinates="spiral")
    steps = [one.compute(**{**one.values, "steps": s}).eigenvalues for s in range(100, 140)]
    jumps = [apart(a, b) for a, b in itertools.pairwise(steps)]
    assert min(jumps) > 0
    assert max(jumps) < 0.25


def test_a_changed_output_is_told(panel):
    """The change is measured: where the readout is another, it says so."""
    one = panel(coordinates="projection")
    assert one.record.change < 1e-12
    with torch.no_grad():
        one._subject.tail.readout.bias[3] += 0.5
    assert one.compute(**one.values).change == pytest.approx(0.5)


def test_fold_multiplies_the_matrices_and_blanks_the_disc(panel):
    sim, _ = trained()
    one = panel(coordinates="spiral", steps=40).set(fold=True)
    record = one.record
    factors = [sim.decoder[0], sim.propagator.U, sim.propagator.V, sim.basis.layers[-1]]
    product = np.linalg.multi_dot([layer.weight.detach().double().numpy() for layer in factors])
    assert record.merged == product.shape == (32, 96)
    assert record.rank == np.linalg.matrix_rank(product) == 25
    drawn = {trace.channel: trace for trace in one.drawing(record).traces}
    assert len(drawn["eigenvalues of V^T U"].x) == 0
    assert list(drawn["words"].labels) == ["no time left in here"]
    assert "rank 25 of at most 32" in one.spec().state
    one.set(fold=False)
    assert len(one.figure_widget.points("eigenvalues of V^T U")[0]) == 25


def test_two_tiers_fold_behind_their_random_features(panel):
    record = panel(*trained("two"), coordinates="projection", fold=True).record
    assert record.matrices == (("W1 U V^T", 32, 104),)
    assert record.rank == 32  # the bottleneck of 52 restricts nothing
    assert record.change < 1e-12


def test_play_turns_and_the_recipe_comes_back(panel, mounted):
    one = panel()
    assert "will accuracy rise, fall or not move" in one.spec().state
    one.ahead(33)
    assert one.values["steps"] == 33
    assert "turned by 33°" in one.spec().state
    one.set(coordinates="all zero", digit=4)
    sim, task = trained()
    again = mounted(eval(one.recipe(), {"live": live, "sim": sim, "task": task}))
    assert again.spec().state == one.spec().state
    assert len(one.data()) == 10 + 25
    assert len(one.set(fold=True).data()) == 10


def test_the_model_stays_as_it_was():
    sim, task = trained()
    before = copy.deepcopy(sim.state_dict())
    kept = subject(sim, task)
    with torch.no_grad():
        for parameter in kept.tail.parameters():
            parameter.zero_()
    assert all(torch.equal(value, before[name]) for name, value in sim.state_dict().items())


def test_wrong_arguments_are_named(panel):
    sim, task = trained()
    points = Task.from_arrays(np.random.default_rng(0).random((40, 3)), np.arange(40) % 2)
    projected = SIM(FullyConnected(64, 50), Projection(50, 25), nn.Linear(50, 10), nn.Identity())
    few = SIM(FullyConnected(64, 50), copy.deepcopy(sim.propagator), nn.Linear(50, 4), nn.Identity())
    cases = [
        ((nn.Linear(2, 2), task), {}, "sim must be a SIM, got Linear"),
        ((sim, "digits"), {}, "task must be a Task"),
        ((sim, points), {}, "task must hold labelled images"),
        ((projected, task), {}, "LowRank propagator, this one is a Projection"),
        ((few, task), {}, "sim must return logits of 10 classes"),
        ((paper.image_classifier(1, 8, 1), mnist5k(0.02)), {}, "must be .*8"),
        ((), {"coordinates": "polar"}, "coordinates must be one of"),
        ((), {"steps": 361}, "steps must lie"),
        ((), {"digit": 10**6}, "digit must lie"),
        ((), {"fold": 1}, "fold must be True or False"),
    ]
    for given, named, words in cases:
        with pytest.raises(ValueError, match=words):
            panel(*given, **named)
