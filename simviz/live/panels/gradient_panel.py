"""What is a cheap gradient worth? Four rules on random cells, beside the exact gradient; contraction is the slider."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from simviz import checks, figures
from simviz.figures.tables import Table
from simviz.live.controls import Slider
from simviz.live.panels.gradient_lab import NAMES, Laboratory, measure
from simviz.live.panels.panel import Panel
from simviz.live.player import Player
from simviz.records import FigureSpec

MOST = 40
"""Cells that are drawn, at the most."""
PACE = 1 / 4
"""Seconds from one cell to the next while they are played."""
_FAST = 0.9


class GradientPanel(Panel):
    """How far off, and how much cheaper, are the shortcuts to the gradient of a fixed point?

    Left the exact gradient as an arrow up of length 1, and by each rule an arrow with its angle and length: implicit,
    one step (Phantom), five terms (Neumann), unrolled from 0. Right what a backward pass takes on this machine. Start
    and Step draw further random cells, whose arrows stay as marks; a sector holds half of all such cells, as measured
    on 1,500 of 32 units.

    radius: the Jacobian's spectral radius at z*, 0.3 to 0.98; size: units of a cell, 4 to 128; seed: of the first cell;
    unrolled: iterations that are unrolled, 5 to 150. Raises ValueError that names the argument.
    """

    def __init__(self, radius: float = 0.7, *, size: int = 32, seed: int = 0, unrolled: int = 30) -> None:
        units = checks.positive_int("size", size, 4)
        if units > 128:
            raise ValueError(f"size must be at most 128, got {units}")
        checks.positive_int("unrolled", unrolled, 5)
        controls = [
            Slider("radius", "Spectral radius", low=0.3, high=0.98, step=0.01, value=radius),
            Slider("unrolled", "Unrolled steps", low=5, high=150, step=5, value=unrolled),
        ]
        first = checks.positive_int("seed", seed, 0)
        super().__init__(controls, Player(self._counts), cells=1, size=units, seed=first)

    def compute(self, **values: Any) -> Laboratory:
        """Return the gradients on all cells drawn so far, at the present radius."""
        return measure(**{**values, "unrolled": round(values["unrolled"])})

    def drawing(self, record: Laboratory) -> FigureSpec:
        """Return arrows and bars, with the shortcuts' errors and gains as the state."""
        return laboratory_figure(record)

    def table(self, record: Laboratory) -> Table:
        """Return a row for each rule and cell: degrees off, length, and what the rule costs."""
        return laboratory_table(record)

    def played(self, item: int) -> None:
        """Draw one cell more."""
        self.values["cells"] = item

    def restarted(self) -> None:
        """Go back to the first cell."""
        self.values["cells"] = 1

    def length(self) -> int:
        """Return how many cells there are to draw after the first."""
        return MOST - 1

    def _counts(self) -> Iterator[int]:
        """Yield how many cells to draw, at a pace the eye can follow while they are played."""
        last = -math.inf
        for count in range(2, MOST + 1):
            if self.player is not None and self.player.running:
                time.sleep(max(0.0, last + PACE - time.monotonic()))
            last = time.monotonic()
            yield count


def laboratory_figure(record: Laboratory) -> FigureSpec:
    """Return the drawing of a laboratory, and its sentence."""
    others = {name: (record.angles[name], record.lengths[name]) for name in NAMES if name != "implicit"}
    spec = figures.gradient_errors(record.errors, others=others, expected=record.expected, live=True)
    state = sentence(record)
    return dataclasses.replace(spec, state=state, alt=f"{spec.alt} {state}")


def laboratory_table(record: Laboratory) -> Table:
    """Return what was measured, one row for each rule and cell."""
    rows = [
        (error.rule, cell, float(angle), float(length), error.seconds, error.bytes)
        for error in record.errors
        for cell, (angle, length) in enumerate(
            zip(record.angles[error.rule], record.lengths[error.rule], strict=True),
            record.cells + 1 - len(record.angles[error.rule]),
        )
    ]
    names = ("rule", "cell", "degrees off", "length", "seconds", "bytes")
    return Table(names, tuple(rows), sentence(record))


def sentence(record: Laboratory) -> str:
    """Return how far off the shortcuts are and what they save, and one thing to try."""
    by = {error.rule: error for error in record.errors}
    implicit, unrolled = by["implicit"], by["unrolled"]
    told = [_off(record, "one step") + f", {_times(implicit.seconds, by['one step'].seconds)} than implicit"]
    told.append(_off(record, "five terms"))
    told.append(
        f"{_off(record, 'unrolled', f'unrolled {record.steps} steps')}, holding {_size(unrolled.bytes)} "
        f"where implicit holds {_size(implicit.bytes)}"
    )
    hint = ""
    if record.cells == 1:
        hint = ". Try: radius 0.98" if record.radius < _FAST else ". Try: Step, for another cell"
    return f"radius {record.radius:.2f}; {'; '.join(told)}{hint}"


def _off(record: Laboratory, name: str, words: str = "") -> str:
    angles = record.angles[name]
    middle = f" (median of {len(angles)} cells {_degrees(np.median(angles))})" if len(angles) > 1 else ""
    return f"{words or name}: {_degrees(angles[-1])} degrees off{middle}"


def _degrees(angle: float) -> str:
    return f"{angle:.0f}" if angle >= 9.95 else f"{angle:.1f}" if angle >= 0.05 else "less than 0.1"


def _times(slow: float, fast: float) -> str:
    ratio = slow / fast
    return f"{ratio:.0f} times faster" if ratio >= 1.5 else "no faster" if ratio >= 0.67 else "slower"


def _size(count: int) -> str:
    return f"{count / 1024:.0f} KiB" if count >= 10 * 1024 else f"{count / 1024:.1f} KiB"
