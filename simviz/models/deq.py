r"""Where does the cell settle for this x? Deep equilibrium models: :math:`y = W_{out} z^*, z^* = f(z^*, x)`.

Bai, Kolter and Koltun, arXiv 1909.01377.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.equilibria import jacobian, solve, solvers
from simviz.equilibria.gradients import GMRES, Implicit, Neumann, Phantom, Rule, Unrolled
from simviz.equilibria.gradients import check as check_rule
from simviz.equilibria.solvers import Anderson, Solver
from simviz.models import report
from simviz.models.cells import Convolutional, Own, Tanh
from simviz.models.config import describe, register
from simviz.models.monotone import Monotone
from simviz.records import Solution, Spectrum, Status

__all__ = ["DEQ", "Convolutional", "Monotone", "Own", "Tanh"]

LARGE = 1000
"""Past so many numbers in a sample's state `report` looks at the leading eigenvalues alone."""

for part in (
    solvers.Anderson,
    solvers.Broyden,
    solvers.ForwardBackward,
    solvers.NewtonKrylov,
    solvers.PeacemanRachford,
    solvers.Picard,
    GMRES,
    Implicit,
    Neumann,
    Phantom,
    Unrolled,
):
    register(part)


@register
class DEQ(nn.Module):
    r"""A deep equilibrium model: the readout of the fixed point of a cell.

    cell: a module f(z, x) with `initial(x)`, which gives z0 (`simviz.models.cells`, or `Own(function, units)`);
    readout: a module on z*; solver: the method of the forward solve; gradient: the rule of the backward pass; rtol,
    atol, max_steps: of the forward solve, which autocast leaves in full precision: a fixed point wants the digits;
    encoder: a module that makes the cell's x of the model's, once a forward, or
    None (it may mix samples, as batch norm does; the cell must not). After each forward `last_solution` holds the
    Solution: how many samples did not converge is there to be read, not an exception.
    Raises ValueError for a cell without `initial`, what is no method or no rule, rtol <= 0, atol < 0, max_steps < 1.
    """

    def __init__(
        self,
        cell: nn.Module,
        readout: nn.Module,
        solver: Solver = Anderson(),  # noqa: B008  (frozen)
        gradient: Rule = Implicit(),  # noqa: B008  (frozen)
        rtol: float = 1e-4,
        max_steps: int = 50,
        atol: float = 1e-6,
        encoder: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(cell, nn.Module) or not callable(getattr(cell, "initial", None)):
            raise ValueError(
                f"cell must be a module with initial(x), which gives z0, got {type(cell).__name__}; "
                "a function f(z, x) becomes one by Own(function, units)"
            )
        if not isinstance(readout, nn.Module):
            raise ValueError(f"readout must be a module on z*, such as nn.Linear, got {type(readout).__name__}")
        self.settings: dict[str, Any] = {
            "solver": solvers.check("solver", solver),
            "gradient": check_rule("gradient", gradient),
            "rtol": checks.positive("rtol", rtol),
            "max_steps": checks.positive_int("max_steps", max_steps),
            "atol": checks.real("atol", atol, 0.0),
        }
        self.cell: Any = cell
        self.readout, self.encoder = readout, encoder
        self.last_solution: Solution | None = None
        self._last_x: torch.Tensor | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The parts and settings by name, as they are now."""
        encoder = {} if self.encoder is None else {"encoder": self.encoder}
        return {"cell": self.cell, "readout": self.readout, **self.settings, **encoder}

    @property
    def config(self) -> dict[str, Any]:
        """The model as JSON, without its weights; raises ValueError where a part is not of a known class."""
        return describe(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (batch, ...) -> the readout of z*, with the gradient that the rule gives."""
        x = self._encoded(x)
        with _full_precision(x):
            self.last_solution, self._last_x = self._settle(x), x.detach()
            z_star = self.settings["gradient"].attach(self.cell, self.last_solution, x)
        return self.readout(z_star)

    def equilibrium(self, x: torch.Tensor) -> Solution:
        """Return where each sample settled, its status and every step; no gradient flows through it."""
        with torch.no_grad():
            x = self._encoded(x)
            with _full_precision(x):
                return self._settle(x)

    def penalty(self, generator: torch.Generator | None = None) -> torch.Tensor:
        r"""Return how far the cell is from contracting, at the last forward's z*: the mean of :math:`|J|_F^2 / n`.

        An estimate by one random direction a sample (`jacobian.frobenius`), whose gradient with respect to the cell's
        parameters takes z* as given: the Jacobian regulariser of Bai, Koltun and Kolter, arXiv 2106.14342, which
        `Run(..., penalty=0.1)` adds to the loss. n: the numbers in one sample's state. Samples that diverged do not
        count. generator: of the directions, None for the same ones every time. Raises RuntimeError before a forward.
        """
        if self.last_solution is None or self._last_x is None:
            raise RuntimeError("there is no equilibrium to penalise yet: call the model on an x first")
        z, x = self.last_solution.z, self._last_x
        rows = [row for row, status in enumerate(self.last_solution.status) if status is not Status.DIVERGED]
        if not rows:
            return torch.zeros((), device=x.device, dtype=x.dtype)
        if len(rows) < len(x):
            z, x = z[rows], x[rows]
        return jacobian.frobenius(self.cell, z, x, generator=generator).mean() / z[0].numel()

    def _encoded(self, x: torch.Tensor) -> torch.Tensor:
        """What the cell sees of a checked x; of the precision of its weights, where autocast made it less."""
        x = checks.tensor("x", x)
        if self.encoder is None:
            return x
        encoded, parameter = self.encoder(x), next(self.cell.parameters(), x)
        return encoded.to(parameter.dtype) if torch.is_autocast_enabled(x.device.type) else encoded

    def _settle(self, x: torch.Tensor) -> Solution:
        options = {name: self.settings[name] for name in ("rtol", "atol", "max_steps")}
        with torch.no_grad():
            z0 = self.cell.initial(x)
        keep = torch.is_grad_enabled() and getattr(self.settings["gradient"], "needs_start", False)
        return solve(self.cell, z0, x, self.settings["solver"], keep=keep, **options)

    def spectrum(self, x: torch.Tensor, leading: int | None = None) -> Spectrum:
        """Return the eigenvalues of df/dz at each sample's equilibrium, (batch, n); `kind` says where it is none.

        leading: only that many, the largest moduli; a large state (a convolutional cell's) wants it.
        """
        with torch.no_grad():
            x = self._encoded(x)
        return self._spectrum(self._settle(x), x, leading)

    def _spectrum(self, solution: Solution, x: torch.Tensor, leading: int | None) -> Spectrum:
        found = jacobian.spectrum(self.cell, solution.z, x, leading)
        missing = sum(s is not Status.CONVERGED for s in solution.status)
        if not missing:
            return found
        kind = f"{found.kind} ({missing} of {len(solution.status)} did not converge: at their last iterate)"
        return Spectrum(found.eigenvalues, kind=kind)

    def report(self, x: torch.Tensor) -> str:
        """Return one paragraph: how many samples settle and how fast, whether iteration stays there, what to change."""
        with torch.no_grad():
            x = self._encoded(x)
            solution = self._settle(x)
        leading = 20 if solution.z[0].numel() > LARGE else None
        return report.paragraph(solution, self._spectrum(solution, x, leading).eigenvalues, self.options)


def _full_precision(x: torch.Tensor) -> torch.autocast:
    return torch.autocast(x.device.type, enabled=False)
