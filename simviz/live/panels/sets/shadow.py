"""With which point of its set does a start finally move together? The start and its shadow, followed for a while."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from simviz.dynamics.systems import Flow, Oscillator, System
from simviz.live.panels.sets import follow
from simviz.live.panels.sets.phases import POINTS, exact_phase, loop, modes_of
from simviz.live.panels.sets.survey import Survey

MOMENTS = 240
"""Moments at which both are known."""
PERIODS = 3
STEPS = 60
"""Steps that a map's start is followed for."""


@dataclass(frozen=True)
class Pair:
    """A start of the reader's and its shadow: times (n,), dots (n, dim), shadows (n, dim), None where none is known.

    source: what the shadow is taken from, or why there is none, in a few words.
    """

    times: np.ndarray
    dots: np.ndarray
    shadows: np.ndarray | None
    source: str

    @property
    def gaps(self) -> np.ndarray | None:
        """Their distance, (n,)."""
        return None if self.shadows is None else np.linalg.norm(self.dots - self.shadows, axis=1)


def pair(system: System, start: np.ndarray, pace: float, survey: Survey | None = None, model: Any = None) -> Pair:
    """Follow a start (dim,) and its shadow: on a loop by the phase, a model's or the exact one; else at a point.

    pace: time of a step for the eye; survey: of the system, which knows the points that orbits come to.
    """
    flow = isinstance(system, Flow)
    lasts = PERIODS * system.period() if isinstance(system, Oscillator) else MOMENTS * pace if flow else STEPS
    count = MOMENTS if flow else STEPS
    times = lasts * np.arange(count + 1) / count
    begin = torch.as_tensor(start, dtype=torch.float64)[None]
    dots = follow.path(system, begin, lasts / count, count)[0].numpy()
    if model is not None:
        return Pair(times, dots, _learned(model, start, times), "the model's shadow")
    if isinstance(system, Oscillator):
        first = float(exact_phase(system, start[None])[0])
        if math.isnan(first):
            return Pair(times, dots, None, "no shadow: this start is in the hole")
        turn, at = loop(system), first / (2 * math.pi) + times / system.period()
        place = (at * POINTS) % POINTS
        known = np.arange(POINTS + 1)
        closed = np.concatenate([turn, turn[:1]])
        return Pair(times, dots, np.stack([np.interp(place, known, c) for c in closed.T], 1), "the exact shadow")
    if survey is not None and survey.kind == "fixed point":
        far = follow.path(system, begin, 4 * pace if flow else 1.0, 600)[0, -1].numpy()
        rests = np.stack([tail[-1] for tail in survey.tails])
        if np.isfinite(far).all():
            rest = rests[np.linalg.norm(rests - far, axis=1).argmin()]
            return Pair(times, dots, np.repeat(rest[None], len(times), 0), "the point at which it comes to rest")
        return Pair(times, dots, None, "no shadow: this start escapes")
    return Pair(times, dots, None, "no shadow is known for such a set")


@torch.no_grad()
def _learned(model: Any, start: np.ndarray, times: np.ndarray) -> np.ndarray:
    dt = modes_of(model).options["dt"]
    kind = next(model.parameters()).dtype
    states = torch.as_tensor(start, dtype=kind)[None]
    return model.shadow(states, torch.as_tensor(times / dt, dtype=kind))[0].double().numpy()
