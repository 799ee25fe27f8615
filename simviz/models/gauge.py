r"""In which inner coordinates does a trained model compute? In any: the spectrum of its limit moves, no output does.

A *gauge* is such a change of coordinates. :math:`W_1 U V^T` stays what it is where U becomes R U and the decoder's
first matrix :math:`W_1 R^{-1}`, while :math:`V^T U`, whose eigenvalues are those of the limit, becomes what one likes.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from simviz import checks
from simviz.models.propagators import Limit, LowRank

if TYPE_CHECKING:
    from simviz.models.sim import SIM

LEAST = 1e-10
"""Singular values below this share of the largest count as 0."""


@torch.no_grad()
def regauge(sim: SIM, target: Any) -> SIM:
    r"""Return a new SIM that computes the same sim(x), in inner coordinates in which :math:`V^T U' = target`.

    For `LowRank` alone. target: (rank, rank) real. V stays; :math:`U' = V (V^T V)^{-1} target + N` with
    :math:`V^T N = 0`, N such that the columns of U' are independent, for d >= 2 rank of about equal lengths; the
    decoder's first matrix becomes :math:`W_1' = W_1 R^{-1}` with :math:`R^{-1} = U U'^+ + c (I - U' U'^+)`, which sends
    U' to U, c = |U| / |U'|. Computed in float64, returned in the model's own dtype: outputs move by rounding. (The
    decoded observables at time 0 do change.)
    Raises ValueError for another propagator, for V with dependent columns, where the first layer behind the propagator
    is no Linear, and for a target whose rank is too low: N can make up for d - rank of it, for any with d >= 2 rank.
    """
    propagator = low_rank(sim, "regauge")
    U, V = (factor.double() for factor in propagator.factors())
    d, r = U.shape
    wanted = checks.tensor("target", target, (r, r), f"(rank, rank) = {(r, r)}").to(U)
    whole, T = torch.linalg.qr(V, mode="complete")  # (d, d), (d, r)
    if _least(T) < LEAST:
        raise ValueError("sim must have independent columns of V to be regauged; this one's V has lost rank")
    along = whole[:, :r] @ torch.linalg.solve_triangular(T[:r].mT, wanted, upper=False)  # (d, r), V^T along = target
    length = torch.linalg.matrix_norm(U, 2)
    size = float(torch.linalg.matrix_norm(along, 2) or length or 1.0)
    across = torch.linalg.svd(along).Vh[r - min(r, d - r) :]  # (k, r): the directions that the target keeps least of
    moved = along + size * whole[:, r : r + len(across)] @ across
    if _least(moved) < LEAST:
        raise ValueError(
            f"target must have rank {2 * r - d} at least for d = {d} observables and rank {r}, got "
            f"{int(torch.linalg.matrix_rank(wanted))}; with d >= 2 rank any target will do"
        )
    other = copy.deepcopy(propagator)
    other.U.weight.copy_(moved)
    moved = other.U.weight.double()  # as rounded: one rounding less
    inverse = torch.linalg.pinv(moved)
    rest = torch.eye(d, dtype=U.dtype, device=U.device) - moved @ inverse
    return in_coordinates(sim, "regauge", other, U @ inverse + length / torch.linalg.matrix_norm(moved, 2) * rest)


def low_rank(sim: SIM, asking: str) -> LowRank:
    """Return the propagator whose coordinates are free; asking: who wants it, for the ValueError."""
    if not isinstance(sim.propagator, LowRank):
        raise ValueError(f"{asking} needs a LowRank propagator, this one is a {type(sim.propagator).__name__}")
    return sim.propagator


@torch.no_grad()
def in_coordinates(sim: SIM, asking: str, propagator: Limit, back: torch.Tensor) -> SIM:
    """Return a new SIM with this propagator, and with the decoder's first matrix times `back`, (d, d) float64.

    asking: who wants it, for the ValueError where the first layer behind the propagator is no Linear.
    """
    other = type(sim)(**copy.deepcopy(sim.options))
    first = first_behind(other, asking)
    first.weight.copy_(first.weight.double() @ back)
    other.propagator = propagator
    return other.train(sim.training)


def first_behind(sim: SIM, asking: str) -> nn.Linear:
    """The first layer that does anything behind the propagator."""
    behind = [m for part in (sim.decoder, sim.readout) for m in part.modules() if not list(m.children())]
    first = next((layer for layer in behind if not isinstance(layer, nn.Identity)), None)
    if not isinstance(first, nn.Linear):
        raise ValueError(f"{asking} needs a Linear behind the propagator, found {type(first).__name__}")
    return first


def _least(matrix: torch.Tensor) -> float:
    """The smallest singular value as a share of the largest; 0 of a matrix of zeros."""
    sizes = torch.linalg.svdvals(matrix)
    return float(sizes[-1] / sizes[0]) if sizes[0] > 0 else 0.0
