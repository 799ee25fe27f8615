"""Dynamic mode decomposition: EDMD whose observables are the coordinates themselves (Schmid 2010, Tu et al. 2014)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from simviz import checks
from simviz.dynamics.features import Dictionary, Identity
from simviz.dynamics.koopman.evidence import rank_of
from simviz.dynamics.koopman.extended import Sources, fitted, sources
from simviz.dynamics.koopman.leastsquares import weighted
from simviz.dynamics.koopman.result import Koopman
from simviz.dynamics.koopman.trajectories import fit_orbits, orbit_sources


class Directions(Dictionary):
    """Linear observables: the state's coordinates along given directions, (dim, r)."""

    def __init__(self, directions: torch.Tensor) -> None:
        self.directions = directions

    def values(self, points: torch.Tensor) -> torch.Tensor:
        return points @ self.directions.to(points)

    def names(self, dim: int, coordinates: Sequence[str] | None = None) -> tuple[str, ...]:
        return tuple(f"direction {i + 1}" for i in range(self.directions.shape[1]))


def dmd(
    before: Any,
    after: Any,
    *,
    rank: int | None = None,
    dt: float = 1.0,
    weights: Any = None,
    check: Any = None,
    seed: int = 0,
) -> Koopman:
    """Fit one matrix to snapshots (snapshots, dim): EDMD on the coordinates, or on their `rank` leading directions.

    rank: how many of the principal directions of `before` (of the fitted snapshots, not centred) are observed; None:
    all coordinates, or where there are more of these than snapshots all independent directions. The rest as in `edmd`.
    """
    dt = checks.positive("dt", dt)
    parts = sources(before, after, weights, Identity(), check, seed)
    return fitted(parts, _observed(parts, rank), dt=dt, method="DMD")


def dmd_orbits(
    trajectories: Any,
    *,
    dt: float,
    rank: int | None = None,
    weights: Any = None,
    check: Any = None,
    seed: int = 0,
) -> Koopman:
    """Fit one matrix to trajectories (batch, time, dim), as `dmd` does; an iterable of chunks only without a rank.

    The principal directions want the snapshots twice, so that with a rank trajectories and check must be arrays.
    """
    arrays = (torch.Tensor, np.ndarray)
    if not isinstance(trajectories, arrays) or not (check is None or check is False or isinstance(check, arrays)):
        if rank is not None:
            raise ValueError("rank needs trajectories and check as arrays: the principal directions are found first")
        return fit_orbits(trajectories, Identity(), dt, weights, check, seed, "DMD")
    dt, seed = checks.positive("dt", dt), checks.positive_int("seed", seed, 0)
    whole = checks.tensor("trajectories", trajectories, (None, None, None), "(batch, time, dim)")
    if whole.shape[1] < 2:
        raise ValueError(f"trajectories must be at least 2 states long, got {whole.shape[1]}")
    parts = orbit_sources(whole, Identity(), weights, check, seed)
    return fitted(parts, _observed(parts, rank), dt=dt, method="DMD")


def _observed(parts: Sources, rank: int | None) -> Dictionary:
    """Return the coordinates, or the leading principal directions of the fitted snapshots."""
    dim, rows = parts.fit.dim, parts.fit.rows
    if rank is None and dim <= rows:
        return Identity()
    most = min(dim, rows)
    if rank is not None and checks.positive_int("rank", rank) > most:
        raise ValueError(f"rank must be at most {most}: {dim} coordinates, {rows} snapshots fitted, got {rank}")
    _, values, Vh = torch.linalg.svd(weighted(parts.fit.points(), parts.fit.weight_rows()), full_matrices=False)
    return Directions(Vh[: rank or rank_of(values, values.dtype)].T)
