"""Chapter 07: the seconds of a turn from one eigenvalue, and all eigenvalues of a torus from two angles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from simviz.course.answers import as_tensor, number
from simviz.course.exercises.base import Args, Exercise, Seen, Wrong
from simviz.course.exercises.draws import uniform

_GAP = 0.02
"""How far apart, in radians, all eigenvalues of a case lie."""


def period(lam: torch.Tensor, dt: float) -> torch.Tensor:
    """Return the seconds that one turn takes, for an eigenvalue `lam` of a step of `dt` seconds; 0-dimensional."""
    return 2 * torch.pi * dt / lam.angle().abs()


def _eigenvalues(generator: torch.Generator) -> list[Args]:
    """On the circle, inside it, and turning the other way."""
    cases: list[Args] = []
    for modulus, sign in ((1.0, 1), (uniform(generator, 0.85, 0.97), 1), (uniform(generator, 0.9, 1.0), -1)):
        angle, dt = sign * uniform(generator, 0.15, 0.6), uniform(generator, 0.05, 0.4)
        cases.append((torch.polar(*torch.tensor([modulus, angle], dtype=torch.float64)), dt))
    return cases


def _in_steps(lam: torch.Tensor, dt: float) -> torch.Tensor:
    return period(lam, 1.0)


def _inverted(lam: torch.Tensor, dt: float) -> torch.Tensor:
    return 1 / period(lam, dt)


def _from_modulus(lam: torch.Tensor, dt: float) -> torch.Tensor:
    return 2 * torch.pi * dt / lam.abs()


def _steps_not_seconds(seen: Seen) -> str:
    return f"{number(seen.given):.1f} steps, not seconds."


def lattice(a: float, b: float, order: int) -> torch.Tensor:
    """Return the eigenvalues e^{i (k1 a + k2 b)} with |k1| + |k2| <= order, k1 and k2 any integers; complex, (n,)."""
    k = torch.arange(-order, order + 1, dtype=torch.float64)
    k1, k2 = torch.meshgrid(k, k, indexing="ij")
    kept = k1.abs() + k2.abs() <= order
    return torch.exp(1j * (k1 * a + k2 * b)[kept])


def _tori(generator: torch.Generator) -> list[Args]:
    """Two pairs of angles whose combinations up to the order are all apart."""
    cases: list[Args] = []
    for order in (2, 3):
        a, b = 0.0, 0.0
        while _closest(lattice(a, b, order)) < _GAP:
            a, b = uniform(generator, 0.2, 0.55), uniform(generator, 0.6, 1.1)
        cases.append((a, b, order))
    return cases


def _closest(values: torch.Tensor) -> float:
    """The smallest distance between two of some numbers (n,)."""
    apart = (values[:, None] - values).abs()  # (n, n)
    return float((apart + 10 * torch.eye(len(values))).min())


def as_set(args: Args, answer: Any) -> torch.Tensor | None:
    """Return complex numbers as a set: in an order of their own, each once; None where they are no numbers."""
    found = as_tensor(list(answer) if isinstance(answer, (set, frozenset)) else answer)
    if found is None or not bool(torch.isfinite(found).all()):
        return None
    values = found.flatten().to(torch.complex128).tolist()
    values.sort(key=lambda value: (round(value.real, 4), round(value.imag, 4)))
    kept: list[complex] = []
    for value in values:
        if all(abs(value - other) > _GAP / 10 for other in kept):
            kept.append(value)
    return torch.tensor(kept, dtype=torch.complex128)


def _no_conjugates(a: float, b: float, order: int) -> torch.Tensor:
    pairs = [(k1, k2) for k1 in range(order + 1) for k2 in range(order + 1 - k1)]
    return _at(pairs, a, b)


def _half(a: float, b: float, order: int) -> torch.Tensor:
    pairs = [(k1, k2) for k1 in range(order + 1) for k2 in range(k1 - order, order + 1 - k1)]
    return _at(pairs, a, b)


def _axes(a: float, b: float, order: int) -> torch.Tensor:
    k = range(-order, order + 1)
    return _at([*((k1, 0) for k1 in k), *((0, k2) for k2 in k if k2)], a, b)


def _at(pairs: list[tuple[int, int]], a: float, b: float) -> torch.Tensor:
    return torch.exp(1j * (torch.tensor(pairs, dtype=torch.float64) @ torch.tensor([a, b], dtype=torch.float64)))


def _sums(a: float, b: float, order: int) -> torch.Tensor:
    k = torch.arange(-order, order + 1, dtype=torch.float64)
    k1, k2 = torch.meshgrid(k, k, indexing="ij")
    one, other = torch.exp(1j * torch.tensor([a, b], dtype=torch.float64))
    return (k1 * one + k2 * other)[k1.abs() + k2.abs() <= order]


def _within(values: torch.Tensor, others: torch.Tensor) -> bool:
    """Whether each of some numbers (n,) is one of the others (m,)."""
    return len(values) > 0 and bool(((values[:, None] - others).abs().amin(1) < _GAP / 10).all())


def _one_way(seen: Sequence[Seen]) -> bool:
    """Every answer is part of the lattice, and lacks the conjugate of a number it has."""
    for one in seen:
        values = as_set(one.args, one.given)
        if values is None or not _within(values, one.want) or _within(values.conj(), values):
            return False
    return True


def _adds(seen: Sequence[Seen]) -> bool:
    """Every answer holds sums of multiples of e^{ia} and e^{ib} alone, and leaves the circle with them."""
    for one in seen:
        values = as_set(one.args, one.given)
        if values is None or not _within(values, _sums(*one.args)) or float(values.abs().max()) < 1.01:
            return False
    return True


def _multiply(seen: Seen) -> str:
    values = as_set(seen.args, seen.given)
    assert values is not None
    return f"Modulus {float(values.abs().max()):.2f} is off the circle: multiply."


EXERCISES = [
    Exercise(
        id="07a",
        title="The clock in an eigenvalue",
        statement=(
            "One step takes `dt` seconds and multiplies a mode by `lam`. Return the seconds of one turn.\n\n`lam` is "
            "one complex number that is not real; return one positive number."
        ),
        right=period,
        cases=_eigenvalues,
        wrong=(
            Wrong("steps", _in_steps, _steps_not_seconds),
            Wrong("inverted", _inverted, "Turns a second; the question is seconds a turn."),
            Wrong("modulus", _from_modulus, "|lambda| is how it fades; the clock is in the angle."),
        ),
        hints=("Angle a step.", "`2 * torch.pi * dt / abs(angle)`"),
    ),
    Exercise(
        id="07b",
        title="The lattice of a torus",
        statement=(
            "Two clocks turn by `a` and `b` radians a step, and e^{ia}, e^{ib} are eigenvalues. So are others: return "
            "all persistent eigenvalues with |k1| + |k2| <= order, k1 and k2 being how often each clock is in it.\n\n"
            "`a` and `b` are numbers, `order` is a whole one; return complex numbers, in any order."
        ),
        right=lattice,
        cases=_tori,
        view=as_set,
        tolerance=1e-5,
        wrong=(
            Wrong("conjugates", _no_conjugates, "Real signals need conjugates.", also=(_half,), sign=_one_way),
            Wrong("axes", _axes, "Products of eigenfunctions are eigenfunctions: a + b is missing."),
            Wrong("sums", _sums, _multiply, sign=_adds),
        ),
        hints=("What does K do to a product?", "`exp(1j * (k1 * a + k2 * b))`"),
    ),
]
