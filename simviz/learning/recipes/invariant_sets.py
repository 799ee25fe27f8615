"""Where do orbits end up? The invariant set of a dynamics, learned from its trajectories in one call."""

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
from simviz.learning.tails import FEWEST, harmonics_needed, linear_phase, orbit_phases, peak_angles
from simviz.models.affine import Affine
from simviz.models.bases import FullyConnected
from simviz.models.propagators import Modes
from simviz.models.sim import SIM

BELIEVED = 0.2
"""A set is called found where the held-out orbit error is below this share of the data's spread."""
AT_REST = 0.01
"""Orbits are at rest where they move by less than this share of the data's spread in their last quarter."""
PERIODS_IN_A_WINDOW = 3
HIDDEN = (128, 64)
"""Widths of the basis network; for a cycle, with half of it the phases of Van der Pol's orbits are a quarter worse."""
RATES = (3e-2, 1e-2)
"""Peak learning rate for a cycle and for a torus."""
STEPS, STEPS_A_HARMONIC = 2000, 200
"""Of training, at the least, and of a sharp cycle: the more harmonics, the finer the phases must be."""
QUIET = 0.1
"""Of its first size, what the network adds to the phases of the plane in which the orbits' tails turn."""
LESSON, LESSON_BATCH, LESSON_RATE = 800, 512, 3e-3
"""Steps in which the network is shown a torus' phases, states a step, and the learning rate."""
DECODED = 8000
"""States that a torus' decoder begins from."""
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
    trajectories: Any,
    dt: float,
    frequencies: int = 1,
    seed: int = 0,
    *,
    steps: int | None = None,
    harmonics: int | None = None,
    device: str = "auto",
) -> SIM:
    """Learn the cycle (frequencies=1) or torus (2) that trajectories settle on.

    trajectories: (batch, time, dim) real, sampled every dt, each from a start of its own; the later two thirds of a
    trajectory should lie near the set; dt: time a step; steps, harmonics: chosen from the data, or see
    `invariant_set_run`. Returns a SIM with explicit eigenvalues and unit phases: `sim.shadow`, `sim.orbit`,
    `sim.spectrum`; `sim.finding` says in a sentence what was found, with the held-out error. Where no such set is found
    (decay to a point, noise, chaos) the finding and a UserWarning say so. Raises ValueError for another shape,
    NaN, dt not above 0.

    >>> data = torch.tensor([0.0, 1.0]).repeat(4, 30, 1)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     learn_invariant_set(data, dt=0.1).finding.found
    False
    """
    options: dict[str, Any] = {"steps": steps, "harmonics": harmonics, "device": device}
    run = invariant_set_run(trajectories, dt, frequencies, seed, **options)
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
            again = invariant_set_run(trajectories, dt, frequencies, seed, start=halved, **options)
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
    steps: int | None = None,
    harmonics: int | None = None,
    decaying: int = 4,
    start: list[float] | None = None,
    device: str = "auto",
) -> Run:
    """Return the training run that learn_invariant_set pulls, for a live figure or a loop of your own.

    start: base angles to begin from, radians a step (default: the highest peaks of the Fourier spectrum of the
    trajectories' later halves); steps: of training (default: 2000, of a cycle at least 200 for each harmonic);
    harmonics, decaying: see `Modes` (default: as many as the trajectories' later halves want, 8 to 24; of a torus 8).
    """
    checks.positive("dt", dt)
    checks.positive_int("frequencies", frequencies)
    if steps is not None:
        checks.positive_int("steps", steps)
    if frequencies > 2:
        raise ValueError(f"frequencies must be 1 (a cycle) or 2 (a torus), got {frequencies}")
    whole = orbits.trajectories(trajectories, seed=seed)
    test = whole.test[0]
    angles = peak_angles(test, frequencies) if start is None else start
    if harmonics is None:
        harmonics = harmonics_needed(test, angles[0]) if frequencies == 1 else FEWEST
    window = max(60, math.ceil(PERIODS_IN_A_WINDOW * 2 * math.pi / min(angles)))
    task = orbits.trajectories(trajectories, seed=seed, window=window)
    pace = PACE if frequencies == 2 else 1.0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sim = _beginning(whole.train[0], Modes(frequencies, harmonics, decaying, start=angles, dt=dt, pace=pace))
    steps = steps or max(STEPS, STEPS_A_HARMONIC * harmonics if frequencies == 1 else 0)
    return Run(sim, task, lr=RATES[frequencies - 1], batch_size=64, seed=seed, max_steps=steps, device=device)


def _beginning(seen: torch.Tensor, modes: Modes) -> SIM:
    """The model before training: random, but for the units of the data, (batch, time, dim), and a cycle's phase."""
    shift, scale = seen.mean((0, 1)).tolist(), spread(seen).tolist()
    units = Affine(shift, scale)
    angles = modes.options["start"]
    hidden = HIDDEN[len(angles) - 1]
    network = FullyConnected(len(shift), modes.inputs, hidden=hidden, activation=nn.GELU)
    linear = nn.Linear(modes.outputs, len(shift))
    if len(angles) == 2:
        _teach_phases(network, linear, units(seen), modes)
    else:
        _turn_with(network, linear_phase(units(seen[:, seen.shape[1] // 2 :]), angles[0]))
    return SIM(nn.Sequential(units, network), modes, nn.Identity(), nn.Sequential(linear, units.inverse()))


@torch.no_grad()
def _turn_with(network: FullyConnected, plane: torch.Tensor) -> None:
    """Let the phase begin as that of an affine map of the state, (2, dim + 1), so that it winds round the set once.

    The map passes the network in units of its own: GELU(y) - GELU(-y) is y.
    """
    first, second, last = (layer for layer in network.layers if isinstance(layer, nn.Linear))
    size = len(plane)
    through = torch.cat([torch.eye(size), -torch.eye(size)], 1)  # (2, 4)
    both = torch.cat([plane, -plane])
    first.weight[: 2 * size], first.bias[: 2 * size] = both[:, :-1], both[:, -1]
    second.weight[: 2 * size], second.bias[: 2 * size] = 0.0, 0.0
    second.weight[: 2 * size, : 2 * size] = torch.cat([through, -through])
    last.weight[:size] *= QUIET
    last.bias[:size] = 0.0
    last.weight[:size, : 2 * size] = through


def _teach_phases(network: nn.Module, linear: nn.Linear, seen: torch.Tensor, modes: Modes) -> None:
    """Let a torus' two phases begin as the orbits' tails show them, and the decoder as least squares from there.

    seen: (batch, time, dim). Of each orbit the tail's two sines give its phases, which turn evenly at all times: the
    network learns them at every state, on the torus and off it. From random phases the set comes out torn.
    """
    angles = torch.tensor(modes.options["start"])
    half = seen.shape[1] // 2
    begun = torch.stack([orbit_phases(seen[:, half:], float(a))[:, 0] for a in angles], -1)  # (batch, F)
    phases = begun[:, None] + angles * (torch.arange(seen.shape[1]) - half)[:, None]  # (batch, time, F)
    wanted = torch.stack([phases.cos(), phases.sin()], -1).flatten(2)
    states, wanted = seen.flatten(0, 1), wanted.flatten(0, 1)
    optimizer = torch.optim.Adam(network.parameters(), lr=LESSON_RATE)
    for rows in torch.randint(len(states), (LESSON, LESSON_BATCH)):
        missed = network(states[rows])[:, : wanted.shape[1]] - wanted[rows]
        optimizer.zero_grad()
        missed.square().mean().backward()
        optimizer.step()
    with torch.no_grad():
        late = seen[:, half:].flatten(0, 1)[:DECODED]
        features = modes.persistent_at(network(late), torch.zeros(1))[:, 0]  # (n, outputs)
        rows = torch.cat([features[:, : 2 * len(modes.k)], torch.ones(len(late), 1)], 1).double()
        found = torch.linalg.lstsq(rows, late.double(), driver="gelsd").solution.to(late)
        linear.weight.mul_(QUIET)
        linear.weight[:, : 2 * len(modes.k)], linear.bias[:] = found[:-1].T, found[-1]


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
