"""What is the gradient of a fixed point? The rule is chosen apart from the method that found it.

Implicit function theorem: Bai, Kolter and Koltun 2019 (deep equilibrium models).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.function import once_differentiable

from simviz import checks
from simviz.equilibria import solvers, states
from simviz.equilibria.solve import solve
from simviz.equilibria.solvers import Picard, Solver
from simviz.equilibria.states import Cell, Layout
from simviz.records import Solution, Status, Step


@dataclass(frozen=True)
class Implicit:
    r"""The exact gradient of a fixed point, by a second one: :math:`v = J^T v + g`, :math:`g = dL/dz^*`.

    J is df/dz at the fixed point, so that :math:`v = (I - J^T)^{-1} g`.
    `attach` lets autograd flow: the gradient with respect to a parameter or the input is then :math:`(df/dp)^T v`. The
    adjoint is solved to `rtol` of its own size (there is no absolute tolerance: gradients may be small), by any method.
    Memory does not grow with the number of steps. Raises ValueError for rtol <= 0 or max_steps < 1.
    """

    solver: Solver = Picard()  # noqa: RUF009  (frozen)
    rtol: float = 1e-4
    max_steps: int = 50

    def __post_init__(self) -> None:
        solvers.check("solver", self.solver)
        checks.positive("rtol", self.rtol)
        checks.positive_int("max_steps", self.max_steps)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's options, by name."""
        return {"solver": self.solver, "rtol": self.rtol, "max_steps": self.max_steps}

    def attach(self, f: Cell, solution: Solution, x: Any) -> Any:
        """Return the z of a solution of `solve(f, z0, x, ...)` with its gradient, with respect to x and f's parameters.

        f is evaluated once more, in autograd's graph; the values stay those of `solution.z`. After a backward pass
        `solution.adjoint` tells how the adjoint solve went. A sample whose forward or adjoint solve DIVERGED passes no
        gradient on. Where nothing needs a gradient, or all samples diverged, z is returned as it is. Differentiating
        twice raises RuntimeError.
        """
        if not torch.is_grad_enabled():
            return solution.z
        flat, layout = states.flatten("solution.z", solution.z)
        lost = torch.tensor([s is Status.DIVERGED for s in solution.status], device=flat.device)
        if lost.all():
            return solution.z
        rows = None if not lost.any() else torch.nonzero(~lost).squeeze(1)
        z_star, x_rows = (flat, x) if rows is None else (flat[rows], states.take(x, rows))
        once = layout.pack(f(layout.unpack(z_star), x_rows))  # (rows, n), in the graph
        if not once.requires_grad:
            return solution.z
        backward = _Backward(self, f, layout, z_star, states.detach(x_rows), rows, solution)
        z = _Attach.apply(once, z_star, backward)
        return layout.unpack(z if rows is None else flat.index_copy(0, rows, z))


class _Attach(torch.autograd.Function):
    """Forward: the fixed point itself. Backward: the adjoint solve, handed on to the graph of one evaluation of f."""

    @staticmethod
    def forward(ctx: Any, once: torch.Tensor, z_star: torch.Tensor, backward: _Backward) -> torch.Tensor:
        ctx.adjoint = backward
        return z_star.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return ctx.adjoint.solve(gradient), None, None


@dataclass
class _Backward:
    """What the adjoint solve needs: the cell, the fixed points that were found (rows of the batch), their inputs."""

    rule: Implicit
    f: Cell
    layout: Layout
    z_star: torch.Tensor
    x: Any
    rows: torch.Tensor | None
    solution: Solution

    def solve(self, gradient: torch.Tensor) -> torch.Tensor:
        """v (rows, n) from g (rows, n); a gradient that is not finite is handed on as it came."""
        finite = torch.isfinite(gradient).all(dim=1)
        g = torch.where(finite[:, None], gradient, 0.0)
        product = _Transposed(self.f, self.layout)
        rule = self.rule
        inputs = (g, self.z_star, self.x)
        adjoint = solve(product, g, inputs, rule.solver, rtol=rule.rtol, atol=0.0, max_steps=rule.max_steps)
        lost = torch.tensor([s is Status.DIVERGED for s in adjoint.status], device=g.device)
        v = torch.where(lost[:, None], 0.0, adjoint.z)
        if self.rows is not None:
            adjoint = _widen(adjoint, self.rows, len(self.solution.status))
        object.__setattr__(self.solution, "adjoint", adjoint)  # the one field that is known only after the fact
        return torch.where(finite[:, None], v, gradient)


class _Transposed:
    """The map v -> J^T v + g, J = df/dz at z*; f is linearised once for each set of rows."""

    def __init__(self, f: Cell, layout: Layout) -> None:
        self.f, self.layout = f, layout
        self.inputs: Any = None

    def __call__(self, v: torch.Tensor, inputs: tuple[torch.Tensor, torch.Tensor, Any]) -> torch.Tensor:
        if inputs is not self.inputs:
            self.inputs = inputs
            _, z_star, x = inputs
            with torch.enable_grad():
                self.z = z_star.detach().requires_grad_()
                self.out = self.layout.pack(self.f(self.layout.unpack(self.z), x))
        g = inputs[0]
        if not self.out.requires_grad:
            return g.clone()
        (product,) = torch.autograd.grad(self.out, self.z, v, retain_graph=True, allow_unused=True)
        return g.clone() if product is None else product + g


def _widen(adjoint: Solution, rows: torch.Tensor, batch: int) -> Solution:
    """An adjoint solve on some rows, as a record of the whole batch: the others DIVERGED, nothing known of them."""

    def spread(values: torch.Tensor, fill: float) -> torch.Tensor:
        return values.new_full((batch, *values.shape[1:]), fill).index_copy(0, rows, values)

    status = [Status.DIVERGED] * batch
    for row, one in zip(rows.tolist(), adjoint.status, strict=True):
        status[row] = one
    steps = tuple(
        Step(s.step, None, spread(s.residual, math.nan), spread(s.ratio, math.nan), spread(s.active, False))
        for s in adjoint.steps
    )
    residual, ratio = spread(adjoint.residual, math.nan), spread(adjoint.ratio, math.nan)
    return Solution(spread(adjoint.z, 0.0), tuple(status), residual, ratio, spread(adjoint.evaluations, 0), steps)
