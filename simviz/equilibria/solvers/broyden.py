"""Can a Jacobian be learned from the steps themselves? Broyden 1965; Byrd, Nocedal and Schnabel 1994."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from simviz import checks
from simviz.equilibria.solvers import secants
from simviz.equilibria.solvers.method import Map
from simviz.equilibria.solvers.secants import Secants


@dataclass(frozen=True)
class Broyden:
    r"""Broyden's (good) method on :math:`r(z) = f(z) - z = 0`, beginning with plain iteration and remembering little.

    The estimate B of r's Jacobian begins as -I; each step changes it as little as will do for
    :math:`B \Delta z = \Delta r`. In the form without any n x n matrix,

    .. math:: z_{t+1} = z_t + r_t - (S + Y) (L + S^T Y)^{-1} S^T r_t,

    where the columns of S and Y are the last `memory` pairs :math:`\Delta z, \Delta r` and L is the part of
    :math:`S^T S` strictly below its diagonal, oldest pair first. Each sample has its own; where its small system cannot
    be solved, it takes a plain step. Raises ValueError for memory < 1.

    Byrd, Nocedal and Schnabel 1994, Representations of quasi-Newton matrices and their use in limited memory methods.
    """

    memory: int = 20

    def __post_init__(self) -> None:
        checks.positive_int("memory", self.memory)

    @property
    def options(self) -> dict[str, Any]:
        """The constructor's options, by name."""
        return {"memory": self.memory}

    def init(self, z: torch.Tensor) -> Secants:
        """Return an empty memory."""
        return secants.start(z, self.memory)

    def step(self, f: Map, z: torch.Tensor, fz: torch.Tensor, state: Secants) -> tuple[torch.Tensor, Secants]:
        """Return the next iterate (batch, n) and the memory."""
        state = secants.record(state, z, fz, 1.0, by_moves=True)
        if not state.used:
            return state.ahead(1.0).to(z.dtype), state
        used, slot = state.used, state.slot
        move = state.probes[:, slot]  # (batch, n)
        newest, rhs = state.project(state.images[:, slot] - move)  # both (batch, used)
        # The newest pair comes last, wherever its slot: its row has entries of L, its column has none.
        state.matrix[:, slot, :used] = (state.images[:, :used] @ move[:, :, None]).squeeze(2)
        state.matrix[:, :used, slot] = newest
        matrix = state.matrix[:, :used, :used].clone()
        vanished = (matrix == 0).all(dim=2)  # no move
        matrix.diagonal(dim1=1, dim2=2).add_(vanished.to(matrix.dtype))
        coefficients = torch.linalg.solve_ex(matrix, rhs[:, :, None])[0].squeeze(2)  # (batch, used)
        return state.ahead(1.0, coefficients).to(z.dtype), state
