"""Does a deep equilibrium model settle, would iteration stay there, and what should be changed? One paragraph."""

from __future__ import annotations

import math
from typing import Any

import torch

from simviz.equilibria.solvers import Picard
from simviz.records import Solution, Status

CONTRACT = "make the cell contract (smaller weights, or train with a Jacobian penalty: Run(..., penalty=0.1))"


def paragraph(solution: Solution, eigenvalues: torch.Tensor, options: dict[str, Any]) -> str:
    """Return the report on a solve; eigenvalues: (batch, n), of df/dz at the returned points; options: the DEQ's."""
    parts = [_outcome(solution), _stability(solution, eigenvalues), _advice(solution, eigenvalues, options)]
    return " ".join(parts)


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


def _stability(solution: Solution, eigenvalues: torch.Tensor) -> str:
    radii = eigenvalues.abs().amax(dim=1)
    converged = solution.converged[torch.isfinite(radii)]
    radii = radii[torch.isfinite(radii)]
    if not len(radii):
        return "The Jacobian is not finite at any returned point."
    middle, largest = float(radii.median()), float(radii.max())
    text = f"The spectral radius of df/dz at the returned points is {middle:.3f} (median; largest {largest:.3f})."
    outside = radii >= 1
    if not outside.any():
        return text + " All are stable under iteration: a small push dies out."
    text += f" {int(outside.sum())} of {len(radii)} are unstable under iteration, being at radius 1 or beyond: "
    if (outside & converged).any():
        return text + "the solver returned an equilibrium, but iterating the cell leaves it."
    return text + "a root finder may return such a point, but iterating the cell leaves it."


def _advice(solution: Solution, eigenvalues: torch.Tensor, options: dict[str, Any]) -> str:
    if Status.DIVERGED in solution.status:
        return f"Samples that ran away want a damped solver, or to {CONTRACT}."
    if solution.converged.all():
        return _advice_settled(solution, eigenvalues, options)
    values = eigenvalues[~solution.converged]
    values = values[torch.isfinite(values).all(dim=1)]
    if not values.numel():
        return f"Where the Jacobian is not finite no method can work: {CONTRACT}."
    return _advice_slow(values, options) if (values.abs() < 1).all() else _advice_unstable(values, options)


def _advice_settled(solution: Solution, eigenvalues: torch.Tensor, options: dict[str, Any]) -> str:
    steps = options["max_steps"]
    if (eigenvalues.abs() >= 1).any():
        return f"If it matters that iteration ends at the same point, {CONTRACT}."
    if len(solution.steps) > 0.8 * steps:
        other = " or use Anderson()" if isinstance(options["solver"], Picard) else ""
        return f"Raise max_steps (now {steps}){other}: the slowest sample needed nearly all of them."
    return "Nothing needs changing."


def _advice_slow(values: torch.Tensor, options: dict[str, Any]) -> str:
    """What is at a point where the cell contracts, and has not converged."""
    steps, radius = options["max_steps"], float(values.abs().max().clamp(min=1e-3))
    need = max(math.ceil(math.log(options["rtol"]) / math.log(radius)), 2 * steps)
    other = "use Anderson(), or " if isinstance(options["solver"], Picard) else ""
    return f"What did not converge contracts, only slowly: {other}raise max_steps (now {steps}) to about {need}."


def _advice_unstable(values: torch.Tensor, options: dict[str, Any]) -> str:
    """What did not converge where some eigenvalue lies on the circle or beyond it."""
    if not isinstance(options["solver"], Picard):
        return (
            "Where eigenvalues lie outside the circle a root finder may need longer, and may find nothing: raise "
            f"max_steps (now {options['max_steps']}), try NewtonKrylov(), or {CONTRACT}."
        )
    if (values.real >= 1).any():
        return (
            "Some eigenvalue has a real part of 1 or more, which no damping cures: Anderson() may find the point that "
            f"iteration leaves; or {CONTRACT}."
        )
    # |1 - a + a lambda| < 1 wherever a < 2 (1 - Re lambda) / |1 - lambda|^2; half of the limit is safe for all.
    away = 1 - values
    limit = float((2 * away.real / away.abs().square()).min())
    return (
        "Where eigenvalues lie outside the circle, iteration cycles: use Anderson(), or "
        f"Picard(damping={min(limit / 2, 1.0):.2g}) and more steps, or {CONTRACT}."
    )
