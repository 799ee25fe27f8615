r"""Is a printed eigenvalue an eigenvalue? Residuals and pseudospectrum on given snapshots (Colbrook and Townsend 2021).

For an observable :math:`h = \phi v` and a number z,
:math:`\text{res}^2 = \sum w |h(F(s)) - z h(s)|^2 / \sum w |h(s)|^2`. Nothing here is squared before it is
subtracted: a Gram matrix would lose half the digits, and show an exact eigenvalue with a residual of 1e-8.
"""

from __future__ import annotations

import abc
import functools

import torch

from simviz.dynamics.features import Dictionary
from simviz.dynamics.koopman.leastsquares import JointFactor, scale_of, weighted
from simviz.dynamics.koopman.snapshots import Orbits, Pairs

BATCH = 2**22
"""Complex numbers in the matrices of one batch of the pseudospectrum."""


def rank_of(values: torch.Tensor, precision: torch.dtype) -> int:
    """Return how many singular values, in descending order, stand above rounding: eps^(3/4) of the first."""
    return int((values > torch.finfo(precision).eps ** 0.75 * values[0]).sum())


def leaders(values: torch.Tensor) -> torch.Tensor:
    """(n,) bool: real eigenvalues, and of each conjugate pair (adjacent) the one above the real axis."""
    return values.imag >= 0


class Evidence(abc.ABC):
    """Snapshots on which residuals are measured; size: observables; rows: snapshots; precision: of the observables."""

    size: int
    rows: int
    precision: torch.dtype

    @functools.cached_property
    @abc.abstractmethod
    def factor(self) -> torch.Tensor:
        r"""(k, 2 n): R of :math:`\sqrt W [P_x, P_y] = Q R`, k <= 2 n."""

    def residuals(self, values: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """(r,) and (n, r) complex -> (r,): each pair's residual; conjugates stand next to each other."""
        chosen = leaders(values)
        found = self.pair_residuals(values[chosen], vectors[:, chosen])
        return found[chosen.int().cumsum(0) - 1]

    def pair_residuals(self, values: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """(r,), (n, r) -> (r,) from the factor."""
        before, after = (half.to(vectors.dtype) @ vectors for half in self.factor.split(self.size, 1))  # (k, r)
        return (after - values * before).norm(dim=0) / before.norm(dim=0)

    @functools.cached_property
    def reduced(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Return (r, r) and (k, r): the residual of z is the smallest singular value of [first - z; second].

        Observables are expressed in r orthonormal ones; None where fewer than 2 r snapshots make every z look like an
        eigenvalue.
        """
        before, after = self.factor.split(self.size, 1)  # (k, n) each
        scale = scale_of(before)
        U, values, Vh = torch.linalg.svd(before / scale)
        rank = rank_of(values, self.precision)
        if self.rows < 2 * rank:
            return None
        to_range = Vh[:rank].T / values[:rank] / scale[:, None]  # (n, r): orthonormal observables
        turned = U.T @ (after @ to_range)  # (k, r)
        rest = torch.linalg.qr(turned[rank:], mode="r")[1] if len(turned) > rank else turned[rank:]
        return turned[:rank], rest

    def pseudospectrum(self, grid: torch.Tensor) -> torch.Tensor:
        """(g,) complex -> (g,): the least residual over all observables, NaN where the snapshots cannot tell."""
        if self.reduced is None:
            return grid.real.new_full(grid.shape, float("nan"))
        first, rest = (part.to(grid.dtype) for part in self.reduced)
        if first.numel() == 0:  # no observable has a say
            return grid.real.new_full(grid.shape, float("nan"))
        upper = torch.complex(grid.real, grid.imag.abs())  # real data: conjugates have one residual
        points, where = torch.view_as_real(upper).unique(dim=0, return_inverse=True)
        eye = torch.eye(len(first), dtype=first.dtype, device=first.device)
        found = []
        for part in torch.view_as_complex(points).split(max(1, BATCH // (2 * first.numel()))):
            shifted = first - part[:, None, None] * eye  # (p, r, r)
            matrix = torch.cat([shifted, rest.expand(len(part), *rest.shape)], 1)  # (p, r + k, r)
            found.append(torch.linalg.svdvals(matrix)[:, -1])
        return torch.cat(found)[where]


class Summed(Evidence):
    """Snapshots that went by once: what is left is their triangular factor."""

    def __init__(self, joint: JointFactor, size: int, precision: torch.dtype) -> None:
        assert joint.R is not None
        self.joint, self.size, self.precision = joint, size, precision
        self.rows = joint.rows

    @functools.cached_property
    def factor(self) -> torch.Tensor:
        assert self.joint.R is not None
        return self.joint.R


class Kept(Evidence):
    """Snapshots that can be read again: residuals cost one pass, the factor is made when first asked for."""

    def __init__(self, source: Pairs | Orbits, dictionary: Dictionary, size: int, precision: torch.dtype) -> None:
        self.source, self.dictionary, self.size, self.precision = source, dictionary, size, precision
        self.rows = source.rows

    @functools.cached_property
    def factor(self) -> torch.Tensor:
        joint = JointFactor()
        for left, right, _, weights in self.source.lifted(self.dictionary):
            joint.add(left, right, weights)
        assert joint.R is not None
        return joint.R

    def pair_residuals(self, values: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """(r,), (n, r) -> (r,) by one pass, in real arithmetic: a pair above the axis is two real columns."""
        turning = values.imag > 0
        pairs = int(turning.sum())
        parts = [vectors[:, turning].real, vectors[:, turning].imag, vectors[:, ~turning].real]
        columns = torch.cat(parts, 1)  # (n, r + pairs)
        growth, turn = torch.cat([values[turning], values[turning], values[~turning]]).real, values[turning].imag
        wrong, size = columns.new_zeros(columns.shape[1]), columns.new_zeros(columns.shape[1])
        for left, right, _, weights in self.source.lifted(self.dictionary):
            before, error = weighted(left, weights) @ columns, weighted(right, weights) @ columns  # (m, r + pairs)
            error.addcmul_(before, growth, value=-1)
            error[:, :pairs].addcmul_(before[:, pairs : 2 * pairs], turn)
            error[:, pairs : 2 * pairs].addcmul_(before[:, :pairs], turn, value=-1)
            wrong += error.square_().sum(0)
            size += before.square_().sum(0)
        found = values.real.new_empty(len(values))
        whole = [side[:pairs] + side[pairs : 2 * pairs] for side in (wrong, size)]
        found[turning], found[~turning] = whole[0] / whole[1], wrong[2 * pairs :] / size[2 * pairs :]
        return found.sqrt()
