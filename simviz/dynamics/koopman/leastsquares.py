r"""How is :math:`\min |\sqrt W (P_x C - Q)|` solved over more snapshots than memory holds? Gram, or streamed QR.

Normal equations cost half of a QR and lose twice the digits, so the condition number of the column-scaled
:math:`P_x` decides. Demmel et al. 2012 (the QR of tall matrices block by block).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

GRAM_LIMIT = 1e4
"""Condition number of the column-scaled observables up to which normal equations are solved: they cost 1e-8 there."""


def weighted(rows: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
    """(rows, n) times the root of one weight a row."""
    return rows if weights is None else rows * weights.sqrt()[:, None]


def scale_of(factor: torch.Tensor) -> torch.Tensor:
    """Return the columns' norms, (n,), 1 where a column is zero."""
    norms = factor.norm(dim=0)
    return torch.where(norms > 0, norms, 1.0)


def spread(values: torch.Tensor, floor: float) -> float:
    """Return the ratio of the largest to the smallest of ascending or descending values; inf below the floor."""
    low, high = float(values.min()), float(values.max())
    return high / low if low > floor * high else float("inf")


@dataclass(frozen=True)
class Factored:
    r"""The least-squares problem in n rows: :math:`|\sqrt W (P_x C - Q)|^2 = |R C - Z|^2 +` what no C can change.

    R: (k, n), Z: (k, q), k <= n; method: "Gram" or "QR"; condition: of the column-scaled observables; rows: snapshots;
    blurred: snapshots that were summed into a Gram matrix before the condition number passed the limit (of these,
    directions below 1e-8 of an observable's size are lost); weight: sum of the weights.
    """

    R: torch.Tensor
    Z: torch.Tensor
    method: str
    condition: float
    rows: int
    blurred: int
    weight: float


class LeastSquares:
    """Sums blocks of rows into a Gram matrix while the condition number allows, else into a QR factor.

    The condition number is looked at after 1, 2, 4, .. blocks and at the end; where it passes the limit, what has been
    summed is turned into a factor once, and every later block goes by QR.
    """

    def __init__(self, method: str = "Gram", limit: float = GRAM_LIMIT) -> None:
        self.method, self.limit = method, limit
        self.rows = self.blocks = self.blurred = 0
        self.weight = 0.0
        self.G: torch.Tensor | None = None  # (n, n) and (n, q): the Gram sums
        self.A: torch.Tensor | None = None
        self.R: torch.Tensor | None = None  # (k, n) and (k, q): the factor
        self.Z: torch.Tensor | None = None

    def add(self, left: torch.Tensor, right: torch.Tensor, weights: torch.Tensor | None = None) -> None:
        """Add a block: (m, n), (m, q) and one weight a row."""
        left, right = weighted(left, weights), weighted(right, weights)
        if self.method == "QR":
            self._add_qr(left, right)
        else:
            G, A = left.T @ left, left.T @ right
            if self.G is not None and self.A is not None:
                G, A = self.G + G, self.A + A
            looked = self.blocks & (self.blocks + 1) == 0  # block 1, 2, 4, ..
            if looked and self._gram_condition(G) > self.limit:
                self._switch()
                self._add_qr(left, right)
            else:
                self.G, self.A = G, A
        self.blocks += 1
        self.rows += len(left)
        self.weight += len(left) if weights is None else float(weights.sum())

    def _add_qr(self, left: torch.Tensor, right: torch.Tensor) -> None:
        n = left.shape[1]
        if self.R is not None and self.Z is not None:
            left, right = torch.cat([self.R, left]), torch.cat([self.Z, right])
        packed, reflectors = torch.geqrf(left)  # R above the diagonal, Householder vectors below
        self.R = packed[:n].triu()  # (k, n)
        self.Z = torch.ormqr(packed, reflectors, right, left=True, transpose=True)[:n].clone()  # (k, q)

    @staticmethod
    def _gram_condition(G: torch.Tensor) -> float:
        d = G.diagonal().sqrt()
        d = torch.where(d > 0, d, 1.0)
        floor = len(G) * torch.finfo(G.dtype).eps
        return spread(torch.linalg.eigvalsh(G / d / d[:, None]).clamp_min(0), floor) ** 0.5

    def _switch(self) -> None:
        """Go on by QR from what the Gram sums still know."""
        self.method = "QR"
        if self.G is not None and self.A is not None:
            self.blurred = self.rows
            self.R, self.Z = _from_gram(self.G, self.A)
        self.G = self.A = None

    def finish(self) -> Factored:
        """Return the factored problem of all blocks so far."""
        if self.G is not None and self.A is not None:
            condition = self._gram_condition(self.G)
            R, Z = _from_gram(self.G, self.A)
            blurred = self.rows if condition > self.limit else 0
            return Factored(R, Z, "Gram", condition, self.rows, blurred, self.weight)
        assert self.R is not None
        assert self.Z is not None
        condition = float("inf")
        if len(self.R) == self.R.shape[1]:
            values = torch.linalg.svdvals(self.R / scale_of(self.R))
            condition = spread(values, torch.finfo(values.dtype).eps)
        return Factored(self.R, self.Z, "QR", condition, self.rows, self.blurred, self.weight)


def _from_gram(G: torch.Tensor, A: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return R (k, n) with R^T R = G, and Z with R^T Z = A, in the directions that rounding has left in G."""
    d = G.diagonal().sqrt()
    d = torch.where(d > 0, d, 1.0)
    values, vectors = torch.linalg.eigh(G / d / d[:, None])
    kept = values > len(G) * torch.finfo(G.dtype).eps * values[-1]
    root = values[kept].sqrt()[:, None]  # (k, 1)
    return root * vectors[:, kept].T * d, vectors[:, kept].T @ (A / d[:, None]) / root


class JointFactor:
    r"""The triangular factor of :math:`\sqrt W [P_x, P_y]`, block by block: all that residuals need."""

    def __init__(self) -> None:
        self.R: torch.Tensor | None = None
        self.rows, self.weight = 0, 0.0

    def add(self, left: torch.Tensor, right: torch.Tensor, weights: torch.Tensor | None = None) -> None:
        """Add a block: (m, n), (m, n) and one weight a row."""
        rows = weighted(torch.cat([left, right], 1), weights)  # (m, 2 n)
        self.R = torch.linalg.qr(rows if self.R is None else torch.cat([self.R, rows]), mode="r")[1]
        self.rows += len(left)
        self.weight += len(left) if weights is None else float(weights.sum())
