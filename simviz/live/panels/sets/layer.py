"""How does the plane look when it is coloured by phase? The grid, the colours, the lines they should have, the hole."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from simviz.dynamics.systems import Oscillator
from simviz.live.panels.sets import phases
from simviz.live.panels.sets.phases import PhaseError, aligned, holes, learned_phase, phase_error, polar_angle

CELLS = 96
"""Columns and rows of the grid."""


@dataclass(frozen=True)
class Layer:
    """The plane of a loop coloured by a phase.

    x: (columns,), y: (rows,); phase: (rows, columns), radians, the one that is coloured; exact: the one it should be,
    NaN where it is not found; source: "exact", "learned" or "polar"; hole: (n, 2), where all phases of the coloured one
    meet; centre: (2,), the unstable point; error: of the coloured phase, None where it is the exact one.
    """

    x: np.ndarray
    y: np.ndarray
    phase: np.ndarray
    exact: np.ndarray
    source: str
    hole: np.ndarray
    centre: np.ndarray
    error: PhaseError | None

    def error_beyond(self, radius: float) -> PhaseError:
        """Return how far the coloured phase is from the exact one, a disc round the unstable point left out."""
        far = np.hypot(self.x - self.centre[0], (self.y - self.centre[1])[:, None]) > radius
        return phase_error(self.phase[far], self.exact[far])

    def words(self) -> str:
        """Return "hole 0.02 from the unstable point; phase error 0.03 rad", as far as there is one."""
        if not len(self.hole):
            text = "no hole is seen"
        else:
            away = float(np.linalg.norm(self.hole - self.centre, axis=1).min())
            more = f" ({len(self.hole)} holes)" if len(self.hole) > 1 else ""
            text = f"hole {away:.2f} from the unstable point{more}"
        if self.error is None:
            return text
        if self.source == "polar":
            what = "the polar angle is wrong by"
            return f"{what} {self.error.median:.2f} rad at the median, {self.error.high:.2f} at the 95th percentile"
        return f"{text}; phase error {self.error.median:.2g} rad"


def grid(reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the columns (CELLS,), the rows (CELLS,) and the points (rows columns, 2) of a square round 0."""
    at = np.linspace(-reach, reach, CELLS)
    return at, at, np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)


def layering(system: Oscillator, model: Any = None, polar: bool = False) -> Generator[None, None, Layer]:
    """Colour the box of a loop by its phase, in small slices; a generator whose return value is the Layer.

    model: a SIM whose phase is coloured instead of the exact one; polar: the polar angle instead of either.
    """
    x, y, points = grid(system.reach)
    exact = yield from phases.phasing(system, points)
    source, error, found = "exact", None, exact
    if polar or model is not None:
        source = "polar" if polar else "learned"
        found = polar_angle(system, points) if polar else learned_phase(model, points)
        error = phase_error(found, exact)
        found = aligned(found, exact)
    shape = (CELLS, CELLS)
    seen = holes(x, y, found.reshape(shape))
    if source == "learned":
        seen = _refined(model, seen, x[1] - x[0])
    return Layer(x, y, found.reshape(shape), exact.reshape(shape), source, seen, np.zeros(2), error)


def _refined(model: Any, seen: np.ndarray, width: float) -> np.ndarray:
    """Look at each hole of a model again on a finer grid, (n, 2) -> (n, 2)."""
    found = []
    for centre in seen:
        side = np.linspace(-1.5 * width, 1.5 * width, 61)
        points = np.stack(np.meshgrid(centre[0] + side, centre[1] + side), -1).reshape(-1, 2)
        inner = holes(centre[0] + side, centre[1] + side, learned_phase(model, points).reshape(61, 61))
        found.append(inner[np.linalg.norm(inner - centre, axis=1).argmin()] if len(inner) else centre)
    return np.array(found).reshape(-1, 2)
