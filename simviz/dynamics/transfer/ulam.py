"""Where does mass go, cell by cell? Ulam's matrix, a picture of the Perron-Frobenius operator. Ulam 1960; Li 1976."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
import torch
from scipy.sparse.linalg import ArpackNoConvergence, eigs

from simviz import checks
from simviz.dynamics.transfer.cells import Cells, cut, stepper
from simviz.records import Spectrum

DENSE = 800
"""Up to this many cells all eigenvalues are computed; beyond it the leading ones, by Arnoldi iteration (ARPACK)."""


@dataclass(frozen=True, eq=False)
class Transfer:
    """The Perron-Frobenius operator on the cells of a box.

    spectrum: the leading eigenvalues of the matrix, largest modulus first. Only the eigenvalue 1 is truth: the grid
    itself spreads mass over whole cells at each step, and the others belong to the map and the grid together; matrix:
    sparse (cells, cells), entry (i, j) the share of cell i's mass that a step takes to cell j; density: invariant, mass
    over length or area, in the cells' shape (`Cells`), what an even start comes to on average; lost: the share of that
    measure that leaves the box in a step; notes: a sentence each.
    """

    spectrum: Spectrum
    matrix: torch.Tensor
    density: torch.Tensor
    cells: Cells
    lost: float
    notes: tuple[str, ...]

    @property
    def masses(self) -> torch.Tensor:
        """The invariant measure of the cells, in their shape; sums to 1."""
        return self.density * self.cells.volumes

    @property
    def edges(self) -> Any:
        """(cells + 1,) edges in one coordinate, a pair of them in two."""
        return self.cells.edges[0] if len(self.cells.edges) == 1 else self.cells.edges

    def push(self, masses: Any, steps: int) -> torch.Tensor:
        """Carry masses on: in the cells' shape -> (steps + 1, ...), the first as given."""
        shape = self.cells.shape
        now = checks.tensor("masses", masses, shape, f"{shape}, one a cell").double().cpu().reshape(-1)
        path = [now]
        for _ in range(checks.positive_int("steps", steps, 0)):
            path.append(self._turned @ path[-1])
        return torch.stack(path).reshape(-1, *shape)

    @functools.cached_property
    def _turned(self) -> torch.Tensor:
        return self.matrix.t().coalesce()


def ulam(
    map: Any,
    box: Any,
    cells: Any,
    samples: int = 400,
    spacing: Any = None,
    *,
    dt: float | None = None,
    leading: int = 20,
) -> Transfer:
    r"""Build Ulam's matrix, :math:`P_{ij} = |C_i \cap F^{-1}(C_j)| / |C_i|`, by following even samples of every cell.

    map: a Map, a Flow with its dt, or any function (n, dim) -> (n, dim); box: (low, high) for each of one or two
    coordinates; cells: a number, or one for each coordinate; samples: points a cell (two coordinates: the next
    square); spacing: how cells are spaced, see `cut`; leading: eigenvalues wanted. Runs in double precision.

    Mass that leaves the box is lost: rows then sum to less than 1, the leading eigenvalue is the share that survives a
    step, and the density is that of the survivors (Pianigiani and Yorke 1979). Raises ValueError where all leave.

    >>> doubling = ulam(lambda s: 2 * s % 1, (0, 1), cells=64)
    >>> round(float(doubling.density.min()), 9), round(float(doubling.density.max()), 9)
    (1.0, 1.0)
    """
    grid = cut(box, cells, spacing)
    count = checks.positive_int("samples", samples)
    wanted = checks.positive_int("leading", leading)
    ends = [(float(e[0]), float(e[-1])) for e in grid.edges]
    step, name = stepper(map, ends, dt)
    points, per_cell = grid.samples(count)
    into = grid.find(step(points))
    size = math.prod(grid.shape)
    out_of = np.arange(size).repeat(per_cell)
    kept = (into >= 0).numpy()
    if not kept.any():
        raise ValueError(f"map takes every sample of the box {ends} out of it: is it a map of this box?")
    shares = scipy.sparse.coo_array(
        (np.full(int(kept.sum()), 1 / per_cell), (out_of[kept], into.numpy()[kept])), (size, size)
    ).tocsr()
    values, masses = _leading(shares, wanted)
    lost = float(masses @ (1 - shares.sum(1)).clip(0))
    masses_in_place = torch.from_numpy(masses).reshape(grid.shape)
    notes = [f"{name}: {size} cells, {per_cell} samples each"]
    if lost > 1e-9:
        notes.append(f"{100 * lost:.2g} % of the mass leaves the box a step: widen the box, or take smaller cells")
    kind = f"Ulam's matrix on {size} cells (beyond 1 they depend on the grid)"
    spectrum = Spectrum(torch.from_numpy(values), dt=1.0 if dt is None else float(dt), kind=kind)
    entries = shares.tocoo()
    places, amounts = torch.from_numpy(np.stack([entries.row, entries.col])), torch.from_numpy(entries.data)
    matrix = torch.sparse_coo_tensor(places, amounts, (size, size), device=amounts.device, check_invariants=False)
    return Transfer(spectrum, matrix.coalesce(), masses_in_place / grid.volumes, grid, lost, tuple(notes))


def _leading(shares: scipy.sparse.csr_array, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the leading eigenvalues, (n,) complex, and what even masses come to, (cells,) with sum 1."""
    size = shares.shape[0]
    even = np.full(size, 1 / size)
    if size <= DENSE:
        values = np.linalg.eigvals(shares.toarray())
        # The mean of u, u P, u P^2, .. in the sense of Abel: also where several sets are invariant, or sets take turns.
        nearly = (1 - 1e-8) / max(float(np.abs(values).max()), 1e-300)
        masses = np.linalg.solve(np.eye(size) - nearly * shares.toarray().T, even)
    else:
        values, left = _arnoldi(shares.T.tocsr(), wanted, even)
        same = np.abs(values - values[values.real.argmax()]) < 1e-8
        masses = left[:, same].real[:, 0]
        if same.sum() > 1:  # several sets are invariant: project the even start onto them
            others, right = _arnoldi(shares, wanted, even)
            right = right[:, np.argsort(np.abs(others - values[same][0]))[: same.sum()]]
            masses = (left[:, same] @ np.linalg.solve(right.T @ left[:, same], right.T @ even)).real
    masses = (masses / masses.sum()).clip(0)
    order = np.lexsort((-values.imag, -np.abs(values).round(12)))
    return values[order][:wanted].astype(complex), masses / masses.sum()


def _arnoldi(matrix: scipy.sparse.csr_array, wanted: int, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvalues of largest modulus with their right eigenvectors, as many as converge."""
    try:
        return eigs(matrix, k=wanted, which="LM", v0=start, maxiter=20 * len(start))
    except ArpackNoConvergence as failed:
        if len(failed.eigenvalues):
            return failed.eigenvalues, failed.eigenvectors
        raise ValueError(
            f"cells: Arnoldi's iteration found no eigenvalue on {len(start)} cells; take at most {DENSE}, "
            "whose eigenvalues are all computed"
        ) from None
