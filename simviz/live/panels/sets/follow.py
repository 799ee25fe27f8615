"""Where is a state a moment later? Fixed steps, fast enough for the eye, and the linear part of a stretch of time.

Orbits that are measured belong to `System.orbit`; here three hundred of them move on fifteen times a second.
"""

from __future__ import annotations

import math

import torch

from simviz.dynamics.systems import Flow, Map, System

CLOSE = 1e-5
"""The error of a stretch of time that is followed in one go, as a share of the system's reach."""
CHECKED = 50
"""After so many steps it is looked up again how fine they must be: the way to a set is often stiffer than the set."""
_MOST = 64


@torch.no_grad()
def pace(system: System) -> float:
    """Return the time of one step for the eye, 1 for a map: a fortieth of the time in which a state crosses the box.

    At the geometric mean of its speed among the starts and later on, as relaxation has both fast and slow parts.
    """
    if not isinstance(system, Flow):
        return 1.0
    states = system.initial(128).double()
    fast = _crossing(system, states)
    for _ in range(100):
        states = advance(system, states, fast / 40, 1)
    settled = states[torch.isfinite(states).all(-1)]
    slow = min(max(_crossing(system, settled), fast), 10 * fast) if len(settled) else fast
    wanted = math.sqrt(fast * slow) / 40
    decade = 10.0 ** math.floor(math.log10(wanted))
    return decade * max(n for n in (1, 2, 5) if n * decade <= wanted * (1 + 1e-9))


def _crossing(system: Flow, states: torch.Tensor) -> float:
    return 2 * system.reach / max(float(system.rate(states).norm(dim=-1).median()), 1e-9)


def substeps(system: System, states: torch.Tensor, dt: float, close: float = CLOSE) -> int:
    """Return into how many Runge-Kutta steps dt is to be divided for states like these, at most 64; 1 for a map.

    close: the error that one dt may make, as a share of the system's reach.
    """
    if not isinstance(system, Flow):
        return 1
    count = 1
    coarse = advance(system, states, dt, 1)
    while count < _MOST:
        fine = advance(system, states, dt, 2 * count)
        both = torch.isfinite(fine) & torch.isfinite(coarse)
        miss = float((fine - coarse)[both].abs().amax()) if bool(both.any()) else 0.0
        if miss < close * system.reach:
            return count
        count, coarse = 2 * count, fine
    return count


def advance(system: System, states: torch.Tensor, dt: float, substeps: int = 1) -> torch.Tensor:
    """Return states (n, dim) after dt, by the classical Runge-Kutta method; NaN from where one has escaped."""
    if isinstance(system, Map):
        after = system.step(states)
    else:
        assert isinstance(system, Flow)
        h, after = dt / substeps, states
        for _ in range(substeps):
            a = system.rate(after)
            b = system.rate(after + h / 2 * a)
            c = system.rate(after + h / 2 * b)
            after = after + h / 6 * (a + 2 * (b + c) + system.rate(after + h * c))
    inside = (after.abs() < 1e3 * system.reach).all(-1, keepdim=True)
    return after if bool(inside.all()) else after.masked_fill(~inside, math.nan)


@torch.no_grad()
def path(system: System, states: torch.Tensor, dt: float, steps: int, close: float = CLOSE) -> torch.Tensor:
    """Return the states at 0, dt, .., steps dt: (n, dim) -> (n, steps + 1, dim); close: see `substeps`."""
    kept = [states]
    for number in range(steps):
        if number % CHECKED == 0:
            fine = substeps(system, kept[-1], dt, close)
        kept.append(advance(system, kept[-1], dt, fine))
    return torch.stack(kept, 1)


@torch.no_grad()
def linear_part(system: System, point: torch.Tensor, dt: float, steps: int = 1) -> torch.Tensor:
    """Return the Jacobian of the map over `steps` dt at a point, (dim,) -> (dim, dim), by central differences.

    At a fixed point its eigenvalues are those of the linearised dynamics; over a period of a cycle, the Floquet
    multipliers, 1 among them.
    """
    size = 1e-5 * max(1.0, float(point.abs().max()))
    shifts = size * torch.eye(system.dim, dtype=point.dtype)
    around = torch.cat([point + shifts, point - shifts])  # (2 dim, dim)
    fine, after = substeps(system, around, dt), around
    for _ in range(steps):
        after = advance(system, after, dt, fine)
    return ((after[: system.dim] - after[system.dim :]) / (2 * size)).T
