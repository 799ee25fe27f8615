"""What is a gradient rule? It puts the z that a solve found into autograd's graph; its values stay what they were.

Samples that diverged are left out here, once for all rules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch

from simviz.equilibria import states
from simviz.equilibria.gradients.adjoint import targets
from simviz.equilibria.states import Cell, Layout
from simviz.records import Solution, Status


@runtime_checkable
class Rule(Protocol):
    """A way to the gradient of a fixed point."""

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's options, by name."""
        ...

    def attach(self, f: Cell, solution: Solution, x: Any) -> Any:
        """Return the z of `solve(f, z0, x, ...)` with a gradient with respect to x and what f needs one for."""
        ...


@dataclass(frozen=True)
class Point:
    """The fixed points that pass a gradient on: `rows` of the batch (None: all), each with its row of x.

    z: (rows, n), outside the graph; x: its rows, inside the graph.
    """

    f: Cell
    layout: Layout
    z: torch.Tensor
    x: Any
    rows: torch.Tensor | None
    solution: Solution

    def once(self) -> torch.Tensor:
        """Return f(z, x) as a matrix (rows, n), in the graph."""
        return self.layout.pack(self.f(self.layout.unpack(self.z), self.x))


def check(name: str, rule: Any) -> Rule:
    """Return `rule` if it is a gradient rule, or raise ValueError."""
    if isinstance(rule, type) or not isinstance(rule, Rule):
        raise ValueError(f"{name} must be a rule such as Implicit() or Phantom(steps=5), got {rule!r}")
    return rule


def attach(f: Cell, solution: Solution, x: Any, connect: Callable[[Point], torch.Tensor]) -> Any:
    """Return solution.z in the graph.

    `connect` is given the samples that did not diverge and returns their z (rows, n); the others get a gradient of
    zero. Where nothing needs a gradient, or gradients are switched off, z is returned as it is.
    """
    if not torch.is_grad_enabled():
        return solution.z
    flat, layout = states.flatten("solution.z", solution.z)
    lost = torch.tensor([s is Status.DIVERGED for s in solution.status], device=flat.device)
    if lost.all():
        anchors = targets(Point(f, layout, flat, x, None, solution).once(), x)
        return layout.unpack(_Zero.apply(flat, *anchors)) if anchors else solution.z
    rows = None if not lost.any() else torch.nonzero(~lost).squeeze(1)
    z_star, given = (flat, x) if rows is None else (flat[rows], states.take(x, rows))
    z = connect(Point(f, layout, z_star, given, rows, solution))
    if not z.requires_grad:
        return solution.z
    return layout.unpack(z if rows is None else flat.index_copy(0, rows, z))


class Value(torch.autograd.Function):
    """The value of the one tensor with the gradient of the other."""

    @staticmethod
    def forward(ctx: Any, graph: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradient, None


class _Zero(torch.autograd.Function):
    """A value whose gradient with respect to all anchors is zero."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, *anchors: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(*anchors)
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return None, *(torch.zeros_like(anchor) for anchor in ctx.saved_tensors)
