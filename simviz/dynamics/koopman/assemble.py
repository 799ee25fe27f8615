"""From a factored least-squares problem to a spectrum: eigenpairs in the numerical range, ordered and named."""

from __future__ import annotations

import torch

from simviz.dynamics.features import Dictionary
from simviz.dynamics.koopman.evidence import Evidence, leaders, rank_of
from simviz.dynamics.koopman.leastsquares import GRAM_LIMIT, Factored, scale_of
from simviz.dynamics.koopman.result import Koopman
from simviz.records import Spectrum

WITHIN = 1e-2
"""Data cannot tell an eigenvalue from the circle within its residual; beyond this distance they are not asked."""


def assemble(
    problem: Factored,
    evidence: Evidence,
    dictionary: Dictionary,
    dim: int,
    *,
    dt: float,
    kind: str,
    in_sample: bool = False,
    parted: bool = False,
    notes: tuple[str, ...] = (),
) -> Koopman:
    """Solve the factored problem, whose right side is [observables after, states before], and measure the residuals.

    Without states before, the state is the last `dim` observables themselves. parted: the snapshots of the residuals
    were held out of those given; where all of these are fewer than twice the independent observables, the residuals
    are NaN and the spectrum carries advice.
    """
    n = problem.R.shape[1]
    to_range, solved, scale = _solve(problem, dim, evidence.precision)
    rank = to_range.shape[1]
    step = solved[:, :n] @ to_range  # (r, r)
    eigenvalues, eigen = eigenpairs(step)
    vectors = to_range.to(eigen.dtype) @ eigen  # (n, r)
    turn = _phase(vectors, scale)
    eigen, vectors = eigen * turn, vectors * turn
    advice = _too_few(problem.rows + evidence.rows, rank) if parted else ""
    notes += _remarks(problem, evidence, rank, advice)
    residuals = eigenvalues.real.new_full((rank,), float("nan"))
    if not advice:
        residuals = evidence.residuals(eigenvalues, vectors)
    spectrum = Spectrum(
        eigenvalues,
        residuals,
        dt,
        _named(vectors, scale, dictionary.names(dim)),
        kind if not advice else f"{kind.split(',')[0]}, no residuals",
        in_sample,
        tolerance=WITHIN,
        advice=advice,
    )
    return Koopman(
        spectrum,
        to_range @ solved[:, :n],
        dictionary,
        vectors,
        problem.method,
        problem.condition,
        rank,
        problem.rows,
        evidence.rows,
        notes,
        to_range,
        step,
        solved[:, n:],
        eigen,
        evidence,
    )


def _solve(problem: Factored, dim: int, precision: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Least squares in the numerical range: to_range (n, r), the solution (r, n + dim), the observables' scale (n,)."""
    n = problem.R.shape[1]
    root = problem.weight**0.5
    R, Z = problem.R / root, problem.Z / root
    scale = scale_of(R)
    U, values, Vh = torch.linalg.svd(R / scale, full_matrices=False)
    if not values[0] > 0:
        raise ValueError("every observable is zero on the snapshots: nothing can be fitted")
    rank = rank_of(values, precision)
    to_range = Vh[:rank].T / values[:rank] / scale[:, None]  # (n, r): q = phi to_range has mean square 1
    solved = U[:, :rank].T @ Z  # (r, n + dim)
    if Z.shape[1] == n:  # the state is among the observables: the last of them
        solved = torch.cat([solved, U[:, :rank].T @ R[:, n - dim :]], 1)
    return to_range, solved, scale


def _remarks(problem: Factored, evidence: Evidence, rank: int, advice: str) -> tuple[str, ...]:
    """What a reader of the result should know of the data behind it, one sentence each."""
    n, said = problem.R.shape[1], []
    if problem.rows < n:
        said.append(f"{problem.rows} snapshots cannot tell {n} observables apart: {rank} eigenvalues are left.")
    elif rank < n:
        said.append(f"{n - rank} of {n} observables depend on the others to rounding: {rank} eigenvalues are left.")
    if problem.blurred:
        said.append(_blurred(problem))
    if evidence.rows < 2 * rank:
        said.append(
            f"The pseudospectrum is NaN: it needs {2 * rank} checked snapshots, twice the independent observables."
        )
    if evidence.rows < rank and not advice:
        said.append(f"The residuals are rough: they rest on {evidence.rows} snapshots for {rank} observables.")
    return tuple(said)


def eigenpairs(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return eigenvalues (r,) by falling modulus, then angle, conjugates adjacent and exact; and vectors (r, r)."""
    values, vectors = torch.linalg.eig(matrix)
    first = leaders(values).nonzero().flatten()
    moduli, angles = values[first].abs(), values[first].angle()
    # equal moduli differ by rounding: compared to ten digits, so that the same spectrum has the same order twice
    keys = zip((-(moduli / moduli.max()).round(decimals=10)).tolist(), angles.tolist(), strict=True)
    ranked = [int(first[i]) for _, i in sorted((key, i) for i, key in enumerate(keys))]
    turns = values.imag > 0
    order = [(i, flip) for i in ranked for flip in ((False, True) if turns[i] else (False,))]
    index = torch.tensor([i for i, _ in order], device=values.device)
    flips = torch.tensor([flip for _, flip in order], device=values.device)
    values, vectors = values[index], vectors[:, index]
    return torch.where(flips, values.conj(), values), torch.where(flips, vectors.conj(), vectors)


def _phase(vectors: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """(r,) unit complex: turns each vector so that its largest part is real and positive."""
    largest = (vectors.abs() * scale[:, None]).argmax(0)  # (r,)
    lead = vectors.gather(0, largest[None])[0]
    return lead.conj() / lead.abs()


def _named(vectors: torch.Tensor, scale: torch.Tensor, names: tuple[str, ...]) -> tuple[str, ...]:
    """Name each eigenfunction after its largest observable; two dots where others reach a thousandth of it."""
    parts = vectors.abs() * scale[:, None]  # (n, r)
    parts = parts / parts.amax(0)
    alone = (parts > 1e-3).sum(0) == 1
    return tuple(
        names[i] + ("" if one else "..") for i, one in zip(parts.argmax(0).tolist(), alone.tolist(), strict=True)
    )


def _too_few(rows: int, rank: int) -> str:
    if rows >= 2 * rank:
        return ""
    return (
        f"no residuals: {rows} snapshots are too few to fit {rank} independent observables and to check them too. "
        f"Pass fresh snapshots as check=(before, after), at least {2 * rank} in all, or fewer observables"
    )


def _blurred(problem: Factored) -> str:
    return (
        f"the condition number {problem.condition:.1e} passes {GRAM_LIMIT:.0e}, but the first {problem.blurred} "
        "snapshots had been summed into a Gram matrix and could not be read again: of these, directions below 1e-8 "
        "of an observable's size are lost. Pass an array, or independent observables, for full accuracy."
    )
