"""Observables of a torus, and products of dictionaries, each reading its own coordinates."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Sequence

import torch

from simviz import checks
from simviz.dynamics.features.dictionary import Dictionary, as_dictionary, labels


def outer(parts: Iterable[torch.Tensor]) -> torch.Tensor:
    """[(..., m), (..., n), ..] -> (..., m n ..): every product of one entry of each."""
    return functools.reduce(lambda a, b: (a[..., :, None] * b[..., None, :]).flatten(-2), parts)


def product_names(parts: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """Join the names in the order of `outer`; the factor 1 is not written."""
    return tuple(" ".join(word for word in words if word != "1") or "1" for words in itertools.product(*parts))


class Fourier(Dictionary):
    r"""Products of :math:`1, \cos k s_i, \sin k s_i`, k up to `harmonics`, over the coordinates: angles, in radians.

    Real, and yet exact: their complex span is that of :math:`e^{i (k_1 s_1 + k_2 s_2 ..)}`, every |k_i| up to
    `harmonics`, so on a rotation EDMD finds :math:`e^{i k \cdot \alpha}` to rounding, in real arithmetic.
    Size (2 harmonics + 1)^dim. Raises ValueError for harmonics below 0.

    >>> Fourier(1).names(1, ["theta"])
    ('1', 'cos(theta)', 'sin(theta)')
    """

    def __init__(self, harmonics: int) -> None:
        self.harmonics = checks.positive_int("harmonics", harmonics, 0)

    def values(self, points: torch.Tensor) -> torch.Tensor:
        k = torch.arange(1, self.harmonics + 1, device=points.device, dtype=points.dtype)
        turned = points[..., None] * k  # (..., dim, harmonics)
        waves = torch.stack([turned.cos(), turned.sin()], -1).flatten(-2)  # (..., dim, 2 harmonics)
        rows = torch.cat([torch.ones_like(points[..., None]), waves], -1)  # (..., dim, 2 harmonics + 1)
        return outer(rows.unbind(-2))

    def names(self, dim: int, coordinates: Sequence[str] | None = None) -> tuple[str, ...]:
        rows = []
        for name in labels(dim, coordinates):
            row = ["1"]
            for k in range(1, self.harmonics + 1):
                angle = name if k == 1 else f"{k} {name}"
                row += [f"cos({angle})", f"sin({angle})"]
            rows.append(row)
        return product_names(rows)

    def size(self, dim: int) -> int:
        return (2 * self.harmonics + 1) ** dim


class Tensor(Dictionary):
    """All products of one observable of each factor: factor i reads coordinate i, or the columns named.

    columns: for each factor an index or several. Raises ValueError for no factors, or columns that do not fit them.

    >>> from simviz.dynamics.features import Monomials
    >>> Tensor(Monomials(1), Fourier(1)).names(2)
    ('1', 'cos(s2)', 'sin(s2)', 's1', 's1 cos(s2)', 's1 sin(s2)')
    """

    def __init__(self, *factors: Dictionary, columns: Sequence[int | Sequence[int]] | None = None) -> None:
        if not factors:
            raise ValueError("Tensor needs at least one factor, got none: the dictionary would be empty")
        self.factors = tuple(as_dictionary(factor) for factor in factors)
        if any(factor.window is not None for factor in self.factors):
            raise ValueError("Tensor multiplies observables of one state, not of a window: put it inside Delays")
        chosen = range(len(factors)) if columns is None else columns
        self.columns = tuple([c] if isinstance(c, int) else list(c) for c in chosen)
        if len(self.columns) != len(factors) or not all(self.columns) or any(i < 0 for c in self.columns for i in c):
            raise ValueError(f"columns must name the coordinates of each of {len(factors)} factors, got {columns}")

    def _fit(self, dim: int) -> None:
        needed = 1 + max(i for part in self.columns for i in part)
        if dim < needed:
            raise ValueError(f"the factors of this Tensor read {needed} coordinates, but the points have {dim}")

    def values(self, points: torch.Tensor) -> torch.Tensor:
        self._fit(points.shape[-1])
        return outer(f.values(points[..., c]) for f, c in zip(self.factors, self.columns, strict=True))

    def names(self, dim: int, coordinates: Sequence[str] | None = None) -> tuple[str, ...]:
        self._fit(dim)
        called = labels(dim, coordinates)
        pairs = zip(self.factors, self.columns, strict=True)
        return product_names([f.names(len(c), [called[i] for i in c]) for f, c in pairs])

    def size(self, dim: int) -> int:
        self._fit(dim)
        return math.prod(f.size(len(c)) for f, c in zip(self.factors, self.columns, strict=True))
