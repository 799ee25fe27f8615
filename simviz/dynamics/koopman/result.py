"""What did the data say about the Koopman operator? The result of every method of this room, and its reading."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import torch

from simviz import checks
from simviz.dynamics.features import Dictionary
from simviz.dynamics.koopman.evidence import Evidence
from simviz.dynamics.koopman.snapshots import observe, states, wide
from simviz.records import Spectrum


@dataclass(frozen=True, eq=False)
class Koopman:
    r"""A finite picture of the Koopman operator K, :math:`(K g)(s) = g(F(s))`, on the span of a dictionary.

    spectrum: eigenvalues with residuals and names; matrix: :math:`\hat K` (n, n) real, :math:`\phi(F(s)) \approx
    \phi(s) \hat K` in the least-squares sense; dictionary: the n observables phi; vectors: (n, r) complex, column i
    holds eigenfunction i in observables, of root mean square 1 on the fitted snapshots; method: "Gram" or "QR", how the
    least squares were solved; condition: of the column-scaled observables; rank: r, the independent observables, and
    the number of eigenvalues; fitted, checked: snapshots of the fit and of the residuals; notes: what the reader
    should know of this run, a sentence each. G, A, L (n, n): :math:`P_x^* W P_x, P_x^* W P_y, P_y^* W P_y` on the
    snapshots of the residuals.
    """

    spectrum: Spectrum
    matrix: torch.Tensor
    dictionary: Dictionary
    vectors: torch.Tensor
    method: str
    condition: float
    rank: int
    fitted: int
    checked: int
    notes: tuple[str, ...]
    to_range: torch.Tensor = field(repr=False)  # (n, r): phi to r orthonormal observables q
    step: torch.Tensor = field(repr=False)  # (r, r): q(F(s)) = q(s) step
    decoder: torch.Tensor = field(repr=False)  # (r, dim): s = q(s) decoder
    eigen: torch.Tensor = field(repr=False)  # (r, r) complex: eigenfunctions in q
    evidence: Evidence = field(repr=False)

    @property
    def eigenvalues(self) -> torch.Tensor:
        """(r,) complex: `spectrum.eigenvalues`, per step of dt."""
        return self.spectrum.eigenvalues

    @property
    def residuals(self) -> torch.Tensor:
        """(r,): `spectrum.residuals`."""
        assert self.spectrum.residuals is not None
        return self.spectrum.residuals

    @functools.cached_property
    def _factors(self) -> tuple[torch.Tensor, torch.Tensor]:
        before, after = self.evidence.factor.split(self.evidence.size, 1)
        return before, after

    @functools.cached_property
    def G(self) -> torch.Tensor:
        """(n, n): the observables' inner products before the step."""
        return self._factors[0].T @ self._factors[0]

    @functools.cached_property
    def A(self) -> torch.Tensor:
        """(n, n): inner products of before with after."""
        return self._factors[0].T @ self._factors[1]

    @functools.cached_property
    def L(self) -> torch.Tensor:
        """(n, n): the observables' inner products after the step."""
        return self._factors[1].T @ self._factors[1]

    def eigenfunctions(self, points: Any) -> torch.Tensor:
        """Return the eigenfunctions at points (..., dim), or windows (..., count, dim), as (..., r) complex."""
        values = observe(self.dictionary, self._points(points))  # (..., n)
        return values.to(self.vectors) @ self.vectors

    def pseudospectrum(self, grid: Any) -> torch.Tensor:
        r"""Return for every complex number z of a grid the least residual that any observable has there.

        :math:`\min_g \sqrt{\sum w |g(F(s)) - z g(s)|^2 / \sum w |g(s)|^2}` over the span of the dictionary, on the
        snapshots of the residuals: where it is small, z is near the spectrum, eigenvalue or not. grid: any shape;
        real, of the same shape. NaN where these snapshots are fewer than twice the independent observables (every z
        would look like an eigenvalue).
        """
        try:
            points = torch.as_tensor(grid, device=self.vectors.device).to(self.vectors.dtype)
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(f"grid must hold complex numbers, got {type(grid).__name__}") from None
        if points.numel() == 0 or not torch.isfinite(torch.view_as_real(points)).all():
            raise ValueError(f"grid must hold finite complex numbers, got shape {tuple(points.shape)}")
        return self.evidence.pseudospectrum(points.reshape(-1)).reshape(points.shape)

    def forecast(self, z: Any, steps: int) -> torch.Tensor:
        """Return the states at 0, 1, .. steps: (batch, dim) -> (batch, steps + 1, dim); delays: windows in, states out.

        The observables are carried on by the matrix and the state is read back from them by least squares, fitted on
        the same snapshots; at step 0 too, so that the first entry shows what the decoder alone costs.
        """
        points = states("z", self._points(z), self.dictionary)
        now = observe(self.dictionary, points) @ self.to_range  # (batch, r)
        path = [now]
        for _ in range(checks.positive_int("steps", steps, 0)):
            path.append(path[-1] @ self.step)
        return torch.stack(path, 1) @ self.decoder

    @functools.cached_property
    def modes(self) -> torch.Tensor:
        r"""(r, dim) complex: the Koopman modes m, :math:`s_t \approx \sum_i \lambda_i^t h_i(s_0) m_i`."""
        return torch.linalg.solve(self.eigen, self.decoder.to(self.eigen.dtype))

    def trust(self) -> str:
        """Return in words how this was computed, and of each eigenvalue how far it may be trusted."""
        head = (
            f"{self.spectrum.kind}: {self.fitted} snapshots fitted by {self.method}, {self.checked} checked; "
            f"{self.rank} independent of {len(self.matrix)} observables, condition {self.condition:.1e}."
        )
        advice = (self.spectrum.advice,) if self.spectrum.advice else ()
        return "\n".join((head, *self.notes, *advice, *self.spectrum.words()))

    def _points(self, points: Any) -> torch.Tensor:
        found = wide(checks.tensor("points", points)).to(self.matrix.device)
        dim = self.decoder.shape[1]
        if found.shape[-1] != dim:
            raise ValueError(f"points must be (..., {dim}), as the snapshots were, got {tuple(found.shape)}")
        return found
