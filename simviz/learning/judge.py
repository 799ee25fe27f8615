"""Is a learned invariant set right? Measured against a system whose truth is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from simviz import checks
from simviz.dynamics.orbits import set_distance
from simviz.dynamics.systems import Oscillator
from simviz.models.propagators import Modes
from simviz.models.sim import SIM


@dataclass(frozen=True)
class Verdict:
    """A learned cycle beside the true one; distances in the system's units.

    angle, true_angle: radians a step; set_distance: the larger of both directions (decoded to true, true to decoded),
    95th percentile; orbit_mean, orbit_95: mean and 95th percentile of the distance between the learned and the true
    orbit at times between 5 and 10 periods.
    """

    angle: float
    true_angle: float
    set_distance: float
    orbit_mean: float
    orbit_95: float

    @property
    def angle_error(self) -> float:
        """Relative error of the angle a step."""
        return abs(self.angle / self.true_angle - 1)


def learned_angle(sim: SIM) -> float:
    """Return the first base angle, radians a step, positive."""
    if not isinstance(sim.propagator, Modes):
        raise ValueError("sim must have a Modes propagator: a LowRank one has no clock")
    return abs(float(sim.propagator.base_angles[0].detach()))


def one_turn(sim: SIM, points: int = 200) -> torch.Tensor:
    """Return the times, in steps, of `points` equally spaced moments of one period, (points,)."""
    return torch.arange(points) * (2 * math.pi / max(learned_angle(sim), 1e-6) / points)


@torch.no_grad()
def judge(sim: SIM, system: Oscillator, dt: float, starts: int = 400, seed: int = 1) -> Verdict:
    """Compare with the truth on `starts` fresh initial conditions from the system's box."""
    checks.positive_int("starts", starts)
    sim.eval()
    x = system.initial(starts, seed)
    device = next(sim.parameters()).device
    decoded = sim.shadow(x.to(device), torch.arange(40)).flatten(0, 1).double().cpu()
    turn = sim.shadow(x[:1].to(device), one_turn(sim, 2000))[0].double().cpu()
    truth = system.invariant_set(2000)
    forward = set_distance(decoded, truth).forward
    backward = set_distance(turn, truth).backward
    period = system.period() / dt
    last = math.ceil(10 * period)
    late = torch.arange(math.ceil(5 * period), last + 1)
    miss = (sim.orbit(x.to(device), late).cpu() - system.orbit(x, last, dt)[:, late]).norm(dim=-1)
    return Verdict(
        angle=learned_angle(sim),
        true_angle=system.angle(dt),
        set_distance=max(float(forward.quantile(0.95)), float(backward.quantile(0.95))),
        orbit_mean=float(miss.mean()),
        orbit_95=float(miss.flatten().quantile(0.95)),
    )
