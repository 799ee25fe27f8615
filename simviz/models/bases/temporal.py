"""Which observables of a sequence's past does a model see at each moment? Bai, Kolter and Koltun, arXiv 1803.01271.

The temporal convolutional network: causal, dilated convolutions in residual blocks; weight normalisation by Salimans
and Kingma, arXiv 1602.07868.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from simviz import checks
from simviz.models.bases.sizes import Sequences
from simviz.models.config import register


@register
class TemporalConvolutional(nn.Module):
    r"""The paper's observables of a sequence: residual blocks of causal convolutions, dilated by 2^level, one Linear.

    A block is conv ReLU conv ReLU, plus its own input, ReLU; the first block brings that to `width` channels by a 1x1
    convolution. Every convolution but that one has its weight normalised: a direction and a magnitude for each output
    channel. channels: of the sequence; d: observables; width: channels of the blocks; levels: blocks; kernel: taps of a
    convolution. What stands at time t depends on the last `reach` entries of x up to t, and on nothing later.
    x: (batch, time, channels) -> (batch, time, d). Raises ValueError for another shape.
    """

    def __init__(self, channels: int, d: int, width: int = 10, levels: int = 8, kernel: int = 8) -> None:
        super().__init__()
        self.channels, self.d = checks.positive_int("channels", channels), checks.positive_int("d", d)
        checks.positive_int("width", width)
        checks.positive_int("levels", levels)
        checks.positive_int("kernel", kernel)
        self.options: dict[str, Any] = {
            "channels": channels,
            "d": d,
            "width": width,
            "levels": levels,
            "kernel": kernel,
        }
        self.reach = 1 + 2 * (kernel - 1) * (2**levels - 1)
        widths = [channels, *[width] * (levels - 1)]
        blocks = (Block(size, width, kernel, 2**level) for level, size in enumerate(widths))
        self.layers = nn.Sequential(Sequences(channels), *blocks, Transposed(), nn.Linear(width, d))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, time, channels) -> (batch, time, d)."""
        return self.layers(x)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Pickle and copy by options and weights: PyTorch's parametrized layers cannot be pickled themselves."""
        frozen = [name for name, parameter in self.named_parameters() if not parameter.requires_grad]
        return _rebuild, (type(self), self.options, self.state_dict(), self.training, frozen)


class Block(nn.Module):
    """conv ReLU conv ReLU, plus the input, ReLU: (batch, inputs, time) -> (batch, outputs, time)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int, *, normed: bool = True) -> None:
        super().__init__()
        self.sizes = inputs, outputs, kernel, dilation
        self.past = (kernel - 1) * dilation
        self.first = nn.Conv1d(inputs, outputs, kernel, dilation=dilation)
        self.second = nn.Conv1d(outputs, outputs, kernel, dilation=dilation)
        if normed:
            weight_norm(self.first)
            weight_norm(self.second)
        self.shortcut = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = x
        for convolution in (self.first, self.second):
            h = torch.relu(convolution(nn.functional.pad(h, (self.past, 0))))
        return torch.relu(h + self.shortcut(x))

    @torch.no_grad()
    def plain(self) -> Block:
        """Return a block that computes the same, its weights multiplied out."""
        # `remove_parametrizations` on a copy would reach the original, too: copies share the class it changes.
        other = Block(*self.sizes, normed=False).to(self.first.weight)
        for name, parameter in other.named_parameters():
            path, _, last = name.rpartition(".")
            parameter.copy_(getattr(self.get_submodule(path), last))
        return other


class Transposed(nn.Module):
    """(batch, channels, time) -> (batch, time, channels)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.transpose(1, 2)


def _rebuild(
    cls: type[TemporalConvolutional],
    options: dict[str, Any],
    state: dict[str, torch.Tensor],
    training: bool,
    frozen: list[str],
) -> TemporalConvolutional:
    basis = cls(**options)
    basis.load_state_dict(state, assign=True)
    for name, parameter in basis.named_parameters():
        parameter.requires_grad_(name not in frozen)
    return basis.train(training)
