"""Random Fourier features: observables whose inner products approximate a kernel (Rahimi and Recht 2007)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from simviz import checks
from simviz.dynamics.features.dictionary import Dictionary

KERNELS = ("gaussian", "laplace")
FORMS = ("cos-sin", "cos-bias")


def random_fourier(points: torch.Tensor, directions: torch.Tensor, phases: torch.Tensor | None = None) -> torch.Tensor:
    r"""Return :math:`[\cos \Xi u, \sin \Xi u] / \sqrt{D / 2}` for points u, (..., inputs) -> (..., D).

    directions: :math:`\Xi`, (D / 2, inputs). With phases b, (D,), and directions (D, inputs):
    :math:`\cos(\Xi u + b) / \sqrt{D / 2}`. Rahimi and Recht, 2007.
    """
    angles = points @ directions.T  # (..., D / 2), or (..., D) with phases
    if phases is not None:
        return (angles + phases).cos() / (len(directions) / 2) ** 0.5
    return torch.cat([angles.cos(), angles.sin()], -1) / len(directions) ** 0.5


class RandomFourier(Dictionary):
    r"""Random Fourier features: :math:`\psi(u) \cdot \psi(v)` approximates a kernel of u - v, the better the larger D.

    inputs: dimension of the points; features: D, even in the form "cos-sin"; bandwidth: the kernel's length scale, in
    units of the points; seed: of the draw. kernel "gaussian": :math:`\exp(-|u - v|^2 / 2 \text{bandwidth}^2)`,
    directions from :math:`N(0, 1 / \text{bandwidth}^2)`; "laplace": the product kernel
    :math:`\exp(-|u - v|_1 / \text{bandwidth})`, directions Cauchy of scale 1 / bandwidth. form "cos-sin":
    :math:`[\cos \Xi u, \sin \Xi u] / \sqrt{D / 2}`, every :math:`\psi(u)` of length 1; "cos-bias":
    :math:`\cos(\Xi u + b) / \sqrt{D / 2}`, b uniform in :math:`[0, 2 \pi)`, twice as many directions for the same D and
    length 1 on average. The error of the kernel falls as :math:`1 / \sqrt D`.
    Raises ValueError for an odd number of features, a bandwidth that is not above 0, points of another dimension.

    >>> psi = RandomFourier(inputs=2, features=2000, bandwidth=1.0)
    >>> u, v = torch.zeros(2), torch.tensor([1.0, 0.0])
    >>> abs(float(psi(u) @ psi(v)) - 0.6065) < 0.05
    True
    """

    def __init__(
        self,
        inputs: int,
        features: int,
        bandwidth: float = 1.0,
        kernel: str = "gaussian",
        seed: int = 0,
        *,
        form: str = "cos-sin",
    ) -> None:
        self.inputs = checks.positive_int("inputs", inputs)
        self.form = checks.one_of("form", form, FORMS)
        paired = form == "cos-sin"
        self.features = checks.positive_int("features", features, 1 + paired)
        if paired and features % 2:
            raise ValueError(f"features must be even, a cosine and a sine for each direction, got {features}")
        self.bandwidth = checks.positive("bandwidth", bandwidth)
        self.kernel = checks.one_of("kernel", kernel, KERNELS)
        generator = torch.Generator().manual_seed(checks.positive_int("seed", seed, 0))
        shape = (features // 2 if paired else features, inputs)
        if kernel == "gaussian":
            standard = torch.randn(*shape, generator=generator, dtype=torch.float64, device=generator.device)
        else:
            uniform = torch.rand(*shape, generator=generator, dtype=torch.float64, device=generator.device)
            standard = (math.pi * (uniform - 0.5)).tan()
        self.directions = standard / self.bandwidth  # (D / 2, inputs), or (D, inputs) with phases
        self.phases = None  # or (D,)
        if not paired:
            turns = torch.rand(features, generator=generator, dtype=torch.float64, device=generator.device)
            self.phases = 2 * math.pi * turns

    def values(self, points: torch.Tensor) -> torch.Tensor:
        if points.shape[-1] != self.inputs:
            raise ValueError(f"points must be (..., {self.inputs}), got {tuple(points.shape)}")
        phases = None if self.phases is None else self.phases.to(points)
        return random_fourier(points, self.directions.to(points), phases)

    def names(self, dim: int, coordinates: Sequence[str] | None = None) -> tuple[str, ...]:
        waves = ("cos", "sin") if self.form == "cos-sin" else ("cos",)
        return tuple(f"{wave} wave {i + 1}" for wave in waves for i in range(len(self.directions)))

    def size(self, dim: int) -> int:
        return self.features
