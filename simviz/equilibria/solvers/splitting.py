r"""How is the equilibrium of a monotone cell found without fear? By turns in its linear and its pointwise part.

Winston and Kolter 2020 (monotone operator equilibrium networks); Ryu and Boyd 2016 (a primer on monotone operators).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from simviz import checks
from simviz.equilibria.solvers.method import Map

Rows = Callable[[torch.Tensor], torch.Tensor]
"""(rows, n) -> (rows, n), the same for each row."""


@dataclass(frozen=True)
class Splitting:
    r"""A cell in two parts, :math:`f(z) = prox(W z + bias)`, I - W strongly monotone, as `cell.splitting(x)` gives it.

    linear: z -> W z; bias: (batch, n), all that depends on the sample; resolvent: alpha -> the map
    :math:`v \mapsto (I + \alpha (I - W))^{-1} v`, prepared once a solve; prox: the pointwise part, a proximal operator
    that is the same for every alpha, as relu's is; strong: m, with :math:`z^T (I - W) z \ge m |z|^2`; lipschitz: L,
    the spectral norm of I - W. Rows are states laid flat. Raises ValueError unless 0 < strong <= lipschitz.
    """

    linear: Rows
    bias: torch.Tensor
    resolvent: Callable[[float], Rows]
    prox: Rows
    strong: float
    lipschitz: float

    def __post_init__(self) -> None:
        checks.positive("strong", self.strong)
        checks.real("lipschitz", self.lipschitz, self.strong * (1 - 1e-5))


@dataclass(frozen=True)
class _Split:
    """A method on the two parts of a cell, with a step size."""

    alpha: float | None = None
    splits: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.alpha is not None:
            checks.positive("alpha", self.alpha)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's options, by name."""
        return {"alpha": self.alpha}


@dataclass(frozen=True)
class ForwardBackward(_Split):
    r"""A damped step of the linear part, then the pointwise one: :math:`z \to prox((1 - a) z + a (W z + b))`.

    alpha: a, above 0; None takes :math:`m / L^2`, for which the error shrinks by :math:`\sqrt{1 - m^2 / L^2}` a step at
    least (any a below :math:`2 m / L^2` converges; 1 is plain iteration). Each step also evaluates the cell once, to
    judge it. For cells that offer a `Splitting`; raises ValueError for any other, and for alpha <= 0.
    """

    def init(self, z: torch.Tensor, splitting: Splitting | None = None) -> Any:
        """Return the two parts of the cell."""
        parts = _needed(self, splitting)
        alpha = parts.strong / parts.lipschitz**2 if self.alpha is None else self.alpha
        return parts.bias, _Forward(parts, alpha)

    def step(self, f: Map, z: torch.Tensor, fz: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        """Return the next iterate (batch, n)."""
        bias, forward = state
        return forward.parts.prox(forward(z, bias)), state


@dataclass(frozen=True)
class PeacemanRachford(_Split):
    r"""Reflect by turns in the two parts, each solved exactly.

    .. math:: z = prox(u), \quad v = (I + a (I - W))^{-1} (2 z - u + a b), \quad u \to 2 v - 2 z + u

    alpha: a, above 0; None takes :math:`1 / \sqrt{m L}`. It converges for any a where :math:`m > 0`. The linear solve
    is prepared once a solve of the equilibrium; each step also evaluates the cell once, to judge it. A start at the
    equilibrium stays there. For cells that offer a `Splitting`; raises ValueError for any other, and for alpha <= 0.
    """

    def init(self, z: torch.Tensor, splitting: Splitting | None = None) -> Any:
        """Return u (batch, n), which is z and a step of the linear part, and what the steps need of the cell."""
        parts = _needed(self, splitting)
        alpha = 1 / math.sqrt(parts.strong * parts.lipschitz) if self.alpha is None else self.alpha
        forward = _Forward(parts, alpha)
        return forward(z, parts.bias), parts.bias, forward, parts.resolvent(alpha)

    def step(self, f: Map, z: torch.Tensor, fz: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        """Return the next iterate (batch, n) and the next u."""
        u, bias, forward, resolvent = state
        z = forward.parts.prox(u)
        u = u + 2 * (resolvent(2 * z - u + forward.alpha * bias) - z)
        return forward.parts.prox(u), (u, bias, forward, resolvent)


@dataclass(frozen=True)
class _Forward:
    """A step of the linear part, z + alpha (W z + b - z)."""

    parts: Splitting
    alpha: float

    def __call__(self, z: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return z + self.alpha * (self.parts.linear(z) + bias - z)


def of(cell: Any, x: Any, method: Any) -> Splitting | None:
    """Return the cell's Splitting where the method works on one; raises ValueError where the cell offers none."""
    if not getattr(method, "splits", False):
        return None
    if not callable(getattr(cell, "splitting", None)):
        kind = getattr(cell, "__name__", type(cell).__name__)
        raise ValueError(
            f"{type(method).__name__} needs a cell with splitting(x), such as Monotone, got {kind}: "
            "for any other f take Anderson()"
        )
    return cell.splitting(x)


def _needed(method: Any, splitting: Splitting | None) -> Splitting:
    if splitting is None:
        raise ValueError(f"splitting must be given to {type(method).__name__}.init, got None")
    return splitting
