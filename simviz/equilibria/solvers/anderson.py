"""Can the residuals of the last steps be made to cancel? Anderson 1965; Walker and Ni 2011."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from simviz import checks
from simviz.equilibria.solvers import secants
from simviz.equilibria.solvers.method import Map
from simviz.equilibria.solvers.secants import Secants


@dataclass(frozen=True)
class Anderson:
    r"""Anderson acceleration: the next iterate lies where the last steps say that the residual is smallest.

    .. math:: z_{t+1} = z_t + a r_t - (\Delta Z + a \Delta R) \gamma, \quad
        \gamma = \arg\min |r_t - \Delta R \gamma|^2 + \epsilon |\gamma|^2

    with :math:`r = f(z) - z`.

    memory: how many differences the columns :math:`\Delta Z, \Delta R` hold; mixing: a, above 0 (below 1 damps); ridge:
    :math:`\epsilon`, at least 0. The columns of :math:`\Delta R` are scaled to length 1, so that their Gram matrix has
    ones on its diagonal and the ridge means the same early and late in a solve; it is never taken below the rounding
    of the numbers' dtype. Each sample solves its own small system; where that fails, it takes a step of mixing.

    It may find fixed points that iteration leaves. Raises ValueError for memory < 1, mixing <= 0 or ridge < 0.

    Walker and Ni 2011, Anderson acceleration for fixed-point iterations (type II).
    """

    memory: int = 5
    mixing: float = 1.0
    ridge: float = 1e-8

    def __post_init__(self) -> None:
        checks.positive_int("memory", self.memory)
        checks.positive("mixing", self.mixing)
        checks.real("ridge", self.ridge, 0.0)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's options, by name."""
        return {"memory": self.memory, "mixing": self.mixing, "ridge": self.ridge}

    def init(self, z: torch.Tensor) -> Secants:
        """Return an empty memory."""
        return secants.start(z, self.memory)

    def step(self, f: Map, z: torch.Tensor, fz: torch.Tensor, state: Secants) -> tuple[torch.Tensor, Secants]:
        """Return the next iterate (batch, n) and the memory."""
        state = secants.record(state, z, fz, self.mixing, by_moves=False)
        if not state.used:
            return state.ahead(self.mixing).to(z.dtype), state
        used, slot = state.used, state.slot
        newest, rhs = state.project(state.probes[:, slot])  # both (batch, used)
        state.matrix[:, slot, :used] = state.matrix[:, :used, slot] = newest
        gamma = _least_squares(state.matrix[:, :used, :used], rhs, self.ridge)
        return state.ahead(self.mixing, gamma).to(z.dtype), state


def _least_squares(gram: torch.Tensor, rhs: torch.Tensor, ridge: float) -> torch.Tensor:
    """Return the coefficients (batch, k) of columns with this Gram matrix (batch, k, k): 0 for a column that is 0.

    NaN where the matrix cannot be factorised.
    """
    scale = gram.diagonal(dim1=1, dim2=2).clamp(min=torch.finfo(gram.dtype).tiny).rsqrt()  # (batch, k)
    unit = gram * scale[:, :, None] * scale[:, None, :]
    unit.diagonal(dim1=1, dim2=2).fill_(1 + max(ridge, 4 * torch.finfo(gram.dtype).eps))
    factor, failed = torch.linalg.cholesky_ex(unit)
    found = torch.cholesky_solve((scale * rhs)[:, :, None], factor).squeeze(2) * scale
    return found.masked_fill(failed[:, None] != 0, math.nan) if failed.any() else found
