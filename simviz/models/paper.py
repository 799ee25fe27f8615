"""Which networks did the paper train? Its configurations, and the plain nets that are their control.

Konishi and Kawahara, arXiv 2207.07475; the sizes are facts of the published experiments.
"""

from __future__ import annotations

import math

from torch import nn

from simviz import checks
from simviz.equilibria import Anderson, Implicit
from simviz.models.bases import Convolutional, RandomFourier
from simviz.models.deq import DEQ, Tanh
from simviz.models.propagators import LowRank
from simviz.models.sim import SIM

CLASSES = 10
TIER, SECOND_TIER, DECODER = 50, 104, 32
WIDTHS = {(1, 1): 24, (1, 2): 21, (3, 1): 38, (3, 2): 36}
"""Width of the convolutions by (channels, tiers)."""

INITS = ("variance", "torch")


def image_classifier(
    tiers: int, side: int, channels: int, width: int | None = None, bandwidth: float = 10.0, *, init: str = "variance"
) -> SIM:
    r"""Return the paper's image classifier: :math:`W_{out} dec(U V^T \phi(x))`, ten classes.

    tiers: 1 (d 50), or 2 (50, then 104 random Fourier features of this bandwidth); rank d // 2; decoder and readout 32
    wide; width: of the convolutions, None for the paper's (24 / 21 for one channel, 38 / 36 for three). init:
    "variance" keeps the variance of the signal from layer to layer (`keep_variance`), "torch" leaves PyTorch's own
    start. x: (batch, channels, side, side) -> (batch, 10). Trainable parameters: 81,480 and 80,466 for 28 pixels and
    one channel. Raises ValueError for bad sizes.
    """
    width = _width(tiers, channels, width)
    checks.one_of("init", init, INITS)
    basis = Convolutional(side, channels, TIER, width)
    second = RandomFourier(TIER, SECOND_TIER, bandwidth) if tiers == 2 else None
    d = TIER if second is None else SECOND_TIER
    sim = SIM(basis, LowRank(d, d // 2), _decoder(d), nn.Linear(DECODER, CLASSES), second)
    if init == "variance":
        keep_variance(sim)
    return sim


def plain_image_classifier(
    tiers: int, side: int, channels: int, width: int | None = None, bandwidth: float = 10.0, *, init: str = "variance"
) -> nn.Sequential:
    r"""Return the control of `image_classifier`: the same net with one matrix in place of :math:`W_1 U V^T`.

    It is basis, second tier where there is one, then the decoder (its first Linear takes the observables themselves)
    and the readout: what the published SIM is at inference, with fewer parameters to train and no spectrum.
    """
    width = _width(tiers, channels, width)
    checks.one_of("init", init, INITS)
    second = [RandomFourier(TIER, SECOND_TIER, bandwidth)] if tiers == 2 else []
    d = SECOND_TIER if second else TIER
    basis = Convolutional(side, channels, TIER, width)
    net = nn.Sequential(basis, *second, *_decoder(d), nn.Linear(DECODER, CLASSES))
    if init == "variance":
        keep_variance(net)
    return net


def image_deq(side: int, channels: int, units: int = 64, *, rtol: float = 1e-4, max_steps: int = 50) -> DEQ:
    r"""Return a deep equilibrium classifier of small images: :math:`z = \tanh(W_z z + W_x x + b)`, then one Linear.

    units: size of z; rtol, max_steps: of the forward and the backward solve. x: (batch, channels, side, side) ->
    (batch, 10). Not from the paper: the model it is compared with, at the size of the 8x8 digits.
    """
    inputs = checks.positive_int("channels", channels) * checks.positive_int("side", side) ** 2
    cell = Tanh(inputs, units)
    gradient = Implicit(rtol=rtol, max_steps=max_steps)
    return DEQ(cell, nn.Linear(units, CLASSES), Anderson(), gradient, rtol=rtol, max_steps=max_steps)


def keep_variance(model: nn.Module) -> None:
    """Draw the weights anew so that a signal keeps its variance from layer to layer, and set the biases to zero.

    A layer in front of a ReLU: variance 2 / inputs (He et al. 2015); any other: 1 / inputs (LeCun et al. 1998).
    PyTorch's own start, 1 / (3 inputs), shrinks the signal sixfold a ReLU layer; features of one bandwidth then see
    all samples as one point.
    """
    layers = [m for m in model.modules() if not list(m.children())]
    for layer, after in zip(layers, [*layers[1:], None], strict=True):
        if not isinstance(layer, (nn.Linear, nn.Conv2d)):
            continue
        gain = math.sqrt(2) if isinstance(after, (nn.ReLU, nn.BatchNorm2d)) else 1.0
        inputs = layer.weight[0].numel()
        nn.init.normal_(layer.weight, std=gain / math.sqrt(inputs))
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _decoder(d: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(d, DECODER), nn.ReLU(), nn.Linear(DECODER, DECODER), nn.ReLU(), nn.Linear(DECODER, DECODER)
    )


def _width(tiers: int, channels: int, width: int | None) -> int:
    if tiers not in (1, 2):
        raise ValueError(f"tiers must be 1 or 2, got {tiers!r}")
    if width is not None:
        return checks.positive_int("width", width)
    if (channels, tiers) not in WIDTHS:
        raise ValueError(f"width must be given for {channels} channels: the paper has images of 1 and of 3")
    return WIDTHS[channels, tiers]
