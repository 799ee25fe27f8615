"""Chapter 09: an ablation, planned so that its outcome will mean something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from simviz import course
from simviz.course.ablation import FEWEST_SEEDS, Ablation
from simviz.course.exercises.base import Args, Exercise, Seen, Wrong


def ablation() -> Ablation:
    """Return what will be changed, how it will be measured, and what you expect."""
    return course.Ablation(
        change={"rank": 1},  # 25 in the baseline
        seeds=[0, 1, 2],
        metric="validation accuracy",
        expect="down",
        because="all that the decoder gets is one number, and ten digits do not fit on a line without overlap",
    )


def _none(generator: torch.Generator) -> list[Args]:
    """One call, without arguments."""
    return [()]


def flags(args: Args, answer: Any) -> torch.Tensor | None:
    """Return for each kind of fault whether an ablation has it, (3,); None for anything else."""
    if not isinstance(answer, Ablation):
        return None
    tested = any(fault.startswith("Choose on validation") for fault in answer.faults())
    return torch.tensor([len(answer.change) > 1, len(answer.seeds) < FEWEST_SEEDS, tested])


def _changed(**fields: Any) -> Ablation:
    """Our ablation, but for some of its fields."""
    plan = ablation()
    own = {name: getattr(plan, name) for name in ("change", "seeds", "metric", "expect", "because")}
    return Ablation(**{**own, **fields})


def _two_changes() -> Ablation:
    return _changed(change={"rank": 1, "bandwidth": 0.1})


def _one_seed() -> Ablation:
    return _changed(seeds=[0])


def _on_test() -> Ablation:
    return _changed(metric="test accuracy")


def _first(number: int) -> Any:
    """Whether the first fault of the answer is of this kind."""

    def sign(seen: Sequence[Seen]) -> bool:
        found = flags((), seen[0].given)
        return found is not None and bool(found[number]) and not bool(found[:number].any())

    return sign


def _all_faults(seen: Seen) -> str:
    return " ".join(seen.given.faults())


EXERCISES = [
    Exercise(
        id="09",
        title="One change",
        statement=(
            "Plan an ablation, before you run it: return `course.Ablation(change={...}, seeds=[...], metric=..., "
            'expect="up", because="...")`.\n\n`change` is one option and what it becomes, `seeds` whole numbers, '
            '`metric` says in words what is measured and on which part of the data, `expect` is "up", "down" or '
            '"same", `because` your reason. Some to choose from: the rank 1, 2 or 5 instead of 25; one `Linear` '
            "instead of U V^T; U and V random and frozen; the bandwidth times 0.1 or times 10; a linear decoder."
        ),
        right=ablation,
        cases=_none,
        view=flags,
        wrong=(
            Wrong("two-changes", _two_changes, _all_faults, sign=_first(0)),
            Wrong("seeds", _one_seed, _all_faults, sign=_first(1)),
            Wrong("test-set", _on_test, _all_faults, sign=_first(2)),
        ),
        hints=(
            "If the number moves: by what, and by more than a second seed would have moved it?",
            '`change={"rank": 1}`, three seeds, `metric="validation accuracy"`, and a reason you may be wrong about.',
        ),
    ),
]
