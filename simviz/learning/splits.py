"""Which samples are trained on, chosen by and tested on? Seeded splits that keep the shares of every class."""

from __future__ import annotations

import torch

from simviz import checks

TRAIN, TEST, VALIDATION = 0, 1, 2


def check_parts(part: torch.Tensor, held_out: float, validation: float) -> None:
    """Raise ValueError where a part that was asked for is empty."""
    for name, code, share in (("held_out", TEST, held_out), ("validation", VALIDATION, validation)):
        if share and not (part == code).any():
            raise ValueError(
                f"{name} is {share:g} and no sample can be spared for it: every class (or the whole data, in a "
                f"regression) needs one sample to train on first, got {len(part)} samples; where y is a quantity, give "
                f"real numbers"
            )


def check_shares(held_out: float, validation: float) -> tuple[float, float]:
    """Return both shares; held_out in (0, 1), validation in [0, 1), together below 1, or a ValueError says which."""
    held_out = checks.real("held_out", held_out, 0.0, 1.0, low_open=True, high_open=True)
    validation = checks.real("validation", validation, 0.0, 1.0, high_open=True)
    if held_out + validation >= 1:
        raise ValueError(
            f"held_out and validation must leave something to train on: their sum must be below 1, got {held_out:g} + "
            f"{validation:g}"
        )
    return held_out, validation


def split(groups: torch.Tensor, held_out: float, validation: float, seed: int) -> torch.Tensor:
    """(n,) -> (n,): TRAIN, TEST or VALIDATION, in every group by about the shares asked.

    A share above 0 takes at least one row of a group, as long as one is left to train on; the test part goes first.
    """
    generator = torch.Generator().manual_seed(seed)
    part = torch.full((len(groups),), TRAIN)
    for group in groups.unique():
        rows = torch.nonzero(groups == group)[:, 0]
        rows = rows[torch.randperm(len(rows), generator=generator)]
        test = min(max(round(held_out * len(rows)), 1), len(rows) - 1) if held_out else 0
        chosen = min(max(round(validation * len(rows)), 1), len(rows) - test - 1) if validation else 0
        part[rows[:test]] = TEST
        part[rows[test : test + chosen]] = VALIDATION
    return part


def deal(groups: torch.Tensor, k: int, seed: int) -> torch.Tensor:
    """(n,) -> (n,): the rows of each group dealt out to the folds 0 .. k - 1 in turn, as cards are."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(groups), generator=generator)
    order = order[groups[order].sort(stable=True).indices]  # (n,), group by group, at random within
    fold = torch.empty(len(groups), dtype=torch.long)
    fold[order] = torch.arange(len(groups)) % k
    return fold
