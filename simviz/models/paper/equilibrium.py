"""Which equilibrium models stand beside the paper's classifiers? A DEQ and a monotone DEQ of about their size."""

from __future__ import annotations

from torch import nn

from simviz import checks
from simviz.equilibria import Anderson, Implicit, PeacemanRachford
from simviz.models.bases import Pooled
from simviz.models.cells import Convolutional
from simviz.models.deq import DEQ, Monotone, Tanh

CLASSES = 10
LARGE = 16
"""From so many pixels a side the DEQ is convolutional."""
MONOTONE_WIDTH = 21


def image_deq(side: int, channels: int, units: int | None = None, *, rtol: float = 1e-4, max_steps: int = 50) -> DEQ:
    r"""Return a deep equilibrium classifier of images, ten classes.

    Below 16 pixels a side: :math:`z = \tanh(W_z z + W_x x + b)` with `units` units (None: 64), then one Linear. From 16
    on: convolution, batch norm, ReLU and halving, twice, then the equilibrium of the convolutional cell of `units`
    channels (None: 46), read out by one Linear: 80,108 parameters for 28 pixels and one channel.
    rtol, max_steps: of the forward and the backward solve. x: (batch, channels, side, side) -> (batch, 10). Not from
    the paper: the model it is compared with.
    """
    checks.positive_int("channels", channels)
    gradient = Implicit(rtol=rtol, max_steps=max_steps)
    if checks.positive_int("side", side, 4) < LARGE:
        small = Tanh(channels * side**2, 64 if units is None else units)
        return DEQ(small, nn.Linear(small.units, CLASSES), Anderson(), gradient, rtol=rtol, max_steps=max_steps)
    width = 46 if units is None else checks.positive_int("units", units)
    quarter = side // 4
    encoder = Pooled(side, channels, width, halvings=2)
    cell = Convolutional(None, width, quarter, groups=2)
    readout = nn.Sequential(nn.Flatten(), nn.Linear(width * quarter**2, CLASSES))
    return DEQ(cell, readout, Anderson(), gradient, rtol=rtol, max_steps=max_steps, encoder=encoder)


def image_monotone(side: int, channels: int, units: int = 64, *, rtol: float = 1e-4, max_steps: int = 100) -> DEQ:
    r"""Return a monotone equilibrium classifier of images: one equilibrium whatever the weights, ten classes.

    The cell is `Monotone` of `units` units, solved by Peaceman-Rachford splitting; what it sees is, below 16 pixels a
    side, the image itself, else convolution, batch norm, ReLU and halving, twice. Winston and Kolter, arXiv 2006.08591.
    """
    checks.positive_int("channels", channels)
    encoder, inputs = None, channels * checks.positive_int("side", side, 4) ** 2
    if side >= LARGE:
        encoder = Pooled(side, channels, MONOTONE_WIDTH, halvings=2)
        inputs = MONOTONE_WIDTH * (side // 4) ** 2
    cell = Monotone(inputs, units, m=1.0)
    solver, gradient = PeacemanRachford(), Implicit(rtol=rtol)
    return DEQ(cell, nn.Linear(units, CLASSES), solver, gradient, rtol=rtol, max_steps=max_steps, encoder=encoder)
