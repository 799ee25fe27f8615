"""What is the exact gradient of a fixed point? Bai, Kolter and Koltun, arXiv 1909.01377 (implicit function theorem)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from simviz import checks
from simviz.equilibria import solvers, states
from simviz.equilibria.gmres import GMRES, Product
from simviz.equilibria.gradients.adjoint import Inputs, Transposed, attach_adjoint, differentiable, flat_layout
from simviz.equilibria.gradients.rule import Point, attach
from simviz.equilibria.solve import solve
from simviz.equilibria.solvers import NewtonKrylov, Solver
from simviz.equilibria.states import Cell, Layout
from simviz.records import Solution, Status, Step


@dataclass(frozen=True)
class Implicit:
    r"""The exact gradient of a fixed point, by a second one: :math:`v = J^T v + g`, :math:`g = dL/dz^*`.

    J is df/dz at the fixed point, so that :math:`v = (I - J^T)^{-1} g`. The equation is linear: GMRES solves it in few
    products with J^T, also where iteration would leave the fixed point; any method of `simviz.equilibria.solvers` will
    do. rtol: of the adjoint's own size (of g's for GMRES; there is no absolute tolerance: gradients may be small);
    max_steps: of the adjoint solve. Memory does not grow with the number of forward steps.

    Raises ValueError for a solver that is no method, rtol <= 0 or max_steps < 1.
    """

    solver: Solver | GMRES = GMRES()  # noqa: RUF009  (frozen)
    rtol: float = 1e-4
    max_steps: int = 50

    def __post_init__(self) -> None:
        if not isinstance(self.solver, GMRES):
            solvers.check("solver", self.solver)
            if getattr(self.solver, "splits", False):
                raise ValueError(
                    f"solver must be a method for any linear equation, such as GMRES(), got {self.solver!r}: "
                    "the adjoint offers no splitting"
                )
            if isinstance(self.solver, NewtonKrylov):
                raise ValueError("solver must not be NewtonKrylov: for a linear equation it is GMRES(), take that")
        checks.positive("rtol", self.rtol)
        checks.positive_int("max_steps", self.max_steps)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's options, by name."""
        return {"solver": self.solver, "rtol": self.rtol, "max_steps": self.max_steps}

    def attach(self, f: Cell, solution: Solution, x: Any) -> Any:
        """Return the z of a solution of `solve(f, z0, x, ...)` with its gradient, with respect to x and f's parameters.

        f is evaluated once more, in autograd's graph; the values stay those of `solution.z`. After a backward pass
        `solution.adjoint` tells how the adjoint solve went. A sample whose forward or adjoint solve DIVERGED passes a
        gradient of zero on. Where nothing needs a gradient, z is returned as it is. The gradient may be differentiated
        again: the adjoint is a fixed point too, and has the same rule.
        """

        def connect(point: Point) -> torch.Tensor:
            once = point.once()
            if not once.requires_grad:
                return once
            backward = _Backward(self, f, point.layout, point.z, point.x, point.rows, solution)
            return attach_adjoint(once, point.z, backward)

        return attach(f, solution, x, connect)


@dataclass
class _Backward:
    """What the adjoint solve needs: the cell, the fixed points that were found (rows of the batch), their inputs."""

    rule: Implicit
    f: Cell
    layout: Layout
    z_star: torch.Tensor
    x: Any
    rows: torch.Tensor | None
    solution: Solution | None

    def plain(self, gradient: torch.Tensor) -> torch.Tensor:
        """v (rows, n) from g (rows, n); a gradient that is not finite is handed on as it came."""
        finite = torch.isfinite(gradient).all(dim=1, keepdim=True)
        g = torch.where(finite, gradient, 0.0)
        adjoint = self._solve((g, self.z_star, states.detach(self.x)))
        v = torch.where(_lost(adjoint), 0.0, adjoint.z)
        self._record(adjoint)
        return torch.where(finite, v, gradient)

    def once(self, z: torch.Tensor, x: Any) -> torch.Tensor:
        """f(z, x) as a matrix (rows, n)."""
        return self.layout.pack(self.f(self.layout.unpack(z), x))

    def twice(self, gradient: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """The same in the graph: v is a fixed point of v -> J^T v + g, whose inputs are g, z and x."""
        finite = torch.isfinite(gradient).all(dim=1, keepdim=True)
        g = torch.where(finite, gradient, 0.0)
        with torch.no_grad():
            adjoint = self._solve((g.detach(), self.z_star, states.detach(self.x)))
        self._record(adjoint)
        lost = _lost(adjoint)
        v = torch.where(lost, 0.0, adjoint.z)
        cell, layout, inputs = differentiable(self.f, self.layout), flat_layout(v), (g, z, self.x)
        backward = _Backward(self.rule, cell, layout, v, inputs, None, None)
        again = attach_adjoint(cell(v, inputs), v, backward)
        return torch.where(finite, torch.where(lost, 0.0, again), gradient)

    def _solve(self, inputs: Inputs) -> Solution:
        rule, g, transposed = self.rule, inputs[0], Transposed(self.f, self.layout)
        if isinstance(rule.solver, GMRES):
            product = _products(transposed, Transposed(self.f, self.layout), inputs)
            return rule.solver.solve(product, g, rtol=rule.rtol, max_steps=rule.max_steps)
        return solve(transposed, g, inputs, rule.solver, rtol=rule.rtol, atol=0.0, max_steps=rule.max_steps)

    def _record(self, adjoint: Solution) -> None:
        if self.solution is None:
            return
        if self.rows is not None:
            adjoint = _widen(adjoint, self.rows, len(self.solution.status))
        object.__setattr__(self.solution, "adjoint", adjoint)  # the one field that is known only after the fact


def _products(whole: Transposed, part: Transposed, inputs: Inputs) -> Product:
    """J^T v of all samples, or of some rows; f stays linearised for all, and for the last rows asked for."""
    last: tuple[torch.Tensor | None, Inputs] = (None, inputs)

    def product(v: torch.Tensor, rows: torch.Tensor | None) -> torch.Tensor:
        nonlocal last
        if rows is None:
            return whole.product(v, inputs)
        if rows is not last[0]:
            last = rows, states.take(inputs, rows)
        return part.product(v, last[1])

    return product


def _lost(adjoint: Solution) -> torch.Tensor:
    """(rows, 1) bool: whose adjoint solve diverged."""
    return torch.tensor([[s is Status.DIVERGED] for s in adjoint.status], device=adjoint.z.device)


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
