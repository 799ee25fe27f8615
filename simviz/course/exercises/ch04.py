"""Chapter 04: how quickly neighbours part, and how far an orbit turns at each step."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from simviz.course.exercises.base import Args, Exercise, Seen, Wrong
from simviz.course.exercises.draws import Function, uniform
from simviz.course.wording import four

Slope = Callable[[torch.Tensor], torch.Tensor]
TURN = 2 * math.pi


def lyapunov(derivative: Slope, orbit: torch.Tensor) -> torch.Tensor:
    """Return the mean log stretch along an orbit (n,), in nats a step; derivative: f', entry by entry."""
    return derivative(orbit).abs().log().mean()


def _orbits(generator: torch.Generator) -> list[Args]:
    """The logistic map: fully chaotic, chaotic, and settled on a cycle."""
    cases: list[Args] = []
    for growth in (4.0, uniform(generator, 3.86, 3.95), uniform(generator, 3.3, 3.4)):
        x, orbit = uniform(generator, 0.1, 0.4), []
        for _ in range(2000):
            x = growth * x * (1 - x)
            orbit.append(x)
        slope = Function(f"x -> {growth:.4g} (1 - 2 x)", _slope(growth))
        cases.append((slope, torch.tensor(orbit, dtype=torch.float64)))
    return cases


def _slope(growth: float) -> Slope:
    return lambda x: growth * (1 - 2 * x)


def _log_of_mean(derivative: Slope, orbit: torch.Tensor) -> torch.Tensor:
    return derivative(orbit).abs().mean().log()


def _in_bits(derivative: Slope, orbit: torch.Tensor) -> torch.Tensor:
    return lyapunov(derivative, orbit) / math.log(2)


def _last_point(derivative: Slope, orbit: torch.Tensor) -> torch.Tensor:
    return derivative(orbit[-1]).abs().log()


def _order(seen: Seen) -> str:
    return f"{float(seen.given):.3f}: order matters, average the logs."


def _nats(seen: Seen) -> str:
    return f"{float(seen.given):.3f} is bits a step; we want nats, {float(seen.want):.3f}."


def rotation_number(angles: torch.Tensor) -> torch.Tensor:
    """Return the turns a step, in [0, 1), of angles (n,) in (-pi, pi]; each step goes forward by less than a turn."""
    return torch.remainder(angles.diff(), 2 * torch.pi).mean() / (2 * torch.pi)


def _turns(generator: torch.Generator) -> list[Args]:
    """Less and more than half a turn a step, and one that wavers; all begin anywhere."""
    cases: list[Args] = []
    t = torch.arange(500, dtype=torch.float64)
    waver = (0.0, 0.0, 0.1)
    step = (uniform(generator, 3.5, 5.8), uniform(generator, 0.4, 2.7), uniform(generator, 3.5, 5.8))
    for turn, size in zip(step, waver, strict=True):
        lifted = uniform(generator, -math.pi, math.pi) + turn * t + size * (turn * t).sin()  # (500,)
        cases.append((torch.atan2(lifted.sin(), lifted.cos()),))
    return cases


def _raw_mean(angles: torch.Tensor) -> torch.Tensor:
    return angles.diff().mean() / TURN


def _raw_mean_radians(angles: torch.Tensor) -> torch.Tensor:
    return angles.diff().mean()


def _unwrapped(angles: torch.Tensor) -> torch.Tensor:
    steps = angles.diff()
    return (torch.remainder(steps + math.pi, TURN) - math.pi).mean() / TURN


def _in_radians(angles: torch.Tensor) -> torch.Tensor:
    return rotation_number(angles) * TURN


def _short_way(seen: Seen) -> str:
    given, want = TURN * float(seen.given), TURN * float(seen.want)
    return f"For {four(want)} rad a step it takes the short way, {four(given)}: reduce to [0, 2 pi) instead."


EXERCISES = [
    Exercise(
        id="04a",
        title="How quickly neighbours part",
        statement=(
            "Two neighbours on an orbit are stretched apart by |f'(x)| at each step. Return the mean log stretch, in "
            "nats a step.\n\n`derivative` is f', entry by entry; `orbit` has shape (n,); return one number."
        ),
        right=lyapunov,
        cases=_orbits,
        wrong=(
            Wrong("order", _log_of_mean, _order),
            Wrong("bits", _in_bits, _nats),
            Wrong("last", _last_point, "One step's stretch; average along the orbit."),
        ),
        hints=("Chain rule along the orbit.", "`derivative(orbit).abs().log().mean()`"),
    ),
    Exercise(
        id="04b",
        title="Turns a step",
        statement=(
            "An orbit goes round; each step turns forward, by less than a whole turn. Return how many turns it makes a "
            "step, in [0, 1).\n\n`angles` has shape (n,), in radians, each in (-pi, pi]; return one number."
        ),
        right=rotation_number,
        cases=_turns,
        tolerance=1e-3,
        wrong=(
            Wrong("jumps", _raw_mean, "Crossing -pi counts as a jump back.", also=(_raw_mean_radians,)),
            Wrong("short-way", _unwrapped, _short_way),
            Wrong("radians", _in_radians, "Divide by 2 pi."),
        ),
        hints=("Reduce each difference.", "`torch.remainder(angles.diff(), 2 * torch.pi)`"),
    ),
]
