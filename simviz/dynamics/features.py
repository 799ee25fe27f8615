"""Which functions of the state are observed? Dictionaries of observables; random Fourier features live here alone."""

from __future__ import annotations

from typing import Any

import torch

from simviz import checks

KERNELS = ("gaussian",)


def random_fourier(points: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    r"""Return :math:`[\cos \Xi u, \sin \Xi u] / \sqrt{D / 2}` for points u, (..., inputs) -> (..., D).

    directions: :math:`\Xi`, (D / 2, inputs). Rahimi and Recht, 2007.
    """
    angles = points @ directions.T  # (..., D / 2)
    return torch.cat([angles.cos(), angles.sin()], -1) / len(directions) ** 0.5


class RandomFourier:
    r"""Random Fourier features: :math:`\psi(u) \cdot \psi(v)` approximates a kernel of u - v, the better the larger D.

    inputs: dimension of the points; features: D, even; bandwidth: the kernel's length scale, in units of the points;
    kernel "gaussian": :math:`\exp(-|u - v|^2 / 2 \text{bandwidth}^2)`, directions drawn from
    :math:`N(0, 1 / \text{bandwidth}^2)`; seed: of their draw. The error of the kernel falls as :math:`1 / \sqrt D`.
    Raises ValueError for an odd number of features or a bandwidth that is not above 0.

    >>> psi = RandomFourier(inputs=2, features=2000, bandwidth=1.0)
    >>> u, v = torch.zeros(2), torch.tensor([1.0, 0.0])
    >>> abs(float(psi(u) @ psi(v)) - 0.6065) < 0.05
    True
    """

    def __init__(
        self, inputs: int, features: int, bandwidth: float = 1.0, kernel: str = "gaussian", seed: int = 0
    ) -> None:
        self.inputs = checks.positive_int("inputs", inputs)
        self.features = checks.positive_int("features", features, 2)
        if features % 2:
            raise ValueError(f"features must be even, a cosine and a sine for each direction, got {features}")
        self.bandwidth = checks.positive("bandwidth", bandwidth)
        self.kernel = checks.one_of("kernel", kernel, KERNELS)
        generator = torch.Generator().manual_seed(checks.positive_int("seed", seed, 0))
        standard = torch.randn(features // 2, inputs, generator=generator, dtype=torch.float64)
        self.directions = standard / self.bandwidth  # (D / 2, inputs)

    def __call__(self, points: Any) -> torch.Tensor:
        """Return the features of points (..., inputs) as (..., features), on their device and in their dtype."""
        points = checks.tensor("points", points)
        if points.shape[-1] != self.inputs:
            raise ValueError(f"points must be (..., {self.inputs}), got {tuple(points.shape)}")
        return random_fourier(points, self.directions.to(points))
