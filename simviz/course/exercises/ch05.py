"""Chapter 05: the density that stays, and random features whose products are a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from simviz.course import answers
from simviz.course.answers import as_tensor
from simviz.course.exercises.base import Args, Exercise, Seen, Wrong
from simviz.course.exercises.draws import normal, uniform
from simviz.course.wording import four

TOLERANCE = 0.06
"""How far products of random features may be from their mean."""


def density(M: torch.Tensor, width: float) -> torch.Tensor:
    """Return the density (n,) that a row-stochastic Ulam matrix M (n, n) leaves as it is; width: of a cell."""
    values, vectors = torch.linalg.eig(M.T)
    p = vectors[:, (values - 1).abs().argmin()].real  # (n,), up to a factor
    return p / (p.sum() * width)


def _matrices(generator: torch.Generator) -> list[Args]:
    """Ulam's matrix of a logistic map, and one of no origin."""
    n, growth = 40, uniform(generator, 3.9, 4.0)
    x = (torch.arange(n * 50, dtype=torch.float64) + 0.5) / (n * 50)
    source, target = (x * n).long(), (growth * x * (1 - x) * n).long().clamp(max=n - 1)
    ulam = torch.zeros(n, n, dtype=torch.float64).index_put((source, target), torch.ones_like(x), accumulate=True)
    mixed = torch.rand(6, 6, generator=generator, dtype=torch.float64) + 0.1
    long = uniform(generator, 0.2, 0.6)
    return [(ulam / ulam.sum(1, keepdim=True), 1 / n), (mixed / mixed.sum(1, keepdim=True), long)]


def _right_vector(M: torch.Tensor, width: float) -> torch.Tensor:
    return torch.full((len(M),), 1 / (len(M) * width), dtype=M.dtype)


def _mass(M: torch.Tensor, width: float) -> torch.Tensor:
    return density(M, width) * width


def _second(M: torch.Tensor, width: float) -> torch.Tensor:
    values, vectors = torch.linalg.eig(M.T)
    p = vectors[:, values.abs().argsort(descending=True)[1]].real
    return p / (p.abs().sum() * width)


def _flat(seen: Sequence[Seen]) -> bool:
    """All entries of each answer are alike."""
    given = [as_tensor(one.given) for one in seen]
    return all(p is not None and p.numel() > 1 and float((p - p.mean()).abs().max()) < 1e-9 for p in given)


def _two_signs(seen: Sequence[Seen]) -> bool:
    """Each answer is well below 0 somewhere and well above elsewhere."""
    given = [as_tensor(one.given) for one in seen]
    return all(
        p is not None and -float(p.real.min()) > 0.01 * float(p.abs().max()) < 100 * float(p.real.max()) for p in given
    )


def features(u: torch.Tensor, D: int, bandwidth: float) -> torch.Tensor:
    """Return features (n, D), D even, of points u (n, dim); products are near exp(-|u - v|^2 / (2 bandwidth^2))."""
    generator = torch.Generator().manual_seed(0)  # the same directions at each call
    directions = torch.randn(u.shape[1], D // 2, generator=generator, dtype=u.dtype) / bandwidth
    angles = u @ directions  # (n, D / 2)
    return torch.cat([angles.cos(), angles.sin()], 1) / (D / 2) ** 0.5


def _points(generator: torch.Generator) -> list[Args]:
    """Six points on a line, half a bandwidth apart, for a wide and a narrow bandwidth."""
    cases: list[Args] = []
    for bandwidth in (uniform(generator, 7, 12), uniform(generator, 0.3, 0.45)):
        way = normal(generator, 4)
        along = torch.arange(6, dtype=torch.float64)[:, None] * bandwidth / 2
        u = bandwidth * normal(generator, 1, 4) + along * way / way.norm()  # (6, 4)
        cases.append((u, 20_000, bandwidth))
    return cases


def products(args: Args, answer: Any) -> torch.Tensor | None:
    """Return the products of all features with each other, (n, n); None for an answer of another shape."""
    made = as_tensor(answer)
    if made is None or made.is_complex() or made.shape != (len(args[0]), args[1]):
        return None
    return made @ made.T


def _near_the_kernel(seen: Seen) -> bool:
    """Whether all products are as close to the kernel as a mean of 10,000 cosines is: 0.06 is 8 standard errors."""
    made, (u, _, bandwidth) = products(seen.args, seen.given), seen.args
    kernel = torch.exp(-(torch.cdist(u, u) ** 2) / (2 * bandwidth**2))  # (n, n)
    return made is not None and answers.same(made, kernel, TOLERANCE)


def _bandwidth_as_variance(u: torch.Tensor, D: int, bandwidth: float) -> torch.Tensor:
    return features(u, D, bandwidth**0.5)


def _not_divided(u: torch.Tensor, D: int, bandwidth: float) -> torch.Tensor:
    return features(u, D, bandwidth) * (D / 2) ** 0.5


def _multiplied(u: torch.Tensor, D: int, bandwidth: float) -> torch.Tensor:
    return features(u, D, 1 / bandwidth)


def _at_a_length(seen: Seen) -> str:
    """What is said of the pair of points that lie one bandwidth apart, the first and the third."""
    made = products(seen.args, seen.given)
    width = seen.args[2]
    given = "something else" if made is None else four(round(float(made[0, 2]), 3))
    return f"At distance {four(width)}, bandwidth {four(width)} you give {given}, not 0.607: bandwidth is a length."


EXERCISES = [
    Exercise(
        id="05a",
        title="The density that stays",
        statement=(
            "Row i of a matrix says where the mass of cell i goes. Return the density that a step leaves as it is.\n\n"
            "`M` has shape (n, n), each row sums to 1; `width` is the width of a cell, the same for all. Return n "
            "numbers; the area under them is 1."
        ),
        right=density,
        cases=_matrices,
        wrong=(
            Wrong(
                "right-vector",
                _right_vector,
                "Flat, for every system: rows sum to 1. Densities live on the left.",
                sign=_flat,
            ),
            Wrong("mass", _mass, "That is mass a cell; divide by its width so that the area is 1."),
            Wrong("second", _second, "It changes sign; a density cannot.", sign=_two_signs),
        ),
        hints=("Mass moves as `p @ M`.", "`torch.linalg.eig(M.T)`, eigenvalue nearest 1."),
    ),
    Exercise(
        id="05b",
        title="Random features",
        statement=(
            "Return features with features(u) . features(v) ~ exp(-|u - v|^2 / (2 bandwidth^2)), from random "
            "directions.\n\n`u` has shape (n, dim), `D` is the number of features, even; return shape (n, D). Draw the "
            "directions from `torch.Generator().manual_seed(0)`, so that every call has the same ones."
        ),
        right=features,
        cases=_points,
        view=products,
        accepts=_near_the_kernel,
        tolerance=TOLERANCE,
        wrong=(
            Wrong("variance", _bandwidth_as_variance, _at_a_length),
            Wrong("norm", _not_divided, "k(u, u) must be 1, yours is D/2."),
            Wrong("times", _multiplied, "Large bandwidth must mean smooth."),
        ),
        hints=("Divide the directions by the bandwidth.", "`torch.cat([cos, sin], 1) / (D / 2) ** 0.5`"),
    ),
]
