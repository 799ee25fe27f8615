r"""Which eigenvalues turn, which die? A propagator that writes them out and can be asked for any time.

Our extension of the theory of Konishi and Kawahara 2022, not their network.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.models.config import register
from simviz.records import Spectrum


@register
class Modes(nn.Module):
    r"""Explicit eigenvalues: persistent modes turn for ever, decaying ones turn and shrink.

    The basis gives each mode a complex coordinate; after t steps it is multiplied by :math:`\lambda^t`. Persistent
    :math:`\lambda = e^{i \theta}` have modulus one by construction, decaying ones
    :math:`\lambda = \sigma(\rho) e^{i \omega}` a modulus below one; every mode comes with its conjugate, and the
    constant with :math:`\lambda = 1`.

    frequencies: number F of base angles (0: points, 1: a cycle, 2: a torus); harmonics: H; the lattice holds
    :math:`k \cdot \theta` for integer vectors k with entries from -H to H, with mixed=False only multiples of one base
    angle each (F cycles side by side instead of a torus); decaying: number of decaying eigenvalues, even; fixed: number
    of observables, besides the constant, that no step changes, :math:`\lambda = 1`: where orbits of different x end in
    different points, or sets; lattice=False gives every persistent mode an angle of its own ("free"); unit_phases=True
    lets the basis give one complex number a frequency, normalised to modulus one, of which the modes are products of
    powers: every start then decodes onto the same closed set; start: the base angles to begin from, radians a step; dt:
    time a step; pace: share of an optimiser's step that the angles take (below 1 they stay near their start while the
    basis learns).

    Features out: real and imaginary parts of all modes that turn, then the fixed observables, (..., outputs).
    """

    def __init__(
        self,
        frequencies: int = 1,
        harmonics: int = 8,
        decaying: int = 4,
        *,
        lattice: bool = True,
        unit_phases: bool = True,
        start: Sequence[float] | None = None,
        dt: float = 1.0,
        pace: float = 1.0,
        fixed: int = 0,
        mixed: bool = True,
    ) -> None:
        super().__init__()
        checks.positive_int("frequencies", frequencies, 0)
        checks.positive_int("fixed", fixed, 0)
        checks.positive_int("harmonics", harmonics)
        checks.positive_int("decaying", decaying, 0)
        if decaying % 2:
            raise ValueError(f"decaying must be even, since eigenvalues come in conjugate pairs, got {decaying}")
        if unit_phases and not lattice:
            raise ValueError("unit_phases=True needs lattice=True: its modes are powers of the base phases")
        angles = (
            [0.5 * 1.618**-j for j in range(frequencies)]
            if start is None
            else [checks.real("start", float(a)) for a in start]
        )
        if len(angles) != frequencies:
            raise ValueError(f"start must hold one angle for each of {frequencies} frequencies, got {len(angles)}")
        self.options: dict[str, Any] = {
            "frequencies": frequencies,
            "harmonics": harmonics,
            "decaying": decaying,
            "lattice": lattice,
            "unit_phases": unit_phases,
            "start": angles,
            "dt": checks.positive("dt", dt),
            "pace": checks.positive("pace", pace),
            "fixed": fixed,
            "mixed": mixed,
        }
        self.register_buffer("k", half_lattice(frequencies, harmonics, mixed))  # (P, F)
        base = torch.tensor(angles)
        begun = base if lattice else self.k.to(base) @ base  # (F,) or (P,)
        self.register_buffer("begun", begun, persistent=False)
        self.turned = nn.Parameter(torch.zeros_like(begun))  # since then, in units of the pace
        self.rho = nn.Parameter(torch.linspace(1.5, 0.0, decaying // 2))
        self.omega = nn.Parameter(torch.linspace(0.0, 1.0, decaying // 2) + 0.5 * base[:1].sum())
        self._turning = 2 * (frequencies if unit_phases else len(self.k))  # features in that turn
        self.inputs = self._turning + decaying + fixed
        self.outputs = 2 * len(self.k) + decaying + fixed

    k: torch.Tensor
    begun: torch.Tensor

    @property
    def angles(self) -> torch.Tensor:
        """(F,) base angles where they lie on a lattice, else (P,) those of all modes; radians a step."""
        return self.begun + self.options["pace"] * self.turned

    @property
    def base_angles(self) -> torch.Tensor:
        """(F,) learned base angles, radians a step; of free modes those of the unit vectors k."""
        if self.options["lattice"]:
            return self.angles
        units = torch.eye(self.k.shape[1], dtype=self.k.dtype, device=self.k.device)
        return self.angles[[int((self.k == unit).all(1).nonzero()) for unit in units]]

    def persistent_angles(self) -> torch.Tensor:
        """(P,) angles of the persistent modes, one of each conjugate pair, radians a step."""
        return self.k.to(self.angles) @ self.angles if self.options["lattice"] else self.angles

    def phases(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, inputs) -> (batch, F): the asymptotic phases that the basis gives, radians; unit phases only."""
        if not self.options["unit_phases"]:
            raise ValueError("phases need unit_phases=True: free amplitudes have no single phase")
        pairs = features[:, : 2 * self.options["frequencies"]].unflatten(1, (-1, 2))
        zero = (pairs == 0).all(-1)  # the phase is undefined there; atan2's gradient is, too
        return torch.atan2(pairs[..., 1], torch.where(zero, torch.ones_like(pairs[..., 0]), pairs[..., 0]))

    def coordinates(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(batch, inputs) -> complex (batch, P) and (batch, decaying / 2): the modes' coordinates at time 0."""
        if self.options["unit_phases"]:
            angles = self.phases(features) @ self.k.to(features).T  # (batch, P)
            persistent = torch.polar(torch.ones_like(angles), angles)
        else:
            persistent = _complex(features[:, : self._turning])
        return persistent, _complex(features[:, self._turning : self._turning + self.options["decaying"]])

    def at(self, features: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """(batch, inputs), (T,) real steps -> (batch, T, outputs)."""
        persistent, decaying = self.coordinates(features)
        times = times.to(features)
        turn = self._turn(times)
        size, turned = torch.exp(times[:, None] * nn.functional.logsigmoid(self.rho)), times[:, None] * self.omega
        shrink = torch.complex(size * turned.cos(), size * turned.sin())  # polar's gradient is NaN at denormal sizes
        modes = torch.cat([persistent[:, None] * turn, decaying[:, None] * shrink], -1)
        return self._outputs(modes, features)

    def persistent_at(self, features: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """(batch, inputs), (T,) real steps -> (batch, T, outputs), the decaying modes dropped: the shadow's."""
        persistent, decaying = self.coordinates(features)
        modes = persistent[:, None] * self._turn(times.to(features))  # (batch, T, P)
        gone = torch.zeros_like(decaying[:, None]).expand(-1, modes.shape[1], -1)
        return self._outputs(torch.cat([modes, gone], -1), features)

    def limit(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, inputs) -> (batch, outputs): the shadow at time 0."""
        return self.persistent_at(features, features.new_zeros(1))[:, 0]

    def _outputs(self, modes: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Complex (batch, T, modes), features (batch, inputs) -> (batch, T, outputs): the fixed ones at every time."""
        fixed = features[:, None, self.inputs - self.options["fixed"] :]
        return torch.cat([torch.view_as_real(modes).flatten(-2), fixed.expand(-1, modes.shape[1], -1)], -1)

    def _turn(self, times: torch.Tensor) -> torch.Tensor:
        angles = times[:, None] * self.persistent_angles()
        return torch.polar(torch.ones_like(angles), angles)  # (T, P)

    def spectrum(self) -> Spectrum:
        """Return 1 (as often as it is held), the persistent pairs, the decaying ones, in an order training leaves."""
        angles = self.persistent_angles().detach().double()
        turning = torch.polar(torch.ones_like(angles), angles)
        dying = torch.polar(self.rho.detach().double().sigmoid(), self.omega.detach().double())
        one = turning.new_ones(1 + self.options["fixed"])
        values = torch.cat([one, turning, turning.conj(), dying, dying.conj()]).cpu()
        ks = [tuple(int(v) for v in row) for row in self.k]
        signed = [*ks, *(tuple(-v for v in row) for row in ks)]
        names = ["k = 0", *(f"fixed {j + 1}" for j in range(self.options["fixed"]))]
        names += [*(f"k = {', '.join(map(str, row))}" for row in signed)]
        names += [f"decaying {j + 1}{mark}" for mark in ("", "*") for j in range(len(dying))]
        return Spectrum(values, dt=self.options["dt"], names=names, kind="learned modes")


def half_lattice(frequencies: int, harmonics: int, mixed: bool = True) -> torch.Tensor:
    """Return the integer vectors with entries from -H to H, one of each pair k, -k, without 0: (P, F) long.

    mixed=False: only those with one entry that is not 0.
    """
    zero = (0,) * frequencies
    if mixed:
        vectors = [k for k in itertools.product(range(-harmonics, harmonics + 1), repeat=frequencies) if k > zero]
    else:
        places = itertools.product(range(frequencies), range(1, harmonics + 1))
        vectors = [(*zero[:f], h, *zero[f + 1 :]) for f, h in places]
    vectors.sort(key=lambda k: (sum(map(abs, k)), k))
    return torch.tensor(vectors, dtype=torch.long).reshape(len(vectors), frequencies)


def _complex(pairs: torch.Tensor) -> torch.Tensor:
    return torch.view_as_complex(pairs.unflatten(-1, (-1, 2)).contiguous())
