r"""Extended DMD whose observables a kernel chooses: its principal directions on the fitted snapshots.

Williams, Rowley and Kevrekidis 2015; in the form of two data sets, one to choose and fit, one to check: Colbrook and
Townsend 2021. With as many observables as snapshots every fit is perfect, and only fresh snapshots can tell.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from simviz import checks
from simviz.dynamics.features import Dictionary, Identity
from simviz.dynamics.features.radial import bandwidth_of
from simviz.dynamics.koopman.evidence import rank_of
from simviz.dynamics.koopman.extended import fitted, sources
from simviz.dynamics.koopman.result import Koopman


class Kernel(abc.ABC):
    """A positive definite function of two points: (m, dim), (n, dim) -> (m, n)."""

    @abc.abstractmethod
    def __call__(self, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor: ...

    def fitted(self, points: torch.Tensor) -> Kernel:
        """Return the kernel with what it takes from the fitted points (samples, dim), such as a median bandwidth."""
        return self


@dataclass(frozen=True)
class Gaussian(Kernel):
    r""":math:`\exp(-|u - v|^2 / 2 \text{bandwidth}^2)`; bandwidth in units of the state, or "median"."""

    bandwidth: float | str = "median"

    def __post_init__(self) -> None:
        _check_bandwidth(self.bandwidth)

    def __call__(self, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return (-torch.cdist(u, v).square() / (2 * float(self.bandwidth) ** 2)).exp()

    def fitted(self, points: torch.Tensor) -> Gaussian:
        return dataclasses.replace(self, bandwidth=bandwidth_of(self.bandwidth, points))


@dataclass(frozen=True)
class Laplace(Kernel):
    r""":math:`\exp(-|u - v|_1 / \text{bandwidth})`, the sum of the coordinates' distances; bandwidth or "median"."""

    bandwidth: float | str = "median"

    def __post_init__(self) -> None:
        _check_bandwidth(self.bandwidth)

    def __call__(self, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return (-torch.cdist(u, v, p=1.0) / float(self.bandwidth)).exp()

    def fitted(self, points: torch.Tensor) -> Laplace:
        return dataclasses.replace(self, bandwidth=bandwidth_of(self.bandwidth, points))


@dataclass(frozen=True)
class Polynomial(Kernel):
    r""":math:`(1 + u \cdot v)^{\text{degree}}`: all monomials up to that degree, without writing them down."""

    degree: int = 2

    def __post_init__(self) -> None:
        checks.positive_int("degree", self.degree)

    def __call__(self, u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return (1 + u @ v.T) ** self.degree


def _check_bandwidth(bandwidth: float | str) -> None:
    if isinstance(bandwidth, str):
        checks.one_of("bandwidth", bandwidth, ("median",))
    else:
        checks.positive("bandwidth", bandwidth)


class KernelDirections(Dictionary):
    r"""Observables :math:`k(s, X) U \Sigma^{-1}`, where :math:`k(X, X) = U \Sigma^2 U^T` on fitted points X."""

    def __init__(self, kernel: Kernel, points: torch.Tensor, rank: int | None = None) -> None:
        self.kernel, self.points = kernel, points
        values, vectors = torch.linalg.eigh(kernel(points, points))
        values, vectors = values.flip(0), vectors.flip(1)
        kept = min(rank_of(values, values.dtype), rank or len(values))
        self.coefficients = vectors[:, :kept] / values[:kept].sqrt()  # (m, r)

    def values(self, points: torch.Tensor) -> torch.Tensor:
        rows = points.reshape(-1, points.shape[-1])
        found = self.kernel(rows, self.points.to(points)) @ self.coefficients.to(points)  # (rows, r)
        return found.reshape(*points.shape[:-1], -1)

    def names(self, dim: int, coordinates: Sequence[str] | None = None) -> tuple[str, ...]:
        return tuple(f"kernel direction {i + 1}" for i in range(self.coefficients.shape[1]))


def kernel_edmd(
    before: Any,
    after: Any,
    kernel: Kernel | None = None,
    *,
    rank: int | None = None,
    dt: float = 1.0,
    check: Any = None,
    seed: int = 0,
) -> Koopman:
    """Fit the Koopman matrix on the principal directions of a kernel; see `edmd` for data, check and result.

    kernel: `Gaussian()` unless given, `Laplace`, `Polynomial(degree)`; rank: how many directions at most, None for all
    that stand above rounding. The directions come from the fitted snapshots alone, the residuals from those of check.
    Time grows with the cube of the fitted snapshots, memory with their square: some thousands are the limit.
    """
    kernel, dt = Gaussian() if kernel is None else kernel, checks.positive("dt", dt)
    if not isinstance(kernel, Kernel):
        raise ValueError(f"kernel must be a Kernel such as Gaussian(bandwidth=1.0), got {kernel!r}")
    if rank is not None:
        checks.positive_int("rank", rank)
    parts = sources(before, after, None, Identity(), check, seed)
    points = parts.fit.points()
    dictionary = KernelDirections(kernel.fitted(points), points, rank)
    return fitted(parts, dictionary, dt=dt, method="kernel EDMD")
