"""How does a model with a clock learn from trajectories? The task: windows, the loss, what is measured held out.

The loss has two parts. The orbit must be right at every time of the window, and, once the transient has had its third
of the window, the *shadow* alone must be right: else a slowly decaying mode carries what a persistent one should.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import torch

from simviz import checks
from simviz.learning.task import Task
from simviz.models.propagators import Modes
from simviz.models.sim import SIM

TRANSIENT = 1 / 3
"""Share of a window in which orbits may still be far from the set."""
ORBIT_WEIGHT = 0.05
"""Weight of the whole orbit beside the shadow's 1: the transient is hard to fit and must not bend the set."""
MAX_TIMES = 60
"""Times of a window that enter the loss; a longer window is thinned."""


def trajectories(data: Any, held_out: float = 0.2, window: int | None = None, seed: int = 0) -> Task:
    """Make a task of trajectories, (batch, time, dim), all sampled with one dt.

    held_out: share of whole trajectories kept for the test part; window: steps of a training window (default: the
    whole length). Metrics: `orbit error`, the root mean squared error of the shadow after the transient, relative to
    the data's spread there. Raises ValueError for another shape, fewer than 2 trajectories or 8 steps, NaN.
    """
    data = checks.tensor("trajectories", data, (None, None, None), "(batch, time, dim)").float()
    if data.shape[0] < 2 or data.shape[1] < 9:
        raise ValueError(
            f"trajectories must hold at least 2 orbits of 9 states, one to learn from and one to test on, got "
            f"{data.shape[0]} of {data.shape[1]} states"
        )
    share = checks.real("held_out", held_out, 0.0, 1.0, low_open=True, high_open=True)
    steps = data.shape[1] - 1
    length = steps if window is None else min(steps, checks.positive_int("window", window, 8))
    generator = torch.Generator().manual_seed(checks.positive_int("seed", seed, 0))
    order = torch.randperm(len(data), generator=generator)
    count = min(max(round(share * len(data)), 1), len(data) - 1)
    times = torch.arange(0, length + 1, math.ceil(length / MAX_TIMES))
    scale = spread(data)
    return Task(
        "trajectories",
        (windows(data[order[count:]], length),),
        (data[order[:count]],),
        functools.partial(orbit_loss, times=times, scale=scale),
        functools.partial(orbit_metrics, scale=scale),
        goal="orbit error",
        larger=False,
    )


def windows(data: torch.Tensor, length: int) -> torch.Tensor:
    """Cut trajectories into windows that overlap by half: (batch, time, dim) -> (windows, length + 1, dim)."""
    cut = data.unfold(1, length + 1, max(1, length // 2))  # (batch, places, dim, length + 1)
    return cut.transpose(2, 3).flatten(0, 1)


def spread(data: torch.Tensor) -> torch.Tensor:
    """Standard deviation of each coordinate, (dim,), never 0."""
    scale = data.std((0, 1))
    return torch.where(scale > 1e-12, scale, torch.ones_like(scale))


def orbit_loss(model: SIM, window: torch.Tensor, *, times: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Mean squared error of orbit and shadow over a window, (batch, length + 1, dim), in units of `scale`."""
    times = times.to(window.device)
    settled = times >= TRANSIENT * window.shape[1]
    modes = model.propagator
    if not isinstance(modes, Modes):
        raise ValueError("model must have a Modes propagator: a LowRank one has no clock")
    seen = model.observables(window[:, 0])
    truth, scale = window[:, times], scale.to(window)
    few = _thinned(len(times), modes.options["frequencies"]).to(times.device)
    orbit = model.decode(modes.at(seen, times[few].to(window)))
    shadow = model.decode(modes.persistent_at(seen, times[settled].to(window)))
    whole = ((orbit - truth[:, few]) / scale).square().mean()
    return ORBIT_WEIGHT * whole + ((shadow - truth[:, settled]) / scale).square().mean()


def _thinned(count: int, frequencies: int) -> torch.Tensor:
    """0, 1, 3, 6, 10 .. below count: where a cycle's orbit is looked at, often in its transient; a torus': all."""
    numbers = torch.arange(count)
    if frequencies > 1:
        return numbers
    numbers = numbers * (numbers + 1) // 2
    return numbers[numbers < count]


def orbit_metrics(model: SIM, data: torch.Tensor, *, scale: torch.Tensor) -> dict[str, float]:
    """Relative error of the shadow on whole trajectories, after the transient."""
    times = torch.arange(math.ceil(TRANSIENT * data.shape[1]), data.shape[1], device=data.device)
    miss = model.shadow(data[:, 0], times.to(data)) - data[:, times]
    return {"orbit error": float((miss / scale.to(data)).square().mean().sqrt())}
