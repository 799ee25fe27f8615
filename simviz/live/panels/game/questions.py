"""Which sets and which spectra does a round of the game show? Eigenvalues in closed form, orbits followed once."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch

from simviz.dynamics.systems import (
    AttractingTorus,
    CircleRotation,
    Duffing,
    Flow,
    Lorenz,
    NeimarkSacker,
    StuartLandau,
    System,
)  # fmt: skip
from simviz.live.panels.sets import gallery
from simviz.live.panels.sets.follow import path
from simviz.live.panels.sets.spectra import HARMONICS
from simviz.records import Spectrum

LETTERS = "ABCDE"
ROUNDS = 7
KINDS: dict[str, tuple[System, ...]] = {
    "a point": (NeimarkSacker(0.92, 0.6), NeimarkSacker(0.85, 1.0), NeimarkSacker(0.95, 0.3)),
    "two basins": (Duffing(0.5), Duffing(0.9)),
    "a loop": (StuartLandau(0.4, 1.0), StuartLandau(1.0, 1.2), NeimarkSacker(1.15, 0.38)),
    "a torus": (AttractingTorus(1.0, 1.0, math.sqrt(3)), AttractingTorus(0.6, 0.8, 0.8 * math.sqrt(5))),
    "chaos": (Lorenz(),),
}
"""What may be asked for, by what orbits come to: no two of one round are of the same kind."""
CIRCLE, ELLIPSE = "a circle", "an ellipse"
DT = 0.33
"""Time of a step of a flow: eight harmonics of a loop's frequency fan out below half a turn."""
_STARTS, _SQUEEZED = 5, 0.5
_PACES = {"two basins": (0.06, 500), "a loop": (0.06, 600), "a torus": (0.06, 1100), "chaos": (0.02, 1300)}
"""Time from one drawn point of a flow's orbit to the next, and their number."""


@dataclass(frozen=True)
class Option:
    """One system: what its orbits come to (kind), some of them, and the eigenvalues of a step.

    lines: (n, 2) orbits, broken by NaN, dots where `apart`; ends: (n, 2) of the set, dots where they are few.
    """

    kind: str
    system: System
    lines: np.ndarray
    ends: np.ndarray
    apart: bool
    spectrum: Spectrum


@dataclass(frozen=True)
class Question:
    """A round: what is shown, what may be picked, and which of these fit.

    reverse: the set is shown and a disc is to be picked, not the other way round; fitting: indices of options.
    """

    number: int
    reverse: bool
    shown: Option
    options: tuple[Option, ...]
    fitting: tuple[int, ...]

    @property
    def last(self) -> bool:
        """Whether it is the one in which two sets have the same disc."""
        return len(self.fitting) > 1


@functools.lru_cache(maxsize=64)
def question(seed: int, number: int) -> Question:
    """Return round 1 to 7 of a seed: discs and sets by turns, every kind once; the last is of circle and ellipse."""
    names = list(KINDS)
    if number == ROUNDS:
        options = [_circle(1.0), _circle(_SQUEEZED), option("a torus", 0)]
        order = np.random.default_rng([seed, number]).permutation(len(options))
        placed = tuple(options[i] for i in order)
        fitting = tuple(i for i, one in enumerate(placed) if one.kind in (CIRCLE, ELLIPSE))
        return Question(number, False, options[0], placed, fitting)
    asked = list(np.random.default_rng(seed).permutation(len(names)))
    asked.append(asked[0])
    rng = np.random.default_rng([seed, number])
    truth = names[asked[number - 1]]
    all_of_them = {name: option(name, int(rng.integers(len(KINDS[name])))) for name in names}
    reverse = number % 2 == 0
    if reverse:
        others = [name for name in names if name != truth]
        chosen = [truth, *(others[i] for i in rng.choice(len(others), 3, replace=False))]
        names = [chosen[i] for i in rng.permutation(len(chosen))]
    placed = tuple(all_of_them[name] for name in names)
    return Question(number, reverse, all_of_them[truth], placed, (names.index(truth),))


@functools.lru_cache(maxsize=32)
def option(kind: str, variant: int) -> Option:
    """Return one of the systems of a kind, with a few orbits and its spectrum."""
    system = KINDS[kind][variant]
    across = list(gallery.columns(system))
    dt, steps = _PACES[kind] if isinstance(system, Flow) else (1.0, 120)
    whole = path(system, system.initial(_STARTS, seed=3).double(), dt, steps)[..., across].numpy()
    apart = not isinstance(system, Flow)
    if kind in ("chaos", "a torus"):
        drawn = whole[:1, steps // 4 :]
        ends = np.empty((0, 2))
    elif kind == "a loop":
        drawn, ends = whole[:, : steps // 2], whole[0, -round(19 / dt) if not apart else -100 :]
    else:
        drawn, ends = whole[:, : steps // 2], np.unique(whole[:, -1].round(2), axis=0)
    gap = np.full((len(drawn), 1, 2), np.nan)
    return Option(kind, system, np.concatenate([drawn, gap], 1).reshape(-1, 2), ends, apart, spectrum(kind, system))


def spectrum(kind: str, system: System) -> Spectrum:
    """Return the Koopman eigenvalues of a step in closed form: 1 for each set that orbits come to; of chaos 1.

    Lorenz' flow is mixing (Luzzatto, Melbourne and Paccaut 2005): beside the 1 its spectrum is continuous.
    """
    dt = DT if isinstance(system, Flow) else 1.0
    if kind == "chaos":
        return Spectrum(torch.ones(1, dtype=torch.complex128), dt=dt)
    known = system.truth()
    assert known.frequencies is not None
    turning = len(known.frequencies)
    values = system.eigenvalues(dt, HARMONICS.get(turning, 0), order=0 if turning else 2)
    if known.kind == "fixed point" and known.stable is not None:
        values = torch.cat([torch.ones(int(known.stable.sum()) - 1, dtype=values.dtype), values])
    if turning:  # of what decays, one harmonic each way says enough
        few = system.eigenvalues(dt, 1, order=1)
        values = torch.cat([values, few[few.abs() < 1 - 1e-9]])
    return Spectrum(values, dt=dt)


def _circle(height: float) -> Option:
    """A rotation of the circle, or of the ellipse that a change of coordinates makes of it: the same eigenvalues."""
    system = CircleRotation(0.35)
    points = system.orbit(system.initial(1), 400)[0].numpy() * np.array([1.0, height])
    kind = CIRCLE if height == 1 else ELLIPSE
    return Option(kind, system, np.empty((0, 2)), points, True, spectrum(kind, system))
