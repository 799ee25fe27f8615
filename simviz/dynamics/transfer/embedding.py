r"""How do densities move, when they are written in random features? The Perron-Frobenius operator on mean embeddings.

A distribution is held as the mean of its points' features, :math:`m = E\,\psi(s)`: an approximate kernel mean
embedding. The operator carries :math:`\psi(s)` to :math:`\psi(F(s))`, so its matrix M, :math:`m' = M m`, is the
transpose of EDMD's in the same features, and shares its eigenvalues (Klus, Schuster and Muandet 2020).

Many random features of few coordinates are nearly dependent, and what is fitted along the directions in which they
hardly vary is noise that grows from step to step. So only their principal directions take part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from simviz import checks
from simviz.dynamics.features import Module, RandomFourier
from simviz.dynamics.koopman import Koopman, edmd
from simviz.records import Spectrum


@dataclass(frozen=True, eq=False)
class FeatureTransfer:
    """The Perron-Frobenius operator on the mean embeddings of D random features.

    koopman: EDMD in the features' principal directions, with residuals; features: psi; matrix: M, (D, D) real, of rank
    `koopman.rank`; mean: (D,) embedding of the snapshots that it was learned from.
    """

    koopman: Koopman
    features: RandomFourier
    matrix: torch.Tensor
    mean: torch.Tensor

    @property
    def spectrum(self) -> Spectrum:
        """Eigenvalues, with the residuals of the Koopman eigenfunctions on snapshots that were not fitted."""
        return self.koopman.spectrum

    def embed(self, points: Any) -> torch.Tensor:
        """Return the mean embedding of an ensemble of points (n, dim), (D,)."""
        points = checks.tensor("points", points, (None, self.features.inputs), f"(n, {self.features.inputs})")
        return self.features(points.to(self.matrix)).mean(0)

    def push(self, mean: Any, steps: int) -> torch.Tensor:
        """Carry a mean embedding on: (D,) -> (steps + 1, D), the first as given."""
        now = checks.tensor("mean", mean, (len(self.matrix),), f"({len(self.matrix)},)").to(self.matrix)
        path = [now]
        for _ in range(checks.positive_int("steps", steps, 0)):
            path.append(self.matrix @ path[-1])
        return torch.stack(path)

    def invariant(self) -> torch.Tensor:
        """Return the embedding that stands still, (D,): the eigenvector of the eigenvalue nearest 1.

        Scaled to lie as near as it can to the embedding of the snapshots. That eigenvalue is 1 to within its residual.
        """
        values, vectors = torch.linalg.eig(self.matrix)
        standing = vectors[:, (values - 1).abs().argmin()].real
        return standing * (standing @ self.mean) / (standing @ standing)

    def density(self, points: Any, mean: Any) -> torch.Tensor:
        r"""Return the density of an embedding at points, (n, dim) -> (n,), per unit of length or area.

        :math:`\psi(s) \cdot m / (2 \pi b^2)^{dim / 2}`: the density blurred by the Gaussian of the bandwidth b, with
        the noise of D random features, so that it may fall below 0.
        """
        dim, width = self.features.inputs, self.features.bandwidth
        points = checks.tensor("points", points, (None, dim), f"(n, {dim})").to(self.matrix)
        mean = checks.tensor("mean", mean, (len(self.matrix),), f"({len(self.matrix)},)").to(self.matrix)
        return self.features(points) @ mean / (2 * math.pi * width**2) ** (dim / 2)


def random_features(
    before: Any,
    after: Any,
    features: RandomFourier,
    *,
    dt: float = 1.0,
    tolerance: float = 1e-3,
    check: Any = None,
    seed: int = 0,
) -> FeatureTransfer:
    """Learn the Perron-Frobenius operator from snapshots s, F(s), (n, dim), in Gaussian random Fourier features.

    tolerance: principal directions take part whose spread over the snapshots is above this part of the largest;
    check, seed: how the residuals are measured, as in `koopman.edmd`. Raises ValueError for another kernel, whose
    features hold no density of finite variance, and for snapshots that `koopman.edmd` refuses.
    """
    if not isinstance(features, RandomFourier) or features.kernel != "gaussian" or features.form != "cos-sin":
        raise ValueError("features must be RandomFourier(..., kernel='gaussian', form='cos-sin')")
    tolerance = checks.real("tolerance", tolerance, 0.0, 1.0, low_open=True, high_open=True)
    seen = features(checks.tensor("before", before, (None, features.inputs), f"(n, {features.inputs})").double())
    moments, directions = torch.linalg.eigh(seen.T @ seen / len(seen))
    kept = moments > tolerance**2 * moments[-1]
    spread, directions = moments[kept].sqrt(), directions[:, kept]  # (r,), (D, r)

    def principal(s: torch.Tensor) -> torch.Tensor:
        return features(s) @ (directions / spread).to(s)

    names = [f"direction {i + 1}" for i in range(len(spread))]
    fitted = edmd(before, after, Module(principal, names), dt=dt, check=check, seed=seed)
    matrix = (directions * spread) @ fitted.matrix.T @ (directions / spread).T  # (D, D)
    return FeatureTransfer(fitted, features, matrix, seen.mean(0))
