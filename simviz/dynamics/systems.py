"""Where do known maps and flows go? Systems that carry their own truth, for everything else to be measured against.

Flows are integrated by torchdiffeq's Dormand-Prince 5(4) pair: batched, on any device, kept by its authors. Its step
is one for the whole batch; the error norm used here is the worst sample's, so no orbit hides behind the others.
"""

from __future__ import annotations

import abc
import functools
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from scipy.integrate import solve_ivp
from torchdiffeq import odeint

from simviz import checks


@dataclass(frozen=True)
class Parameter:
    """One parameter of a system: its default, the range in which a slider may move it, and what it does."""

    default: float
    low: float
    high: float
    meaning: str


class Flow(abc.ABC):
    """A system ds/dt = rate(s), with the box its initial conditions are drawn from and what is known of it.

    dim: of the state; box: half the side of the cube of initial conditions round 0; hole: radius of the ball round the
    unstable fixed point at 0 that is left out, since the asymptotic phase is undefined in its centre.
    """

    name: ClassVar[str]
    dim: ClassVar[int] = 2
    box: ClassVar[float]
    hole: ClassVar[float] = 0.0
    parameters: ClassVar[dict[str, Parameter]]

    @abc.abstractmethod
    def rate(self, s: torch.Tensor) -> torch.Tensor:
        """(..., dim) -> (..., dim): ds/dt."""

    @abc.abstractmethod
    def period(self) -> float:
        """Return the period of the limit cycle, in units of time."""

    @abc.abstractmethod
    def invariant_set(self, points: int = 400) -> torch.Tensor:
        """Return that many points of the attracting set, equally spaced in time, (points, dim) float64."""

    def angle(self, dt: float) -> float:
        """Return the limit cycle's angle a step of dt, radians: 2 pi dt / period."""
        return 2 * math.pi * checks.positive("dt", dt) / self.period()

    def initial(self, count: int, seed: int = 0) -> torch.Tensor:
        """Draw initial conditions uniformly from the box outside the hole, (count, dim) float32."""
        count = checks.positive_int("count", count)
        generator = torch.Generator().manual_seed(checks.positive_int("seed", seed, 0))
        kept = torch.empty(0, self.dim)
        while len(kept) < count:
            drawn = self.box * (2 * torch.rand(2 * count, self.dim, generator=generator) - 1)
            kept = torch.cat([kept, drawn[drawn.norm(dim=-1) > self.hole]])
        return kept[:count]

    @torch.no_grad()
    def orbit(self, z0: Any, steps: int, dt: float) -> torch.Tensor:
        """Return the states at 0, dt, .., steps dt: (batch, dim) -> (batch, steps + 1, dim), in the dtype of z0."""
        z0 = checks.tensor("z0", z0, (None, self.dim), f"(batch, {self.dim})")
        steps = checks.positive_int("steps", steps)
        times = checks.positive("dt", dt) * torch.arange(steps + 1, dtype=z0.dtype, device=z0.device)
        tight = z0.dtype == torch.float64
        worst = {"norm": lambda error: error.abs().amax()}
        rtol, atol = (1e-9, 1e-11) if tight else (1e-5, 1e-6)
        path = odeint(lambda t, s: self.rate(s), z0, times, method="dopri5", rtol=rtol, atol=atol, options=worst)
        return path.transpose(0, 1)

    def trajectories(self, count: int, steps: int, dt: float, seed: int = 0) -> torch.Tensor:
        """Return orbits of `count` drawn initial conditions, (count, steps + 1, dim) float32."""
        return self.orbit(self.initial(count, seed), steps, dt)

    def _set(self, **parameters: float) -> None:
        """Keep the parameters as attributes, each checked against its range."""
        for name, value in parameters.items():
            limits = self.parameters[name]
            setattr(self, name, checks.real(name, value, limits.low, limits.high))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name):g}" for name in self.parameters)
        return f"{type(self).__name__}({values})"


class StuartLandau(Flow):
    r"""The normal form of a Hopf bifurcation: :math:`r' = \mu r (1 - r^2)`, :math:`\vartheta' = \omega`.

    Its limit cycle is the unit circle, run through at the constant speed omega; Koopman eigenvalues
    :math:`e^{(-2 \mu j + i \omega k) dt}`, j = 0, 1, 2.., k any integer.
    """

    name = "Stuart-Landau"
    box = 2.0
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

    def invariant_set(self, points: int = 400) -> torch.Tensor:
        count = checks.positive_int("points", points)
        angles = 2 * math.pi * torch.arange(count, dtype=torch.float64) / count
        return torch.stack([angles.cos(), angles.sin()], -1)


class VanDerPol(Flow):
    r"""The relaxation oscillator :math:`s_1' = s_2`, :math:`s_2' = \mu (1 - s_1^2) s_2 - s_1` (van der Pol 1926).

    Its period is known to as many digits as one computes: 6.66328686 at mu = 1. Here it is the time between two
    upward crossings of s1 = 0 once the transient has died, integrated to 1e-12 by SciPy's eighth-order DOP853.
    """

    name = "Van der Pol"
    box = 3.0
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


SYSTEMS: dict[str, type[Flow]] = {"stuart-landau": StuartLandau, "van-der-pol": VanDerPol}


def named(name: str, **parameters: float) -> Flow:
    """Return the system of that name, such as "stuart-landau"; raises ValueError that lists the known ones."""
    return SYSTEMS[checks.one_of("name", name, tuple(SYSTEMS))](**parameters)
