"""How fast do nearby orbits part? The largest Lyapunov exponent, from a small difference (Benettin 1976)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from simviz import checks
from simviz.dynamics.systems import Flow, Map, System
from simviz.dynamics.systems.base import integrate

_APART = 1e-7
"""Size of the difference after each renormalisation, relative to the states: small against every curvature, and far
above the rounding error. Both orbits share their integrator's steps, so its own error cancels in the difference."""
_LOOSE = 1e-6


@dataclass(frozen=True)
class Lyapunov:
    """The largest Lyapunov exponent, natural logarithm per unit of time (maps: per step).

    values: of each orbit, (orbits,); mean: over them; spread: their standard deviation, which tells what one orbit of
    this length is worth. The error of the mean is about spread / sqrt(orbits).
    """

    values: torch.Tensor

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def spread(self) -> float:
        return float(self.values.std()) if len(self.values) > 1 else math.nan

    def __str__(self) -> str:
        return f"{self.mean:.4f} (spread {self.spread:.4f} over {len(self.values)} orbits)"


@torch.no_grad()
def lyapunov(
    system: System,
    z0: Any = None,
    *,
    time: float | None = None,
    transient: float | None = None,
    interval: float = 0.5,
    orbits: int = 32,
    seed: int = 0,
) -> Lyapunov:
    r"""Return the largest Lyapunov exponent, :math:`\lim \frac1T \sum \ln` of the stretch of a small difference.

    z0: (batch, dim), None: `orbits` of them drawn from the system's box; time: T, in units of time (maps: steps),
    200 for flows and 2,000 for maps; transient: what is run through before, a tenth of it; interval: time between two
    renormalisations of a flow. Orbits are followed in double precision. Raises ValueError where an orbit escapes.

    >>> from simviz.dynamics.systems import Logistic
    >>> abs(lyapunov(Logistic(4.0)).mean - 0.6931) < 0.01
    True
    """
    z = checks.tensor("z0", system.initial(orbits, seed) if z0 is None else z0, (None, system.dim), "(batch, dim)")
    checks.positive_int("seed", seed, 0)
    length = checks.positive("time", (200.0 if isinstance(system, Flow) else 2000.0) if time is None else time)
    before = checks.real("transient", length / 10 if transient is None else transient, 0.0)
    values = stretches(system, z, length, before, checks.positive("interval", interval), seed)
    if not torch.isfinite(values).all():
        gone = int((~torch.isfinite(values)).sum())
        raise ValueError(f"z0 holds {gone} initial conditions of {system!r} whose orbits escape: drop them")
    return Lyapunov(values)


@torch.no_grad()
def stretches(
    system: System, z0: torch.Tensor, length: float, before: float, interval: float = 0.5, seed: int = 0
) -> torch.Tensor:
    """Return each orbit's exponent, (batch,) float64, as `lyapunov` does; NaN where an orbit escapes."""
    span = interval if isinstance(system, Flow) else 1.0
    z = z0.double()
    bound = system.far(z)
    size = _APART * max(1.0, system.reach)
    generator = torch.Generator().manual_seed(seed)
    difference = torch.randn(z.shape, generator=generator, dtype=z.dtype, device=generator.device).to(z)
    total = torch.zeros(len(z), dtype=z.dtype, device=z.device)
    skipped, counted = round(before / span), max(1, round(length / span))
    advance = _advance(system, span, z)
    for turn in range(skipped + counted):
        pair = advance(torch.cat([z, z + size * torch.nn.functional.normalize(difference, dim=-1)]))  # (2 batch, dim)
        after, shifted = pair.chunk(2)
        difference = shifted - after
        gone = ~(pair.abs() < bound).all(-1).view(2, -1).all(0)
        total = total.masked_fill(gone, math.nan)
        z = torch.where(gone[:, None], z0.double(), after)  # goes on from its start, uncounted
        # What is left of a difference at a superstable point is rounding: it counts as the smallest that can be told.
        stretch = (difference.norm(dim=-1) / size).clamp_min(1e-9)
        difference = torch.where((difference == 0) | gone[:, None], size * 1e-9, difference)
        if turn >= skipped:
            total = total + torch.where(gone, 1.0, stretch).log()
    return total / (counted * span)


def _advance(system: System, span: float, z: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    if isinstance(system, Map):
        return system.step
    if not isinstance(system, Flow):
        raise ValueError(f"system must be a Map or a Flow of simviz.dynamics.systems, got {type(system).__name__}")
    ends = torch.tensor([0.0, span], dtype=z.dtype, device=z.device)
    return lambda s: integrate(system.rate, s, ends, system.far(s), _LOOSE)[:, -1]
