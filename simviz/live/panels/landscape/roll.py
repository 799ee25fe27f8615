"""Where does the dot stand after so many steps of descent, and in which dip will it end?"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from simviz.live.panels.landscape.losses import Landscape, Tails


@dataclass(frozen=True)
class Roll:
    """A descent on the angle after so many steps.

    angles, losses: (n,) the landscape; path: (steps + 1,) where the dot has been, its losses in `heights`; total: steps
    that the descent takes; slope: at the dot, share of the spread a radian; dips: of the landscape; width: half of the
    narrowest; true: the true angle, None if not known, and its loss; best: the deepest angle found and its loss; wave,
    fit: (length,) a tail and its fit at the dot; drawn: whether the start is the data's peak.
    """

    start: float
    harmonics: int
    length: int
    steps: int
    total: int
    angles: np.ndarray
    losses: np.ndarray
    path: np.ndarray
    heights: np.ndarray
    slope: float
    dips: int
    width: float
    true: tuple[float, float] | None
    best: tuple[float, float]
    wave: np.ndarray
    fit: np.ndarray
    drawn: bool

    @property
    def ended(self) -> bool:
        """Whether the descent is over."""
        return self.steps >= self.total

    @property
    def goal(self) -> tuple[float, float]:
        """The angle one wants, and its loss: the true one, or the deepest where none is known."""
        return self.true or self.best

    @property
    def right(self) -> bool:
        """Whether the dot is in the dip of the goal."""
        return abs(float(self.path[-1]) - self.goal[0]) < self.width

    @property
    def part(self) -> int:
        """m, where the dot is in the dip of the goal's m-th part, m = 2 to 5; else 0."""
        here, goal = float(self.path[-1]), self.goal[0]
        return next((m for m in range(2, min(5, self.harmonics) + 1) if abs(here - goal / m) < self.width / 2), 0)

    @property
    def alias(self) -> int:
        """The least k for which samples take k times the dot's angle for the goal, or its mirror image; else 0."""
        for k in range(1, self.harmonics + 1):
            turned = k * float(self.path[-1])
            folded = abs((turned + math.pi) % (2 * math.pi) - math.pi)
            if turned > math.pi and abs(folded - self.goal[0]) < math.pi / (2 * self.length):
                return k
        return 0


@functools.lru_cache(maxsize=16)
def landscape(tails: Tails, length: int, harmonics: int) -> Landscape:
    """Return the landscape of these tails, kept."""
    return Landscape(tails, length, harmonics)


@functools.lru_cache(maxsize=64)
def _descent(land: Landscape, start: float) -> np.ndarray:
    return land.descent(start)


def rolled(tails: Tails, *, start: float, harmonics: int, length: int, steps: int) -> Roll:
    """Return the descent from a start after so many steps, or at its end where that comes first."""
    land = landscape(tails, length, harmonics)
    whole = _descent(land, start)
    path = whole[: steps + 1]
    now = float(path[-1])
    lowest = int(land.curve.argmin())
    best = _descent(land, float(land.angles[lowest]))[-1:]
    wave, fit = land.fit(tails, now)
    return Roll(
        start, harmonics, length, len(path) - 1, len(whole) - 1, land.angles, land.curve, path, land.losses(path),
        land.at(now)[1], land.dips, land.width,
        None if tails.true is None else (tails.true, float(land.losses(np.array([tails.true]))[0])),
        (float(best[0]), float(land.losses(best)[0])), wave, fit, abs(start - tails.peak(length)) < 1e-3,
    )  # fmt: skip
