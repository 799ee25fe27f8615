r"""What survives as time goes to infinity? Stable invariant models (Konishi and Kawahara, arXiv 2207.07475).

:math:`y = W_{out}\, dec(\Pi\, \phi(x))`: a basis of observables, what their operator leaves of them, a decoder, a
readout. With a second tier of random Fourier features between basis and propagator it is the Perron-Frobenius form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.models import folding, gauge
from simviz.models.config import describe, register
from simviz.models.propagators import Limit, Modes, Projection
from simviz.records import Spectrum


@register
class SIM(nn.Module):
    """A stable invariant model, built of parts.

    basis: module, x -> (batch, d), or (batch, time, d) of a sequence; propagator: `LowRank`, `Projection` or `Modes`;
    decoder, readout: modules on the last axis; second_tier: module between basis and propagator (frozen random
    features), or None. `finding` holds what a recipe says of the model it trained (None otherwise; not saved).

    Raises ValueError where the sizes of the parts do not meet.
    """

    def __init__(
        self,
        basis: nn.Module,
        propagator: Limit | Modes,
        decoder: nn.Module,
        readout: nn.Module,
        second_tier: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.finding: Any = None
        last, name = (second_tier, "second_tier") if second_tier is not None else (basis, "basis")
        width = getattr(last, "d", None)
        if width is not None and width != propagator.inputs:
            raise ValueError(f"the propagator takes {propagator.inputs} observables, the {name} gives {width}")
        self.basis, self.second_tier, self.propagator = basis, second_tier, propagator
        self.decoder, self.readout = decoder, readout

    @property
    def options(self) -> dict[str, Any]:
        """The parts by name, as they are now."""
        names = ("basis", "propagator", "decoder", "readout", "second_tier")
        return {name: getattr(self, name) for name in names}

    @property
    def config(self) -> dict[str, Any]:
        """The model as JSON, without its weights; raises ValueError where a part is not of a known class."""
        return describe(self)

    def observables(self, x: torch.Tensor) -> torch.Tensor:
        """x -> (batch, propagator.inputs): the basis, and the second tier where there is one."""
        features = self.basis(x)
        return features if self.second_tier is None else self.second_tier(features)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the limit, (batch, ...); where modes turn for ever it is the shadow of x at time 0."""
        return self.decode(self.propagator.limit(self.observables(x)))

    def orbit(self, x: torch.Tensor, times: torch.Tensor | Sequence[float]) -> torch.Tensor:
        """Return the decoded states at `times`, (batch, len(times), ...).

        times: (T,) real, at least 0, in steps. `LowRank` and `Projection` take whole steps: the decoded observables
        themselves at 0, constant from 1 on.
        """
        return self.decode(self.propagator.at(self.observables(x), self._times(times)))

    def shadow(self, x: torch.Tensor, times: torch.Tensor | Sequence[float]) -> torch.Tensor:
        """Return the orbit without what decays, (batch, len(times), ...): the point of the set x will move with."""
        if not isinstance(self.propagator, Modes):
            raise ValueError("a shadow that moves needs a Modes propagator; this one has the limit sim(x) alone")
        return self.decode(self.propagator.persistent_at(self.observables(x), self._times(times)))

    def spectrum(self) -> Spectrum:
        """Return the propagator's eigenvalues, labelled for what they are."""
        return self.propagator.spectrum()

    def decode(self, features: torch.Tensor) -> torch.Tensor:
        """(..., propagator.outputs) -> (..., out): what the propagated observables stand for."""
        return self.readout(self.decoder(features))

    def fold(self) -> nn.Sequential:
        """Return a plain chain of layers that computes sim(x), for inference: linear maps, batch norms multiplied out.

        A frozen copy in evaluation mode, equal up to rounding; what was U V^T is part of one matrix: `folding.fold`.
        """
        return folding.fold([self.basis, self.second_tier, self.propagator, self.decoder, self.readout])

    @torch.no_grad()
    def to_projection(self) -> SIM:
        r"""Return a new SIM that computes the same sim(x), its propagator the orthogonal `Projection` on V's columns.

        For `LowRank` alone. With the thin QR :math:`V = Q T` the published :math:`W_1 U V^T` is
        :math:`W_1' Q Q^T, W_1' = W_1 (U T^T Q^T + I - Q Q^T)`, W1 the decoder's first matrix: coordinates in which all
        eigenvalues of the limit are 1. (The decoded observables at time 0, which training never sees, do change.)
        Raises ValueError for another propagator, and where the first layer behind it is no Linear.
        """
        published = gauge.low_rank(self, "to_projection")
        U, V = (factor.double() for factor in published.factors())
        Q, T = torch.linalg.qr(V)
        back = U @ T.mT @ Q.mT + torch.eye(len(Q), dtype=Q.dtype, device=Q.device) - Q @ Q.mT  # (d, d)
        with torch.random.fork_rng(devices=[]), torch.device(Q.device):
            propagator = Projection(len(Q), published.rank).to(published.U.weight.dtype)
        propagator.A.copy_(Q)
        return gauge.in_coordinates(self, "to_projection", propagator, back)

    def _times(self, times: torch.Tensor | Sequence[float]) -> torch.Tensor:
        parameter = next(self.propagator.parameters())
        checked = checks.tensor("times", times, (None,), "(T,)")
        if (checked < 0).any():
            raise ValueError(f"times must be at least 0, got {float(checked.min())}")
        return checked.to(parameter)
