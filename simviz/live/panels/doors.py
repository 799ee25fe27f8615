"""Through which door does a fixed point lose its hold? A pair of eigenvalues, +1, -1; and two maps of one number.

The pair: Neimark 1959, Sacker 1964. Kuznetsov, Elements of Applied Bifurcation Theory, ch. 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from simviz import checks
from simviz.dynamics.systems import Logistic, Map, NeimarkSacker, OwnMap

PAIR, PLUS, MINUS, COSINE, LOGISTIC = "pair", "real +1", "real -1", "cos z", "logistic"
MAPS = (PAIR, PLUS, MINUS, COSINE, LOGISTIC)
REACH = 2.1
"""Half the side of the square that is drawn of the plane."""
_COSINE_POINT = 0.7390851332151607  # cos z = z; OEIS A003957
_CURVE_POINTS = 120
_SIDE = 0.5
"""The other eigenvalue of the real doors."""


@dataclass(frozen=True)
class Door:
    """A map with what is known of it.

    z_star: (dim,) the fixed point that is watched; fixed_points: (n, dim), stable: (n,) bool; expected: (m, dim) where
    plain iteration ends once z_star has lost it, empty before, None where that is not known; closed: expected is a
    closed curve; eigenvalue: of the Jacobian at z_star, the upper one of a pair and of a real door the one that moves;
    start: where solvers begin; box: (low, high) of what is drawn of each coordinate; inside: of where one may begin.
    """

    system: Map
    z_star: torch.Tensor
    fixed_points: torch.Tensor
    stable: torch.Tensor
    eigenvalue: complex
    start: tuple[float, ...]
    box: tuple[float, float]
    inside: tuple[float, float]
    expected: torch.Tensor | None = None
    closed: bool = False

    def begin(self, start: tuple[float, ...] | None) -> torch.Tensor:
        """Return the start as a batch of one, (1, dim): the door's own where there is none; checked."""
        words = "one number" if self.system.dim == 1 else "a pair of numbers"
        given = self.start if start is None else start
        if not isinstance(given, tuple) or len(given) != self.system.dim:
            raise ValueError(f"start must be {words} in a tuple for this map, got {start!r}")
        low, high = self.inside
        return torch.tensor([[checks.real("start", v, low, high) for v in given]], dtype=torch.float64)


def door(map: str, modulus: float, angle: float, growth: float) -> Door:
    """Return a map by its name: one of `MAPS`; modulus and angle (degrees) of the eigenvalue at z*, growth: logistic's.

    pair: rho R(omega) z (1 - |z|^2 / 10) with its fixed point at 0. real +1 and -1: diag(+-rho, 0.5), the cubic term
    on the first coordinate alone. Raises ValueError for another name and for numbers out of range.
    """
    checks.one_of("map", map, MAPS)
    if map == PAIR:
        return _pair(modulus, angle)
    if map in (PLUS, MINUS):
        return _real(modulus, 1.0 if map == PLUS else -1.0)
    if map == COSINE:
        point, box = torch.tensor([[_COSINE_POINT]], dtype=torch.float64), (-0.3, 1.6)
        slope, system = -math.sin(_COSINE_POINT), OwnMap(torch.cos, [box])
        return Door(system, point[0], point, torch.tensor([True]), slope, start=(0.1,), box=box, inside=box)
    logistic = Logistic(growth)
    points, stable = _known(logistic)
    box, inside = (-0.05, 1.05), (1e-3, 0.999)
    return Door(logistic, points[-1], points, stable, 2 - growth, start=(0.1,), box=box, inside=inside)


def _pair(modulus: float, angle: float) -> Door:
    system = NeimarkSacker(modulus, math.radians(angle))
    points, stable = _known(system)
    circle = system.invariant_set(_CURVE_POINTS) if modulus > 1 else points[:0]
    value = modulus * complex(math.cos(system.turn), math.sin(system.turn))
    seen: dict[str, Any] = {"start": (1.6, 0.4), "box": (-REACH, REACH), "inside": (-REACH, REACH)}
    return Door(system, points[0], points, stable, value, **seen, expected=circle, closed=True)


def _real(modulus: float, sign: float) -> Door:
    def step(s: torch.Tensor) -> torch.Tensor:
        first = sign * modulus * s[..., 0] * (1 - s[..., 0].square() / 10)
        return torch.stack([first, _SIDE * s[..., 1]], -1)

    side = math.sqrt(10 * (1 - 1 / modulus)) if modulus > 1 else 0.0
    ends = torch.tensor([[side, 0.0], [-side, 0.0]], dtype=torch.float64)[: 2 if side else 0]
    points, stable = torch.zeros(1, 2, dtype=torch.float64), [modulus <= 1]
    if sign > 0 and side:
        points, stable = torch.cat([points, ends]), [False, True, True]  # multipliers 3 - 2 rho there
    box = (-REACH, REACH)
    system = OwnMap(step, [box, box])
    seen: dict[str, Any] = {"start": (0.3, 0.8), "box": box, "inside": box}
    return Door(system, points[0], points, torch.tensor(stable), sign * modulus, **seen, expected=ends)


def _known(system: Map) -> tuple[torch.Tensor, torch.Tensor]:
    """The fixed points of a system that knows them, and which are stable."""
    truth = system.truth()
    assert truth.fixed_points is not None
    assert truth.stable is not None
    return truth.fixed_points, truth.stable
