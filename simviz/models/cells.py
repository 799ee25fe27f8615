"""Which layer is applied again and again? The cells of a deep equilibrium model: f(z, x), and z0 for an x.

A cell is a module with `initial(x)`. Bai, Kolter and Koltun, arXiv 1909.01377 (DEQ), 2006.08656 (of convolutions).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import nn

from simviz import checks
from simviz.models.config import register


def zeros(x: torch.Tensor, inputs: int, units: int) -> torch.Tensor:
    """Return zeros (batch, units) for x of that many inputs a sample; raises ValueError for an x of another size."""
    if x.ndim < 2 or math.prod(x.shape[1:]) != inputs:
        hint = "; did you forget the batch axis?" if x.numel() == inputs else ""
        raise ValueError(f"x must be (batch, {inputs}) for this cell, got {tuple(x.shape)}{hint}")
    return x.new_zeros(len(x), units)


@register
class Tanh(nn.Module):
    r"""The cell :math:`f(z, x) = \tanh(W_z z + W_x x + b)`.

    inputs: numbers in one x, which is flattened; units: of z; gain: the spectral norm of :math:`W_z` at the start,
    below 1 so that the cell contracts (training may leave that). z: (batch, units), x: (batch, inputs) ->
    (batch, units).
    """

    def __init__(self, inputs: int, units: int, gain: float = 0.8) -> None:
        super().__init__()
        self.inputs, self.units = checks.positive_int("inputs", inputs), checks.positive_int("units", units)
        checks.positive("gain", gain)
        self.options = {"inputs": inputs, "units": units, "gain": gain}
        self.W_z = nn.Linear(units, units, bias=False)
        self.W_x = nn.Linear(inputs, units)
        nn.init.normal_(self.W_z.weight)
        nn.init.normal_(self.W_x.weight, std=1 / math.sqrt(inputs))
        nn.init.zeros_(self.W_x.bias)
        with torch.no_grad():
            self.W_z.weight.mul_(gain / torch.linalg.matrix_norm(self.W_z.weight, 2))

    def forward(self, z: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(batch, units), (batch, inputs) -> (batch, units)."""
        return torch.tanh(self.W_z(z) + self.W_x(x.flatten(1)))

    def initial(self, x: torch.Tensor) -> torch.Tensor:
        """Return where the solve begins, zeros (batch, units); raises ValueError for an x of another size."""
        return zeros(x, self.inputs, self.units)


@register
class Convolutional(nn.Module):
    r"""The cell :math:`f(z, x) = \tanh(W_2 * relu(norm(W_1 * z + W_x * x)))` of images, * a 3x3 convolution.

    channels_in, channels: of x and of z; side: both are side x side; channels_in=None: x has z's shape and is added as
    it is, without :math:`W_x`, which an encoder may then hold; groups: of the group normalisation, a divisor of
    channels. It treats samples apart, as a cell must: batch normalisation would not. gain: the product of the spectral
    norms of :math:`W_1, W_2` at the start, the norm not counted (training may leave that). z: (batch, channels, side,
    side), x: (batch, channels_in, side, side) -> z's shape. Raises ValueError for bad sizes.
    """

    saved_as: ClassVar[str] = "ConvolutionalCell"  # a basis has the name already

    def __init__(self, channels_in: int | None, channels: int, side: int, groups: int = 4, gain: float = 0.8) -> None:
        super().__init__()
        self.channels_in = channels if channels_in is None else checks.positive_int("channels_in", channels_in)
        self.channels, self.side = checks.positive_int("channels", channels), checks.positive_int("side", side)
        if channels % checks.positive_int("groups", groups):
            raise ValueError(f"groups must divide channels, {channels}, got {groups}")
        checks.positive("gain", gain)
        sizes = {"channels_in": channels_in, "channels": channels, "side": side, "groups": groups}
        self.options: dict[str, Any] = {**sizes, "gain": gain}
        self.W_1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.W_2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.W_x = nn.Identity() if channels_in is None else nn.Conv2d(channels_in, channels, 3, padding=1)
        self.norm = nn.GroupNorm(groups, channels)
        if isinstance(self.W_x, nn.Conv2d):
            nn.init.normal_(self.W_x.weight, std=1 / math.sqrt(9 * self.channels_in))
        with torch.no_grad():
            for layer in (self.W_x, self.W_2):
                if isinstance(layer, nn.Conv2d):
                    layer.get_parameter("bias").zero_()
            for layer in (self.W_1, self.W_2):
                nn.init.normal_(layer.weight)
                layer.weight.mul_(math.sqrt(gain) / _norm(layer, (1, channels, side, side)))

    def forward(self, z: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(batch, channels, side, side), (batch, channels_in, side, side) -> (batch, channels, side, side)."""
        return torch.tanh(self.W_2(torch.relu(self.norm(self.W_1(z) + self.W_x(x)))))

    def initial(self, x: torch.Tensor) -> torch.Tensor:
        """Return where the solve begins, zeros of z's shape; raises ValueError for an x of another shape."""
        shape = (self.channels_in, self.side, self.side)
        if tuple(x.shape[1:]) != shape:
            hint = "; did you forget the batch axis?" if tuple(x.shape) == shape else ""
            words = ", ".join(map(str, shape))
            raise ValueError(f"x must be (batch, {words}) for this cell, got {tuple(x.shape)}{hint}")
        return x.new_zeros(len(x), self.channels, self.side, self.side)


@register
class Own(nn.Module):
    """Your own function as a cell: z -> function(z, x), z0 zeros.

    function: f(z, x), of z's shape; a module, whose parameters are then trained, or a plain function. shape: of one
    sample's z, or how many numbers it is. What depends on the sample must be in x. A plain function can be trained and
    used but not saved, being code. Raises ValueError for what cannot be called, and for bad sizes.
    """

    def __init__(self, function: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], shape: int | Sequence[int]):
        super().__init__()
        if not callable(function) or isinstance(function, type):
            raise ValueError(f"function must be a function f(z, x) or a module, got {function!r}")
        sizes = [shape] if isinstance(shape, int) else list(shape)
        self.shape = tuple(checks.positive_int("shape", size) for size in sizes)
        if not sizes:
            raise ValueError("shape must hold at least one size, got ()")
        self.options = {"function": function, "shape": list(self.shape)}
        self.function = function

    def forward(self, z: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(batch, *shape), (batch, ...) -> (batch, *shape)."""
        return self.function(z, x)

    def initial(self, x: torch.Tensor) -> torch.Tensor:
        """Return where the solve begins, zeros (batch, *shape)."""
        return x.new_zeros(len(x), *self.shape)


def _norm(layer: nn.Conv2d, shape: tuple[int, ...], steps: int = 50) -> torch.Tensor:
    """The spectral norm of a convolution of images of this shape, by power iteration from a fixed start."""
    generator = torch.Generator().manual_seed(0)
    v = torch.randn(shape, generator=generator).to(layer.weight)  # (1, channels, side, side)
    out = v
    for _ in range(steps):
        out = nn.functional.conv2d(v / v.norm(), layer.weight, padding=1)
        v = nn.functional.conv_transpose2d(out, layer.weight, padding=1)
    return out.norm()
