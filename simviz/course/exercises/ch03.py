"""Chapter 03: the matrix of the Koopman operator on a dictionary, and the receipt of an eigenvalue."""

from __future__ import annotations

import math

import torch

from simviz.course.answers import as_tensor
from simviz.course.exercises.base import Args, Exercise, Seen, Wrong
from simviz.course.exercises.draws import rotation, uniform
from simviz.course.wording import four

_FAST = -1.0


def edmd(PX: torch.Tensor, PY: torch.Tensor) -> torch.Tensor:
    """Return K (n, n) with PY ~ PX K; the rows of PX and PY, (m, n), are snapshots, and one step later."""
    return torch.linalg.lstsq(PX, PY).solution


def _snapshots(generator: torch.Generator, count: int, slow: float, dt: float) -> tuple[torch.Tensor, torch.Tensor]:
    """States of the slow manifold and where they are after dt, exactly: (count, 2) each."""
    X = 4 * torch.rand(count, 2, generator=generator, dtype=torch.float64) - 2
    bend = _FAST / (_FAST - 2 * slow)
    first = X[:, 0] * math.exp(slow * dt)
    second = (X[:, 1] - bend * X[:, 0] ** 2) * math.exp(_FAST * dt) + bend * first**2
    return X, torch.stack([first, second], 1)


def _lifted(s: torch.Tensor) -> torch.Tensor:
    """(m, 2) -> (m, 3): s1, s2, s1^2."""
    return torch.stack([s[:, 0], s[:, 1], s[:, 0] ** 2], 1)


def _dictionaries(generator: torch.Generator) -> list[Args]:
    cases: list[Args] = []
    for _ in range(2):
        X, Y = _snapshots(generator, 100, -uniform(generator, 0.03, 0.08), uniform(generator, 0.08, 0.15))
        cases.append((_lifted(X), _lifted(Y)))
    return cases


def _transposed(PX: torch.Tensor, PY: torch.Tensor) -> torch.Tensor:
    return edmd(PX, PY).T


def _backwards(PX: torch.Tensor, PY: torch.Tensor) -> torch.Tensor:
    return edmd(PY, PX)


def _raw_state(PX: torch.Tensor, PY: torch.Tensor) -> torch.Tensor:
    return edmd(PX[:, :2], PY[:, :2])


def _of_transpose(seen: Seen) -> str:
    PX, PY = seen.args
    K = as_tensor(seen.given)
    assert K is not None
    values, vectors = torch.linalg.eig(K.to(torch.float64))
    ahead, now = PY.to(vectors.dtype) @ vectors, PX.to(vectors.dtype) @ vectors  # (m, n) each
    worst = float(((ahead - values * now).norm(dim=0) / now.norm(dim=0)).max())
    return f"Same eigenvalues! But your eigenfunctions have residual {worst:.2f}: check `PX @ K - PY`."


def _of_inverse(seen: Seen) -> str:
    K = as_tensor(seen.given)
    assert K is not None
    return f"You found {float(K[1, 1].real):.3f} for {float(seen.want[1, 1]):.3f}: the inverse map."


def _of_raw(seen: Seen) -> str:
    return f"Three observables, K must be 3 x 3; {float(seen.want[2, 2]):.3f} is missing: that is s1^2."


def residual(lam: torch.Tensor, h: torch.Tensor, PX: torch.Tensor, PY: torch.Tensor) -> torch.Tensor:
    """Return |PY h - lam PX h| / |PX h|: h (n,) are an eigenfunction's coefficients, PX and PY (m, n) fresh data."""
    now, ahead = PX @ h, PY @ h  # (m,) each: the eigenfunction on the snapshots, and one step later
    return (ahead - lam * now).norm() / now.norm()


def _eigenpairs(generator: torch.Generator) -> list[Args]:
    """Every pair of two fits that each have one observable too many: real eigenvalues, then a complex pair."""
    slow, turn = -uniform(generator, 0.03, 0.08), uniform(generator, 0.3, 0.6)
    drawn = [_snapshots(generator, 200, slow, 0.1) for _ in range(2)]
    manifold = [tuple(torch.cat([_lifted(s), torch.tanh(3 * s[:, 1:])], 1) for s in pair) for pair in drawn]
    turned = [
        tuple(torch.cat([s, torch.tanh(s[:, :1])], 1) for s in (pair[0], pair[0] @ rotation(turn).T)) for pair in drawn
    ]
    cases: list[Args] = []
    for fit, fresh in (manifold, turned):
        values, vectors = torch.linalg.eig(edmd(*fit))
        order = (values.real + 0.1 * values.imag).argsort()  # a solver may return any order
        values, vectors = values[order], vectors[:, order]
        scale = uniform(generator, 2.0, 4.0)
        PX, PY = (P.to(torch.complex128) for P in fresh)
        cases += [(value, scale * _turned(vector), PX, PY) for value, vector in zip(values, vectors.T, strict=True)]
    return cases


def _turned(vector: torch.Tensor) -> torch.Tensor:
    """The eigenvector (n,) whose first entry of any size is real and positive: a solver may return any phase."""
    first = vector[(vector.abs() > 0.1 * vector.abs().max()).int().argmax()]
    return vector * first.conj() / first.abs()


def _of_the_matrix(lam: torch.Tensor, h: torch.Tensor, PX: torch.Tensor, PY: torch.Tensor) -> torch.Tensor:
    return (edmd(PX, PY) @ h - lam * h).norm()


def _of_the_matrix_relative(lam: torch.Tensor, h: torch.Tensor, PX: torch.Tensor, PY: torch.Tensor) -> torch.Tensor:
    return _of_the_matrix(lam, h, PX, PY) / h.norm()


def _not_normalised(lam: torch.Tensor, h: torch.Tensor, PX: torch.Tensor, PY: torch.Tensor) -> torch.Tensor:
    return (PY @ h - lam * (PX @ h)).norm()


def _by_modulus(lam: torch.Tensor, h: torch.Tensor, PX: torch.Tensor, PY: torch.Tensor) -> torch.Tensor:
    return residual(lam.abs(), h, PX, PY)


def _asks_the_matrix(seen: Seen) -> str:
    return (
        f"You report {four(float(seen.given))}, the data say {four(float(seen.want))}. |K v - lam v| asks the matrix "
        "about itself, and with the K that `lam` and `v` come from it is always 1e-16; ask the data."
    )


def _needs_its_angle(seen: Seen) -> str:
    return (
        f"For the rotation you report {float(seen.given):.2f}, the true pair has {abs(float(seen.want)):.0f}: "
        "keep lambda complex."
    )


EXERCISES = [
    Exercise(
        id="03a",
        title="EDMD",
        statement=(
            "Find K with PY ~ PX K, as closely as can be.\n\nThe rows of `PX`, shape (m, n), are the observables of m "
            "snapshots, those of `PY` the same observables one step later; return K, shape (n, n). The cases are the "
            "slow manifold, with s1, s2 and s1^2."
        ),
        right=edmd,
        cases=_dictionaries,
        wrong=(
            Wrong("transpose", _transposed, _of_transpose),
            Wrong("backwards", _backwards, _of_inverse),
            Wrong("raw", _raw_state, _of_raw),
        ),
        hints=("Least squares, not inverse.", "`torch.linalg.lstsq(PX, PY).solution`"),
    ),
    Exercise(
        id="03b",
        title="The receipt",
        statement=(
            "Someone gives you an eigenvalue and an eigenfunction. Check them against snapshots that were not used in "
            "the fit: return |PY h - lam PX h| / |PX h|.\n\n`lam` is one complex number, `h` its coefficients, shape "
            "(n,); `PX` and `PY`, shape (m, n), are the observables on the snapshots and one step later. All of them "
            "are complex128; return one real number."
        ),
        right=residual,
        cases=_eigenpairs,
        wrong=(
            Wrong("matrix", _of_the_matrix, _asks_the_matrix, also=(_of_the_matrix_relative,)),
            Wrong("scale", _not_normalised, "Scaling v by 3 tripled it: divide by |PX h|."),
            Wrong("modulus", _by_modulus, _needs_its_angle),
        ),
        hints=("What should g(F(s)) equal?", "g on the snapshots is `PX @ h`."),
    ),
]
