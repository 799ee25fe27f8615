"""What does f do near its fixed point? The eigenvalues of df/dz there: all of them, or the leading ones of a large f.

Large: implicitly restarted Arnoldi (Sorensen 1992; ARPACK, Lehoucq et al. 1998). Size of the Jacobian: Hutchinson 1989.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs

from simviz import checks
from simviz.equilibria import states
from simviz.equilibria.states import Cell, Layout
from simviz.records import Spectrum

DENSE_SIZE = 400
"""Up to so many numbers in a sample's state all eigenvalues are computed, however few are asked for (benchmarked)."""
MOST_BYTES = 2**30
"""A dense Jacobian of one sample may take so much memory."""
CHUNK_BYTES = 2**28
"""Samples whose dense Jacobians together take so much are done at one time."""
KIND = "Jacobian at z*"


def spectrum(f: Cell, z: Any, x: Any, leading: int | None = None) -> Spectrum:
    r"""Return the eigenvalues of :math:`J = \partial f / \partial z` at z, for each sample, the largest modulus first.

    z, x: as for `solve`; the answer is complex (batch, n), n the numbers in one sample's state. leading: only that
    many; where the cut would part a conjugate pair of any sample, the whole batch is given as many more as it takes to
    part none. At a fixed point all moduli below 1 mean that plain iteration comes back to it; the largest is its rate.
    A sample whose Jacobian is not finite has NaN for eigenvalues. f must treat samples apart.

    With `leading` and more than 400 numbers, ARPACK finds them, to a relative 1e-8 (float32: 1e-5), from products with
    the transposed Jacobian, whose eigenvalues are the same; f is linearised once a sample, and no n x n matrix is
    made. Raises ValueError for NaN in z or x, an f that returns another shape, leading < 1, and a state so large that
    its dense Jacobian takes more than 1 GiB; RuntimeError where Arnoldi's method does not converge on such a state.
    """
    flat, layout = states.flatten("z", z)
    states.check_inputs(x, flat.shape[0])
    if leading is not None:
        leading = min(checks.positive_int("leading", leading), layout.size)
    if leading is not None and layout.size > DENSE_SIZE and leading + 2 <= layout.size // 8:
        return Spectrum(_arnoldi(f, layout, flat, x, leading), kind=KIND)
    return Spectrum(_first(_dense(f, layout, flat, x), leading), kind=KIND)


def spectral_radius(f: Cell, z: Any, x: Any) -> torch.Tensor:
    """Return the largest modulus of the eigenvalues of df/dz at z, (batch,): of true eigenvalues, complex ones too.

    NaN where the Jacobian is not finite. Raises as `spectrum` does.
    """
    return spectrum(f, z, x, leading=1).eigenvalues.abs().amax(dim=1)


def frobenius(
    f: Cell, z: Any, x: Any, draws: int = 1, *, seed: int = 0, generator: torch.Generator | None = None
) -> torch.Tensor:
    r"""Return an estimate of :math:`|J|_F^2` for each sample, (batch,), in autograd's graph.

    :math:`|J|_F^2 = E |J^T e|^2` for normal e (Hutchinson); its square root is at least the spectral radius, so that
    making it small makes f contract (Bai, Koltun and Kolter, arXiv 2106.14342). draws: how many e are averaged, each
    one product with J^T. seed: of the directions, which are drawn on the CPU; generator: draw them from this one
    instead. It may be differentiated with respect to f's parameters, x, and z where z needs a gradient.

    Raises ValueError for NaN in z or x, an f that returns another shape, draws < 1.
    """
    flat, layout = states.flatten("z", z)
    states.check_inputs(x, flat.shape[0])
    draws = checks.positive_int("draws", draws)
    if generator is None:
        generator = torch.Generator().manual_seed(checks.positive_int("seed", seed, 0))
    wanted = torch.is_grad_enabled()
    with torch.enable_grad():
        flat = flat if flat.requires_grad else flat.detach().requires_grad_()
        out = layout.pack(f(layout.unpack(flat), x))  # (batch, n)
        total = torch.zeros(flat.shape[0], dtype=flat.dtype, device=flat.device)
        for _ in range(draws if out.requires_grad else 0):
            e = torch.randn(out.shape, generator=generator, dtype=flat.dtype, device=generator.device).to(flat.device)
            last = None if wanted else True
            (product,) = torch.autograd.grad(
                out, flat, e, create_graph=wanted, retain_graph=last, allow_unused=True, materialize_grads=True
            )
            total = total + product.square().sum(dim=1)
    return total / draws


def _dense(f: Cell, layout: Layout, flat: torch.Tensor, x: Any) -> torch.Tensor:
    """All eigenvalues, complex (batch, n)."""
    n, (batch, dtype) = layout.size, (flat.shape[0], torch.promote_types(flat.dtype, torch.float32))
    each = n * n * torch.finfo(dtype).bits // 8
    if each > MOST_BYTES:
        raise ValueError(
            f"z holds {n} numbers a sample, whose dense Jacobian would take {each / 2**30:.1f} GiB: "
            "ask for the leading eigenvalues alone, such as leading=20"
        )

    def one(state: torch.Tensor, given: Any) -> torch.Tensor:
        batch_of_one = _map(lambda t: t[None], given)
        return layout.pack(f(layout.unpack(state[None]), batch_of_one))[0]

    slope = torch.func.jacrev(one, chunk_size=max(1, CHUNK_BYTES // (8 * 64 * n)))
    several = torch.func.vmap(slope, in_dims=(0, _map(lambda t: 0, x)))
    found, x = [], states.detach(x)
    with torch.no_grad():
        for rows in torch.arange(batch, device=flat.device).split(max(1, CHUNK_BYTES // each)):
            jacobian = several(flat.detach()[rows], states.take(x, rows)).to(dtype)  # (rows, n, n)
            finite = torch.isfinite(jacobian).flatten(1).all(dim=1)
            values = _sorted(torch.linalg.eigvals(torch.where(finite[:, None, None], jacobian, 0.0)))
            found.append(torch.where(finite[:, None], values, math.nan))
    return torch.cat(found)


def _arnoldi(f: Cell, layout: Layout, flat: torch.Tensor, x: Any, leading: int) -> torch.Tensor:
    """The leading eigenvalues, complex (batch, leading or a few more)."""
    rows, n = flat.split(1), layout.size
    given = [states.take(states.detach(x), torch.tensor([row], device=flat.device)) for row in range(len(flat))]
    many = leading + 2 * min(len(rows), 5)
    while True:
        if many > n // 2:
            return _first(_dense(f, layout, flat, x), leading)
        tried = [
            _leading(_product(f, layout, row, one), n, many, flat.dtype) for row, one in zip(rows, given, strict=True)
        ]
        found = [values for values in tried if values is not None]
        if len(found) < len(rows):
            if n * n * 8 > MOST_BYTES:
                raise RuntimeError(
                    f"Arnoldi's method found no {many} leading eigenvalues of {n}, and the dense Jacobian is too "
                    "large: ask for fewer or for more of them (a cluster that is cut converges slowly)"
                )
            return _first(_dense(f, layout, flat, x), leading)
        values = np.stack([v[: min(len(w) for w in found)] for v in found])
        dtype = torch.promote_types(flat.dtype, torch.float32).to_complex()
        cut = _first(torch.as_tensor(values).to(flat.device, dtype), leading)
        if cut.shape[1] < values.shape[1] or not _parted(cut).any():
            return cut
        many *= 2  # one sample's pair or another's stands at every possible cut so far


def _product(f: Cell, layout: Layout, z: torch.Tensor, x: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    """v (1, n) -> J^T v (1, n) of one sample; f is evaluated here, once."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        out = layout.pack(f(layout.unpack(z), x))

    def product(v: torch.Tensor) -> torch.Tensor:
        if not out.requires_grad:
            return torch.zeros_like(z)
        return torch.autograd.grad(out, z, v, retain_graph=True, allow_unused=True, materialize_grads=True)[0]

    return product


def _leading(
    product: Callable[[torch.Tensor], torch.Tensor], n: int, many: int, dtype: torch.dtype
) -> np.ndarray | None:
    """The `many` eigenvalues of largest modulus, with whole pairs, sorted; NaN for a Jacobian that is not finite.

    None where ARPACK does not find them.
    """
    broken = False

    def multiply(v: np.ndarray) -> np.ndarray:
        nonlocal broken
        out = product(torch.as_tensor(v.reshape(1, n)).to(dtype)).double().cpu().numpy().reshape(n)
        broken = broken or not np.isfinite(out).all()
        return np.where(np.isfinite(out), out, 0.0)

    start = np.random.default_rng(0).standard_normal(n)
    if not multiply(start).any() and not broken:
        return np.zeros(many, dtype=complex)  # J = 0, where ARPACK has no vector to begin with
    tolerance = 1e-8 if dtype == torch.float64 else 1e-5
    operator = LinearOperator((n, n), matvec=multiply, dtype=np.float64)
    for size in (max(4 * many, 100), max(8 * many, 200)):  # products against work on the basis: measured
        try:
            size = min(size, n)
            values = eigs(operator, many, ncv=size, v0=start, tol=tolerance, return_eigenvectors=False, maxiter=100)
        except ArpackNoConvergence:
            continue
        return np.full(many, np.nan, dtype=complex) if broken else _whole(values)
    return np.full(many, np.nan, dtype=complex) if broken else None


def _whole(values: np.ndarray) -> np.ndarray:
    """Sorted by falling modulus, every pair complete and side by side, the one above the real axis first."""
    above = values[values.imag >= 0]
    # An eigenvalue below the axis whose partner was cut off brings it back.
    alone = [v for v in values[values.imag < 0] if not np.isclose(above, v.conj(), rtol=1e-6, atol=0).any()]
    above = np.concatenate([above, np.conj(alone)])
    above = above[np.argsort(-np.abs(above), kind="stable")]
    return np.array([w for v in above for w in ((v, v.conj()) if v.imag else (v,))])


def _sorted(values: torch.Tensor) -> torch.Tensor:
    """(batch, n) by falling modulus, each pair kept together, the one above the real axis first."""
    modulus = values.abs()
    # LAPACK returns a pair side by side, the positive imaginary part first; give both the very same key.
    key = torch.where(values.imag < 0, modulus.roll(1, dims=1), modulus)
    return values.gather(1, key.argsort(dim=1, descending=True, stable=True))


def _first(values: torch.Tensor, leading: int | None) -> torch.Tensor:
    """(batch, n) -> (batch, leading), or as many more as it takes to part no pair."""
    if leading is None:
        return values
    while leading < values.shape[1] and _parted(values[:, :leading]).any():
        leading += 1
    return values[:, :leading]


def _parted(values: torch.Tensor) -> torch.Tensor:
    """(batch,) bool: whether the last column is the upper one of a pair, whose other half is not there."""
    return values[:, -1].imag > 0


def _map(change: Any, x: Any) -> Any:
    return states.pytree.tree_map(lambda leaf: change(leaf) if isinstance(leaf, torch.Tensor) else leaf, x)
