"""Which fixed observables approximate a kernel? Frozen random Fourier features as a layer (Rahimi and Recht 2007)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.dynamics import features as dictionaries
from simviz.models.config import register


@register
class RandomFourier(nn.Module):
    r"""Frozen random Fourier features as a layer: :math:`\psi(u) \cdot \psi(v)` approximates a kernel of u - v.

    inputs: numbers in one u; features: D; bandwidth: the kernel's length scale, in units of x, or "median": the median
    distance between two samples of the first batch that passes (or of what `set_bandwidth` is given); seed: of the
    draw; kernel: "gaussian" or "laplace"; form: "cos-sin", D even, or "cos-bias" (see
    `simviz.dynamics.features.RandomFourier`, which draws them). The directions are one buffer, (D / 2, inputs), with
    cos-bias (D, inputs) and D phases; they are saved with the model and never trained.
    x: (batch, inputs), or (batch, time, inputs) of a sequence -> (batch, D), or (batch, time, D). Raises ValueError for
    odd D with cos-sin, bandwidth <= 0, x of another size.
    """

    directions: torch.Tensor
    phases: torch.Tensor | None
    bandwidth: torch.Tensor

    def __init__(
        self,
        inputs: int,
        features: int,
        bandwidth: float | str = 1.0,
        seed: int = 0,
        *,
        kernel: str = "gaussian",
        form: str = "cos-sin",
    ) -> None:
        super().__init__()
        if isinstance(bandwidth, str) and bandwidth != "median":
            raise ValueError(f'bandwidth must be a number above 0 or "median", got {bandwidth!r}')
        self.known = bandwidth != "median"
        width = checks.positive("bandwidth", bandwidth) if self.known else math.nan
        drawn = dictionaries.RandomFourier(inputs, features, 1.0, kernel, seed, form=form)
        self.inputs, self.d = drawn.inputs, drawn.features
        self.options: dict[str, Any] = {
            "inputs": inputs,
            "features": features,
            "bandwidth": bandwidth,
            "seed": seed,
            "kernel": kernel,
            "form": form,
        }
        directions = drawn.directions / width if self.known else drawn.directions
        self.register_buffer("directions", directions.to(torch.get_default_dtype()))
        self.register_buffer("phases", None if drawn.phases is None else drawn.phases.to(torch.get_default_dtype()))
        self.register_buffer("bandwidth", torch.tensor(width, dtype=self.directions.dtype))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., inputs) -> (..., D)."""
        if x.ndim < 2 or x.shape[-1] != self.inputs:
            hint = "; did you forget the batch axis?" if x.ndim == 1 and len(x) == self.inputs else ""
            raise ValueError(f"x must be (batch, {self.inputs}) for this basis, got {tuple(x.shape)}{hint}")
        if not self.known:
            self.set_bandwidth(x)
        return dictionaries.random_fourier(x, self.directions, self.phases)

    @torch.no_grad()
    def set_bandwidth(self, x: torch.Tensor) -> float:
        """Take the median distance between two samples of x, (..., inputs), as bandwidth, and return it.

        Raises ValueError where x holds fewer than two different samples, so that there is no distance above 0.
        """
        points = x.detach().reshape(-1, self.inputs)
        width = dictionaries.median_distance(points)
        self.directions.mul_((self.bandwidth if self.known else 1.0) / width)
        self.bandwidth.fill_(width)
        self.known = True
        return width

    def _load_from_state_dict(self, *arguments: Any) -> None:
        super()._load_from_state_dict(*arguments)
        self.known = not bool(torch.isnan(self.bandwidth))
