"""What remains of many orbits once the transient has died?"""

from __future__ import annotations

from typing import Any

import torch

from simviz import checks
from simviz.dynamics.systems import System

_CHUNK = 512


def simulate(
    system: System,
    z0: Any = None,
    *,
    steps: int,
    dt: float = 1.0,
    transient: int = 0,
    orbits: int = 32,
    seed: int = 0,
) -> torch.Tensor:
    """Return orbits of a system after a transient that is run through and not kept, (batch, steps + 1, dim).

    z0: initial conditions (batch, dim); None: `orbits` of them drawn from the system's box with this seed, in double
    precision; transient: steps of dt left out; the first state returned is the one after them. dt: 1 for maps.

    >>> from simviz.dynamics.systems import NeimarkSacker
    >>> circle = simulate(NeimarkSacker(1.2), steps=50, transient=200, orbits=4)
    >>> circle.shape, round(float(circle.norm(dim=-1).std()), 6)
    (torch.Size([4, 51, 2]), 0.0)
    """
    if z0 is None:
        z0 = system.initial(orbits, seed).double()
    left = checks.positive_int("transient", transient, 0)
    while left:
        some = min(left, _CHUNK)  # so that a long transient is never all in memory
        z0 = system.orbit(z0, some, dt)[:, -1]
        if not torch.isfinite(z0).all():
            gone = int((~torch.isfinite(z0).all(-1)).sum())
            raise ValueError(
                f"z0 holds {gone} initial conditions of {system!r} whose orbits escape within the transient of "
                f"{transient} steps: drop them, or start nearer to the attracting set"
            )
        left -= some
    return system.orbit(z0, steps, dt)
