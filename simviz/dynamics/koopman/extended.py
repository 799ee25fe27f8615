"""Which eigenvalues does the Koopman operator have on these observables? Extended DMD (Williams et al. 2015).

Every eigenvalue comes with its residual on snapshots that the fit has not seen (Colbrook and Townsend 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from simviz import checks
from simviz.dynamics.features import Dictionary, as_dictionary
from simviz.dynamics.koopman.assemble import assemble
from simviz.dynamics.koopman.evidence import Kept
from simviz.dynamics.koopman.leastsquares import Factored, LeastSquares
from simviz.dynamics.koopman.result import Koopman
from simviz.dynamics.koopman.snapshots import Orbits, Pairs, observe, right_side, states, weights_for

SHARE = 5
"""One snapshot, or trajectory, in this many is held out of the fit."""


def edmd(
    before: Any,
    after: Any,
    dictionary: Any,
    *,
    dt: float = 1.0,
    weights: Any = None,
    check: tuple[Any, ...] | Literal[False] | None = None,
    seed: int = 0,
) -> Koopman:
    r"""Fit :math:`\phi(F(s)) \approx \phi(s) \hat K` to snapshots s, F(s) by weighted least squares.

    before, after: (snapshots, dim), NumPy or torch, or windows (snapshots, count, dim) for `Delays`; dictionary: a
    `features.Dictionary`, a function or an `nn.Module`; dt: time between before and after; weights: nonnegative, one a
    snapshot (a quadrature rule). check: None, a seeded fifth is held out for the residuals and the rest fitted;
    (before, after) or (before, after, weights), fresh snapshots: all of the first two are fitted; False: residuals in
    sample, labelled so. seed: of the fifth.

    All sums run in double precision (float32 snapshots are widened before they are observed), on the snapshots' device.
    Up to a condition number of 1e4 of the column-scaled observables the normal equations are solved, beyond it a
    streamed QR; `method` says which. Observables that depend on the others to rounding (eps^(3/4)) are left out of the
    count: there are as many eigenvalues as independent observables, and `notes` says so.
    Raises ValueError, a sentence each, for data that cannot be worked with.

    >>> before = torch.linspace(0.1, 2.0, 50, dtype=torch.float64)[:, None]
    >>> from simviz.dynamics.features import Monomials
    >>> edmd(before, 0.5 * before, Monomials(2)).eigenvalues.real.round(decimals=6).tolist()
    [1.0, 0.5, 0.25]
    """
    dictionary, dt = as_dictionary(dictionary), checks.positive("dt", dt)
    return fitted(sources(before, after, weights, dictionary, check, seed), dictionary, dt=dt, method="EDMD")


@dataclass(frozen=True)
class Sources:
    """What is fitted, what is checked, how that is called, and whether it is the same data."""

    fit: Pairs | Orbits
    held: Pairs | Orbits
    words: str
    in_sample: bool = False
    parted: bool = False
    notes: tuple[str, ...] = ()


def sources(before: Any, after: Any, weights: Any, dictionary: Dictionary, check: Any, seed: int) -> Sources:
    """Check the snapshots and part them into those of the fit and those of the residuals."""
    seed = checks.positive_int("seed", seed, 0)
    first, then, given = _pair(("before", "after", "weights"), before, after, weights, dictionary)
    whole = Pairs(first, then, given)
    if check is False:
        return Sources(whole, whole, "in sample", in_sample=True)
    if check is not None:
        return Sources(whole, _fresh(check, dictionary, first), "fresh snapshots")
    count = max(1, round(len(first) / SHARE))
    shuffled = torch.from_numpy(np.random.default_rng(seed).permutation(len(first))).to(first.device)
    rest, out = shuffled[count:].sort().values, shuffled[:count].sort().values
    return Sources(Pairs(first, then, given, rest), Pairs(first, then, given, out), "held out", parted=True)


def _fresh(check: Any, dictionary: Dictionary, like: torch.Tensor) -> Pairs:
    """Check the fresh snapshots of check=(before, after), or with weights."""
    if not isinstance(check, (tuple, list)) or len(check) not in (2, 3):
        raise ValueError(f"check must be None, False or (before, after) of fresh snapshots, got {type(check).__name__}")
    names = ("before of check", "after of check", "weights of check")
    first, then, weights = _pair(names, check[0], check[1], check[2] if len(check) == 3 else None, dictionary, 1)
    if first.shape[-1] != like.shape[-1]:
        raise ValueError(
            f"the snapshots of check must have {like.shape[-1]} coordinates, as those fitted, got {first.shape[-1]}"
        )
    return Pairs(first.to(like.device), then.to(like.device), weights)


def _pair(
    names: tuple[str, str, str], before: Any, after: Any, weights: Any, dictionary: Dictionary, least: int = 2
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    first, then = states(names[0], before, dictionary), states(names[1], after, dictionary)
    if first.shape != then.shape:
        raise ValueError(
            f"{names[0]} and {names[1]} must have the same shape, row i of the second one step after row i of the "
            f"first, got {tuple(first.shape)} and {tuple(then.shape)}"
        )
    if len(first) < least:
        raise ValueError(f"{names[0]} holds {len(first)} snapshot: at least {least} are needed")
    return first, then.to(first.device), weights_for(weights, (len(first),), first)


def solve(source: Pairs | Orbits, dictionary: Dictionary) -> Factored:
    """Sum a source that can be read again: where its condition number asks for it, once more and by QR throughout."""
    done = None
    for method in ("Gram", "QR"):
        sums = LeastSquares(method)
        for left, right, state, weights in source.lifted(dictionary):
            sums.add(left, right_side(dictionary, right, state), weights)
            if sums.blurred:
                break
        done = sums.finish()
        if not done.blurred:
            break
    assert done is not None
    return done


def fitted(parts: Sources, dictionary: Dictionary, *, dt: float, method: str) -> Koopman:
    """Fit and check sources that can be read again."""
    size, precision = shape_of(dictionary, parts.fit)
    evidence = Kept(parts.held, dictionary, size, precision)
    problem = solve(parts.fit, dictionary)
    kind = f"{method}, {parts.words}"
    return assemble(
        problem,
        evidence,
        dictionary,
        parts.fit.dim,
        dt=dt,
        kind=kind,
        in_sample=parts.in_sample,
        parted=parts.parted,
        notes=parts.notes,
    )


def shape_of(dictionary: Dictionary, source: Pairs | Orbits) -> tuple[int, torch.dtype]:
    """Return the number of observables and the precision in which the dictionary computes them."""
    point = source.probe()
    values = dictionary.values(point)
    return observe(dictionary, point).shape[-1], values.dtype if values.is_floating_point() else point.dtype
