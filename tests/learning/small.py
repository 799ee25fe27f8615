"""What the tests of runs share: a small task, small models, and a run of 24 steps."""

import dataclasses

import torch
from torch import nn

from simviz.learning.run import Run
from simviz.learning.task import Task
from simviz.models.bases import FullyConnected
from simviz.models.config import register
from simviz.models.propagators import Modes
from simviz.models.sim import SIM


def task(samples=50, outputs=1, validation=False):
    """40 training and 10 test samples of a sine, and 10 more to choose by where asked."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(samples, 2, generator=generator)
    made = Task.from_arrays(x, torch.sin(3 * x[:, :1]).repeat(1, outputs))
    if not validation:
        return made
    x = torch.randn(10, 2, generator=generator)
    return dataclasses.replace(made, validation=(x, torch.sin(3 * x[:, :1]).repeat(1, outputs)))


def net(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))


def clock():
    torch.manual_seed(0)
    modes = Modes(1, 3, 2, start=[0.3])
    return SIM(FullyConnected(2, modes.inputs, hidden=8), modes, nn.Identity(), nn.Linear(modes.outputs, 1))


def run(model=None, data=None, **options):
    options = {"epochs": 4, "batch_size": 7, "lr": 1e-2, "device": "cpu", **options}
    return Run(net() if model is None else model, task() if data is None else data, **options)


def losses(steps):
    return [step.loss for step in steps]


def equal_weights(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


@register
class Noisy(nn.Module):
    """A net with batch normalisation and dropout, which can be saved."""

    def __init__(self, units=8):
        super().__init__()
        self.options = {"units": units}
        layers = (nn.Linear(2, units), nn.BatchNorm1d(units), nn.Tanh(), nn.Dropout(0.3), nn.Linear(units, 1))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


def noisy():
    torch.manual_seed(0)
    return Noisy()
