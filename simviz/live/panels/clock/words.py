"""How do the models tell the time? One sentence: how far off each is, the best constant being off by 1."""

from __future__ import annotations

import math

from simviz.live.panels.clock.answers import Asked


def error(value: float) -> str:
    """Write a mean squared error: "error 0.0013"."""
    return f"error {value:.2g}" if math.isfinite(value) else "not measured yet"


def sentence(record: Asked) -> str:
    """Return how far training has come, and the mean squared error of each model on all test excerpts."""
    if record.trained == 0:
        return (
            "Each model hears 16 samples of a rhythm and is asked for the signal at every later time; press Start and "
            "see who can tell the time"
        )
    said = "; ".join(f"{a.name} {error(a.error).removeprefix('error ')}" for a in record.answers)
    done = "" if record.trained == 1 else f"{100 * record.trained:.0f} % trained; "
    return f"{done}mean squared error, of which the best constant has 1: {said}"
