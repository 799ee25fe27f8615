"""Is this x of the size that the basis takes? The first layer of every basis, with one sentence for all of them."""

from __future__ import annotations

import math

import torch
from torch import nn


class Numbers(nn.Module):
    """(batch, ...) with `inputs` numbers a sample -> (batch, inputs); raises ValueError for another size."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.inputs = inputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, ...) -> (batch, inputs)."""
        if x.ndim < 2 or math.prod(x.shape[1:]) != self.inputs:
            raise ValueError(_words(f"batch, {self.inputs}", x, x.numel() == self.inputs))
        return x.flatten(1)


class Images(nn.Module):
    """(batch, channels, side, side) as it is, on a CPU laid out channels last; raises ValueError for another size.

    The convolutions after it keep the layout: the same numbers, sooner.
    """

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.shape = (channels, side, side)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, channels, side, side) -> the same."""
        channels, side, _ = self.shape
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(_words(f"batch, {channels}, {side}, {side}", x, tuple(x.shape) == self.shape))
        if x.device.type != "cpu":
            return x
        # `contiguous(memory_format=...)` leaves an image of one channel as it is: both layouts are one there, and the
        # convolutions then fall back to the slow one. These strides leave no doubt (and vmap takes them).
        pixels = x.permute(0, 2, 3, 1).reshape(len(x), -1)
        return pixels.view(len(x), side, side, channels).permute(0, 3, 1, 2)


class Sequences(nn.Module):
    """(batch, time, channels) -> (batch, channels, time), as convolutions in time want it; ValueError for others."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(batch, time, channels) -> (batch, channels, time)."""
        if x.ndim != 3 or x.shape[-1] != self.channels or not x.shape[1]:
            raise ValueError(_words(f"batch, time, {self.channels}", x, x.ndim == 2 and x.shape[-1] == self.channels))
        return x.transpose(1, 2)


def _words(want: str, x: torch.Tensor, alone: bool) -> str:
    hint = "; did you forget the batch axis?" if alone else ""
    return f"x must be ({want}) for this basis, got {tuple(x.shape)}{hint}"
