"""What can be had in one call? The invariant set of a dynamics, learned from its trajectories."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.learning import orbits
from simviz.learning.orbits import TRANSIENT, spread
from simviz.learning.run import Run
from simviz.models.affine import Affine
from simviz.models.bases import FullyConnected
from simviz.models.propagators import Modes
from simviz.models.sim import SIM

BELIEVED = 0.2
"""A set is called found where the held-out orbit error is below this share of the data's spread."""
AT_REST = 0.01
"""Orbits are at rest where they move by less than this share of the data's spread in their last quarter."""
PERIODS_IN_A_WINDOW = 3
PACE = 0.03
"""Of a torus' angles: left to run ahead of the basis they end in other points of the lattice."""


@dataclass(frozen=True)
class Finding:
    """What learn_invariant_set found, carried by the model as `sim.finding`.

    found: whether the set is to be believed; message: one sentence; angles: learned base angles, radians a step;
    periods: in units of time; orbit_error: of the shadow on held-out trajectories after the transient, root mean
    square, as a share of the data's spread.
    """

    found: bool
    message: str
    angles: tuple[float, ...] = ()
    periods: tuple[float, ...] = ()
    orbit_error: float = math.nan


def learn_invariant_set(
    trajectories: Any, dt: float, frequencies: int = 1, seed: int = 0, *, steps: int = 2000, device: str = "auto"
) -> SIM:
    """Learn the cycle (frequencies=1) or torus (2) that trajectories settle on.

    trajectories: (batch, time, dim) real, sampled every dt, each from a start of its own; the later two thirds of a
    trajectory should lie near the set; dt: time a step; steps: of training. Returns a SIM with explicit eigenvalues
    and unit phases: `sim.shadow`, `sim.orbit`, `sim.spectrum`; `sim.finding` says in a sentence what was found, with
    the held-out error. Where no such set is found (decay to a point, noise, chaos) the finding and a UserWarning say
    so. Raises ValueError for another shape, NaN, dt not above 0.

    >>> data = torch.tensor([0.0, 1.0]).repeat(4, 30, 1)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     learn_invariant_set(data, dt=0.1).finding.found
    False
    """
    run = invariant_set_run(trajectories, dt, frequencies, seed, steps=steps, device=device)
    sim = run.model
    assert isinstance(sim, SIM)
    test = run.task.test[0]
    rest = resting_points(test)
    if rest is not None:
        _hold_point(sim, rest.mean(0))
        sim.finding = _at_rest(rest, spread(test))
    else:
        sim.finding = _train(run, dt)
        if not sim.finding.found:  # the strongest peak may be the second harmonic: try half of its angle once
            halved = [angle / 2 for angle in peak_angles(test, frequencies)]
            again = invariant_set_run(trajectories, dt, frequencies, seed, steps=steps, device=device, start=halved)
            finding = _train(again, dt)
            if finding.orbit_error < sim.finding.orbit_error:
                assert isinstance(again.model, SIM)
                sim = again.model
                sim.finding = finding
    sim.eval()
    if not sim.finding.found:
        warnings.warn(sim.finding.message, UserWarning, stacklevel=2)
    return sim


def invariant_set_run(
    trajectories: Any,
    dt: float,
    frequencies: int = 1,
    seed: int = 0,
    *,
    steps: int = 2000,
    harmonics: int = 8,
    decaying: int = 4,
    start: list[float] | None = None,
    device: str = "auto",
) -> Run:
    """Return the training run that learn_invariant_set pulls, for a live figure or a loop of your own.

    start: base angles to begin from, radians a step (default: the highest peaks of the Fourier spectrum of the
    trajectories' later halves); harmonics, decaying: see `Modes`.
    """
    checks.positive("dt", dt)
    checks.positive_int("steps", steps)
    checks.positive_int("frequencies", frequencies)
    if frequencies > 2:
        raise ValueError(f"frequencies must be 1 (a cycle) or 2 (a torus), got {frequencies}")
    whole = orbits.trajectories(trajectories, seed=seed)
    test = whole.test[0]
    angles = peak_angles(test, frequencies) if start is None else start
    window = max(60, math.ceil(PERIODS_IN_A_WINDOW * 2 * math.pi / min(angles)))
    task = orbits.trajectories(trajectories, seed=seed, window=window)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        seen = whole.train[0]
        shift, scale = seen.mean((0, 1)).tolist(), spread(seen).tolist()
        units = Affine(shift, scale)
        modes = Modes(frequencies, harmonics, decaying, start=angles, dt=dt, pace=PACE if frequencies == 2 else 1.0)
        basis = nn.Sequential(units, FullyConnected(len(shift), modes.inputs, hidden=64, activation=nn.GELU))
        linear = nn.Linear(modes.outputs, len(shift))
        if frequencies == 2:
            _quieten(linear, modes)
        readout = nn.Sequential(linear, units.inverse())
        sim = SIM(basis, modes, nn.Identity(), readout)
    return Run(sim, task, lr=1e-2, batch_size=64, seed=seed, max_steps=steps, device=device)


@torch.no_grad()
def _quieten(linear: nn.Linear, modes: Modes) -> None:
    """Let a torus' many high orders begin small, so that the phases are learned from the base frequencies first."""
    order = modes.k.abs().sum(1).repeat_interleave(2)  # (2 P,): real and imaginary parts
    linear.weight[:, : len(order)] *= 0.1 ** (order - 1)


def peak_angles(data: torch.Tensor, count: int = 1) -> list[float]:
    """Return the angles a step of the highest peaks in the Fourier spectrum of the later half of the trajectories.

    data: (batch, time, dim); for two, the pair of angles whose sines fit best together (see `best_pair`).
    """
    tail = data[:, data.shape[1] // 2 :].double()
    if count == 2:
        return best_pair(tail)
    tail = (tail - tail.mean(1, keepdim=True)) * torch.hann_window(tail.shape[1], dtype=torch.float64)[:, None]
    padded = 4 * tail.shape[1]
    power = torch.fft.rfft(tail, n=padded, dim=1).abs().square().sum((0, 2))  # (padded // 2 + 1,)
    width = 2 * 4  # half the main lobe of the window, in padded bins
    power[: width // 2] = 0.0
    angles: list[float] = []
    for _ in range(count):
        peak = int(power.argmax())
        angles.append(2 * math.pi * max(peak, 1) / padded)
        for multiple in range(max(peak, 1), len(power), max(peak, 1)):
            power[max(0, multiple - width) : multiple + width + 1] = 0.0
    return angles


def best_pair(tail: torch.Tensor, longest: int = 128) -> list[float]:
    """Return the two angles a step whose sines, fitted together with a constant, leave least of (batch, time, dim).

    Two peaks closer than the Fourier spectrum resolves are told apart by the joint fit. An angle beside a multiple of
    the other is no second one; the pair is sought on a grid, then on finer ones round the best; stronger first.
    """
    tail = tail[:, -longest:]
    rows = tail.transpose(0, 1).flatten(1)  # (time, batch dim)
    times = torch.arange(len(rows), dtype=rows.dtype)
    covariance = rows @ rows.T
    step = math.pi / (2 * len(rows))
    grid = step * torch.arange(1, 2 * len(rows))
    pairs = torch.combinations(grid)
    multiple = (pairs[:, 1] / pairs[:, 0]).round() * pairs[:, 0]
    pairs = pairs[(pairs[:, 1] - multiple).abs() > step]
    best = pairs[_explained(pairs, times, covariance).argmax()]
    for _ in range(4):
        near = step * torch.linspace(-1, 1, 9, dtype=rows.dtype)
        pairs = best + torch.cartesian_prod(near, near)
        best = pairs[_explained(pairs, times, covariance).argmax()]
        step /= 4
    alone = [float(_explained(angle.reshape(1, 1), times, covariance)) for angle in best]
    return [float(a) for a in (best if alone[0] >= alone[1] else best.flip(0))]


def _explained(angles: torch.Tensor, times: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
    """(n, F) sets of angles -> (n,): the part of the covariance's trace that their sines and a constant fit."""
    parts = []
    for some in angles.split(1024):
        phases = times[:, None] * some[:, None]  # (n, time, F)
        columns = torch.cat([torch.ones_like(phases[..., :1]), phases.cos(), phases.sin()], -1)
        q = torch.linalg.qr(columns).Q  # (n, time, 2 F + 1)
        parts.append((q * (covariance @ q)).sum((1, 2)))
    return torch.cat(parts)


def resting_points(data: torch.Tensor) -> torch.Tensor | None:
    """Return the last states, (batch, dim), where every trajectory has come to rest, else None."""
    last = data[:, -max(2, data.shape[1] // 4) :]
    moves = (last.amax(1) - last.amin(1)) / spread(data)  # (batch, dim)
    return data[:, -1] if bool((moves < AT_REST).all()) else None


def _train(run: Run, dt: float) -> Finding:
    for _ in run:
        pass
    error = run.history[-1].metrics["orbit error"]
    data = run.task.test[0]
    late = data[:, math.ceil(TRANSIENT * data.shape[1]) :]
    error = error / float((late.std((0, 1)) / spread(data)).square().mean().sqrt())  # of the spread on the set
    modes = run.model.propagator
    assert isinstance(modes, Modes)
    angles = tuple(abs(float(a)) for a in modes.base_angles.detach())
    periods = tuple(2 * math.pi * dt / max(a, 1e-12) for a in angles)
    shape = "cycle" if len(angles) == 1 else "torus"
    if error < BELIEVED:
        listed = " and ".join(f"{p:.4g}" for p in periods)
        basis = "" if shape == "cycle" else " (experimental: known up to sign and an integer change of basis)"
        message = f"a {shape} of period {listed}{basis}; held-out error {error:.2g}"
        return Finding(True, message, angles, periods, error)
    advice = "longer trajectories, a smaller dt" + (", frequencies=2" if shape == "cycle" else "")
    message = (
        f"no {shape} found: after the transient the best one misses held-out orbits by {100 * error:.0f} % of their "
        f"spread; the data may be noise or chaos, or want {advice}"
    )
    return Finding(False, message, angles, periods, error)


def _hold_point(sim: SIM, point: torch.Tensor) -> None:
    """Make the model's set the one point: every mode's weight 0, the constant's the point."""
    assert isinstance(sim.readout, nn.Sequential)
    linear, units = sim.readout
    assert isinstance(linear, nn.Linear)
    assert isinstance(units, Affine)
    with torch.no_grad():
        linear.weight.zero_()
        linear.bias.copy_(point.to(linear.bias) * units.scale + units.shift)


def _at_rest(rest: torch.Tensor, scale: torch.Tensor) -> Finding:
    apart = float(((rest.amax(0) - rest.amin(0)) / scale).max())
    if apart < 10 * AT_REST:
        place = ", ".join(f"{v:.4g}" for v in rest.mean(0).tolist())
        message = f"no cycle found: the orbits come to rest at the point ({place}); the model holds that point alone"
        return Finding(False, message, orbit_error=0.0)
    message = "no cycle found: the orbits come to rest at different points; the model holds their mean alone"
    return Finding(False, message)
