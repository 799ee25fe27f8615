"""Maps: linear, rotations, the logistic map, Henon's, and the one that loses its fixed point to a circle."""

from __future__ import annotations

import itertools
import math
from typing import Any, ClassVar

import torch

from simviz import checks
from simviz.dynamics.systems.base import Map, Parameter, Truth
from simviz.dynamics.systems.flows import incommensurate

_DOUBLINGS = (3.0, 3.4494897428, 3.5440903596, 3.5644072661, 3.5687594196)
"""Growths at which the logistic map's attracting cycle doubles: from 1 to 2, 4, 8, 16 (May 1976; OEIS A086180 f.)."""


def _rotated(s: torch.Tensor, turn: float) -> torch.Tensor:
    """(..., 2) -> (..., 2): turned by that many radians."""
    x, y = s.unbind(-1)
    cosine, sine = math.cos(turn), math.sin(turn)
    return torch.stack([cosine * x - sine * y, sine * x + cosine * y], -1)


def _on_circle(count: int, seed: int, circles: int, dtype: torch.dtype) -> torch.Tensor:
    """Return seeded points of the unit circle, or of a product of several, (count, 2 circles)."""
    count = checks.positive_int("count", count)
    generator = torch.Generator().manual_seed(checks.positive_int("seed", seed, 0))
    angles = 2 * math.pi * torch.rand(count, circles, generator=generator, dtype=dtype, device=generator.device)
    return torch.stack([angles.cos(), angles.sin()], -1).flatten(1)


def _cycle_length(turn: float, longest: int = 64) -> int | None:
    """Return the smallest n for which n turns are whole, None if there is none up to the longest."""
    for n in range(1, longest + 1):
        turns = n * turn / (2 * math.pi)
        if abs(turns - round(turns)) < 1e-9:
            return n
    return None


class LinearMap(Map):
    r"""A linear map :math:`s \to A s`; by default a turn of the plane with shrinking, :math:`A = \varrho R(\vartheta)`.

    Koopman eigenvalues: those of A and all their products. matrix: any (n, n) real A instead of modulus and turn.
    """

    name = "linear map"
    parameters: ClassVar[dict[str, Parameter]] = {
        "modulus": Parameter(0.95, 0.0, 1.2, "of both eigenvalues"),
        "turn": Parameter(0.5, 0.0, math.pi, "radians a step"),
    }
    modulus: float
    turn: float

    def __init__(self, modulus: float = 0.95, turn: float = 0.5, *, matrix: Any = None) -> None:
        self._set(modulus=modulus, turn=turn)
        if matrix is None:
            self.matrix = self.modulus * _rotated(torch.eye(2, dtype=torch.float64), self.turn).T  # (2, 2)
        else:
            given = checks.tensor("matrix", matrix, (None, None), "(n, n)").double()
            if given.shape[0] != given.shape[1]:
                raise ValueError(f"matrix must be square, got {tuple(given.shape)}")
            self.matrix = given
        self.dim = len(self.matrix)
        self.box = ((-2.0, 2.0),) * self.dim

    def step(self, s: torch.Tensor) -> torch.Tensor:
        return s @ self.matrix.to(s).T

    def truth(self) -> Truth:
        values = torch.linalg.eigvals(self.matrix)
        radius = float(values.abs().max())
        inside = radius < 1
        return Truth(
            source="eigenvalues of A and their products",
            kind="fixed point" if inside else ("escape" if radius > 1 else None),
            fixed_points=torch.zeros(1, self.dim, dtype=torch.float64) if bool((values != 1).all()) else None,
            stable=torch.tensor([inside]) if bool((values != 1).all()) else None,
            lyapunov=math.log(radius) if radius else -math.inf,
            frequencies=() if inside else None,
            decaying=tuple(complex(v) for v in values) if inside else None,
        )

    def __repr__(self) -> str:
        plane = self.modulus * _rotated(torch.eye(2, dtype=torch.float64), self.turn).T
        if self.dim == 2 and torch.equal(self.matrix, plane):
            return super().__repr__()
        return f"LinearMap(matrix={self.matrix.tolist()})"


class CircleRotation(Map):
    r"""The rotation of the unit circle by `turn` radians a step; a state is (cos, sin) of its angle.

    Eigenvalues :math:`e^{i k \, turn}`, k any integer, with eigenfunctions :math:`e^{i k \vartheta}`.
    """

    name = "rotation of the circle"
    box = ((-1.0, 1.0), (-1.0, 1.0))
    parameters: ClassVar[dict[str, Parameter]] = {
        "turn": Parameter(
            math.pi * (3 - math.sqrt(5)), 0.01, math.pi, "radians a step; the default is the golden angle"
        )
    }
    turn: float

    def __init__(self, turn: float = math.pi * (3 - math.sqrt(5))) -> None:
        self._set(turn=turn)

    def step(self, s: torch.Tensor) -> torch.Tensor:
        return _rotated(s, self.turn)

    def initial(self, count: int, seed: int = 0) -> torch.Tensor:
        """Draw points of the circle, (count, 2) float64."""
        return _on_circle(count, seed, 1, self.dtype)

    def truth(self) -> Truth:
        period = _cycle_length(self.turn)
        return Truth(
            source="closed form",
            kind="cycle" if period else "closed curve",
            fixed_points=torch.empty(0, 2, dtype=torch.float64),  # on the circle; the plane's 0 is not of this system
            stable=torch.empty(0, dtype=torch.bool),
            period=period,
            rotation_number=self.turn / (2 * math.pi),
            lyapunov=0.0,
            frequencies=(self.turn,),
            decaying=(),
        )


class TorusRotation(Map):
    r"""The rotation of the 2-torus by `first` and `second` radians a step; a state is (cos, sin, cos, sin).

    Eigenvalues :math:`e^{i (k_1 first + k_2 second)}` for all integers.
    """

    name = "rotation of the torus"
    dim = 4
    box = ((-1.0, 1.0),) * 4
    parameters: ClassVar[dict[str, Parameter]] = {
        "first": Parameter(1.0, 0.01, math.pi, "radians a step"),
        "second": Parameter(math.sqrt(2), 0.01, math.pi, "radians a step"),
    }
    first: float
    second: float

    def __init__(self, first: float = 1.0, second: float = math.sqrt(2)) -> None:
        self._set(first=first, second=second)

    def step(self, s: torch.Tensor) -> torch.Tensor:
        return torch.cat([_rotated(s[..., :2], self.first), _rotated(s[..., 2:], self.second)], -1)

    def initial(self, count: int, seed: int = 0) -> torch.Tensor:
        """Draw points of the torus, (count, 4) float64."""
        return _on_circle(count, seed, 2, self.dtype)

    def truth(self) -> Truth:
        return Truth(
            source="closed form",
            kind="torus" if incommensurate(self.first, self.second, 2 * math.pi) else None,
            fixed_points=torch.empty(0, 4, dtype=torch.float64),
            stable=torch.empty(0, dtype=torch.bool),
            lyapunov=0.0,
            frequencies=(self.first, self.second),
            decaying=(),
        )


class Logistic(Map):
    r"""The logistic map :math:`s \to g \, s (1 - s)` on the unit interval (May 1976).

    At growth 4: chaos with Lyapunov exponent ln 2 and invariant density :math:`1 / (\pi \sqrt{s (1 - s)})`
    (Ulam and von Neumann 1947).
    """

    name = "logistic map"
    dim = 1
    box = ((0.0, 1.0),)
    parameters: ClassVar[dict[str, Parameter]] = {"growth": Parameter(4.0, 0.1, 4.0, "slope at 0")}
    growth: float

    def __init__(self, growth: float = 4.0) -> None:
        self._set(growth=growth)

    def step(self, s: torch.Tensor) -> torch.Tensor:
        return self.growth * s * (1 - s)

    def admits(self, s: torch.Tensor) -> torch.Tensor:
        return ((s > 0) & (s < 1)).all(-1)

    def truth(self) -> Truth:
        g = self.growth
        points = [0.0] if g <= 1 else [0.0, 1 - 1 / g]
        stable = torch.tensor([g < 1] if g <= 1 else [False, g < 3])
        fixed_points = torch.tensor(points, dtype=torch.float64)[:, None]
        may = "May 1976; doublings of the period at 3, 3.44949, 3.54409, 3.56441, 3.56876"
        if g < 3 and g != 1:
            multiplier = g if g < 1 else 2 - g
            rate = math.log(abs(multiplier)) if multiplier else -math.inf
            return Truth(
                may, "fixed point", fixed_points, stable, lyapunov=rate, frequencies=(), decaying=(multiplier,)
            )
        for doublings, (low, high) in enumerate(itertools.pairwise(_DOUBLINGS), 1):
            if low < g < high:
                return Truth(may, "cycle", fixed_points, stable, period=2**doublings)
        if g == 4:
            source = "Ulam and von Neumann 1947: conjugate to the tent map"
            return Truth(source, "chaos", fixed_points, stable, lyapunov=math.log(2), density=_arcsine)
        return Truth(may, None, fixed_points, stable)

    @property
    def chaotic(self) -> bool:
        return self.growth > 3.5699456


def _arcsine(s: torch.Tensor) -> torch.Tensor:
    """1 / (pi sqrt(s (1 - s))), of the same shape as s."""
    return 1 / (math.pi * torch.sqrt(s * (1 - s)))


class Henon(Map):
    r"""Hénon's map, :math:`s_1 \to 1 - a s_1^2 + s_2`, :math:`s_2 \to b s_1` (1976): strange at (1.4, 0.3).

    Fixed points: :math:`s_1 = (b - 1 \pm \sqrt{(1 - b)^2 + 4 a}) / 2 a`, both unstable there.
    """

    name = "Henon"
    box = ((-0.8, 0.8), (-0.2, 0.2))
    parameters: ClassVar[dict[str, Parameter]] = {
        "a": Parameter(1.4, 0.1, 1.4, "fold"),
        "b": Parameter(0.3, 0.0, 0.3, "area kept a step"),
    }
    a: float
    b: float

    def __init__(self, a: float = 1.4, b: float = 0.3) -> None:
        self._set(a=a, b=b)

    def step(self, s: torch.Tensor) -> torch.Tensor:
        x, y = s.unbind(-1)
        return torch.stack([1 - self.a * x.square() + y, self.b * x], -1)

    def truth(self) -> Truth:
        root = math.sqrt((1 - self.b) ** 2 + 4 * self.a)
        xs = [(self.b - 1 + sign * root) / (2 * self.a) for sign in (1, -1)]
        jacobians = torch.tensor([[[-2 * self.a * x, 1.0], [self.b, 0.0]] for x in xs], dtype=torch.float64)
        stable = torch.linalg.eigvals(jacobians).abs().amax(-1) < 1
        usual = math.isclose(self.a, 1.4) and math.isclose(self.b, 0.3)
        return Truth(
            source="Henon 1976; Lyapunov exponent: Sprott 2003",
            kind="chaos" if usual else ("fixed point" if bool(stable.any()) else None),
            fixed_points=torch.tensor([(x, self.b * x) for x in xs], dtype=torch.float64),
            stable=stable,
            lyapunov=0.4192 if usual else None,
        )


class NeimarkSacker(Map):
    r"""A fixed point that gives way to a circle: :math:`s \to \varrho R(\vartheta) s (1 - |s|^2 / 10)`.

    radius is :math:`\varrho`, the modulus of the Jacobian's pair at 0, and turn its angle. Past 1 orbits wind onto the
    circle of radius :math:`\sqrt{10 (1 - 1 / \varrho)}`, on which they turn by exactly `turn` a step and to which they
    come with the multiplier :math:`3 - 2 \varrho`.
    """

    name = "Neimark-Sacker"
    box = ((-2.0, 2.0), (-2.0, 2.0))
    parameters: ClassVar[dict[str, Parameter]] = {
        "radius": Parameter(1.2, 0.2, 1.3, "modulus of the Jacobian's eigenvalues at 0"),
        "turn": Parameter(1.0, math.radians(5), math.radians(175), "their angle, radians"),
    }
    radius: float
    turn: float

    def __init__(self, radius: float = 1.2, turn: float = 1.0) -> None:
        self._set(radius=radius, turn=turn)

    def step(self, s: torch.Tensor) -> torch.Tensor:
        return self.radius * _rotated(s, self.turn) * (1 - s.square().sum(-1, keepdim=True) / 10)

    def admits(self, s: torch.Tensor) -> torch.Tensor:
        return s.norm(dim=-1) > 0.01

    def invariant_set(self, points: int = 400) -> torch.Tensor:
        """Return the fixed point, (1, 2), or past radius 1 equally spaced points of the circle, (points, 2)."""
        count = checks.positive_int("points", points)
        if self.radius <= 1:
            return torch.zeros(1, 2, dtype=torch.float64)
        angles = 2 * math.pi * torch.arange(count, dtype=torch.float64) / count
        return math.sqrt(10 * (1 - 1 / self.radius)) * torch.stack([angles.cos(), angles.sin()], -1)

    def truth(self) -> Truth:
        origin, turns = torch.zeros(1, 2, dtype=torch.float64), self.turn / (2 * math.pi)
        form = "closed form in polar coordinates"
        if self.radius < 1:
            pair = tuple(self.radius * complex(math.cos(self.turn), sign * math.sin(self.turn)) for sign in (1, -1))
            rate = math.log(self.radius)
            stable = torch.tensor([True])
            return Truth(form, "fixed point", origin, stable, lyapunov=rate, frequencies=(), decaying=pair)
        if self.radius == 1:
            return Truth(form, None, origin, torch.tensor([True]))
        period = _cycle_length(self.turn)
        return Truth(
            source=form,
            kind="cycle" if period else "closed curve",
            fixed_points=origin,
            stable=torch.tensor([False]),
            period=period,
            rotation_number=turns,
            lyapunov=0.0,
            frequencies=(self.turn,),
            decaying=(3 - 2 * self.radius,),
        )
