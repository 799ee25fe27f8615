r"""What does K make of an observable? Its values at :math:`F^n(s)`, on a grid of s, and how far from a multiple.

Koopman 1931: :math:`(K g)(s) = g(F(s))`. The flow is followed once from every point of the grid, to 1e-13; every
picture and every orbit of the panel is read off these paths.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from simviz.dynamics.systems import Flow, SlowManifold, StuartLandau
from simviz.dynamics.systems.base import integrate
from simviz.live.panels.beliefs.observables import KNOWN

SIDE, STEPS = 64, 60
"""Columns and rows of the picture; steps that it may be dragged."""
SYSTEMS: dict[str, Flow] = {"slow manifold": SlowManifold(), "Stuart-Landau": StuartLandau(mu=0.25)}
CURVED = SYSTEMS["slow manifold"].lam / (SYSTEMS["slow manifold"].lam - 2 * SYSTEMS["slow manifold"].mu)  # type: ignore[attr-defined]
"""c of s2 - c s1^2, which decays at the fast rate alone."""
EXACT = 1e-6
"""A picture whose shape changes by less than this is a multiple of itself."""


def _turn(s: torch.Tensor) -> torch.Tensor:
    around = torch.complex(s[:, 0], s[:, 1])
    return around / around.abs()


def _ring(s: torch.Tensor) -> torch.Tensor:
    square = s.square().sum(1)
    return (1 - square) / square


OBSERVABLES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    **{name: KNOWN[name] for name in ("s1", "s2", "s1^2", "s1 s2")},
    "s2 - c s1^2": lambda s: s[:, 1] - CURVED * s[:, 0].square(),
    "e^(i theta)": _turn,
    "(1 - r^2) / r^2": _ring,
}
"""Functions of states, (n, 2) -> (n,), real or complex, by name."""


@dataclass(frozen=True)
class Dragged:
    r"""A picture of an observable g and of :math:`K^n g`, and g along one orbit.

    centres: (SIDE,) of the cells, on both axes; before, after: (SIDE, SIDE) values of g and of K^n g, a row for each
    s2, real or complex, NaN where no orbit starts; multiples: (STEPS + 1,) complex, the c for which c g is nearest to
    K^n g, for every n; changes: (STEPS + 1,) |K^n g - c g| / |K^n g|, 0 for an eigenfunction and at most 1; orbit:
    (STEPS + 1, 2) from the cell of the start; readings: (STEPS + 1,) g along it; usual: the modulus that most values of
    any of the pictures stay below; cell: (row, column) of the start.
    """

    system: str
    observable: str
    step: int
    dt: float
    centres: np.ndarray
    before: np.ndarray
    after: np.ndarray
    multiples: np.ndarray
    changes: np.ndarray
    orbit: np.ndarray
    readings: np.ndarray
    usual: float
    cell: tuple[int, int]

    @property
    def multiple(self) -> complex:
        """The c for which c g is nearest to the present picture."""
        return complex(self.multiples[self.step])

    @property
    def change(self) -> float:
        """How much the present picture differs from every multiple of the first one, from 0 to 1."""
        return float(self.changes[self.step])

    @property
    def eigenfunction(self) -> bool:
        """Whether no step changed the shape."""
        return float(self.changes.max()) < EXACT


def dragged(*, system: str, observable: str, step: int, start: tuple[float, float], dt: float) -> Dragged:
    """Return the picture after so many steps of dt; start: of the orbit, taken to the centre of its cell."""
    values, multiples, changes, usual = _pictures(system, observable, dt)
    centres = _centres(system)
    cell = nearest_cell(system, start)
    at = cell[0] * SIDE + cell[1]
    return Dragged(
        system, observable, step, dt, centres, values[0].reshape(SIDE, SIDE), values[step].reshape(SIDE, SIDE),
        multiples, changes, _paths(system, dt)[at].numpy(), values[:, at], usual, cell,
    )  # fmt: skip


def nearest_cell(system: str, start: tuple[float, float]) -> tuple[int, int]:
    """Return (row, column) of the cell that a start lies in, or of the nearest one from which an orbit starts."""
    centres = _centres(system)
    apart = np.hypot(centres[None, :] - start[0], centres[:, None] - start[1])
    row, column = np.unravel_index(np.where(_admitted(system).reshape(SIDE, SIDE), apart, np.inf).argmin(), apart.shape)
    return int(row), int(column)


def centre(system: str, cell: tuple[int, int]) -> tuple[float, float]:
    """Return the point at the centre of a cell."""
    centres = _centres(system)
    return round(float(centres[cell[1]]), 6), round(float(centres[cell[0]]), 6)


def _centres(system: str) -> np.ndarray:
    low, high = SYSTEMS[system].box[0]
    return low + (high - low) * (np.arange(SIDE) + 0.5) / SIDE


def _grid(system: str) -> torch.Tensor:
    """(SIDE^2, 2), the first coordinate fastest."""
    y, x = np.meshgrid(_centres(system), _centres(system), indexing="ij")
    return torch.from_numpy(np.stack([x.ravel(), y.ravel()], 1))


def _admitted(system: str) -> np.ndarray:
    return SYSTEMS[system].admits(_grid(system)).numpy()


@functools.lru_cache(maxsize=4)
def _paths(system: str, dt: float) -> torch.Tensor:
    """(SIDE^2, STEPS + 1, 2): the orbit of every cell's centre."""
    times = dt * torch.arange(STEPS + 1, dtype=torch.float64)
    with torch.no_grad():
        return integrate(SYSTEMS[system].rate, _grid(system), times, rtol=1e-13)


@functools.lru_cache(maxsize=16)
def _pictures(system: str, observable: str, dt: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """All pictures, (STEPS + 1, SIDE^2), their nearest multiples of the first, their changes, what is usual."""
    paths = _paths(system, dt)
    values = OBSERVABLES[observable](paths.reshape(-1, 2)).reshape(paths.shape[:2]).T.numpy().copy()
    values[:, ~_admitted(system)] = np.nan
    seen = values[:, _admitted(system)]  # (STEPS + 1, n)
    multiples = (seen @ seen[0].conj()) / (np.abs(seen[0]) ** 2).sum()
    sizes = np.linalg.norm(seen, axis=1)
    changes = np.linalg.norm(seen - multiples[:, None] * seen[0], axis=1) / np.maximum(sizes, 1e-300)
    usual = max(float(np.quantile(np.abs(seen[n]), 0.97)) for n in (0, STEPS // 2, STEPS))
    return values, multiples.astype(complex), changes, usual
