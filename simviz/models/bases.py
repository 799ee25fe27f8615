"""Which observables of x does a model see? The bases: networks, and frozen random Fourier features.

Konishi and Kawahara 2022 (the convolutional basis); Rahimi and Recht 2007 (random Fourier features).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.dynamics import features as dictionaries
from simviz.models.config import register


@register
class FullyConnected(nn.Module):
    r"""Observables by a network of three layers: Linear, activation, Linear, activation, Linear.

    inputs: numbers in one x, which is flattened; d: observables; hidden: width; activation: a class such as `nn.ReLU`.
    x: (batch, inputs), or (batch, ...) with as many numbers a sample -> (batch, d). Raises ValueError for another size.
    """

    def __init__(self, inputs: int, d: int, hidden: int = 64, activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.inputs, self.d = checks.positive_int("inputs", inputs), checks.positive_int("d", d)
        checks.positive_int("hidden", hidden)
        if not (isinstance(activation, type) and issubclass(activation, nn.Module)):
            raise ValueError(f"activation must be a class such as nn.ReLU, got {activation!r}")
        self.options: dict[str, Any] = {"inputs": inputs, "d": d, "hidden": hidden, "activation": activation}
        self.layers = nn.Sequential(
            nn.Linear(inputs, hidden), activation(), nn.Linear(hidden, hidden), activation(), nn.Linear(hidden, d)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, inputs) -> (batch, d)."""
        if x.ndim < 2 or math.prod(x.shape[1:]) != self.inputs:
            hint = "; did you forget the batch axis?" if x.numel() == self.inputs else ""
            raise ValueError(f"x must be (batch, {self.inputs}) for this basis, got {tuple(x.shape)}{hint}")
        return self.layers(x.flatten(1))


@register
class Convolutional(nn.Module):
    r"""The paper's observables of an image: four 3x3 convolutions with batch norm, halved twice, then one Linear.

    conv BN ReLU, conv BN ReLU, maxpool 2, conv BN ReLU, conv BN ReLU, maxpool 2, flatten, Linear(width (side // 4)^2,
    d). side: pixels a side, at least 4; channels: of the image; d: observables; width: channels of the convolutions.
    x: (batch, channels, side, side) -> (batch, d). Raises ValueError for an image of another size.
    """

    def __init__(self, side: int, channels: int, d: int, width: int) -> None:
        super().__init__()
        self.side, self.channels = checks.positive_int("side", side, 4), checks.positive_int("channels", channels)
        self.d, self.width = checks.positive_int("d", d), checks.positive_int("width", width)
        self.inputs = channels * side * side
        self.options: dict[str, Any] = {"side": side, "channels": channels, "d": d, "width": width}
        self.layers = nn.Sequential(
            *_convolution(channels, width),
            *_convolution(width, width),
            nn.MaxPool2d(2),
            *_convolution(width, width),
            *_convolution(width, width),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(width * (side // 4) ** 2, d),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, channels, side, side) -> (batch, d)."""
        want = (self.channels, self.side, self.side)
        if x.ndim != 4 or tuple(x.shape[1:]) != want:
            hint = "; did you forget the batch axis?" if tuple(x.shape) == want else ""
            words = f"(batch, {self.channels}, {self.side}, {self.side})"
            raise ValueError(f"x must be {words} for this basis, got {tuple(x.shape)}{hint}")
        return self.layers(x)


@register
class RandomFourier(nn.Module):
    r"""Frozen random Fourier features as a layer: :math:`\psi(u) \cdot \psi(v)` approximates a Gaussian kernel.

    inputs: numbers in one u; features: D, even; bandwidth: the kernel's length scale, in units of u; seed: of the draw.
    The directions are one buffer (D / 2, inputs), saved with the model and never trained. x: (batch, inputs), or
    (batch, ...) with as many numbers a sample -> (batch, D). Raises ValueError for odd D, bandwidth <= 0, another size.
    """

    directions: torch.Tensor

    def __init__(self, inputs: int, features: int, bandwidth: float = 1.0, seed: int = 0) -> None:
        super().__init__()
        dictionary = dictionaries.RandomFourier(inputs, features, bandwidth, seed=seed)
        self.inputs, self.d = dictionary.inputs, dictionary.features
        self.options: dict[str, Any] = {
            "inputs": inputs,
            "features": features,
            "bandwidth": dictionary.bandwidth,
            "seed": seed,
        }
        self.register_buffer("directions", dictionary.directions.to(torch.get_default_dtype()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, inputs) -> (batch, D)."""
        if x.ndim < 2 or math.prod(x.shape[1:]) != self.inputs:
            hint = "; did you forget the batch axis?" if x.numel() == self.inputs else ""
            raise ValueError(f"x must be (batch, {self.inputs}) for this basis, got {tuple(x.shape)}{hint}")
        return dictionaries.random_fourier(x.flatten(1), self.directions)


def _convolution(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()
