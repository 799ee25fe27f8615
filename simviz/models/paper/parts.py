"""What do all of the paper's models have behind the basis? And how wide is a control with as many parameters?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from simviz.models.propagators import LowRank
from simviz.models.sim import SIM


def tiers_are(tiers: Any) -> int:
    """Return 1 or 2, or raise a ValueError."""
    if isinstance(tiers, bool) or tiers not in (1, 2):
        raise ValueError(f"tiers must be 1 or 2, got {tiers!r}")
    return int(tiers)


def decoder(d: int, width: int) -> nn.Sequential:
    """Linear(d, width) ReLU Linear(width, width) ReLU Linear(width, width)."""
    return nn.Sequential(nn.Linear(d, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))


def stable(basis: nn.Module, second: nn.Module | None, d: int, width: int, outputs: int) -> SIM:
    """The paper's SIM on d observables: rank d // 2, decoder and readout of this width."""
    return SIM(basis, LowRank(d, d // 2), decoder(d, width), nn.Linear(width, outputs), second)


def plain(basis: nn.Module, second: nn.Module | None, d: int, width: int, outputs: int) -> nn.Sequential:
    """Its control: the decoder's first matrix takes the observables themselves."""
    tiers = [basis] if second is None else [basis, second]
    return nn.Sequential(*tiers, *decoder(d, width), nn.Linear(width, outputs))


def parameters(model: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def control(
    build: Callable[[int], nn.Module], sim: Callable[[], nn.Module], d: int, widened: bool, step: int = 1
) -> Any:
    """Return the control `build(observables)` on d observables, or widened to as many parameters as the SIM has.

    Parameters grow linearly with the observables, which come in multiples of `step`: the nearest number that exists.
    What is built to be counted does not move the generator of the weights.
    """
    if widened:
        with torch.random.fork_rng(devices=[]):
            few, more, want = (parameters(model) for model in (build(d), build(d + step), sim()))
        d += step * round((want - few) / (more - few))
    return build(d)
