"""Flows that end elsewhere than in one cycle: at a point, in one of two wells, on a torus, on a strange attractor."""

from __future__ import annotations

import cmath
import math
from typing import ClassVar

import numpy as np
import torch
from scipy.special import ellipk

from simviz import checks
from simviz.dynamics.systems.base import Flow, Parameter, Truth


def _points(*rows: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


class SlowManifold(Flow):
    r"""A fixed point with a parabola to slide in on: :math:`s_1' = \mu s_1`, :math:`s_2' = \lambda (s_2 - s_1^2)`.

    The observables s1, s2, s1^2 span a Koopman invariant subspace: eigenvalues exactly :math:`e^{\mu dt}`,
    :math:`e^{\lambda dt}`, :math:`e^{2 \mu dt}` (Brunton, Brunton, Proctor and Kutz 2016).
    """

    name = "slow manifold"
    box = ((-2.0, 2.0), (-2.0, 2.0))
    parameters: ClassVar[dict[str, Parameter]] = {
        "mu": Parameter(-0.05, -1.0, -0.01, "slow: rate along the parabola"),
        "lam": Parameter(-1.0, -5.0, -0.1, "fast: rate towards the parabola"),
    }
    mu: float
    lam: float

    def __init__(self, mu: float = -0.05, lam: float = -1.0) -> None:
        self._set(mu=mu, lam=lam)

    def rate(self, s: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.mu * s[..., 0], self.lam * (s[..., 1] - s[..., 0].square())], -1)

    def truth(self) -> Truth:
        return Truth(
            source="Brunton et al. 2016, doi 10.1371/journal.pone.0150171; linear in (s1, s2, s1^2)",
            kind="fixed point",
            fixed_points=_points((0.0, 0.0)),
            stable=torch.tensor([True]),
            lyapunov=max(self.mu, self.lam),
            frequencies=(),
            decaying=(self.mu, self.lam),
        )


class Duffing(Flow):
    r"""A ball in two wells, damped and not driven: :math:`s_1' = s_2`, :math:`s_2' = s_1 - s_1^3 - \delta s_2`.

    It comes to rest at (1, 0) or (-1, 0); which, is decided by an invariant function that is not continuous.
    """

    name = "Duffing"
    box = ((-2.0, 2.0), (-2.0, 2.0))
    parameters: ClassVar[dict[str, Parameter]] = {
        "damping": Parameter(0.5, 0.05, 2.0, "how fast the ball comes to rest")
    }
    damping: float

    def __init__(self, damping: float = 0.5) -> None:
        self._set(damping=damping)

    def rate(self, s: torch.Tensor) -> torch.Tensor:
        x, y = s.unbind(-1)
        return torch.stack([y, x - x**3 - self.damping * y], -1)

    def truth(self) -> Truth:
        root = cmath.sqrt(self.damping**2 - 8)
        rates = ((-self.damping + root) / 2, (-self.damping - root) / 2)
        return Truth(
            source="eigenvalues of the Jacobian [[0, 1], [-2, -damping]] in either well",
            kind="fixed point",
            fixed_points=_points((-1.0, 0.0), (0.0, 0.0), (1.0, 0.0)),
            stable=torch.tensor([True, False, True]),
            lyapunov=rates[0].real,
            frequencies=(),
            decaying=rates,
        )


class Pendulum(Flow):
    r"""The pendulum, :math:`s_1' = s_2`, :math:`s_2' = -\sin s_1 - \delta s_2`, started so that it does not turn over.

    s1: angle from below, radians. Without damping every orbit is closed and has a period of its own,
    4 K(sin(a / 2)) at amplitude a: a continuous spectrum. With damping it comes to rest.
    """

    name = "pendulum"
    box = ((-2.8, 2.8), (-1.9, 1.9))
    parameters: ClassVar[dict[str, Parameter]] = {"damping": Parameter(0.0, 0.0, 1.0, "friction; 0 keeps the energy")}
    damping: float

    def __init__(self, damping: float = 0.0) -> None:
        self._set(damping=damping)

    def rate(self, s: torch.Tensor) -> torch.Tensor:
        return torch.stack([s[..., 1], -s[..., 0].sin() - self.damping * s[..., 1]], -1)

    def energy(self, s: torch.Tensor) -> torch.Tensor:
        """(..., 2) -> (...): from -1 at rest to 1 on the separatrix."""
        return s[..., 1].square() / 2 - s[..., 0].cos()

    def admits(self, s: torch.Tensor) -> torch.Tensor:
        return (self.energy(s) < 0.9) & (self.energy(s) > -0.999)

    def period(self, amplitude: float) -> float:
        """Return the period of the undamped swing with this amplitude, radians in (0, pi)."""
        amplitude = checks.real("amplitude", amplitude, 0.0, math.pi, low_open=True, high_open=True)
        if self.damping:
            raise ValueError(f"damping must be 0 for a swing to have a period, it is {self.damping}")
        return float(4 * ellipk(math.sin(amplitude / 2) ** 2))

    def invariant_set(self, points: int = 400) -> torch.Tensor:
        if not self.damping:
            raise ValueError("an undamped pendulum has no attracting set, each orbit is one of its own: set damping")
        return super().invariant_set(points)

    def truth(self) -> Truth:
        fixed_points = _points((-math.pi, 0.0), (0.0, 0.0), (math.pi, 0.0))
        if not self.damping:
            return Truth(
                "conserved energy; the period by the complete elliptic integral K", "cycle", fixed_points,
                torch.tensor([False, True, False]), lyapunov=0.0,
            )  # fmt: skip
        root = cmath.sqrt(self.damping**2 - 4)
        rates = ((-self.damping + root) / 2, (-self.damping - root) / 2)
        return Truth(
            source="eigenvalues of the Jacobian [[0, 1], [-1, -damping]] at rest",
            kind="fixed point",
            fixed_points=fixed_points,
            stable=torch.tensor([False, True, False]),
            lyapunov=rates[0].real,
            frequencies=(),
            decaying=rates,
        )


class AttractingTorus(Flow):
    r"""A flow in space that comes to a 2-torus: the tube of radius 1 round the circle of radius 2 in the plane s3 = 0.

    Along the circle it turns by `first` radians a unit of time, round the tube by `second`; the distance r from the
    circle follows :math:`r' = \mu r (1 - r^2)`. Eigenvalues :math:`e^{(-2 \mu j + i (k_1 first + k_2 second)) dt}`.
    """

    name = "attracting torus"
    dim = 3
    box = ((-3.8, 3.8), (-3.8, 3.8), (-1.8, 1.8))
    parameters: ClassVar[dict[str, Parameter]] = {
        "mu": Parameter(1.0, 0.05, 5.0, "growth: how fast orbits reach the torus"),
        "first": Parameter(1.0, 0.05, 5.0, "turn along the circle, radians a unit of time"),
        "second": Parameter(math.sqrt(3), 0.05, 5.0, "turn round the tube, radians a unit of time"),
    }
    mu: float
    first: float
    second: float

    def __init__(self, mu: float = 1.0, first: float = 1.0, second: float = math.sqrt(3)) -> None:
        self._set(mu=mu, first=first, second=second)

    def rate(self, s: torch.Tensor) -> torch.Tensor:
        x, y, v = s.unbind(-1)
        around = torch.hypot(x, y)
        u = around - 2  # (u, v): position in the tube's cross section
        growth = self.mu * (1 - u.square() - v.square())
        outward = (growth * u - self.second * v) / around
        return torch.stack(
            [outward * x - self.first * y, outward * y + self.first * x, growth * v + self.second * u], -1
        )

    def admits(self, s: torch.Tensor) -> torch.Tensor:
        r = torch.hypot(torch.hypot(s[..., 0], s[..., 1]) - 2, s[..., 2])
        return (r > 0.1) & (r < 1.8)

    def embed(self, along: torch.Tensor, round_tube: torch.Tensor) -> torch.Tensor:
        """Return the points of the torus with these two angles, radians, (...), (...) -> (..., 3)."""
        around = 2 + round_tube.cos()
        return torch.stack([around * along.cos(), around * along.sin(), round_tube.sin()], -1)

    def invariant_set(self, points: int = 400) -> torch.Tensor:
        index = torch.arange(checks.positive_int("points", points), dtype=torch.float64)
        plastic = 1.32471795724474602596  # Kronecker sequence of the plastic number: even in two angles at once
        return self.embed(2 * math.pi * (index / plastic % 1), 2 * math.pi * (index / plastic**2 % 1))

    def truth(self) -> Truth:
        return Truth(
            source="closed form: two angles that turn evenly, and Stuart-Landau's radius",
            kind="torus" if incommensurate(self.first, self.second) else None,
            fixed_points=torch.empty(0, 3, dtype=torch.float64),
            stable=torch.empty(0, dtype=torch.bool),
            lyapunov=0.0,
            frequencies=(self.first, self.second),
            decaying=(-2 * self.mu,),
        )


class Lorenz(Flow):
    r"""Convection in three numbers: :math:`s_1' = \sigma (s_2 - s_1)`, :math:`s_2' = s_1 (\rho - s_3) - s_2`,
    :math:`s_3' = s_1 s_2 - \beta s_3` (Lorenz 1963).

    At (10, 28, 8/3) it is chaotic and mixing (Luzzatto, Melbourne and Paccaut 2005): no Koopman eigenvalue but 1, and
    the whole unit circle as continuous spectrum.
    """

    name = "Lorenz"
    dim = 3
    box = ((-15.0, 15.0), (-15.0, 15.0), (5.0, 40.0))
    parameters: ClassVar[dict[str, Parameter]] = {
        "sigma": Parameter(10.0, 1.0, 20.0, "Prandtl number"),
        "rho": Parameter(28.0, 0.1, 100.0, "Rayleigh number over its critical value"),
        "beta": Parameter(8 / 3, 0.5, 5.0, "shape of the rolls"),
    }
    sigma: float
    rho: float
    beta: float

    def __init__(self, sigma: float = 10.0, rho: float = 28.0, beta: float = 8 / 3) -> None:
        self._set(sigma=sigma, rho=rho, beta=beta)

    def rate(self, s: torch.Tensor) -> torch.Tensor:
        x, y, z = s.unbind(-1)
        return torch.stack([self.sigma * (y - x), x * (self.rho - z) - y, x * y - self.beta * z], -1)

    def truth(self) -> Truth:
        points = [(0.0, 0.0, 0.0)]
        if self.rho > 1:
            side = math.sqrt(self.beta * (self.rho - 1))
            points += [(side, side, self.rho - 1), (-side, -side, self.rho - 1)]
        # Routh and Hurwitz: the two outer points lose stability at rho = sigma (sigma + beta + 3) / (sigma - beta - 1).
        gap = self.sigma - self.beta - 1
        hopf = self.sigma * (self.sigma + self.beta + 3) / gap if gap > 0 else math.inf
        stable = torch.tensor([self.rho < 1] + [self.rho < hopf] * (len(points) - 1))
        usual = math.isclose(self.sigma, 10) and math.isclose(self.beta, 8 / 3)
        if usual and (self.rho < 1 or 1 < self.rho < 24.06):
            kind = "fixed point"
        elif usual and 24.74 < self.rho < 99.5:
            kind = "chaos"
        else:
            kind = None
        return Truth(
            source="Lorenz 1963; Sparrow 1982 (ranges of rho); Lyapunov exponent: Sprott 2003",
            kind=kind,
            fixed_points=_points(*points),
            stable=stable,
            lyapunov=0.9056 if usual and math.isclose(self.rho, 28) else None,
        )


def incommensurate(*turns: float, limit: int = 12, tolerance: float = 1e-9) -> bool:
    """Whether no whole numbers up to `limit`, not all 0, make sum k_i turns_i vanish."""
    sums = np.zeros(1)
    for turn in turns:
        sums = np.add.outer(sums, turn * np.arange(-limit, limit + 1)).ravel()
    return int((np.abs(sums) < tolerance).sum()) == 1
