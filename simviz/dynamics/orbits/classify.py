"""Of what kind is an orbit? Fixed point, cycle, closed curve, torus, chaos or escape; or, honestly, undecided.

Three looks at the second half of the orbit. Does its extent shrink, grow or stay? Does it come back to where it was
(`recurrence`)? Do a few frequencies explain it (`frequencies`), as on a torus, or none, as in chaos?
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from simviz import checks
from simviz.dynamics.orbits.frequencies import generators, peaks
from simviz.dynamics.orbits.lyapunov import stretches
from simviz.dynamics.orbits.recurrence import cycle_length, digits, return_map, rotation_number
from simviz.dynamics.systems import System

KINDS = ("fixed point", "cycle", "closed curve", "torus", "chaos", "escape", "undecided")
"""What `classify` may call a set; the last two are no sets."""
_WINDOWS = 8
_SHORTEST = 256


@dataclass(frozen=True)
class Classification:
    """What an orbit is, and why.

    kind: a word of `KINDS`; evidence: in a sentence; point: (dim,) of a fixed point; period: of a cycle, steps (a
    map's) or units of time (a flow's); rotation_number: of a closed curve, turns a step; frequencies: of a torus,
    radians per step or unit of time, a choice of generators; lyapunov: of this orbit, where the system was given.
    """

    kind: str
    evidence: str
    point: torch.Tensor | None = None
    period: float | None = None
    rotation_number: float | None = None
    frequencies: tuple[float, ...] | None = None
    lyapunov: float | None = None

    def __str__(self) -> str:
        more = {"period": self.period, "rotation number": self.rotation_number}
        numbers = [f"{name} {value:.6g}" for name, value in more.items() if value is not None]
        if self.frequencies:
            numbers.append("frequencies " + ", ".join(f"{f:.6g}" for f in self.frequencies))
        return ", ".join([self.kind, *numbers]) + f" ({self.evidence})"


def classify(orbits: Any, dt: float | None = None, *, system: System | None = None) -> tuple[Classification, ...]:
    """Classify orbits, (batch, time, dim) or one (time, dim), each by itself; returns one Classification for each.

    Give whole orbits: the first half is taken as the transient. Some 2,000 states, and of a flow some 50 turns with 30
    states each, decide nearly always. dt: time between states of a flow; None: the orbits are a map's. system: where
    given, the orbit's own Lyapunov exponent must agree with the rest, else the answer is "undecided".

    A map's orbit that comes back to the same points is a "cycle", one that fills a curve a "closed curve"; a flow's
    orbit that closes is a "cycle"; two or three independent frequencies are a "torus".

    >>> from simviz.dynamics.systems import NeimarkSacker
    >>> (found,) = classify(NeimarkSacker(1.2, 1.0).trajectories(1, 2000))
    >>> found.kind, round(found.rotation_number * 2 * torch.pi, 6)
    ('closed curve', 1.0)
    """
    states = checks.tensor("orbits", orbits, finite=False).detach().cpu().double()
    if states.ndim == 2:
        states = states[None]
    if states.ndim != 3 or states.shape[1] < _SHORTEST:
        raise ValueError(
            f"orbits must be (batch, time, dim) or (time, dim) with at least {_SHORTEST} states, "
            f"got {tuple(torch.as_tensor(orbits).shape)}"
        )
    if dt is not None:
        dt = checks.positive("dt", dt)
    found = [_classify(orbit.numpy(), dt) for orbit in states]
    return tuple(found if system is None else _confirmed(found, states, dt, system))


def _classify(orbit: np.ndarray, dt: float | None) -> Classification:
    bad = ~np.isfinite(orbit).all(1)
    if bad.any():
        return Classification("escape", f"no longer finite from state {int(bad.argmax())} on")
    tail = orbit[len(orbit) // 2 :]
    return _at_rest_or_gone(tail) or _recurrent(tail, dt) or _by_frequencies(tail, dt)


def _at_rest_or_gone(tail: np.ndarray) -> Classification | None:
    """Look at the extent of the orbit in eight windows of time."""
    windows = np.array_split(tail, _WINDOWS)
    extent = np.array([np.linalg.norm(np.ptp(w, 0)) for w in windows])
    rounding = 1e-9 * (1 + np.abs(tail).max())
    point = torch.from_numpy(tail[-1].copy())
    if extent[-1] <= rounding:
        return Classification("fixed point", "it stands still", point)
    ratios = extent[1:] / extent[:-1]
    falls = bool((ratios < 1).all())
    if falls and extent[-1] < 0.1 * extent[0]:
        return Classification("fixed point", f"its extent falls to {ratios.mean():.2g} of itself a window", point)
    if bool((ratios > 1).all()) and extent[-1] > 10 * extent[0]:
        return Classification("escape", f"its extent grows {ratios.mean():.2g} times a window")
    means = np.array([w.mean(0) for w in windows])
    if falls and extent[-1] < 0.9 * extent[0]:
        return Classification("undecided", "its extent still falls: simulate longer")
    if np.linalg.norm(means[-1] - means[0]) > 3 * extent.max():
        return Classification("escape", "it drifts away steadily")
    change = np.median(extent[_WINDOWS // 2 :]) / np.median(extent[: _WINDOWS // 2])
    if not 0.6 < change < 1.7:
        return Classification("undecided", f"its extent still changes ({change:.2g} times): simulate longer")
    return None


def _recurrent(tail: np.ndarray, dt: float | None) -> Classification | None:
    """Look for a cycle: of points, or of passages through a section."""
    if dt is None:
        period, gap = cycle_length(tail[len(tail) // 2 :], 1e-6 * float(np.ptp(tail, 0).max()))
        if period:
            return Classification("cycle", f"back at the same {period} points to {gap:.1g}", period=period)
        return None
    returns = return_map(tail, dt)
    if returns.returns and len(returns.times) >= 3 * returns.returns:
        return Classification("cycle", returns.words, period=returns.period)
    return None


def _by_frequencies(tail: np.ndarray, dt: float | None) -> Classification:
    """Look at the frequencies: a few that explain everything, or none that explain much."""
    lines, agree = peaks(tail), digits(tail)
    tolerance = 0.03 / len(tail)
    base = generators(lines.frequencies, tolerance, wrap=dt is None)
    unexplained = 1 - lines.share
    told = f"{len(lines.frequencies)} frequencies leave {unexplained:.1g} of the variance unexplained"
    if unexplained < 0.01 and base is not None:
        return _quasi_periodic(tail, dt, base, tolerance, f"{told}; all are combinations of {len(base)}")
    if (unexplained > 0.03 and agree < 3) or (unexplained > 0.3 and agree < 5):
        return Classification("chaos", f"{told}; means over its halves agree to {agree:.1f} digits")
    return Classification("undecided", f"{told}, and no three generate them: simulate longer, or give the system")


def _quasi_periodic(
    tail: np.ndarray, dt: float | None, base: Sequence[float], tolerance: float, told: str
) -> Classification:
    if dt is not None:
        frequencies = tuple(2 * math.pi * f / dt for f in base)
        if len(base) == 1:
            return Classification("cycle", told, period=dt / base[0])
        return Classification("torus", told, frequencies=frequencies)
    # With a rational frequency beside the others the set is in several pieces; it does not count as a dimension.
    free = [f for f in base if not any(abs(n * f - round(n * f)) < 0.01 * tolerance for n in range(1, 17))]
    if not free:
        return Classification("undecided", f"{told}, rational, yet it does not come back: simulate longer")
    if len(free) > 1:
        return Classification("torus", told, frequencies=tuple(2 * math.pi * f for f in free))
    turns = free[0]
    if tail.shape[1] == 2:
        seen = rotation_number(tail)
        turns = seen if min(abs(seen - turns), abs(1 - seen - turns)) < 1e-4 else turns
    return Classification("closed curve", told, rotation_number=turns)


def _confirmed(
    found: Sequence[Classification], states: torch.Tensor, dt: float | None, system: System
) -> list[Classification]:
    """Hold each kind against the orbit's own Lyapunov exponent, over as long a time as its second half."""
    length = (states.shape[1] // 2) * (1.0 if dt is None else dt)
    settled = [i for i, c in enumerate(found) if c.kind != "escape"]
    result = list(found)
    if not settled:
        return result
    exponents = stretches(system, states[settled, -1], length, length / 20)
    for i, exponent in zip(settled, exponents.tolist(), strict=True):
        parts = not exponent * length < 10  # a difference grew e^10 times, or the orbit left
        one, told = found[i], f"Lyapunov exponent {exponent:.3g}"
        kind, evidence = one.kind, f"{one.evidence}; {told}"
        if parts != (kind == "chaos") and kind != "undecided":
            kind, evidence = "undecided", f"{told}, but: {one.evidence}"
        elif kind == "undecided" and parts:
            kind = "chaos"
        result[i] = (
            Classification(kind, evidence, lyapunov=exponent)
            if kind != one.kind
            else Classification(kind, evidence, one.point, one.period, one.rotation_number, one.frequencies, exponent)
        )
    return result
