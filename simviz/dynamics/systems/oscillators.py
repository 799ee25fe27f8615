"""Planar flows with one attracting limit cycle: what the course starts with, and what a SIM is judged against."""

from __future__ import annotations

import abc
import functools
import math
from typing import Any, ClassVar

import torch
from scipy.integrate import solve_ivp

from simviz import checks
from simviz.dynamics.systems.base import Flow, Parameter, Truth


class Oscillator(Flow):
    """A planar flow whose orbits, but for the unstable fixed point at 0, come to one limit cycle.

    hole: radius of the disc round 0 that holds no initial conditions, since the asymptotic phase has no value there.
    """

    hole: ClassVar[float] = 0.0

    @abc.abstractmethod
    def period(self) -> float:
        """Return the period of the limit cycle, in units of time."""

    @abc.abstractmethod
    def invariant_set(self, points: int = 400) -> torch.Tensor:
        """Return that many points of the limit cycle, equally spaced in time, (points, 2) float64."""

    @abc.abstractmethod
    def return_rate(self) -> float:
        """Return the rate, per unit of time and below 0, at which orbits come to the limit cycle (Floquet)."""

    def angle(self, dt: float) -> float:
        """Return the limit cycle's angle a step of dt, radians: 2 pi dt / period."""
        return 2 * math.pi * checks.positive("dt", dt) / self.period()

    def admits(self, s: torch.Tensor) -> torch.Tensor:
        return s.norm(dim=-1) > self.hole

    def truth(self) -> Truth:
        return Truth(
            source=(self.__doc__ or "").strip().split("\n")[0],
            kind="cycle",
            fixed_points=torch.zeros(1, 2, dtype=torch.float64),
            stable=torch.tensor([False]),
            period=self.period(),
            lyapunov=0.0,
            frequencies=(self.angle(1.0),),
            decaying=(self.return_rate(),),
        )


class StuartLandau(Oscillator):
    r"""The normal form of a Hopf bifurcation: :math:`r' = \mu r (1 - r^2)`, :math:`\vartheta' = \omega`.

    Its limit cycle is the unit circle, run through at the constant speed omega; Koopman eigenvalues
    :math:`e^{(-2 \mu j + i \omega k) dt}`, j = 0, 1, 2.., k any integer, with eigenfunctions
    :math:`((1 - r^2) / r^2)^j e^{i k \vartheta}`.
    """

    name = "Stuart-Landau"
    box = ((-2.0, 2.0), (-2.0, 2.0))
    hole = 0.1
    parameters: ClassVar[dict[str, Parameter]] = {
        "mu": Parameter(1.0, 0.05, 5.0, "growth: how fast orbits reach the circle"),
        "omega": Parameter(1.0, 0.05, 10.0, "turn: radians a unit of time"),
    }
    mu: float
    omega: float

    def __init__(self, mu: float = 1.0, omega: float = 1.0) -> None:
        self._set(mu=mu, omega=omega)

    def rate(self, s: torch.Tensor) -> torch.Tensor:
        growth = self.mu * (1 - s.square().sum(-1, keepdim=True))
        return growth * s + self.omega * torch.stack([-s[..., 1], s[..., 0]], -1)

    def period(self) -> float:
        return 2 * math.pi / self.omega

    def return_rate(self) -> float:
        return -2 * self.mu

    def invariant_set(self, points: int = 400) -> torch.Tensor:
        count = checks.positive_int("points", points)
        angles = 2 * math.pi * torch.arange(count, dtype=torch.float64) / count
        return torch.stack([angles.cos(), angles.sin()], -1)


class VanDerPol(Oscillator):
    r"""The relaxation oscillator :math:`s_1' = s_2`, :math:`s_2' = \mu (1 - s_1^2) s_2 - s_1` (van der Pol 1926).

    Its period is known to as many digits as one computes: 6.66328686 at mu = 1. Here it is the time between two
    upward crossings of s1 = 0 once the transient has died, integrated to 1e-12 by SciPy's eighth-order DOP853.
    """

    name = "Van der Pol"
    box = ((-3.0, 3.0), (-3.0, 3.0))
    hole = 0.3
    parameters: ClassVar[dict[str, Parameter]] = {
        "mu": Parameter(1.0, 0.1, 5.0, "growth: how far from a plain rotation"),
    }
    mu: float

    def __init__(self, mu: float = 1.0) -> None:
        self._set(mu=mu)

    def rate(self, s: torch.Tensor) -> torch.Tensor:
        return torch.stack([s[..., 1], self.mu * (1 - s[..., 0].square()) * s[..., 1] - s[..., 0]], -1)

    def period(self) -> float:
        return _van_der_pol_cycle(self.mu)[0]

    def return_rate(self) -> float:
        # Liouville: the multipliers of a period have the product exp(integral of the divergence), and one of them is 1.
        return float(self.mu * (1 - self.invariant_set(400)[:, 0].square()).mean())

    def invariant_set(self, points: int = 400) -> torch.Tensor:
        count = checks.positive_int("points", points)
        period, start = _van_der_pol_cycle(self.mu)
        return self.orbit(torch.tensor([start], dtype=torch.float64), count, period / count)[0, :count]


@functools.lru_cache(maxsize=64)
def _van_der_pol_cycle(mu: float) -> tuple[float, tuple[float, float]]:
    """Return the period and the point of the cycle that crosses s1 = 0 upwards."""

    def rate(t: float, s: Any) -> list[float]:
        return [s[1], mu * (1 - s[0] ** 2) * s[1] - s[0]]

    def crossing(t: float, s: Any) -> float:
        return s[0]

    crossing.direction = 1.0  # type: ignore[attr-defined]
    transient = 60.0 / min(mu, 1.0) + 20.0 * mu
    path = solve_ivp(rate, (0.0, transient), [2.0, 0.0], events=crossing, method="DOP853", rtol=1e-12, atol=1e-13)
    times, points = path.t_events[0], path.y_events[0]
    return float(times[-1] - times[-2]), (0.0, float(points[-1][1]))
