"""Which observables does a trained network see in a point or an image? Konishi and Kawahara 2022."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.models.bases.sizes import Images, Numbers
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
            Numbers(inputs),
            *(nn.Linear(inputs, hidden), activation()),
            *(nn.Linear(hidden, hidden), activation()),
            nn.Linear(hidden, d),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, inputs) -> (batch, d)."""
        return self.layers(x)


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
            Images(channels, side),
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
        return self.layers(x)


@register
class Pooled(nn.Module):
    r"""A smaller image of features: convolution, batch norm, ReLU, maxpool 2, as often as it is to be halved.

    side: pixels a side; channels: of the image; width: channels of the features; halvings: 1 or more.
    x: (batch, channels, side, side) -> (batch, width, side // 2^halvings, side // 2^halvings). The encoder of the
    equilibrium models in `paper`. Raises ValueError for an image of another size, and a side too small.
    """

    def __init__(self, side: int, channels: int, width: int, halvings: int = 1) -> None:
        super().__init__()
        checks.positive_int("side", side, 2 ** checks.positive_int("halvings", halvings))
        checks.positive_int("channels", channels)
        checks.positive_int("width", width)
        self.options = {"side": side, "channels": channels, "width": width, "halvings": halvings}
        layers: list[nn.Module] = [Images(channels, side)]
        for level in range(halvings):
            layers += [*_convolution(width if level else channels, width), nn.MaxPool2d(2)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, channels, side, side) -> (batch, width, side // 2^halvings, side // 2^halvings)."""
        return self.layers(x)


def _convolution(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
