"""Which settings may a run have? Each is checked where it enters and kept as JSON, so that a resumed run has it too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simviz import checks
from simviz.learning.optimisers import OPTIMISERS
from simviz.learning.schedules import SCHEDULES

AUTOCAST = ("bfloat16", "float16")


def checked(options: dict[str, Any]) -> dict[str, Any]:
    """Return a run's options as JSON values; raises ValueError for a bad one, by its name."""
    given = dict(options)

    def maybe(check: Any, name: str) -> Any:
        return None if given[name] is None else check(name, given[name])

    found = {
        **{name: checks.positive_int(name, given[name]) for name in ("epochs", "batch_size")},
        "lr": checks.positive("lr", given["lr"]),
        "schedule": checks.one_of("schedule", given["schedule"], SCHEDULES),
        "seed": checks.positive_int("seed", given["seed"], 0),
        "max_steps": maybe(checks.positive_int, "max_steps"),
        "measure_every": maybe(checks.positive_int, "measure_every"),
        "weight_decay": checks.real("weight_decay", given["weight_decay"], 0.0),
        **{name: checks.positive_int(name, given[name]) for name in ("spectrum_every", "snapshots")},
        "penalty": checks.real("penalty", given["penalty"], 0.0),
        "optimizer": checks.one_of("optimizer", given["optimizer"], tuple(OPTIMISERS)),
        "betas": _betas(given["betas"]),
        "eps": checks.positive("eps", given["eps"]),
        "drop_every": maybe(checks.positive_int, "drop_every"),
        "drop": checks.real("drop", given["drop"], 0.0, 1.0, low_open=True),
        "clip": maybe(checks.positive, "clip"),
        "autocast": None if given["autocast"] is None else checks.one_of("autocast", given["autocast"], AUTOCAST),
    }
    if (found["schedule"] == "step") != (found["drop_every"] is not None):
        raise ValueError(
            "drop_every must be a number of epochs with schedule='step', and None with every other: "
            f"got {given['drop_every']!r} with schedule={found['schedule']!r}"
        )
    return found


def _betas(value: Any) -> list[float]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise ValueError(f"betas must be two numbers, such as (0.9, 0.999), got {value!r}")
    return [checks.real("betas", beta, 0.0, 1.0, high_open=True) for beta in value]
