"""Is everything here that simviz needs? Versions, device, cores, memory, a browser that draws, and what to do."""

from __future__ import annotations

import importlib.util

import simviz
from simviz.doctor import browser, machine, packages
from simviz.doctor.packages import lacking

__all__ = ["examine", "lacking"]


def examine(*, draw: bool = False) -> tuple[list[str], bool]:
    """Return what was found, one line each with what to do about it, and whether all that is needed is there.

    draw: let a browser draw one of our figures, which takes some seconds.
    """
    found = {"simviz": simviz.__version__, **packages.found()}
    if importlib.util.find_spec("torch"):
        found |= machine.found()
    found |= browser.found(draw=draw)
    complete = not any(words.startswith("MISSING") for words in found.values())
    last = "Everything needed is here." if complete else "Something is MISSING: see above."
    return [*(f"{name:<13} {words}" for name, words in found.items()), last], complete
