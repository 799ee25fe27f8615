"""The Jacobian penalty of a run: off it changes nothing, on it lowers the radius, and a resumed run repeats it."""

import itertools

import pytest
import torch
from torch import nn

from simviz.equilibria import jacobian
from simviz.learning.run import Run
from simviz.learning.task import Task
from simviz.models.deq import DEQ, Tanh


def task():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(120, 3, generator=generator)
    return Task.from_arrays(x, torch.sin(2 * x[:, :1]))


def trained(penalty, epochs=20, **options):
    torch.manual_seed(0)
    deq = DEQ(Tanh(3, 16, gain=0.95), nn.Linear(16, 1))
    return Run(deq, task(), epochs=epochs, batch_size=24, lr=1e-2, device="cpu", penalty=penalty, **options)


def radius(deq):
    x = task().test[0]
    return jacobian.spectral_radius(deq.cell, deq.equilibrium(x).z, x).median().item()


def test_a_penalty_lowers_the_radius_and_none_changes_nothing():
    radii = {}
    for penalty in (0.0, 1.0, 10.0):
        run = trained(penalty)
        list(run)
        radii[penalty] = radius(run.model)
    assert radii[10.0] < 0.9 * radii[1.0] < 0.9 * 0.9 * radii[0.0], radii


def test_the_loss_that_is_recorded_is_the_tasks_own():
    first, penalised = next(trained(0.0)), next(trained(10.0))
    assert first.loss == penalised.loss


def test_a_penalised_run_is_resumed_bit_for_bit(tmp_path):
    truth = [step.loss for step in trained(1.0, epochs=4)]
    stopped = trained(1.0, epochs=4)
    list(itertools.islice(stopped, 7))
    resumed = Run.load(stopped.save(tmp_path / "run"), task())
    assert resumed.options["penalty"] == 1.0
    assert [step.loss for step in resumed] == truth[7:]


def test_what_has_no_penalty_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="penalty must be 0 for a Linear"):
        Run(nn.Linear(3, 1), task(), penalty=0.1)
    with pytest.raises(ValueError, match="penalty must be finite"):
        trained(-1.0)
