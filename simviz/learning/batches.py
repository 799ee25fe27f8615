"""Which samples at which step? Every epoch shows each once, in an order that is the seed's and the epoch's alone."""

from __future__ import annotations

import math

import torch


def mixed(seed: int, number: int) -> int:
    """Return the seed of a generator for epoch or step `number` of a run with this seed."""
    return (seed * 1_000_003 + number) % 2**63


class Batches:
    """The minibatches of a run over so many samples.

    The last of an epoch holds what is left; a single sample that is left joins the one before it, since batch
    normalisation has no variance of one. `per_epoch`: steps an epoch; `smallest`: samples in the smallest minibatch.
    """

    def __init__(self, samples: int, size: int, seed: int, device: torch.device) -> None:
        self.samples, self.size, self.seed, self.device = samples, size, seed, device
        lonely = samples % size == 1 and samples > size > 1
        self.per_epoch = samples // size if lonely else math.ceil(samples / size)
        last = samples - (self.per_epoch - 1) * size
        self.smallest = last if self.per_epoch == 1 else min(size, last)
        self._order: tuple[int, torch.Tensor] | None = None

    def epoch(self, number: int) -> int:
        """Return the epoch, from 0, of step `number`, from 1."""
        return (number - 1) // self.per_epoch

    def rows(self, number: int) -> torch.Tensor:
        """Return the samples of step `number`, from 1, as indices (batch,)."""
        epoch = self.epoch(number)
        if self._order is None or self._order[0] != epoch:
            generator = torch.Generator().manual_seed(mixed(self.seed, epoch))
            self._order = (epoch, torch.randperm(self.samples, generator=generator).to(self.device))
        place = (number - 1) % self.per_epoch
        begin = place * self.size
        return self._order[1][begin : None if place == self.per_epoch - 1 else begin + self.size]
