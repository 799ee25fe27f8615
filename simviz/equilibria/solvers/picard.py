"""What if f is simply applied again? Banach 1922; with damping Krasnoselskii 1955 and Mann 1953."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from simviz import checks
from simviz.equilibria.solvers.method import Map


@dataclass(frozen=True)
class Picard:
    r"""Apply f again, or move a part of the way: :math:`z_{t+1} = z_t + a (f(z_t) - z_t)`.

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

    def step(self, f: Map, z: torch.Tensor, fz: torch.Tensor, state: None) -> tuple[torch.Tensor, None]:
        """Return z + damping (f(z) - z), (batch, n)."""
        return (fz if self.damping == 1 else z + self.damping * (fz - z)), None
