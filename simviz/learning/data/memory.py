"""Can a model carry symbols over a long silence? The copy memory task of Bai et al. 2018, arXiv 1803.01271."""

from __future__ import annotations

import functools
import math

import torch
from torch import nn

from simviz import checks
from simviz.learning.task import Task

KINDS = 8
"""Different symbols, 1 .. 8; 0 is silence and 9 the marker."""
PIECE = 2**16
"""Entries that are measured at once, so that memory stays small however long the sequences are."""


def copy_memory(
    delay: int = 500, symbols: int = 10, train: int = 10_000, test: int = 1_000, seed: int = 0, *, validation: int = 0
) -> Task:
    """Return the copy memory task: repeat the first symbols at the end, after a silence of `delay`.

    x: (samples, delay + 2 symbols, 1): `symbols` random ones of 1..8, delay - 1 zeros, then symbols + 1 times the
    marker 9; y: (samples, delay + 2 symbols): zeros, and last the symbols. The model returns logits (samples, time,
    10). Loss: cross entropy over all entries; metrics: `last ten`, the goal: share of the repeated symbols that are
    right (named after their number), and `cross entropy`. train, test, validation: sequences of each part. Raises
    ValueError for a number below 1.

    >>> task = copy_memory(delay=3, symbols=2, train=4, test=2)
    >>> task.train[0][0, 2:, 0].tolist(), task.train[1][0, :5].tolist()
    ([0.0, 0.0, 9.0, 9.0, 9.0], [0, 0, 0, 0, 0])
    """
    for name, value in (("delay", delay), ("symbols", symbols), ("train", train), ("test", test)):
        checks.positive_int(name, value)
    validation = checks.positive_int("validation", validation, 0)
    generator = torch.Generator().manual_seed(checks.positive_int("seed", seed, 0))
    train_part, test_part = (sequences(count, delay, symbols, generator) for count in (train, test))
    return Task(
        "copy memory",
        train_part,
        test_part,
        copy_loss,
        functools.partial(copy_metrics, symbols=symbols),
        sequences(validation, delay, symbols, generator) if validation else None,
        goal=_goal(symbols),
    )


def memoryless(delay: int, symbols: int = 10) -> float:
    """Return the cross entropy of the best answer without memory: silence, then any symbol with chance 1/8.

    >>> round(memoryless(500), 5)
    0.03999
    """
    checks.positive_int("delay", delay)
    checks.positive_int("symbols", symbols)
    return symbols * math.log(KINDS) / (delay + 2 * symbols)


def sequences(count: int, delay: int, symbols: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw sequences: x (count, delay + 2 symbols, 1) and y (count, delay + 2 symbols)."""
    drawn = torch.randint(1, KINDS + 1, (count, symbols), generator=generator)
    x = torch.zeros(count, delay + 2 * symbols, 1)
    x[:, :symbols, 0] = drawn.to(x)
    x[:, -symbols - 1 :] = KINDS + 1
    y = torch.zeros(count, delay + 2 * symbols, dtype=torch.long)
    y[:, -symbols:] = drawn
    return x, y


def copy_loss(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Cross entropy over all entries, nats."""
    return nn.functional.cross_entropy(_logits(model, x), y.flatten())


def copy_metrics(model: nn.Module, x: torch.Tensor, y: torch.Tensor, *, symbols: int) -> dict[str, float]:
    """Share of the last `symbols` entries that are right, 0 to 1, and the cross entropy over all entries."""
    right, surprise = 0, 0.0
    size = max(1, PIECE // y.shape[1])
    for some, known in zip(x.split(size), y.split(size), strict=True):
        logits = _logits(model, some)  # (batch time, classes)
        surprise += float(nn.functional.cross_entropy(logits, known.flatten(), reduction="sum"))
        guess = logits.argmax(-1).reshape(known.shape)
        right += int((guess == known)[:, -symbols:].sum())
    return {_goal(symbols): right / (len(y) * symbols), "cross entropy": surprise / y.numel()}


def _logits(model: nn.Module, x: torch.Tensor) -> torch.Tensor:
    logits = model(x)
    if logits.ndim != 3 or logits.shape[:2] != x.shape[:2] or logits.shape[2] <= KINDS:
        want = f"({x.shape[0]}, {x.shape[1]}, {KINDS + 2})"
        raise ValueError(f"the model must return logits {want}, one row an entry, got {tuple(logits.shape)}")
    return logits.flatten(0, 1)


def _goal(symbols: int) -> str:
    return "last ten" if symbols == 10 else f"last {symbols}"
