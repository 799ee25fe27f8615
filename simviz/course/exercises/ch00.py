"""Chapter 00: which modes are still there after a thousand steps?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from simviz.course.answers import as_tensor
from simviz.course.exercises.base import Args, Exercise, Seen, Wrong
from simviz.course.exercises.draws import uniform


def survivors(eigenvalues: torch.Tensor) -> torch.Tensor:
    """Return True where a mode still has 1 % of its size after 1,000 steps; (n,) -> (n,)."""
    return eigenvalues.abs() ** 1000 >= 0.01


def _cases(generator: torch.Generator) -> list[Args]:
    return [(_mixed(generator),) for _ in range(3)]


def _mixed(generator: torch.Generator) -> torch.Tensor:
    """(9,) complex: persistent ones, slow and quick decays, in any order."""
    angle = uniform(generator, 0.2, 2.9)
    while math.cos(1000 * angle) > -0.2:
        angle = uniform(generator, 0.2, 2.9)
    slow, slower = uniform(generator, 0.9965, 0.9985), uniform(generator, 0.999, 0.9995)
    modulus = [1, 1, 1, 1, slow, slower, uniform(generator, 0.98, 0.994), 0.9, uniform(generator, 0.3, 0.8)]
    turn = [0, angle, -angle, math.pi, 0, uniform(generator, 0.2, 2.9), 0, 1, -1]
    order = torch.randperm(len(modulus), generator=generator)
    size, angles = (torch.tensor(numbers, dtype=torch.float64)[order] for numbers in (modulus, turn))
    return torch.polar(size, angles)


def _real_part(eigenvalues: torch.Tensor) -> torch.Tensor:
    return (eigenvalues**1000).real >= 0.01


def _never_shrinks(eigenvalues: torch.Tensor) -> torch.Tensor:
    return eigenvalues.abs() >= 1 - 1e-9


def _only_one(eigenvalues: torch.Tensor) -> torch.Tensor:
    return (eigenvalues - 1).abs() < 1e-9


def _slow_ones_missing(seen: Sequence[Seen]) -> bool:
    """All that decay are said to be gone, however rounding decided about those on the circle."""
    for one in seen:
        given, size = as_tensor(one.given), one.args[0].abs()
        if given is None or given.shape != size.shape:
            return False
        if bool(given[size < 0.9999].any()) or not bool(given[size >= 0.9999][1:].any()):
            return False
    return True


def _slow(seen: Seen) -> str:
    size = seen.args[0].abs()
    slowest = float(size[size < 0.9999].max())
    return f"{slowest:.4f} has {100 * slowest**1000:.0f} % left after 1,000 steps; it survives."


EXERCISES = [
    Exercise(
        id="00",
        title="Who survives?",
        statement=(
            "A mode is multiplied by its eigenvalue at each step. Say which modes still have 1 % of their size after "
            "1,000 steps.\n\n`eigenvalues` is a complex tensor of shape (n,); return n truth values."
        ),
        right=survivors,
        cases=_cases,
        wrong=(
            Wrong(
                "real",
                _real_part,
                "You looked at the real part; e^{0.3i} turns but does not shrink. Size is |lambda|.",
            ),
            Wrong("one", _only_one, "-1 and e^{0.3i} have modulus 1 as well."),
            Wrong("circle", _never_shrinks, _slow, sign=_slow_ones_missing),
        ),
        hints=("How does |lambda^t| depend on t?", "`eigenvalues.abs() ** 1000`, then compare with 0.01."),
    ),
]
