r"""Where are the dots of a drop after t steps, and where is the ink? Dots followed one by one, masses by Ulam's matrix.

Densities in closed form: logistic map, Ulam and von Neumann 1947; Gauss' map, Gauss 1812 (Lyapunov exponent
:math:`\pi^2 / (6 \ln 2)`); a rotation keeps lengths.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from simviz.dynamics.features import RandomFourier
from simviz.dynamics.systems import CircleRotation, Logistic, Map, OwnMap
from simviz.dynamics.systems.base import Truth
from simviz.dynamics.transfer import Transfer, evolve, random_features, ulam
from simviz.dynamics.transfer.cells import cut
from simviz.records import Spectrum

DOTS, STEPS, BARS, FEATURES, SNAPSHOTS = 5000, 60, 25, 200, 1000
DROP = (0.2, 0.4)
"""Where the dots begin."""
TWINS = (math.sqrt(5) / 7, 1e-6)
"""Where one twin begins, and how far from it the other."""
TURN = CircleRotation().turn / (2 * math.pi)
"""Of the rotation, in turns a step: the golden angle."""
_GAUSS = math.pi**2 / (6 * math.log(2))


@dataclass(frozen=True)
class Stirrer:
    """A map of the unit interval whose invariant density is known.

    below: (n,) -> (n,) the mass below points; circle: 0 and 1 are the same point, so that observables are those of the
    circle.
    """

    map: Map
    below: Callable[[np.ndarray], np.ndarray]
    circle: bool = False

    @property
    def lyapunov(self) -> float:
        """How fast nearby dots part, per step."""
        known = self.map.truth().lyapunov
        assert known is not None
        return known


def _own(function: Callable[[torch.Tensor], torch.Tensor], source: str, rate: float, density: object) -> OwnMap:
    return OwnMap(function, [(0.0, 1.0)], truth=Truth(source, lyapunov=rate, density=density))  # type: ignore[arg-type]


MAPS: dict[str, Stirrer] = {
    "logistic": Stirrer(Logistic(4.0), lambda x: 2 / math.pi * np.arcsin(np.sqrt(x))),
    "Gauss": Stirrer(
        _own(lambda s: torch.where(s > 0, 1 / s, 0.0) % 1, "Gauss 1812", _GAUSS, lambda s: 1 / (math.log(2) * (1 + s))),
        lambda x: np.log2(1 + x),
    ),
    "rotation": Stirrer(
        _own(lambda s: (s + TURN) % 1, "closed form", 0.0, torch.ones_like), lambda x: x, circle=True
    ),
}  # fmt: skip
"""By name; 4 s (1 - s), the fractional part of 1 / s, and s + 0.382 without its whole part."""


@dataclass(frozen=True)
class Stirred:
    """A drop of ink after t steps.

    dots: (DOTS,) where they are; twins: (STEPS + 1, 2) at all steps; masses: (BARS,) shares of the dots; exact: (BARS,)
    of the invariant measure; moved: the sum of the bars' changes in the last step, 0 at the beginning; off: that from
    the exact masses; noise: what `off` is of so many independent dots, on average; transfer: Ulam's matrix; pushed:
    (cells,) the drop's masses after t steps by the matrix; features: the spectrum in random features, None where it was
    not asked for.
    """

    map: str
    steps: int
    dots: np.ndarray
    twins: np.ndarray
    masses: np.ndarray
    exact: np.ndarray
    moved: float
    off: float
    noise: float
    transfer: Transfer
    pushed: np.ndarray
    features: Spectrum | None

    @property
    def apart(self) -> np.ndarray:
        """(steps + 1,) distance of the twins so far; round the circle where the map is of one."""
        gaps = np.abs(np.diff(self.twins, axis=1)[: self.steps + 1, 0])
        return np.minimum(gaps, 1 - gaps) if MAPS[self.map].circle else gaps

    @property
    def second(self) -> complex:
        """Ulam's largest eigenvalue but 1."""
        values = self.transfer.spectrum.eigenvalues.numpy()
        return complex(values[np.argsort(np.abs(values - 1) < 1e-6, kind="stable")][0])


def stirred(*, map: str, steps: int, cells: int, bandwidth: float, features: bool) -> Stirred:
    """Return the drop after so many steps of a map; cells: of Ulam's matrix; bandwidth: of the random features."""
    dots, masses, twins = _followed(map)
    exact = np.diff(MAPS[map].below(np.linspace(0, 1, BARS + 1)))
    transfer, pushed = _matrix(map, cells)
    noise = float(np.sqrt(2 / math.pi * exact * (1 - exact) / DOTS).sum())
    return Stirred(
        map, steps, dots[steps], twins, masses[steps], exact,
        float(np.abs(masses[steps] - masses[max(steps - 1, 0)]).sum()), float(np.abs(masses[steps] - exact).sum()),
        noise, transfer, pushed[steps], _in_features(map, bandwidth) if features else None,
    )  # fmt: skip


@functools.lru_cache(maxsize=8)
def _followed(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dots, (STEPS + 1, DOTS), their masses, (STEPS + 1, BARS), and the twins, (STEPS + 1, 2)."""
    generator = torch.Generator().manual_seed(0)
    drop = DROP[0] + (DROP[1] - DROP[0]) * torch.rand(DOTS, generator=generator, dtype=torch.float64)
    twins = torch.tensor([TWINS[0], TWINS[0] + TWINS[1]], dtype=torch.float64)
    whole = evolve(MAPS[name].map, torch.cat([drop, twins])[:, None], STEPS, cut((0, 1), BARS)).points[..., 0].numpy()
    edges = np.linspace(0, 1, BARS + 1)
    masses = np.stack([np.histogram(now[:DOTS], edges)[0] / DOTS for now in whole])
    return whole[:, :DOTS], masses, whole[:, DOTS:]


@functools.lru_cache(maxsize=8)
def _matrix(name: str, cells: int) -> tuple[Transfer, np.ndarray]:
    """Ulam's matrix with all its eigenvalues, and the drop's masses after every step, (STEPS + 1, cells)."""
    found = ulam(MAPS[name].map, (0.0, 1.0), cells, leading=cells)
    spectrum = dataclasses.replace(found.spectrum, kind="")
    edges = found.cells.edges[0].numpy()
    covered = np.clip(np.minimum(edges[1:], DROP[1]) - np.maximum(edges[:-1], DROP[0]), 0, None)
    pushed = found.push(torch.from_numpy(covered / covered.sum()), STEPS).numpy()
    return dataclasses.replace(found, spectrum=spectrum), pushed


@functools.lru_cache(maxsize=32)
def _in_features(name: str, bandwidth: float) -> Spectrum:
    """The spectrum in random Fourier features, of a rotation those of the circle; residuals on fresh snapshots."""
    stirrer = MAPS[name]
    generator = torch.Generator().manual_seed(1)
    before = torch.rand(SNAPSHOTS, 1, generator=generator, dtype=torch.float64)
    after = stirrer.map.step(before)
    if stirrer.circle:
        before, after = (torch.cat([(2 * math.pi * s).cos(), (2 * math.pi * s).sin()], 1) for s in (before, after))
    features = RandomFourier(before.shape[1], FEATURES, bandwidth)
    return random_features(before, after, features).spectrum
