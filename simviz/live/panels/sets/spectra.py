"""Which eigenvalues does a set have? Those of its linear part, measured there, and what its kind makes of them."""

from __future__ import annotations

import cmath
import itertools
import math

import numpy as np
import torch

from simviz.dynamics.orbits import Classification
from simviz.dynamics.systems import Flow
from simviz.live.panels.sets.follow import linear_part
from simviz.live.panels.sets.survey import Survey
from simviz.records import Spectrum

HARMONICS = {1: 8, 2: 3}
"""Multiples of the base frequencies that are drawn, for one and for two of them."""
_FASTER = 1e-9
"""Multipliers below this are lost in rounding and left out."""


def spectrum(survey: Survey, dt: float) -> Spectrum:
    """Return the Koopman eigenvalues of a step of dt (1 for a map) that are known of what orbits come to.

    A fixed point's: 1 and the products of up to two eigenvalues of the linear part, 1 once for each basin. A cycle's:
    its harmonics, and the multipliers of its period with one harmonic each way. A torus': the lattice of its two
    frequencies. Of chaos nothing but 1. The record's `kind` says which.
    """
    if not survey.sets or survey.own:
        kind = "none is known: every orbit has its own set" if survey.own else "none: nothing to come to"
        return Spectrum(torch.empty(0, dtype=torch.complex128), dt=dt, kind=kind)
    first, count = survey.sets[0], len(survey.sets)
    step = "" if not isinstance(survey.system, Flow) else f", a step of {dt:g}"
    if survey.kind == "fixed point":
        values, kind = _point(survey, dt), "point" if count == 1 else "one of the points"
    elif survey.kind == "cycle" and first.period:
        values, kind = _cycle(survey, first, dt), "loop"
    elif survey.kind == "closed curve" and first.rotation_number:
        values, kind = _turning(survey, (2 * math.pi * first.rotation_number,), dt), "loop"
    elif survey.kind == "torus" and first.frequencies:
        values, kind = _turning(survey, first.frequencies, dt), "torus"
    elif survey.kind == "chaos":
        values, kind = [1 + 0j], "chaos has 1 alone"
    else:
        values, kind = [1 + 0j], "1, no other is known"
    return Spectrum(torch.tensor(values, dtype=torch.complex128), dt=dt, kind=kind + step)


def counted(record: Spectrum) -> str:
    """Return the persistent eigenvalues in words: "persistent: 1 and 8 pairs"."""
    values = record.eigenvalues[record.persistent]
    ones = int(((values - 1).abs() < 1e-6).sum())
    half = int(((values + 1).abs() < 1e-6).sum())
    pairs = (len(values) - ones - half) // 2
    parts = ["1" if ones == 1 else ("1 twice" if ones == 2 else f"1, {ones} times")] if ones else []
    parts += ["-1"] if half else []
    parts += [f"{pairs} pair{'' if pairs == 1 else 's'}"] if pairs else []
    return f"persistent: {' and '.join(parts)}" if parts else "no eigenvalue persists"


def _point(survey: Survey, dt: float) -> list[complex]:
    flow = isinstance(survey.system, Flow)
    values: list[complex] = [1 + 0j] * len(survey.sets)
    at = torch.from_numpy(survey.tails[0][-1])
    pieces = max(1, math.ceil(dt / survey.dt)) if flow else 1
    linear = np.linalg.eigvals(linear_part(survey.system, at, dt / pieces, pieces).numpy()).tolist()
    return values + linear + [a * b for a, b in itertools.combinations_with_replacement(linear, 2)]


def _cycle(survey: Survey, first: Classification, dt: float) -> list[complex]:
    """Harmonics, and each decaying multiplier's root: a flow's over dt of its period, a map's over one step of many."""
    assert first.period
    flow = isinstance(survey.system, Flow)
    steps = math.ceil(first.period / survey.dt) if flow else round(first.period)
    at = torch.from_numpy(survey.tails[0][-1])
    whole = linear_part(survey.system, at, first.period / steps if flow else 1.0, steps)
    multipliers = sorted(np.linalg.eigvals(whole.numpy()).tolist(), key=lambda m: abs(m - 1))
    if not flow:
        roots = [cmath.exp(2j * math.pi * k / steps) for k in range(steps)]
        inner = [m for m in multipliers if _FASTER < abs(m) < 1]
        return roots + [complex(m) ** (1 / steps) * root for m in inner for root in roots]
    omega = 2 * math.pi / first.period
    turning = _lattice((omega * dt,))
    inner = [complex(m) ** (dt / first.period) for m in multipliers[1:] if _FASTER < abs(m) < 1]
    return turning + [m * cmath.exp(1j * k * omega * dt) for m in inner for k in (0, 1, -1, 2, -2)]


def _turning(survey: Survey, frequencies: tuple[float, ...], dt: float) -> list[complex]:
    """The lattice of the frequencies, and what is known in closed form to decay with it."""
    known = survey.system.truth()
    if known.frequencies is not None and len(known.frequencies) == len(frequencies):
        frequencies = known.frequencies
    turning = _lattice(tuple(f * dt for f in frequencies))
    flow = isinstance(survey.system, Flow)
    inner = [cmath.exp(rate * dt) if flow else complex(rate) for rate in known.decaying or ()]
    few = _lattice(tuple(f * dt for f in frequencies), harmonics=1)
    return turning + [m * t for m in inner for t in few]


def _lattice(angles: tuple[float, ...], harmonics: int | None = None) -> list[complex]:
    """1 first, then every product of whole powers, in conjugate pairs."""
    most = harmonics or HARMONICS[min(len(angles), 2)]
    values = []
    for ks in itertools.product(range(-most, most + 1), repeat=len(angles)):
        if any(ks):
            values.append(cmath.exp(1j * sum(k * a for k, a in zip(ks, angles, strict=True))))
    return [1 + 0j, *values]
