"""Chapter 06: the projection that a bottleneck may be, the bottleneck folded away, and its coordinates renamed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from simviz.course import answers
from simviz.course.answers import as_tensor
from simviz.course.exercises.base import Args, Exercise, Seen, Wrong
from simviz.course.exercises.draws import normal, rotation, uniform
from simviz.course.wording import four

_CONDITION = 10.0
"""How ill conditioned V^T U may be: worse ones would judge rounding."""

Affine = tuple[torch.Tensor, torch.Tensor]
Pair = tuple[torch.Tensor, torch.Tensor]


def projection(U: torch.Tensor, V: torch.Tensor) -> torch.Tensor:
    """Return the projection (d, d) onto the columns of U that keeps V^T phi; U and V (d, r), V^T U invertible."""
    return U @ torch.linalg.solve(V.T @ U, V.T)


def _bottleneck(generator: torch.Generator, d: int, r: int) -> Pair:
    """U and V (d, r) of no order, no column of one nearly at right angles to the other's."""
    while True:
        U, V = normal(generator, d, r), normal(generator, d, r)
        if all(float(torch.linalg.cond(M)) < _CONDITION for M in (V.T @ U, U, V)):
            return U, V


def _pairs(generator: torch.Generator) -> list[Args]:
    return [_bottleneck(generator, 6, 3), _bottleneck(generator, 5, 2)]


def _product(U: torch.Tensor, V: torch.Tensor) -> torch.Tensor:
    return U @ V.T


def _orthogonal(U: torch.Tensor, V: torch.Tensor) -> torch.Tensor:
    return U @ torch.linalg.solve(U.T @ U, U.T)


def _other_way_round(U: torch.Tensor, V: torch.Tensor) -> torch.Tensor:
    return projection(V, U)


def _twice(seen: Seen) -> str:
    P = _matrix(seen.given)
    return f"Twice is not once: |Pi Pi - Pi| = {four(float((P @ P - P).norm()))}."


def _changes_invariants(seen: Seen) -> str:
    P, V = _matrix(seen.given), seen.args[1]
    by = four(float((V.T @ P - V.T).norm()))
    return f"A projection, but it changes the invariants V^T phi: |V^T Pi - V^T| = {by}."


def _moves_U(seen: Seen) -> str:
    P, U = _matrix(seen.given), seen.args[0]
    return f"You transposed it: U is not left alone, |Pi U - U| = {four(float((P @ U - U).norm()))}."


def _matrix(answer: Any) -> torch.Tensor:
    found = as_tensor(answer)
    assert found is not None
    return found.real.to(torch.float64)


def fold(
    W_phi: torch.Tensor, b_phi: torch.Tensor, U: torch.Tensor, V: torch.Tensor, W1: torch.Tensor, b1: torch.Tensor
) -> Affine:
    """Return W (width, inputs) and b (width,) of the one affine map that basis, bottleneck and decoder are in a row.

    W_phi (d, inputs), b_phi (d,): the basis's last layer. U, V (d, r). W1 (width, d), b1 (width,): the decoder's first.
    """
    middle = W1 @ U @ V.T  # (width, d)
    return middle @ W_phi, middle @ b_phi + b1


def _layers(generator: torch.Generator) -> list[Args]:
    """Three layers in a row; the decoder is as wide as the basis, so that each way of adding a bias has a shape."""
    cases: list[Args] = []
    for d, r, inputs in ((4, 2, 3), (6, 2, 5)):
        U, V = _bottleneck(generator, d, r)
        W_phi, b_phi = normal(generator, d, inputs), normal(generator, d)
        cases.append((W_phi, b_phi, U, V, normal(generator, d, d), normal(generator, d)))
    return cases


def _bias_dropped(W_phi: torch.Tensor, b_phi: Any, U: Any, V: Any, W1: Any, b1: Any) -> Affine:
    return W1 @ U @ V.T @ W_phi, b1


def _bias_unmapped(W_phi: torch.Tensor, b_phi: Any, U: Any, V: Any, W1: Any, b1: Any) -> Affine:
    return W1 @ U @ V.T @ W_phi, b_phi + b1


def _bias_past_bottleneck(W_phi: torch.Tensor, b_phi: Any, U: Any, V: Any, W1: Any, b1: Any) -> Affine:
    return W1 @ U @ V.T @ W_phi, W1 @ b_phi + b1


def _bias_past_decoder(W_phi: torch.Tensor, b_phi: Any, U: Any, V: Any, W1: Any, b1: Any) -> Affine:
    return W1 @ U @ V.T @ W_phi, U @ V.T @ b_phi + b1


def _order_swapped(W_phi: torch.Tensor, b_phi: Any, U: Any, V: Any, W1: Any, b1: Any) -> Affine:
    return fold(W_phi, b_phi, V, U, W1, b1)


def regauge(U: torch.Tensor, V: torch.Tensor, W1: torch.Tensor, target: torch.Tensor) -> Pair:
    """Return U' (d, r) and W1' (width, d) with V^T U' = target (r, r) and the same W1' U' V^T as before; d >= 2 r.

    With R U = U', W1 R^-1 does to the columns of U' what W1 U pinv(U') does, and nothing else ever reaches it.
    """
    r = U.shape[1]
    N = torch.linalg.svd(V.T).Vh[r : 2 * r].T  # (d, r): columns that V^T does not see
    U_new = V @ torch.linalg.solve(V.T @ V, target) + N
    return U_new, W1 @ U @ torch.linalg.pinv(U_new)


def _targets(generator: torch.Generator) -> list[Args]:
    """A diagonal target with a 0 in it, so that N is needed, and a turn that grows."""
    sizes = [uniform(generator, 0.7, 1.0), -uniform(generator, 0.3, 0.6), 0.0]
    turn = uniform(generator, 1.05, 1.4) * rotation(uniform(generator, 0.5, 1.5))
    cases: list[Args] = []
    for d, r, target in ((6, 3, torch.tensor(sizes, dtype=torch.float64).diag()), (5, 2, turn)):
        U, V = _bottleneck(generator, d, r)
        cases.append((U, V, normal(generator, 4, d), target))
    return cases


def gauge(args: Args, answer: Any) -> Pair | None:
    """Return V^T U' (r, r) and W1' U' V^T (width, d) of an answer; None for one of another form."""
    U, V, W1, _ = args
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        return None
    U_new, W1_new = (as_tensor(part) for part in answer)
    if U_new is None or W1_new is None or U_new.shape != U.shape or W1_new.shape != W1.shape:
        return None
    wide = torch.complex128 if U_new.is_complex() or W1_new.is_complex() else torch.float64
    U_new, W1_new, V = U_new.to(wide), W1_new.to(wide), V.to(wide)
    return V.T @ U_new, W1_new @ U_new @ V.T


def _U_alone(U: torch.Tensor, V: torch.Tensor, W1: torch.Tensor, target: torch.Tensor) -> Pair:
    return U @ torch.linalg.solve(V.T @ U, target), W1


def _shortest_U_alone(U: torch.Tensor, V: torch.Tensor, W1: torch.Tensor, target: torch.Tensor) -> Pair:
    return V @ torch.linalg.solve(V.T @ V, target), W1


def _unchanged(U: torch.Tensor, V: torch.Tensor, W1: torch.Tensor, target: torch.Tensor) -> Pair:
    return U, W1


def _hits_but_moves(seen: Sequence[Seen]) -> bool:
    """V^T U' is the target in every case, and outputs have moved in one."""
    views = [(gauge(one.args, one.given), one) for one in seen]
    return all(
        view is not None and bool(torch.isfinite(view[1]).all()) and answers.same(view[0], one.args[3], 1e-6)
        for view, one in views
    )


def _still_old(seen: Sequence[Seen]) -> bool:
    """V^T U' is V^T U in every case."""
    views = [(gauge(one.args, one.given), one) for one in seen]
    return all(view is not None and answers.same(view[0], one.args[1].T @ one.args[0], 1e-6) for view, one in views)


def _moved_by(seen: Seen) -> str:
    U, V, W1, _ = seen.args
    view, U_new = gauge(seen.args, seen.given), _matrix(seen.given[0])
    assert view is not None
    by = four(float((view[1] - W1 @ U @ V.T).norm()))
    lost = int(torch.linalg.matrix_rank(U_new, rtol=1e-9)) < U.shape[1]
    more = f" None can while U' has rank below {U.shape[1]}: add columns that V^T does not see." if lost else ""
    return f"Outputs moved by {by} (that is |W1' U' V^T - W1 U V^T|): the decoder must undo it.{more}"


def _shortest_moved_by(seen: Seen) -> str:
    return f"The shortest U' is a new U all the same. {_moved_by(seen)}"


EXERCISES = [
    Exercise(
        id="06a",
        title="A projection",
        statement=(
            "Return the matrix Pi that projects onto the columns of U and keeps V^T phi, whatever phi is.\n\n`U` and "
            "`V` have shape (d, r), V^T U is invertible; return shape (d, d)."
        ),
        right=projection,
        cases=_pairs,
        wrong=(
            Wrong("product", _product, _twice),
            Wrong("orthogonal", _orthogonal, _changes_invariants),
            Wrong("transposed", _other_way_round, _moves_U),
        ),
        hints=("Two conditions: Pi U = U, V^T Pi = V^T.", "`U @ M @ V.T`, find M."),
    ),
    Exercise(
        id="06b",
        title="Fold",
        statement=(
            "The basis ends in phi = W_phi h + b_phi, the bottleneck makes U V^T phi of it, the decoder begins with "
            "W1 (U V^T phi) + b1. Return the one affine map that does all of this to h: W and b.\n\n`W_phi` has shape "
            "(d, inputs), `b_phi` (d,), `U` and `V` (d, r), `W1` (width, d), `b1` (width,); return two things, W of "
            "shape (width, inputs) and b of shape (width,)."
        ),
        right=fold,
        cases=_layers,
        wrong=(
            Wrong("bias-dropped", _bias_dropped, "Off by a constant: the bias travels too."),
            Wrong(
                "bias-unmapped",
                _bias_unmapped,
                "It passes through U V^T and W1 first: b_phi is part of phi.",
                also=(_bias_past_bottleneck, _bias_past_decoder),
            ),
            Wrong("order", _order_swapped, "Order: data meets V first."),
        ),
        hints=("Write it for one h.", "`W1 @ U @ V.T @ W_phi`, `W1 @ U @ V.T @ b_phi + b1`"),
        afterwards=(
            "Where did infinite time go? Answer in one sentence.",
            "Into one matrix: if A^t tends to a limit, the limit is the linear map U V^T, and a linear map between two "
            "others can be multiplied into them, so that no step is ever taken.",
        ),
    ),
    Exercise(
        id="06c",
        title="Another gauge (★)",
        statement=(
            "Give V^T U any eigenvalues you like, and let no output see it: return U' and W1' with V^T U' = target and "
            "W1' U' V^T = W1 U V^T.\n\n`U` and `V` have shape (d, r) with d >= 2 r, `W1`, the decoder's first matrix, "
            "(width, d), `target` (r, r); it may be singular. Return two things, shaped as `U` and `W1`. There are "
            "many answers; V^T U' and W1' U' V^T are what is compared."
        ),
        right=regauge,
        cases=_targets,
        view=gauge,
        wrong=(
            Wrong("unchanged", _unchanged, "V^T U is still the old one.", sign=_still_old),
            Wrong("shortest", _shortest_U_alone, _shortest_moved_by),
            Wrong("alone", _U_alone, _moved_by, sign=_hits_but_moves),
        ),
        hints=(
            "Look for R with U' = R U, W1' = W1 R^-1.",
            "Any R that sends U to `V @ inv(V.T @ V) @ target + N`, with V^T N = 0 and N making it full rank.",
        ),
    ),
]
