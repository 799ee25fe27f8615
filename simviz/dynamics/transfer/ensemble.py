"""How does a cloud of points spread? An ensemble carried on by the system itself, and its share in every cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from simviz import checks
from simviz.dynamics.transfer.cells import Cells, stepper


@dataclass(frozen=True, eq=False)
class Ensemble:
    """points: (steps + 1, n, dim); masses: (steps + 1, ...) shares of them in every cell, in the cells' shape."""

    points: torch.Tensor
    masses: torch.Tensor


def evolve(map: Any, points: Any, steps: int, cells: Cells, *, dt: float | None = None) -> Ensemble:
    """Carry an ensemble of points, (n, dim), on by a number of steps and count it in cells at every step.

    map: a Map, a Flow with its dt, or any function (n, dim) -> (n, dim); cells: such as `Transfer.cells`, or `cut`'s.

    >>> from simviz.dynamics.transfer import cut
    >>> halves = evolve(lambda s: 2 * s % 1, torch.rand(1000, 1), 3, cut((0, 1), 2))
    >>> halves.points.shape, halves.masses.sum(1).round(decimals=9).tolist()
    (torch.Size([4, 1000, 1]), [1.0, 1.0, 1.0, 1.0])
    """
    dim = len(cells.edges)
    now = checks.tensor("points", points, (None, dim), f"(n, {dim})")
    step, _ = stepper(map, [(float(e[0]), float(e[-1])) for e in cells.edges], dt)
    path = [now]
    for _ in range(checks.positive_int("steps", steps)):
        path.append(step(path[-1]))
    return Ensemble(torch.stack(path), torch.stack([cells.masses(p) for p in path]))
