r"""What is left as time goes to infinity? Propagators that know the limit :math:`\Pi = U V^T` and no time between.

Konishi and Kawahara, arXiv 2207.07475. The non-zero eigenvalues of :math:`U V^T` are those of :math:`V^T U`.
"""

from __future__ import annotations

import abc

import torch
from torch import nn

from simviz import checks
from simviz.models.config import register
from simviz.records import Spectrum


class Limit(nn.Module, abc.ABC):
    r"""A propagator that is its limit :math:`U V^T` from the first step on; U, V: (d, rank).

    d: observables in and out; rank: numbers that decide the answer. Raises ValueError for sizes below 1, rank above d.
    """

    kind: str

    def __init__(self, d: int, rank: int) -> None:
        super().__init__()
        self.options = {"d": checks.positive_int("d", d), "rank": checks.positive_int("rank", rank)}
        if rank > d:
            raise ValueError(f"rank must be at most d = {d}, got {rank}")
        self.inputs = self.outputs = d
        self.rank = rank

    @abc.abstractmethod
    def factors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return U and V, (d, rank) each, with their gradients."""

    def limit(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, ..., d) -> (batch, ..., d): what is left as time goes to infinity."""
        U, V = self.factors()
        return nn.functional.linear(nn.functional.linear(features, V.mT), U)

    def at(self, features: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """(batch, ..., d), (T,) whole steps -> (batch, T, ..., d): the features at 0, the limit from 1 on."""
        if (times != times.round()).any():
            raise ValueError(f"times must be whole steps for a {type(self).__name__} propagator: it has no clock")
        start = (times == 0).view(-1, *[1] * (features.ndim - 1))
        return torch.where(start, features[:, None], self.limit(features)[:, None])

    def spectrum(self) -> Spectrum:
        r"""Return the rank eigenvalues of :math:`V^T U`, computed in float64."""
        U, V = (factor.detach().double() for factor in self.factors())
        return Spectrum(torch.linalg.eigvals(V.mT @ U).cpu(), kind=self.kind)


@register
class LowRank(Limit):
    r"""The paper's propagator: :math:`\Pi = U V^T` with free U, V in :math:`R^{d \times r}` and no bias.

    d: observables in and out; rank: r. Its spectrum depends on coordinates that no output sees: replace U by R U and
    the decoder's first matrix W1 by :math:`W_1 R^{-1}`, and the function stays while :math:`V^T U` becomes anything.
    """

    kind = "limit operator (depends on coordinates)"

    def __init__(self, d: int, rank: int) -> None:
        super().__init__(d, rank)
        self.V = nn.Linear(d, rank, bias=False)  # applies V^T
        self.U = nn.Linear(rank, d, bias=False)

    def factors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return U and V, (d, rank) each, with their gradients."""
        return self.U.weight, self.V.weight.mT


@register
class Projection(Limit):
    r"""A propagator that is a projection whatever its parameters: :math:`V = Q`, :math:`U = Q + (I - Q Q^T) C`.

    Q: the orthonormal columns of A (QR, the diagonal of R positive); then :math:`V^T U = I`, and
    :math:`\Pi^2 = \Pi` without an inverse; every projection of this rank can be written so. A, C: (d, rank), free. It
    begins as the orthogonal projection, C = 0. d: observables in and out; rank: r.
    """

    kind = "limit operator, a projection by construction"

    def __init__(self, d: int, rank: int) -> None:
        super().__init__(d, rank)
        self.A = nn.Parameter(torch.randn(d, rank))
        self.C = nn.Parameter(torch.zeros(d, rank))

    def factors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return U and V = Q, (d, rank) each, with their gradients."""
        wide = torch.promote_types(self.A.dtype, torch.float32)  # there is no QR in half precision
        Q, R = torch.linalg.qr(self.A.to(wide))
        Q = Q * torch.where(R.diagonal() < 0, -1.0, 1.0).to(wide)
        C = self.C.to(wide)
        U = Q + C - Q @ (Q.mT @ C)
        return U.to(self.A.dtype), Q.to(self.A.dtype)
