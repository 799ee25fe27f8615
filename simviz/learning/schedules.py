"""How fast at which step? Learning rates over a run: constant, dropping in steps, or one cycle (Smith 2018)."""

from __future__ import annotations

import math

SCHEDULES = ("constant", "step", "one_cycle")


def learning_rate(
    schedule: str, peak: float, step: int, total: int, drop_every: int | None = None, drop: float = 0.1
) -> float:
    """Return the learning rate of step 1 .. total.

    "constant": the peak; "step": the peak times `drop` once for every `drop_every` steps done; "one_cycle": up over the
    first 30 % of the run, then down to a thousandth.

    >>> [learning_rate("step", 1.0, step, 6, drop_every=2, drop=0.5) for step in range(1, 7)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """
    if schedule == "constant":
        return peak
    if schedule == "step":
        return peak * drop ** ((step - 1) // (drop_every or total))
    rise = max(1.0, 0.3 * total)
    if step <= rise:
        return peak * (0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * step / rise)))
    fall = (step - rise) / max(1.0, total - rise)
    return peak * (1e-3 + (1 - 1e-3) * 0.5 * (1 + math.cos(math.pi * fall)))
