"""What does the loop ask of a method? An `init`, a `step`, and its options by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch

Map = Callable[[torch.Tensor], torch.Tensor]
"""f on the rows still evaluated, (rows, n) -> (rows, n); each call is counted."""


@runtime_checkable
class Solver(Protocol):
    """A method: what the loop of `simviz.equilibria.solve` asks for.

    Both functions work on each row alone. z, fz: (batch, n), the iterate and f of it, both finite. The state is a
    pytree; each tensor in it has the batch on axis 0, so that a finished sample can leave with its rows, and what else
    it holds is handed on as it is. Gradients and autocast are switched off around both, but not inside the calls of f.

    A method that works on the two parts of a cell says so by a class attribute `splits = True`. The loop then asks
    the cell for `cell.splitting(x)`, once a solve, and hands the `Splitting` to `init` as a second argument; whether a
    sample has converged is still judged by |f(z) - z| of the cell itself.
    """

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's options, by name."""
        ...

    def init(self, z: torch.Tensor) -> Any:
        """Return the state before the first step."""
        ...

    def step(self, f: Map, z: torch.Tensor, fz: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        """Return the next iterate (batch, n) and the next state; calls of `f` beyond the given fz are counted."""
        ...


def check(name: str, solver: Any) -> Solver:
    """Return `solver` if it is a method, or raise ValueError."""
    if isinstance(solver, type) or not isinstance(solver, Solver):
        raise ValueError(f"{name} must be a method such as Picard(damping=0.5), got {solver!r}")
    return solver
