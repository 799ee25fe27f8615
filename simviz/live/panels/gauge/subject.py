"""What of a classifier is kept, so that its coordinates may turn many times a second? Observables, and all behind them.

A change of coordinates leaves the basis alone: its answers to the test images are computed once, in float64, and
everything behind it anew for every turn.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from simviz.learning.task import Task
from simviz.models import folding, gauge
from simviz.models.sim import SIM

COORDINATES = ("as trained", "projection", "all zero", "spiral")
TURNS = 360
"""Degrees of a whole turn, after which everything is back."""
OUTERMOST = 1.4
"""The largest eigenvalue's modulus in the coordinates called spiral."""


@dataclass(frozen=True)
class Subject:
    """A trained classifier and what it says of its test images, in float64.

    tail: a SIM of the observables, propagator and what is behind it; images: (n, channels, rows, columns) as they came,
    y: (n,); features: (n, d) their observables; hidden: (n, k) what the basis' last matrix takes; last: that matrix as
    a Linear, None where the observables do not come from one; outputs: (n, classes) as trained; bases: U, (d, rank),
    in each of the coordinates; generator: of the turns, (d, d); reaches: half the side of the plane in which the
    eigenvalues stay, for all turns.
    """

    tail: SIM
    images: torch.Tensor
    y: torch.Tensor
    features: torch.Tensor
    hidden: torch.Tensor
    last: nn.Linear | None
    outputs: torch.Tensor
    bases: dict[str, torch.Tensor]
    generator: torch.Tensor
    reaches: dict[str, float]

    @property
    def V(self) -> torch.Tensor:
        """(d, rank), which stays what it is."""
        return gauge.low_rank(self.tail, "GaugePanel").factors()[1].detach()

    def targets(self, coordinates: str, degrees: torch.Tensor) -> torch.Tensor:
        """V^T U in these coordinates, turned by angles (n,): (n, rank, rank)."""
        turns = torch.linalg.matrix_exp(degrees.double().deg2rad()[:, None, None] * self.generator)
        return self.V.mT @ turns @ self.bases[coordinates]


@torch.no_grad()
def subject(sim: Any, task: Any) -> Subject:
    """Return what is kept of a SIM and a Task of labelled images; raises ValueError that names the argument."""
    if not isinstance(sim, SIM):
        raise ValueError(f"sim must be a SIM, got {type(sim).__name__}")
    if not isinstance(task, Task):
        raise ValueError(f"task must be a Task, such as learning.data.digits(), got {type(task).__name__}")
    x, y = task.test[0], task.test[-1]
    if x.ndim != 4 or task.number_of_classes is None:
        raise ValueError(
            f"task must hold labelled images (samples, channels, side, side), got samples of {x.shape[1:]}"
        )
    gauge.low_rank(sim, "GaugePanel")
    model = copy.deepcopy(sim).double().cpu().eval().requires_grad_(False)
    x, y = x.double().cpu(), y.cpu()
    features = model.observables(x)
    tail = SIM(nn.Identity(), model.propagator, model.decoder, model.readout).eval()
    outputs = tail(features)
    if outputs.ndim != 2 or outputs.shape[1] < task.number_of_classes:
        raise ValueError(f"sim must return logits of {task.number_of_classes} classes, got {tuple(outputs.shape)}")
    front = folding.fold([model.basis, model.second_tier])
    last = front[-1] if len(front) and isinstance(front[-1], nn.Linear) else None
    hidden = features if last is None else front[:-1](x)
    raw = x if task.normalisation is None else x * task.normalisation[1].cpu() + task.normalisation[0].cpu()
    U, V = gauge.low_rank(tail, "GaugePanel").factors()
    inverse = torch.linalg.pinv(V.mT)  # (d, rank), V^T inverse = I
    unseen = U - inverse @ (V.mT @ U)  # the part of U that V^T U does not know, the same in all coordinates
    bases = {"as trained": U, **{name: inverse @ wanted + unseen for name, wanted in _presets(V.shape[1]).items()}}
    kept = Subject(tail, raw, y, features, hidden, last, outputs, bases, _generator(len(V)), {})
    degrees = torch.arange(0.0, TURNS, 10)
    reaches = {
        name: max(1.3, 1.12 * float(torch.linalg.eigvals(kept.targets(name, degrees)).abs().max())) for name in bases
    }
    return dataclasses.replace(kept, reaches=reaches)


def _presets(rank: int) -> dict[str, torch.Tensor]:
    """The V^T U that the coordinates' names stand for, (rank, rank) each."""
    spiral = torch.zeros(rank, rank, dtype=torch.float64)
    pairs = rank // 2
    for k in range(pairs):
        size, angle = OUTERMOST * (k + 1) / pairs, 1.6 * math.pi * (k + 1) / pairs
        c, s = size * math.cos(angle), size * math.sin(angle)
        spiral[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = torch.tensor([[c, -s], [s, c]])
    eye = torch.eye(rank, dtype=torch.float64)
    return {"projection": eye, "all zero": 0 * eye, "spiral": spiral}


def _generator(d: int) -> torch.Tensor:
    """A skew (d, d): planes drawn at random turn once, twice or three times while the angle goes round once."""
    generator = torch.Generator().manual_seed(0)
    frame = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64)).Q
    blocks = torch.zeros(d, d, dtype=torch.float64)
    for k in range(d // 2):
        blocks[2 * k, 2 * k + 1], blocks[2 * k + 1, 2 * k] = -(1.0 + k % 3), 1.0 + k % 3
    return frame @ blocks @ frame.mT
