"""What is a system? A map or a flow with its parameters, the box its orbits start in, and what is known of it.

Flows are integrated by torchdiffeq: batched, on any device, differentiable, kept by its authors. In double precision it
is the Dormand-Prince 8(7) pair, made to land on the times asked for, since its interpolant loses five digits (a third
of the time of the 5(4) pair, and ten times nearer to the truth); in single precision it is the 5(4) pair. One step
serves the whole batch; the error norm used here is the worst sample's, so no orbit hides behind the others.
"""

from __future__ import annotations

import abc
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torchdiffeq import odeint

from simviz import checks

Box = tuple[tuple[float, float], ...]
FAR = 1e6
"""An orbit this many times farther out than its box, or its start, has escaped."""
_DRAWS = 1000


@dataclass(frozen=True)
class Parameter:
    """One parameter of a system: its default, the range in which a slider may move it, and what it does."""

    default: float
    low: float
    high: float
    meaning: str


@dataclass(frozen=True)
class Truth:
    """What is known of a system at its present parameters, from a closed form or the literature; None: not known.

    source: where it is from; kind: what nearly every orbit from the box ends as, a word of `orbits.KINDS`;
    fixed_points: (n, dim) float64, all of them; stable: (n,) bool, whether orbits that start near one stay near it;
    period: of the attracting cycle, in units of time (a map's: in steps); rotation_number: of a closed curve, in turns
    a step; lyapunov: the largest exponent, per unit of time or step; frequencies: radians per unit of time or step, one
    for each persistent principal eigenfunction; decaying: the principal decaying ones, as rates per unit of time (a
    flow's) or multipliers a step (a map's): products of both are the Koopman eigenvalues on the attracting set's basin,
    `System.eigenvalues`; density: of the invariant measure, per unit of length, of the same shape as s.
    """

    source: str
    kind: str | None = None
    fixed_points: torch.Tensor | None = None
    stable: torch.Tensor | None = None
    period: float | None = None
    rotation_number: float | None = None
    lyapunov: float | None = None
    frequencies: tuple[float, ...] | None = None
    decaying: tuple[complex, ...] | None = None
    density: Callable[[torch.Tensor], torch.Tensor] | None = field(default=None, repr=False)


class System(abc.ABC):
    """A dynamics on (..., dim) states, with the box its initial conditions are drawn from and what is known of it.

    dim: of the state; coordinates: their names; box: (low, high) for each coordinate; parameters: what may be set.
    """

    name: ClassVar[str]
    dim: int = 2
    box: Box
    parameters: ClassVar[dict[str, Parameter]] = {}
    coordinates: tuple[str, ...] = ()
    dtype: ClassVar[torch.dtype]

    @property
    def reach(self) -> float:
        """The largest absolute coordinate of the box: half the side of a square round 0 that holds it."""
        return max(abs(end) for side in self.box for end in side)

    def far(self, z0: torch.Tensor) -> float:
        """Return how far out an orbit from z0 (batch, dim) counts as escaped."""
        return FAR * max(1.0, float(z0.abs().max()), self.reach)

    @abc.abstractmethod
    def truth(self) -> Truth:
        """Return what is known at the present parameters."""

    @abc.abstractmethod
    def orbit(self, z0: Any, steps: int, dt: float = 1.0) -> torch.Tensor:
        """Return the states at 0, dt, .., steps dt: (batch, dim) -> (batch, steps + 1, dim), in the dtype of z0."""

    @abc.abstractmethod
    def _multiplier(self, decaying: complex, dt: float) -> complex:
        """Return the eigenvalue over dt of one of the truth's decaying generators."""

    def admits(self, s: torch.Tensor) -> torch.Tensor:
        """(n, dim) -> (n,) bool: which points of the box may be initial conditions."""
        return torch.ones(len(s), dtype=torch.bool, device=s.device)

    def initial(self, count: int, seed: int = 0) -> torch.Tensor:
        """Draw initial conditions uniformly from what the box admits, (count, dim); maps: float64, flows: float32."""
        count = checks.positive_int("count", count)
        generator = torch.Generator().manual_seed(checks.positive_int("seed", seed, 0))
        low, high = torch.tensor(self.box, dtype=self.dtype, device=generator.device).T  # (dim,) each
        kept = torch.empty(0, self.dim, dtype=self.dtype, device=generator.device)
        for _ in range(_DRAWS):
            drawn = low + (high - low) * torch.rand(
                2 * count, self.dim, generator=generator, dtype=self.dtype, device=generator.device
            )
            kept = torch.cat([kept, drawn[self.admits(drawn)]])
            if len(kept) >= count:
                return kept[:count]
        raise ValueError(f"{self!r} admits hardly any point of its box {self.box}: draw initial conditions yourself")

    def trajectories(self, count: int, steps: int, dt: float = 1.0, seed: int = 0) -> torch.Tensor:
        """Return orbits of `count` drawn initial conditions, (count, steps + 1, dim)."""
        return self.orbit(self.initial(count, seed), steps, dt)

    def eigenvalues(self, dt: float = 1.0, harmonics: int = 3, order: int = 1) -> torch.Tensor:
        r"""Return the Koopman eigenvalues that are known, over a step of dt, (n,) complex128.

        All products :math:`\prod e^{i k_a \omega_a dt} \prod \lambda_b^{j_b}` with whole :math:`|k_a|` up to
        `harmonics` and :math:`0 \le j_b` up to `order`; largest modulus first. Raises ValueError where none is known.
        """
        known = self.truth()
        if known.frequencies is None or known.decaying is None:
            raise ValueError(f"the Koopman eigenvalues of {self!r} are not known in closed form")
        dt = checks.positive("dt", dt)
        turns = range(-checks.positive_int("harmonics", harmonics, 0), harmonics + 1)
        powers = range(checks.positive_int("order", order, 0) + 1)
        products = torch.ones(1, dtype=torch.complex128)
        for omega in known.frequencies:
            factor = torch.exp(1j * omega * dt * torch.tensor(turns, dtype=torch.complex128))
            products = torch.outer(products, factor).flatten()
        for generator in known.decaying:
            factor = torch.tensor([self._multiplier(generator, dt) ** j for j in powers], dtype=torch.complex128)
            products = torch.outer(products, factor).flatten()
        return products[torch.argsort(products.abs().round(decimals=12), descending=True, stable=True)]

    def invariant_set(self, points: int = 400) -> torch.Tensor:
        """Return points of what orbits come to, (points, dim) float64: stable fixed points, or the end of one orbit."""
        count = checks.positive_int("points", points)
        known = self.truth()
        if known.kind == "fixed point" and known.fixed_points is not None and known.stable is not None:
            return known.fixed_points[known.stable]
        return self.orbit(self.initial(1).double(), 1000 + count, **self._rhythm())[0, -count:]

    def _rhythm(self) -> dict[str, float]:
        return {}

    def _start(self, z0: Any) -> torch.Tensor:
        return checks.tensor("z0", z0, (None, self.dim), f"(batch, {self.dim})")

    def _set(self, **parameters: float) -> None:
        """Keep the parameters as attributes, each checked against its range."""
        for name, value in parameters.items():
            limits = self.parameters[name]
            setattr(self, name, checks.real(name, value, limits.low, limits.high))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name):g}" for name in self.parameters)
        return f"{type(self).__name__}({values})"


class Flow(System):
    """A system ds/dt = rate(s); times are in the system's own units."""

    dtype = torch.float32

    @abc.abstractmethod
    def rate(self, s: torch.Tensor) -> torch.Tensor:
        """(..., dim) -> (..., dim): ds/dt."""

    def _multiplier(self, decaying: complex, dt: float) -> complex:
        return complex(torch.exp(torch.tensor(decaying * dt, dtype=torch.complex128)))

    def _rhythm(self) -> dict[str, float]:
        return {"dt": 0.05}

    @torch.no_grad()
    def orbit(self, z0: Any, steps: int, dt: float = 1.0) -> torch.Tensor:
        """Return the states at 0, dt, .., steps dt: (batch, dim) -> (batch, steps + 1, dim), in the dtype of z0.

        Relative tolerance 1e-9 in double precision, 1e-5 in single. An orbit that escapes is infinite from then on,
        and a warning says so. Raises ValueError where the rate cannot be followed.
        """
        z0 = self._start(z0)
        steps = checks.positive_int("steps", steps)
        times = checks.positive("dt", dt) * torch.arange(steps + 1, dtype=z0.dtype, device=z0.device)
        path = integrate(self.rate, z0, times, self.far(z0))
        return _told(path, self)


class Map(System):
    """A system s -> step(s); time is counted in steps, so dt is 1."""

    dtype = torch.float64

    @abc.abstractmethod
    def step(self, s: torch.Tensor) -> torch.Tensor:
        """(..., dim) -> (..., dim): the next state."""

    @property
    def chaotic(self) -> bool:
        """Whether nearby orbits are known to part exponentially fast."""
        return self.truth().kind == "chaos"

    def _multiplier(self, decaying: complex, dt: float) -> complex:
        self._one(dt)
        return decaying

    def _one(self, dt: float) -> None:
        if dt != 1:
            raise ValueError(f"dt must be 1 for a map, which steps by one, got {dt}")

    @torch.no_grad()
    def orbit(self, z0: Any, steps: int, dt: float = 1.0) -> torch.Tensor:
        """Return the states after 0, 1, .., steps steps: (batch, dim) -> (batch, steps + 1, dim), in the dtype of z0.

        An orbit that escapes is infinite from then on, and a warning says so; another warns that a chaotic map in
        single precision soon repeats itself.
        """
        z0 = self._start(z0)
        steps = checks.positive_int("steps", steps)
        self._one(dt)
        if self.chaotic and torch.finfo(z0.dtype).bits < 64:
            warnings.warn(
                f"{self!r} is chaotic and z0 is {z0.dtype}: its orbits fall into short cycles of rounding errors "
                "after some thousand steps; pass z0.double()",
                stacklevel=3,  # past torch's no_grad
            )
        path = torch.empty(len(z0), steps + 1, self.dim, dtype=z0.dtype, device=z0.device)
        path[:, 0] = s = z0
        for t in range(1, steps + 1):
            path[:, t] = s = self.step(s)
        return _told(path, self)


def integrate(
    rate: Callable[[torch.Tensor], torch.Tensor],
    z0: torch.Tensor,
    times: torch.Tensor,
    bound: float = math.inf,
    rtol: float = 1e-9,
) -> torch.Tensor:
    """Return the solution of ds/dt = rate(s), (batch, dim) -> (batch, times, dim), infinite once beyond the bound.

    times: (n,), rising, the first one that of z0; rtol: relative tolerance in double precision; in single it is 1e-5.
    Raises ValueError where no step is small enough.
    """

    def stopped(t: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        if bool(s.abs().amax() <= bound):
            return rate(s)
        inside = s.abs().amax(-1, keepdim=True) <= bound
        return torch.where(inside, rate(s.clamp(-bound, bound)), 0.0)

    try:
        if z0.dtype == torch.float64:
            path = _stepped(stopped, z0, times, rtol)  # (times, batch, dim)
        else:
            path = odeint(stopped, z0, times, method="dopri5", rtol=1e-5, atol=1e-6, options={"norm": _worst})
    except AssertionError as reason:  # torchdiffeq's own word for a step that fell to nothing
        raise ValueError(f"the flow cannot be followed from z0, its rate is NaN or too stiff there: {reason}") from None
    path = path.transpose(0, 1)
    gone = (path.abs().amax(-1, keepdim=True) >= bound).int().cummax(1).values.bool()
    return path.masked_fill(gone, math.inf)


def _worst(error: torch.Tensor) -> torch.Tensor:
    return error.abs().amax()


def _stepped(rate: Callable[..., torch.Tensor], z0: torch.Tensor, times: torch.Tensor, rtol: float) -> torch.Tensor:
    """Integrate from one time to the next, so that no state is interpolated; each starts with the last one's step."""
    longest = [math.inf]
    rate.callback_accept_step = lambda t, s, dt: longest.append(max(longest.pop(), float(dt)))  # type: ignore[attr-defined]
    path = [z0]
    for span in times.diff():
        ends = torch.stack([torch.zeros_like(span), span])
        options = {"norm": _worst, "step_t": ends[1:], "first_step": min(longest[0], float(span))}
        longest[0] = 0.0
        path.append(odeint(rate, path[-1], ends, method="dopri8", rtol=rtol, atol=rtol / 100, options=options)[-1])
    return torch.stack(path)


def _told(path: torch.Tensor, system: System) -> torch.Tensor:
    """Warn where orbits left for infinity; from there on all their coordinates are infinite."""
    gone = ~torch.isfinite(path).all(-1)  # (batch, steps + 1)
    if gone.any():
        first = int(gone.int().argmax(1)[gone.any(1)].min())
        count = int(gone.any(1).sum())
        warnings.warn(
            f"{count} of {len(path)} orbits of {system!r} escape to infinity or become NaN, the first at step {first}; "
            "start nearer to the attracting set, or drop them",
            stacklevel=4,
        )
        path = path.masked_fill(gone.int().cummax(1).values.bool()[..., None], math.inf)
    return path
