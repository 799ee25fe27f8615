"""What do the last steps tell of the Jacobian? Pairs of differences, of moves and of residuals, sample by sample."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch


class Secants(NamedTuple):
    r"""The last pairs of one solve: by how much z moved, and by how much the residual :math:`r = f(z) - z` changed.

    z, fz, r: (batch, n), of the present step; probes: (batch, memory, n), the moves or the changes, whichever the
    method projects the residual on; images: (batch, memory, n), :math:`\Delta z + a \Delta r`, which at a = 1 is a
    difference of two values of f; matrix: (batch, memory, memory), what the coefficients solve; taken: steps recorded,
    the same for all samples. Floats are kept in float32 at least.
    """

    z: torch.Tensor
    fz: torch.Tensor
    r: torch.Tensor
    probes: torch.Tensor
    images: torch.Tensor
    matrix: torch.Tensor
    taken: int

    @property
    def used(self) -> int:
        """How many slots are filled."""
        return min(self.taken - 1, self.probes.shape[1])

    @property
    def slot(self) -> int:
        """Where the newest pair lies."""
        return (self.taken - 2) % self.probes.shape[1]

    def project(self, change: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the probes' products with the newest change (batch, n) and with r, both (batch, used)."""
        pair = torch.stack([change, self.r], dim=1).mT  # (batch, n, 2)
        products = torch.bmm(self.probes[:, : self.used], pair)  # (batch, used, 2)
        return products[:, :, 0], products[:, :, 1]

    def ahead(self, mixing: float, coefficients: torch.Tensor | None = None) -> torch.Tensor:
        """Return z + a r less the images weighed by coefficients (batch, used): (batch, n).

        A sample whose coefficients are not finite goes without them, a plain step.
        """
        plain = self.fz if mixing == 1 else self.z + mixing * self.r
        if coefficients is None:
            return plain
        if not math.isfinite(float(coefficients.sum())):
            usable = torch.isfinite(coefficients).all(dim=1, keepdim=True)
            coefficients = torch.where(usable, coefficients, 0.0)
        return torch.baddbmm(plain[:, None], coefficients[:, None], self.images[:, : self.used], alpha=-1).squeeze(1)


def start(z: torch.Tensor, memory: int) -> Secants:
    """Return an empty memory for iterates z (batch, n)."""
    z = z.to(torch.promote_types(z.dtype, torch.float32))
    pairs, matrix = (len(z), memory, z.shape[1]), (len(z), memory, memory)
    return Secants(z, z, z, z.new_zeros(pairs), z.new_zeros(pairs), z.new_zeros(matrix), 0)


def record(past: Secants, z: torch.Tensor, fz: torch.Tensor, mixing: float, *, by_moves: bool) -> Secants:
    """Return the memory with one more pair, in the place of the oldest where it is full; `past` is used up."""
    z, fz = z.to(past.z.dtype), fz.to(past.z.dtype)
    now = past._replace(z=z, fz=fz, r=fz - z, taken=past.taken + 1)
    if past.taken == 0:
        return now
    probe, image = now.probes[:, now.slot], now.images[:, now.slot]
    if mixing == 1:
        torch.sub(fz, past.fz, out=image)
    else:
        torch.add(z - past.z, now.r - past.r, alpha=mixing, out=image)
    if by_moves:
        torch.sub(z, past.z, out=probe)
    else:
        torch.sub(now.r, past.r, out=probe)
    return now
