"""What do snapshots say, and does it hold on fresh ones? EDMD with residuals, and one number held in the hand."""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from simviz.dynamics import koopman
from simviz.dynamics.systems import System
from simviz.figures.spectra import BELIEVED
from simviz.live.panels.beliefs.observables import Observable, ticked
from simviz.live.panels.sets.follow import path
from simviz.records import Spectrum

FRESH = 1000
"""Snapshots that the fit does not see, for the residuals."""
STEPS, ORBITS = 40, 4
"""Steps over which a number's signal is drawn, and fresh orbits that it is held against."""
_STARTS = 12
_TURNED = 1e-9
"""Imaginary part from which an eigenvalue counts as one of a pair."""


@dataclass(frozen=True, eq=False)
class Belief:
    """What EDMD found, and the number in the reader's hand.

    spectrum: with residuals, in sample or on fresh snapshots; picked: which eigenvalue the hand took, None where there
    is none; number: in the hand; moved: whether it is another than the one picked; residual: of the number, the least
    that any combination of the observables has (where it was not moved, the eigenvalue's own); orbits: (n, steps + 1)
    complex, the picked eigenfunction along fresh orbits over its value at their starts; observables, snapshots: how
    many; system: the data's; whole: whether the whole disc is shown.
    """

    spectrum: Spectrum
    picked: int | None
    number: complex
    moved: bool
    residual: float
    orbits: np.ndarray
    observables: tuple[str, ...]
    size: int
    snapshots: int
    system: System
    whole: bool

    @property
    def values(self) -> np.ndarray:
        """(r,) complex: the eigenvalues, by falling modulus."""
        return self.spectrum.eigenvalues.numpy()

    @property
    def residuals(self) -> np.ndarray:
        """(r,): one an eigenvalue."""
        assert self.spectrum.residuals is not None
        return self.spectrum.residuals.numpy()

    @property
    def believed(self) -> np.ndarray:
        """(r,) bool: residuals below 0.05."""
        return self.residuals < BELIEVED

    @property
    def trusted(self) -> float:
        """Steps for which the number may be trusted; NaN in sample, where nothing vouches for it."""
        return math.nan if self.spectrum.in_sample else 1 / max(self.residual, 1e-300)


class Beliefs:
    """The fits to a system's snapshots, each made once: everything the panel computes, as functions of its values.

    system: a planar one; known: the functions that can be ticked; seed: of all snapshots.
    """

    def __init__(self, system: System, known: Mapping[str, Observable], seed: int) -> None:
        self.system, self.known, self.seed = system, known, seed
        self.snapshots = functools.lru_cache(maxsize=16)(self._snapshots)
        self.fitted = functools.lru_cache(maxsize=8)(self._fitted)
        self.followed = functools.lru_cache(maxsize=4)(self._followed)

    def __call__(
        self,
        *,
        observables: tuple[str, ...],
        snapshots: float,
        dt: float,
        fresh: bool,
        eigenvalue: float,
        moved: tuple[float, float] | None,
        whole: bool,
    ) -> Belief:
        """Return what these observables find, and how the number in the hand stands: see the panel for the values."""
        given = None if moved is None else cmath.rect(moved[0], math.radians(moved[1]))
        count = round(snapshots)
        more = (observables, 0, count, self.system, whole)
        if not observables:
            nothing = Spectrum(torch.empty(0, dtype=torch.complex128), torch.empty(0).double(), dt)
            number = 1 + 0j if given is None else given
            return Belief(nothing, None, number, given is not None, math.nan, np.empty((0, STEPS + 1)), *more)
        found = self.fitted(observables, count, dt, fresh)
        picked = min(round(eigenvalue), found.rank) - 1
        own = complex(found.eigenvalues[picked])
        number = own if given is None else given
        if given is None or bool(found.residuals.isnan().all()):  # nothing of the observables is left there
            residual = float(found.residuals[picked])
        else:
            residual = float(found.pseudospectrum(torch.tensor([number], dtype=torch.complex128))[0])
        along = found.eigenfunctions(self.followed(dt))[..., picked].numpy()  # (starts, steps + 1)
        kept = np.argsort(-np.abs(along[:, 0]), kind="stable")[:ORBITS]
        with np.errstate(all="ignore"):
            orbits = along[kept] / along[kept, :1]
        return Belief(
            found.spectrum, picked, number, given is not None, residual, orbits,
            observables, len(found.matrix), count, self.system, whole,
        )  # fmt: skip

    def _snapshots(self, count: int, dt: float, shift: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (n, 2) before and after a step, in double precision; those that escape are dropped."""
        before = self.system.initial(count, self.seed + shift).double()
        after = self.system.orbit(before, 1, dt)[:, 1]
        kept = torch.isfinite(after).all(1)
        if int(kept.sum()) < 2:
            raise ValueError(f"all snapshots of {self.system!r} escape within dt {dt:g}: set a smaller dt")
        return before[kept], after[kept]

    def _fitted(self, names: tuple[str, ...], count: int, dt: float, fresh: bool) -> koopman.Koopman:
        before, after = self.snapshots(count, dt, 0)
        dictionary = ticked(names, self.known, self.system)
        if not fresh:
            return koopman.edmd(before, after, dictionary, dt=dt, check=False)
        return koopman.edmd(before, after, dictionary, dt=dt, check=self.snapshots(FRESH, dt, 1_000_003))

    def _followed(self, dt: float) -> torch.Tensor:
        """Return fresh orbits (starts, steps + 1, 2), accurate enough for the eye; those that escape are dropped."""
        orbits = path(self.system, self.system.initial(_STARTS, self.seed + 2_000_003).double(), dt, STEPS, close=1e-3)
        kept = orbits[torch.isfinite(orbits).all(-1).all(-1)]
        return kept if len(kept) else orbits[:1, :1].expand(1, STEPS + 1, -1)


def leaders(values: np.ndarray) -> np.ndarray:
    """Return the places of the real eigenvalues, and of each pair the one above the real axis."""
    return np.flatnonzero(values.imag > -_TURNED)


def nearest(values: np.ndarray, number: complex) -> int:
    """Return the place of the eigenvalue nearest to a number."""
    return int(np.abs(values - number).argmin())
