"""Who can tell the time? From a short excerpt of one of four rhythms, the signal at any later moment."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from simviz import checks
from simviz.learning.task import Task

EXCERPT, HORIZON, ASKED = 16, 128, 64
"""Steps of an excerpt, steps after it that are trained on, and how many of these are asked for."""
PIECE = 20
"""Excerpts that are answered at once."""
_TURN = 2 * math.pi
_FINE = torch.arange(4096, dtype=torch.float64) * (_TURN / 4096)


@dataclass(frozen=True)
class Rhythm:
    """A periodic signal of mean 0 and variance 1. period: in steps; shape: of a phase in radians, elementwise."""

    name: str
    period: float
    shape: Callable[[torch.Tensor], torch.Tensor]

    @property
    def angle(self) -> float:
        """Radians a step."""
        return _TURN / self.period

    def __call__(self, phase: torch.Tensor) -> torch.Tensor:
        """Phases, radians -> the signal there."""
        over = self.shape(_FINE)
        return (self.shape(phase) - over.mean()) / over.std(correction=0)


RHYTHMS = (
    Rhythm("sine", 10.6, torch.sin),
    Rhythm("pulse", 14.3, lambda p: torch.exp(3 * p.cos())),
    Rhythm("two tones", 20.6, lambda p: p.sin() + 0.8 * (2 * p + 1).sin()),
    Rhythm("square", 33.1, lambda p: torch.tanh(4 * p.sin())),
)
"""The four, their periods in no simple ratio."""


def rhythms(train: int = 2000, test: int = 200, noise: float = 0.05, seed: int = 0) -> Task:
    """Return the clock task: an excerpt of a rhythm in, its signal at asked times out.

    x: (samples, 16), the signal at t = -16 .. -1 with a little noise, at a random phase; signal: (samples, 128) from
    t = 0 on without, in the test part (samples, 256), together with which of `RHYTHMS` it is, (samples,). A model
    answers by `model.orbit(x, times)`, (batch, times, 1). Loss: mean squared error at 64 of the first 128 times, the
    same for all. Metrics: "error", the mean squared error at all of these, and "error beyond", at the 128 after them;
    the best constant's is 1. Raises ValueError for a number below 1, a noise below 0.
    """
    noise = checks.real("noise", noise, 0.0)
    generator = torch.Generator().manual_seed(checks.positive_int("seed", seed, 0))
    asked = torch.randperm(HORIZON, generator=generator)[:ASKED].sort().values
    x, signal, _ = excerpts(checks.positive_int("train", train), HORIZON, noise, generator)
    part = excerpts(checks.positive_int("test", test), 2 * HORIZON, noise, generator)
    loss = functools.partial(clock_loss, times=asked)
    return Task("rhythms", (x, signal), part, loss, clock_metrics, goal="error", larger=False)


def excerpts(
    count: int, length: int, noise: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draw excerpts (count, 16), the signals that follow (count, length), and which rhythm it is (count,)."""
    which = torch.randint(len(RHYTHMS), (count,), generator=generator)
    begun = _TURN * torch.rand(count, generator=generator, dtype=torch.float64)
    angles = torch.tensor([rhythm.angle for rhythm in RHYTHMS], dtype=torch.float64)[which]
    phases = begun[:, None] + angles[:, None] * torch.arange(-EXCERPT, length)
    signals = torch.empty_like(phases)
    for number, rhythm in enumerate(RHYTHMS):
        signals[which == number] = rhythm(phases[which == number])
    heard = signals[:, :EXCERPT] + noise * torch.randn(count, EXCERPT, generator=generator, dtype=torch.float64)
    return heard.float(), signals[:, EXCERPT:].float(), which


def clock_loss(model: nn.Module, x: torch.Tensor, signal: torch.Tensor, *, times: torch.Tensor) -> torch.Tensor:
    """Mean squared error at the asked times."""
    times = times.to(x.device)
    return nn.functional.mse_loss(model.orbit(x, times)[..., 0], signal[:, times])  # type: ignore[operator]


def clock_metrics(model: nn.Module, x: torch.Tensor, signal: torch.Tensor, _which: torch.Tensor) -> dict[str, float]:
    """Mean squared error within the trained times and beyond them."""
    miss = (told(model, x, signal.shape[1]) - signal).square()
    return {"error": float(miss[:, :HORIZON].mean()), "error beyond": float(miss[:, HORIZON:].mean())}


def told(model: nn.Module, x: torch.Tensor, length: int) -> torch.Tensor:
    """Return a model's answers at t = 0 .. length - 1, (samples, length)."""
    times = torch.arange(length, device=x.device)
    return torch.cat([model.orbit(piece, times)[..., 0] for piece in x.split(PIECE)])  # type: ignore[operator]
