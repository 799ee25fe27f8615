"""Bumps round centres: radial basis functions, their centres given or found by k-means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from simviz import checks
from simviz.dynamics.features.dictionary import Dictionary

SAMPLE = 2000
"""Points that `median_distance` looks at, evenly spaced in the order given: two million pairs."""


def median_distance(points: torch.Tensor) -> float:
    """Return the median distance between two of the points (samples, ...): the usual first guess at a bandwidth.

    Of more than 2,000 points, 2,000 evenly spaced ones are looked at. Raises ValueError for fewer than two points, or
    where more than half of the pairs coincide.
    """
    points = checks.tensor("points", points).detach().flatten(1)
    points = points[:: -(-len(points) // SAMPLE)]
    if len(points) < 2:
        raise ValueError(f"points must hold at least 2 samples for a median distance, got {len(points)}")
    median = float(torch.pdist(points).median())
    if not median > 0:
        raise ValueError("points must differ for a median distance, but more than half of the pairs coincide")
    return median


def bandwidth_of(bandwidth: float | str, points: torch.Tensor) -> float:
    """Return a bandwidth that is above 0: the number given, or the median distance of points (samples, dim)."""
    if isinstance(bandwidth, str):
        checks.one_of("bandwidth", bandwidth, ("median",))
        return median_distance(points)
    return checks.positive("bandwidth", bandwidth)


class RBF(Dictionary):
    r"""Gaussian bumps :math:`\exp(-|s - c|^2 / 2 \text{bandwidth}^2)`, one round each centre.

    centres: (count, dim); bandwidth: in units of the state, or "median", the median distance of two centres. The
    constant is not among them: `Stack(Monomials(0), RBF(..))` adds it. Raises ValueError for centres of another shape,
    points of another dimension, a bandwidth not above 0.
    """

    def __init__(self, centres: Any, bandwidth: float | str = "median") -> None:
        self.centres = checks.tensor("centres", centres, (None, None), "(count, dim)").double()
        self.bandwidth = bandwidth_of(bandwidth, self.centres)

    @classmethod
    def from_data(cls, points: Any, count: int, bandwidth: float | str = "median", seed: int = 0) -> RBF:
        """Return the dictionary with `count` centres found by k-means (scikit-learn) in points (samples, dim)."""
        from sklearn.cluster import KMeans  # half a second to import, and only this needs it

        points = checks.tensor("points", points, (None, None), "(samples, dim)")
        if checks.positive_int("count", count) > len(points):
            raise ValueError(f"count must be at most the number of points, {len(points)}, got {count}")
        means = KMeans(count, n_init=1, random_state=checks.positive_int("seed", seed, 0))
        centres = means.fit(points.detach().cpu().double().numpy()).cluster_centers_
        return cls(torch.as_tensor(centres, device=points.device), bandwidth)

    def values(self, points: torch.Tensor) -> torch.Tensor:
        if points.shape[-1] != self.centres.shape[1]:
            raise ValueError(f"points must be (..., {self.centres.shape[1]}), got {tuple(points.shape)}")
        flat = points.reshape(-1, points.shape[-1])
        squares = torch.cdist(flat, self.centres.to(points)).square()  # (rows, count)
        return (-squares / (2 * self.bandwidth**2)).exp().reshape(*points.shape[:-1], -1)

    def names(self, dim: int, coordinates: Sequence[str] | None = None) -> tuple[str, ...]:
        return tuple(f"bump({', '.join(f'{x:.3g}' for x in centre)})" for centre in self.centres.tolist())

    def size(self, dim: int) -> int:
        return len(self.centres)
