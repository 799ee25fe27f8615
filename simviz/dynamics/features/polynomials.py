"""Polynomials of the state: monomials, and Chebyshev polynomials, which are orthogonal on an interval."""

from __future__ import annotations

import abc
import functools
from collections.abc import Sequence

import torch

from simviz import checks
from simviz.dynamics.features.dictionary import Dictionary, labels


@functools.lru_cache(maxsize=64)
def exponents(dim: int, degree: int) -> tuple[tuple[int, ...], ...]:
    """Return all exponents of dim variables of total degree 0, 1, .. degree, in that order."""
    found: list[tuple[int, ...]] = [(0,) * dim]
    last = found
    for _ in range(degree):
        raised = {(*e[:i], e[i] + 1, *e[i + 1 :]) for e in last for i in range(dim)}
        last = sorted(raised, reverse=True)
        found = found + last
    return tuple(found)


class _Polynomials(Dictionary):
    """Products of one polynomial a coordinate, of total degree at most `degree`, the constant first."""

    def __init__(self, degree: int) -> None:
        self.degree = checks.positive_int("degree", degree, 0)

    @abc.abstractmethod
    def ladder(self, points: torch.Tensor) -> torch.Tensor:
        """(..., dim) -> (..., dim, degree + 1): the polynomials of degree 0, 1, .. of every coordinate."""

    @abc.abstractmethod
    def name(self, coordinate: str, power: int) -> str:
        """Return what that polynomial of a coordinate is called."""

    def values(self, points: torch.Tensor) -> torch.Tensor:
        powers = torch.tensor(exponents(points.shape[-1], self.degree), device=points.device)  # (size, dim)
        ladder = self.ladder(points)  # (..., dim, degree + 1)
        found = ladder[..., 0, :].index_select(-1, powers[:, 0])  # (..., size)
        for i in range(1, points.shape[-1]):
            found = found * ladder[..., i, :].index_select(-1, powers[:, i])
        return found

    def names(self, dim: int, coordinates: Sequence[str] | None = None) -> tuple[str, ...]:
        called = labels(dim, coordinates)
        words = (
            " ".join(self.name(c, p) for c, p in zip(called, e, strict=True) if p) for e in exponents(dim, self.degree)
        )
        return tuple(word or "1" for word in words)


class Monomials(_Polynomials):
    """All monomials of the coordinates up to a total degree, the constant first. Monomials(0) is the constant alone.

    Raises ValueError for a degree below 0. On a large box their columns are nearly dependent: prefer `Chebyshev`.

    >>> Monomials(2).names(2)
    ('1', 's1', 's2', 's1^2', 's1 s2', 's2^2')
    """

    def ladder(self, points: torch.Tensor) -> torch.Tensor:
        rungs = [torch.ones_like(points)]
        for _ in range(self.degree):
            rungs.append(rungs[-1] * points)
        return torch.stack(rungs, -1)

    def name(self, coordinate: str, power: int) -> str:
        return coordinate if power == 1 else f"{coordinate}^{power}"


class Chebyshev(_Polynomials):
    r"""Chebyshev polynomials :math:`T_k(u)`, u the coordinate scaled from [low, high] to [-1, 1], k up to `degree`.

    low, high: numbers, or one a coordinate; points outside are allowed and grow there like any polynomial. Of several
    coordinates: all products up to that total degree (the full grid of products is `Tensor(Chebyshev(..), ..)`).
    Raises ValueError for a degree below 0, or low not below high.
    """

    def __init__(self, degree: int, low: float | Sequence[float] = -1.0, high: float | Sequence[float] = 1.0) -> None:
        super().__init__(degree)
        self.low, self.high = checks.tensor("low", low).double(), checks.tensor("high", high).double()
        if self.low.ndim > 1 or self.high.ndim > 1 or not bool((self.low < self.high).all()):
            raise ValueError(f"low must lie below high, a number or one a coordinate, got low {low}, high {high}")

    def ladder(self, points: torch.Tensor) -> torch.Tensor:
        low, high = self.low.to(points), self.high.to(points)
        for end in (low, high):
            if end.ndim and len(end) != points.shape[-1]:
                raise ValueError(f"points must be (..., {len(end)}) as low and high are, got {tuple(points.shape)}")
        u = (2 * points - low - high) / (high - low)
        rungs = [torch.ones_like(u), u]
        for _ in range(self.degree - 1):
            rungs.append(2 * u * rungs[-1] - rungs[-2])
        return torch.stack(rungs[: self.degree + 1], -1)

    def name(self, coordinate: str, power: int) -> str:
        return f"T{power}({coordinate})"
