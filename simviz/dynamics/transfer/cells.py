"""How is a box cut into cells, and how much of an ensemble lies in each?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from simviz import checks
from simviz.dynamics.systems import Flow, Map, System
from simviz.dynamics.systems.own import OwnMap

Spacing = Callable[[torch.Tensor], torch.Tensor] | torch.Tensor | Sequence[float]
_CHUNK = 2**18


@dataclass(frozen=True, eq=False)
class Cells:
    """A box of one or two coordinates cut into cells.

    edges: for each coordinate, (cells + 1,) float64, rising. Cells are numbered so that the first coordinate runs
    fastest; an array over all cells is (cells,) in one coordinate and (rows, columns) in two, a row for each interval
    of the second coordinate, as figures draw it.
    """

    edges: tuple[torch.Tensor, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of an array over all cells: (cells,), or (rows, columns)."""
        return tuple(len(e) - 1 for e in reversed(self.edges))

    @property
    def volumes(self) -> torch.Tensor:
        """Lengths or areas of the cells, in `shape`."""
        sides = [e.diff() for e in self.edges]
        return sides[0] if len(sides) == 1 else torch.outer(sides[1], sides[0])

    def find(self, points: torch.Tensor) -> torch.Tensor:
        """(n, dim) -> (n,) the number of the cell each point lies in, -1 outside the box."""
        number = torch.zeros(len(points), dtype=torch.long, device=points.device)
        inside = torch.ones_like(number, dtype=torch.bool)
        for axis in range(len(self.edges) - 1, -1, -1):
            ends, x = self.edges[axis], points[:, axis].contiguous()
            count = len(ends) - 1
            index = torch.bucketize(x, ends, right=True) - 1
            index = torch.where(x == ends[-1], count - 1, index)  # the last cell is closed
            inside &= (x >= ends[0]) & (x <= ends[-1])  # NaN is outside
            number = number * count + index.clamp(0, count - 1)
        return torch.where(inside, number, -1)

    def samples(self, count: int) -> tuple[torch.Tensor, int]:
        """Return even points of all cells, (cells x per cell, dim), and how many each has, at least `count`."""
        side = count if len(self.edges) == 1 else math.ceil(math.sqrt(count))
        steps = torch.arange(side, dtype=torch.float64, device=self.edges[0].device)
        inner = (steps + 0.5) / side  # (side,) midpoints of equal parts
        axes = [e[:-1, None] + e.diff()[:, None] * inner for e in self.edges]  # (cells, side) each
        if len(axes) == 1:
            return axes[0].reshape(-1, 1), side
        x, y = axes
        grid = torch.stack(
            torch.broadcast_tensors(x[None, :, None, :], y[:, None, :, None]), -1
        )  # (rows, columns, side, side, 2)
        return grid.reshape(-1, 2), side * side

    def masses(self, points: Any) -> torch.Tensor:
        """Return the share of the points, (n, dim), in every cell, in `shape`; points outside count in no cell."""
        points = checks.tensor("points", points, (None, len(self.edges)), f"(n, {len(self.edges)})", finite=False)
        found = self.find(points.detach().cpu().double())
        counts = torch.bincount(found[found >= 0], minlength=math.prod(self.shape)).double()
        return (counts / len(points)).reshape(self.shape)


def cut(box: Any, cells: Any, spacing: Any = None) -> Cells:
    """Cut a box, (low, high) for each of one or two coordinates, into cells.

    cells: a number, or one for each coordinate; spacing: None, all cells of a coordinate equally long; a rising
    function of u in [0, 1] that says which fraction of the side lies below edge number u cells; or the edges
    themselves, (cells + 1,). In two coordinates a pair of these.
    """
    given = checks.tensor("box", box)
    given = given[None] if given.ndim == 1 else given
    sides = checks.tensor("box", given, (None, 2), "(low, high) for each coordinate").double().cpu()
    if len(sides) > 2:
        raise ValueError(f"box must have one or two coordinates, got {len(sides)}: a grid in more has too many cells")
    if not bool((sides[:, 0] < sides[:, 1]).all()):
        raise ValueError(f"box must give each coordinate a low end below its high end, got {sides.tolist()}")
    counts = list(cells) if isinstance(cells, (tuple, list)) else [cells] * len(sides)
    if len(counts) != len(sides):
        raise ValueError(f"cells must be a number, or one for each of {len(sides)} coordinates, got {cells!r}")
    spacings = [spacing] * len(sides) if len(sides) == 1 or spacing is None or callable(spacing) else list(spacing)
    if len(spacings) != len(sides):
        raise ValueError(f"spacing must be one for each of {len(sides)} coordinates, got {len(spacings)}")
    return Cells(tuple(_edges(*each) for each in zip(sides, counts, spacings, strict=True)))


def _edges(side: torch.Tensor, cells: Any, spacing: Any) -> torch.Tensor:
    count = checks.positive_int("cells", cells, 2)
    low, high = side
    even = torch.linspace(0, 1, count + 1, dtype=torch.float64, device=side.device)
    if spacing is None:
        return low + (high - low) * even
    if callable(spacing):
        fractions = checks.tensor("spacing", spacing(even), (count + 1,), f"a function of ({count + 1},)").double()
        if abs(float(fractions[0])) > 1e-9 or abs(float(fractions[-1]) - 1) > 1e-9:
            raise ValueError(f"spacing must lead from 0 to 1, got {float(fractions[0]):g} to {float(fractions[-1]):g}")
        edges = low + (high - low) * fractions.clamp(0, 1)
    else:
        edges = (
            checks.tensor("spacing", spacing, (count + 1,), f"({count + 1},), the edges of {count} cells")
            .double()
            .cpu()
        )
    if not bool((edges.diff() > 0).all()):
        raise ValueError("spacing must rise: every edge beyond the one before it")
    return edges


def stepper(system: Any, box: Any, dt: float | None) -> tuple[Callable[[torch.Tensor], torch.Tensor], str]:
    """Return one step of a Map, of a Flow over dt, or of a function, (n, dim) -> (n, dim), and what to call it."""
    if isinstance(system, Flow):
        if dt is None:
            raise ValueError(f"dt must be given for a flow: the time a step of {system!r} takes")
        time = checks.positive("dt", dt)
        return lambda s: _in_parts(lambda part: system.orbit(part, 1, time)[:, -1], s), repr(system)
    if dt is not None and dt != 1:
        raise ValueError(f"dt is for flows: a map steps by one, got {dt}")
    if isinstance(system, System) and not isinstance(system, Map):
        raise ValueError(f"map must be a Map, a Flow or a function, got {type(system).__name__}")
    own = system if isinstance(system, Map) else OwnMap(system, box)
    return lambda s: _in_parts(own.step, s), repr(own)


def _in_parts(step: Callable[[torch.Tensor], torch.Tensor], s: torch.Tensor) -> torch.Tensor:
    return torch.cat([step(part) for part in s.split(_CHUNK)])
