"""Whose random numbers does dropout draw? The step's own: a function of the seed and the step, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

DRAWING = (nn.modules.dropout._DropoutNd, nn.RReLU, nn.FractionalMaxPool2d, nn.FractionalMaxPool3d)


def draws(model: nn.Module) -> bool:
    """Say whether a model holds one of PyTorch's modules that draw random numbers in training."""
    return any(
        isinstance(part, DRAWING) or (isinstance(part, (nn.MultiheadAttention, nn.RNNBase)) and float(part.dropout) > 0)
        for part in model.modules()
    )


@contextmanager
def drawn(seed: int, device: torch.device) -> Iterator[None]:
    """Let PyTorch's generators of the CPU and of `device` begin at this seed, and afterwards go on where they were.

    These generators are the process's: what another thread draws from them meanwhile is drawn from this seed too.
    """
    kept = torch.get_rng_state()
    beside = {"cuda": torch.cuda, "mps": torch.mps}.get(device.type)
    if beside is not None:
        kept_beside = torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.mps.get_rng_state()
    try:
        torch.default_generator.manual_seed(seed)
        if beside is torch.cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif beside is not None:
            torch.mps.manual_seed(seed)
        yield
    finally:
        torch.set_rng_state(kept)
        if beside is torch.cuda:
            torch.cuda.set_rng_state(kept_beside, device)
        elif beside is not None:
            torch.mps.set_rng_state(kept_beside)
