r"""Where does the cell settle for this x? Deep equilibrium models: :math:`y = W_{out} z^*, z^* = f(z^*, x)`.

Bai, Kolter and Koltun, arXiv 1909.01377.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.equilibria import Implicit, Picard, jacobian, solve, solvers
from simviz.equilibria.solvers import Solver
from simviz.models.config import describe, register
from simviz.records import Solution, Spectrum, Status

register(Picard)
register(Implicit)


@register
class Tanh(nn.Module):
    r"""The cell :math:`f(z, x) = \tanh(W_z z + W_x x + b)`.

    inputs: numbers in one x, which is flattened; units: of z; gain: the spectral norm of :math:`W_z` at the start,
    below 1 so that the cell contracts (training may leave that). z: (batch, units), x: (batch, inputs) ->
    (batch, units).
    """

    def __init__(self, inputs: int, units: int, gain: float = 0.8) -> None:
        super().__init__()
        self.inputs, self.units = checks.positive_int("inputs", inputs), checks.positive_int("units", units)
        checks.positive("gain", gain)
        self.options = {"inputs": inputs, "units": units, "gain": gain}
        self.W_z = nn.Linear(units, units, bias=False)
        self.W_x = nn.Linear(inputs, units)
        nn.init.normal_(self.W_z.weight)
        nn.init.normal_(self.W_x.weight, std=1 / math.sqrt(inputs))
        nn.init.zeros_(self.W_x.bias)
        with torch.no_grad():
            self.W_z.weight.mul_(gain / torch.linalg.matrix_norm(self.W_z.weight, 2))

    def forward(self, z: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(batch, units), (batch, inputs) -> (batch, units)."""
        return torch.tanh(self.W_z(z) + self.W_x(x.flatten(1)))

    def initial(self, x: torch.Tensor) -> torch.Tensor:
        """Return where the solve begins, zeros (batch, units); raises ValueError for an x of another size."""
        if x.ndim < 2 or math.prod(x.shape[1:]) != self.inputs:
            hint = "; did you forget the batch axis?" if x.numel() == self.inputs else ""
            raise ValueError(f"x must be (batch, {self.inputs}) for this cell, got {tuple(x.shape)}{hint}")
        return x.new_zeros(len(x), self.units)


@register
class DEQ(nn.Module):
    r"""A deep equilibrium model: the readout of the fixed point of a cell.

    cell: a module f(z, x) with `initial(x)`, which gives z0; readout: a module on z*; solver: the method of the forward
    solve; gradient: the rule of the backward pass; rtol, atol, max_steps: of the forward solve. After each forward
    `last_solution` holds the Solution: how many samples did not converge is there to be read, not an exception.
    Raises ValueError for a cell without `initial`, rtol <= 0, atol < 0, max_steps < 1.
    """

    def __init__(
        self,
        cell: nn.Module,
        readout: nn.Module,
        solver: Solver = Picard(),  # noqa: B008  (frozen)
        gradient: Implicit = Implicit(),  # noqa: B008  (frozen)
        rtol: float = 1e-4,
        max_steps: int = 50,
        atol: float = 1e-6,
    ) -> None:
        super().__init__()
        if not isinstance(cell, nn.Module) or not callable(getattr(cell, "initial", None)):
            raise ValueError(f"cell must be a module with initial(x), which gives z0, got {type(cell).__name__}")
        if not callable(getattr(gradient, "attach", None)) or isinstance(gradient, type):
            raise ValueError(f"gradient must be a rule such as Implicit(), got {gradient!r}")
        self.options: dict[str, Any] = {
            "cell": cell,
            "readout": readout,
            "solver": solvers.check("solver", solver),
            "gradient": gradient,
            "rtol": checks.positive("rtol", rtol),
            "max_steps": checks.positive_int("max_steps", max_steps),
            "atol": checks.real("atol", atol, 0.0),
        }
        self.cell: Any = cell
        self.readout = readout
        self.last_solution: Solution | None = None

    @property
    def config(self) -> dict[str, Any]:
        """The model as JSON, without its weights; raises ValueError where a part is not of a known class."""
        return describe(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (batch, ...) -> the readout of z*, with the gradient that the rule gives."""
        x = checks.tensor("x", x)
        self.last_solution = self._settle(x)
        return self.readout(self.options["gradient"].attach(self.cell, self.last_solution, x))

    def equilibrium(self, x: torch.Tensor) -> Solution:
        """Return where each sample settled, its status and every step; no gradient flows through it."""
        return self._settle(checks.tensor("x", x))

    def _settle(self, x: torch.Tensor) -> Solution:
        options = {name: self.options[name] for name in ("rtol", "atol", "max_steps")}
        with torch.no_grad():
            z0 = self.cell.initial(x)
        return solve(self.cell, z0, x, self.options["solver"], **options)

    def spectrum(self, x: torch.Tensor) -> Spectrum:
        """Return all eigenvalues of df/dz at each sample's equilibrium, (batch, n); `kind` says where it is none."""
        x = checks.tensor("x", x)
        return self._spectrum(self._settle(x), x)

    def _spectrum(self, solution: Solution, x: torch.Tensor) -> Spectrum:
        found = jacobian.spectrum(self.cell, solution.z, x)
        missing = sum(s is not Status.CONVERGED for s in solution.status)
        if not missing:
            return found
        kind = f"{found.kind} ({missing} of {len(solution.status)} did not converge: at their last iterate)"
        return Spectrum(found.eigenvalues, kind=kind)

    def report(self, x: torch.Tensor) -> str:
        """Return one paragraph: how many samples settle and how fast, whether iteration stays there, what to change."""
        x = checks.tensor("x", x)
        solution = self._settle(x)
        eigenvalues = self._spectrum(solution, x).eigenvalues
        parts = [_outcome(solution), _stability(eigenvalues)]
        return " ".join([*parts, _advice(solution, eigenvalues, self.options)])


def _outcome(solution: Solution) -> str:
    counts = {status: solution.status.count(status) for status in Status}
    batch, good = len(solution.status), counts[Status.CONVERGED]
    text = f"{good} of {batch} samples converged"
    if good:
        spent = solution.evaluations[solution.converged]
        text += f", in {int(spent.median())} evaluations of the cell (median; worst {int(spent.max())})"
    if counts[Status.OUT_OF_STEPS]:
        text += f"; {counts[Status.OUT_OF_STEPS]} ran out of steps"
    if counts[Status.DIVERGED]:
        text += f"; {counts[Status.DIVERGED]} diverged"
    return text + "."


def _stability(eigenvalues: torch.Tensor) -> str:
    radii = eigenvalues.abs().amax(dim=1)
    radii = radii[torch.isfinite(radii)]
    if not len(radii):
        return "The Jacobian is not finite at any returned point."
    middle, largest = float(radii.median()), float(radii.max())
    text = f"The spectral radius of df/dz at the returned points is {middle:.3f} (median; largest {largest:.3f})."
    outside = int((radii >= 1).sum())
    if not outside:
        return text + " All are stable under iteration: a small push dies out."
    return text + (
        f" {outside} of {len(radii)} are unstable under iteration, being at radius 1 or beyond: "
        "a root finder may return such a point, but iterating the cell leaves it."
    )


def _advice(solution: Solution, eigenvalues: torch.Tensor, options: dict[str, Any]) -> str:
    steps, rtol = options["max_steps"], options["rtol"]
    if Status.DIVERGED in solution.status:
        return "Samples that ran away want a cell that contracts (smaller weights), or a damped solver."
    if solution.converged.all():
        if int(solution.evaluations.max()) > 0.8 * steps:
            return f"Raise max_steps (now {steps}): the slowest sample needed nearly all of them."
        return "Nothing needs changing."
    values = eigenvalues[~solution.converged]
    if (values.abs() < 1).all():
        need = math.ceil(math.log(rtol) / math.log(float(values.abs().max().clamp(min=1e-3))))
        return (
            f"What did not converge contracts, only slowly: raise max_steps (now {steps}) "
            f"to about {max(need, 2 * steps)}."
        )
    if (values.real >= 1).any():
        return (
            "Some eigenvalue has a real part of 1 or more, which no damping cures: make the cell contract "
            "(smaller weights, or a Jacobian penalty)."
        )
    # |1 - a + a lambda| < 1 wherever a < 2 (1 - Re lambda) / |1 - lambda|^2; half of the limit is safe for all.
    away = 1 - values
    limit = float((2 * away.real / away.abs().square()).min())
    return (
        "Where eigenvalues lie outside the circle, iteration cycles: "
        f"try Picard(damping={min(limit / 2, 1.0):.2g}) and more steps, or make the cell contract (smaller weights)."
    )
