"""What does f do near its fixed point? The eigenvalues of df/dz there, all of them."""

from __future__ import annotations

import math
from typing import Any

import torch

from simviz import checks
from simviz.equilibria import states
from simviz.equilibria.states import Cell
from simviz.records import Spectrum


def spectrum(f: Cell, z: Any, x: Any, leading: int | None = None) -> Spectrum:
    r"""Return the eigenvalues of :math:`J = \partial f / \partial z` at z, for each sample, the largest modulus first.

    z, x: as for `solve`; the answer is complex (batch, n), n the numbers in one sample's state. leading: only that
    many; where the cut would part a conjugate pair of any sample, the whole batch is given as many more as it takes to
    part none. At a fixed point all moduli below 1 mean that plain iteration comes back to it; the largest is its rate.
    A sample whose Jacobian is not finite has NaN for eigenvalues. f must treat samples apart.

    Raises ValueError for NaN in z or x, an f that returns another shape, leading < 1.
    """
    flat, layout = states.flatten("z", z)
    states.check_inputs(x, flat.shape[0])
    if leading is not None:
        leading = min(checks.positive_int("leading", leading), layout.size)

    def one(state: torch.Tensor, given: Any) -> torch.Tensor:
        batch_of_one = _map(lambda t: t[None], given)
        return layout.pack(f(layout.unpack(state[None]), batch_of_one))[0]

    axes = _map(lambda t: 0, x)
    with torch.no_grad():
        jacobian = torch.func.vmap(torch.func.jacrev(one), in_dims=(0, axes))(flat.detach(), states.detach(x))
    jacobian = jacobian.to(torch.promote_types(flat.dtype, torch.float32))  # (batch, n, n)
    finite = torch.isfinite(jacobian).flatten(1).all(dim=1)
    values = _sorted(torch.linalg.eigvals(torch.where(finite[:, None, None], jacobian, 0.0)))
    values = torch.where(finite[:, None], values, math.nan)
    return Spectrum(_first(values, leading), kind="Jacobian at z*")


def _sorted(values: torch.Tensor) -> torch.Tensor:
    """(batch, n) by falling modulus, each pair kept together, the one above the real axis first."""
    modulus = values.abs()
    # LAPACK returns a pair side by side, the positive imaginary part first; give both the very same key.
    key = torch.where(values.imag < 0, modulus.roll(1, dims=1), modulus)
    return values.gather(1, key.argsort(dim=1, descending=True, stable=True))


def _first(values: torch.Tensor, leading: int | None) -> torch.Tensor:
    if leading is None:
        return values
    while leading < values.shape[1] and (values[:, leading - 1].imag > 0).any():
        leading += 1
    return values[:, :leading]


def _map(change: Any, x: Any) -> Any:
    return states.pytree.tree_map(lambda leaf: change(leaf) if isinstance(leaf, torch.Tensor) else leaf, x)
