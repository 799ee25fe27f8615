"""How is one iterate made from the last? A method is a frozen dataclass with `init` and `step`; the loop is elsewhere.

Picard: Banach 1922, with damping Krasnoselskii 1955 and Mann 1953.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch

from simviz import checks


@runtime_checkable
class Solver(Protocol):
    """A method: what the loop of `simviz.equilibria.solve` asks for.

    Both functions work on each row alone. z, fz: (batch, n), the iterate and f of it. The state is a pytree; each
    tensor in it has the batch on axis 0, so that a finished sample can leave with its rows.
    """

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's options, by name."""
        ...

    def init(self, z: torch.Tensor) -> Any:
        """Return the state before the first step."""
        ...

    def step(
        self, f: Callable[[torch.Tensor], torch.Tensor], z: torch.Tensor, fz: torch.Tensor, state: Any
    ) -> tuple[torch.Tensor, Any]:
        """Return the next iterate (batch, n) and the next state; calls of `f` beyond the given fz are counted."""
        ...


@dataclass(frozen=True)
class Picard:
    r"""Apply f again, or move a part of the way: :math:`z_{k+1} = z_k + a (f(z_k) - z_k)`.

    damping: a, in (0, 1]; 1 is plain iteration. A step shrinks the error by the spectral radius of
    :math:`(1 - a) I + a J`, J the Jacobian of f at the fixed point. Raises ValueError for a damping outside (0, 1].
    """

    damping: float = 1.0

    def __post_init__(self) -> None:
        checks.real("damping", self.damping, 0.0, 1.0, low_open=True)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's options, by name."""
        return {"damping": self.damping}

    def init(self, z: torch.Tensor) -> None:
        """Return None: plain iteration remembers nothing."""

    def step(
        self, f: Callable[[torch.Tensor], torch.Tensor], z: torch.Tensor, fz: torch.Tensor, state: None
    ) -> tuple[torch.Tensor, None]:
        """Return z + damping (f(z) - z), (batch, n)."""
        return (fz if self.damping == 1 else z + self.damping * (fz - z)), None


def check(name: str, solver: Any) -> Solver:
    """Return `solver` if it is a method, or raise ValueError."""
    if isinstance(solver, type) or not isinstance(solver, Solver):
        raise ValueError(f"{name} must be a method such as Picard(damping=0.5), got {solver!r}")
    return solver
