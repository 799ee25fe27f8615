r"""What do the best sines of an angle leave of the tails, and how steep is that? Variable projection.

For every angle theta the amplitudes are the best ones, by linear least squares: what is left is a function of theta
alone, and its derivative is known without theirs (Golub and Pereyra 1973, Formula 2.14): with A the columns, C the
tails' covariance, P the projection on what A leaves, :math:`-2\, tr(P A' A^+ C)`.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch

from simviz.learning.tails import explained, peak_angles

ANGLES = (0.05, 1.2)
"""Angles of the landscape, radians a step."""
FEWEST = 400
"""Angles on which the loss is computed, at the least; more where dips are narrow."""
STEPS = 120
"""Pulls of a descent, at the most."""
FLAT = 1e-6
"""A descent is over where the slope is below this (share of the spread a radian), or a step no longer descends."""


@dataclass(frozen=True, eq=False)
class Tails:
    """The later halves of trajectories, (batch, time, dim) float64, and the true angle a step, None if not known."""

    data: torch.Tensor
    true: float | None

    def rows(self, length: int) -> torch.Tensor:
        """The last so many steps of every orbit, their mean taken out: (length, batch dim)."""
        rows = self.data[:, -length:].transpose(0, 1).flatten(1)
        return rows - rows.mean(0)

    def peak(self, length: int) -> float:
        """The angle of the highest peak in the Fourier spectrum of the last so many steps."""
        angle = peak_angles(self.data[:, -length:].repeat(1, 2, 1))[0]  # of which it reads the later half
        return min(max(angle, ANGLES[0]), ANGLES[1])


class Landscape:
    """The loss against the angle: the share of the tails' variance that sines of its multiples leave.

    tails: their later halves; length: steps of them; harmonics: multiples k = 1 .. harmonics. The amplitudes, and a
    constant, are every orbit's own.
    """

    def __init__(self, tails: Tails, length: int, harmonics: int) -> None:
        rows = tails.rows(length)
        self.length, self.harmonics = length, harmonics
        self.times = torch.arange(length, dtype=torch.float64)
        self.covariance = rows @ rows.T
        self.whole = float(self.covariance.trace())
        self.multiples = torch.arange(1, harmonics + 1, dtype=torch.float64)
        self.width = math.pi / (length * harmonics)
        """Half the width of the narrowest dips: within it the highest harmonic stays in step all along the tail."""

    def losses(self, angles: np.ndarray) -> np.ndarray:
        """(n,) angles -> (n,) losses, from 0 to 1."""
        asked = torch.from_numpy(np.asarray(angles, float))[:, None] * self.multiples
        return (1 - explained(asked, self.times, self.covariance) / self.whole).clamp(0, 1).numpy()

    def at(self, angle: float) -> tuple[float, float]:
        """Return the loss at an angle and its derivative by the angle."""
        phases = self.times[:, None] * angle * self.multiples  # (time, harmonics)
        cos, sin, pace = phases.cos(), phases.sin(), self.times[:, None] * self.multiples
        zero = torch.zeros_like(self.times)[:, None]
        columns = torch.cat([zero + 1, cos, sin], 1)
        slopes = torch.cat([zero, -sin * pace, cos * pace], 1)
        q, r = torch.linalg.qr(columns)
        seen = q.T @ self.covariance  # (2 harmonics + 1, time)
        loss = 1 - float((seen * q.T).sum()) / self.whole
        turned = slopes @ torch.linalg.solve_triangular(r, seen, upper=True)  # A' A^+ C
        left = turned.diagonal().sum() - (q * (turned @ q)).sum()
        return loss, -2 * float(left) / self.whole

    @functools.cached_property
    def angles(self) -> np.ndarray:
        """The angles of the curve, four to half a dip."""
        return np.linspace(*ANGLES, max(FEWEST, math.ceil(4 * (ANGLES[1] - ANGLES[0]) / self.width)))

    @functools.cached_property
    def curve(self) -> np.ndarray:
        """The losses on `angles`."""
        return self.losses(self.angles)

    @functools.cached_property
    def dips(self) -> int:
        """How many local minima the curve has."""
        inner = self.curve[1:-1]
        return int(((inner < self.curve[:-2]) & (inner < self.curve[2:])).sum())

    def descent(self, start: float) -> np.ndarray:
        """Return the angles of a gradient descent, (n,), from its start: every one has a lower loss than the last.

        The step is minus the slope over the curvature that the last two slopes tell (Barzilai and Borwein 1988), at
        most an eighth of a dip wide, so that none is jumped over, and halved until the loss falls (Armijo).
        """
        path = [start]
        loss, slope = self.at(start)
        most = self.width / 4
        curvature = 0.0
        while len(path) <= STEPS and abs(slope) > FLAT:
            step = -slope / curvature if curvature > 0 else -math.copysign(most, slope)
            step = min(max(step, -most), most)
            for _ in range(40):
                angle = min(max(path[-1] + step, ANGLES[0]), ANGLES[1])
                new, steepness = self.at(angle)
                if new < loss + 0.1 * slope * (angle - path[-1]) and angle != path[-1]:
                    break
                step /= 2
            else:
                break
            curvature = (steepness - slope) / (angle - path[-1])
            path.append(angle)
            loss, slope = new, steepness
        return np.array(path)

    def fit(self, tails: Tails, angle: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the first orbit's first coordinate, (length,), and the sines' best fit to it."""
        wave = tails.data[0, -self.length :, 0]
        phases = self.times[:, None] * angle * self.multiples
        q = torch.linalg.qr(
            torch.cat([torch.ones(self.length, 1, dtype=torch.float64), phases.cos(), phases.sin()], 1)
        ).Q
        return wave.numpy(), (q @ (q.T @ wave)).numpy()
