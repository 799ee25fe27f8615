"""How does a network see data of any size and unit? A frozen shift and scale, kept with the model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from simviz.models.config import register


@register
class Affine(nn.Module):
    """Return (x - shift) / scale along the last axis; both frozen, so that a saved model knows its units.

    shift, scale: one number an entry of the last axis; scale must not hold a zero. `inverse()` undoes it.
    """

    shift: torch.Tensor
    scale: torch.Tensor

    def __init__(self, shift: Sequence[float], scale: Sequence[float]) -> None:
        super().__init__()
        self.options = {"shift": [float(v) for v in shift], "scale": [float(v) for v in scale]}
        if len(self.options["shift"]) != len(self.options["scale"]) or 0.0 in self.options["scale"]:
            raise ValueError(f"shift and scale must be equally long, scale without a zero, got {self.options}")
        self.register_buffer("shift", torch.tensor(self.options["shift"]))
        self.register_buffer("scale", torch.tensor(self.options["scale"]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., n) -> (..., n)."""
        return (x - self.shift) / self.scale

    def inverse(self) -> Affine:
        """Return the map back: y -> y * scale + shift."""
        pairs = list(zip(self.options["shift"], self.options["scale"], strict=True))
        return Affine([-shift / scale for shift, scale in pairs], [1 / scale for _, scale in pairs])
