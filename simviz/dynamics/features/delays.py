"""What did the state look like a little earlier? Delay observables of a window of the past (Takens 1981)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from simviz import checks
from simviz.dynamics.features.dictionary import Dictionary, Identity, as_dictionary, labels


class Delays(Dictionary):
    """The observables of `inner` at now and at count - 1 earlier times, `gap` steps apart.

    A point is a window (..., count, dim), the newest state last -> (..., count x inner's size), oldest first;
    `koopman.edmd_orbits` cuts the windows itself. constant: with the observable 1 in front. Raises ValueError for
    windows of another length, or an inner dictionary that reads windows itself.

    >>> Delays(2, gap=3).names(1)
    ('s1[t-3]', 's1[t]')
    """

    window: tuple[int, int]

    def __init__(self, count: int, inner: Dictionary | None = None, gap: int = 1, constant: bool = False) -> None:
        self.inner = Identity() if inner is None else as_dictionary(inner)
        if self.inner.window is not None:
            raise ValueError("inner must observe one state, but it reads windows: write one Delays with a larger count")
        self.window = (checks.positive_int("count", count), checks.positive_int("gap", gap))
        self.constant = bool(constant)

    def values(self, points: torch.Tensor) -> torch.Tensor:
        count = self.window[0]
        if points.ndim < 2 or points.shape[-2] != count:
            raise ValueError(f"points must be windows (..., {count}, dim), got {tuple(points.shape)}")
        found = self.inner.values(points).flatten(-2)  # (..., count inner)
        return torch.cat([torch.ones_like(found[..., :1]), found], -1) if self.constant else found

    def names(self, dim: int, coordinates: Sequence[str] | None = None) -> tuple[str, ...]:
        count, gap = self.window
        called = labels(dim, coordinates)
        found: tuple[str, ...] = ("1",) * self.constant
        for lag in range((count - 1) * gap, -1, -gap):
            found += self.inner.names(dim, [f"{name}[t-{lag}]" if lag else f"{name}[t]" for name in called])
        return found

    def size(self, dim: int) -> int:
        return self.constant + self.window[0] * self.inner.size(dim)
