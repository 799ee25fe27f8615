r"""Which cell has exactly one equilibrium, whatever its weights? :math:`z = relu(W z + W_x x + b)`, I - W monotone.

Winston and Kolter, arXiv 2006.08591 (monotone operator equilibrium networks).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from simviz import checks
from simviz.equilibria.solvers import Splitting
from simviz.models import cells
from simviz.models.config import register


@register
class Monotone(nn.Module):
    r"""The cell :math:`f(z, x) = relu(W z + W_x x + b)` with :math:`W = (1 - m) I - C^T C + N - N^T`.

    Then :math:`z^T (I - W) z \ge m |z|^2` for any C and N, so that there is one equilibrium and no other; plain
    iteration need not come to it, `PeacemanRachford` and `ForwardBackward` do.

    inputs: numbers in one x, which is flattened; units: of z; m: above 0, how strongly monotone. z: (batch, units),
    x: (batch, inputs) -> (batch, units). Raises ValueError for inputs < 1, units < 1, m <= 0.
    """

    def __init__(self, inputs: int, units: int, m: float = 0.1) -> None:
        super().__init__()
        self.inputs, self.units = checks.positive_int("inputs", inputs), checks.positive_int("units", units)
        self.m = checks.positive("m", m)
        self.options = {"inputs": inputs, "units": units, "m": m}
        self.C = nn.Parameter(torch.randn(units, units) / math.sqrt(units))
        self.N = nn.Parameter(torch.randn(units, units) / math.sqrt(units))
        self.W_x = nn.Linear(inputs, units)
        nn.init.normal_(self.W_x.weight, std=1 / math.sqrt(inputs))
        nn.init.zeros_(self.W_x.bias)

    @property
    def W(self) -> torch.Tensor:
        """(units, units): the matrix on z, with its gradient."""
        eye = torch.eye(self.units, dtype=self.C.dtype, device=self.C.device)
        return (1 - self.m) * eye - self.C.T @ self.C + self.N - self.N.T

    def forward(self, z: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(batch, units), (batch, inputs) -> (batch, units)."""
        turned = z @ (self.N - self.N.T).T - (z @ self.C.T) @ self.C  # (batch, units); W itself would cost units^3
        return torch.relu((1 - self.m) * z + turned + self.W_x(x.flatten(1)))

    def initial(self, x: torch.Tensor) -> torch.Tensor:
        """Return where the solve begins, zeros (batch, units); raises ValueError for an x of another size."""
        return cells.zeros(x, self.inputs, self.units)

    @torch.no_grad()
    def splitting(self, x: torch.Tensor) -> Splitting:
        r"""Return the linear and the pointwise part for these x, without gradients.

        `resolvent(alpha)` factorises :math:`I + \alpha (I - W)` once, in float32 at least.
        """
        wide = torch.promote_types(self.C.dtype, torch.float32)
        W = self.W.to(wide)
        monotone = torch.eye(self.units, dtype=wide, device=W.device) - W

        def resolvent(alpha: float) -> Callable[[torch.Tensor], torch.Tensor]:
            eye = torch.eye(self.units, dtype=wide, device=W.device)
            factors = torch.linalg.lu_factor((eye + alpha * monotone).T.contiguous())
            return lambda v: torch.linalg.lu_solve(*factors, v.to(wide), left=False).to(v.dtype)

        return Splitting(
            linear=lambda z: (z.to(wide) @ W.T).to(z.dtype),
            bias=self.W_x(x.flatten(1)),
            resolvent=resolvent,
            prox=torch.relu,
            strong=self.m,
            lipschitz=float(torch.linalg.matrix_norm(monotone, 2)),
        )
