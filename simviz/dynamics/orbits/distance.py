"""How far is one set from another? Distances in both directions, since a point of a cycle is not the cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from simviz import checks


@dataclass(frozen=True)
class SetDistance:
    """Distances between two sets of points, in their units.

    forward: from every point of the first to the nearest of the second, (points,); backward: the other way.
    """

    forward: torch.Tensor
    backward: torch.Tensor

    def larger(self, quantile: float = 0.95) -> float:
        """Return the larger of both directions at a quantile; quantile=1 is the Hausdorff distance."""
        quantile = checks.real("quantile", quantile, 0.0, 1.0)
        return max(float(side.quantile(quantile)) for side in (self.forward, self.backward))

    @property
    def hausdorff(self) -> float:
        """The Hausdorff distance: the largest of all distances, in both directions."""
        return self.larger(1.0)

    @property
    def mean(self) -> float:
        """The larger of both directions' means."""
        return max(float(self.forward.mean()), float(self.backward.mean()))


def set_distance(first: Any, second: Any) -> SetDistance:
    """Measure two sets of points, (m, dim) and (n, dim), NumPy or torch, against each other.

    >>> set_distance([[0.0, 0.0]], [[0.0, 1.0], [0.0, 3.0]]).larger(1.0)
    3.0
    """
    first = checks.tensor("first", first, (None, None), "(points, dim)")
    second = checks.tensor("second", second, (None, first.shape[1]), f"(points, {first.shape[1]})").to(first)
    return SetDistance(_nearest(first, second), _nearest(second, first))


def _nearest(points: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """From every point to the nearest of the others, (m, dim), (n, dim) -> (m,); by differences, which lose nothing."""
    exact = "donot_use_mm_for_euclid_dist"
    return torch.cat([torch.cdist(part, others, compute_mode=exact).amin(1) for part in points.split(4096)])
