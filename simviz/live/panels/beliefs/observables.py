"""What may be observed of a plane? The checklist, and a reader's own functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from simviz.dynamics.features import RBF, Dictionary
from simviz.dynamics.systems import System

Observable = Callable[[torch.Tensor], Any]
KNOWN: dict[str, Observable] = {
    "1": lambda s: torch.ones_like(s[:, 0]),
    "s1": lambda s: s[:, 0],
    "s2": lambda s: s[:, 1],
    "s1^2": lambda s: s[:, 0] ** 2,
    "s1 s2": lambda s: s[:, 0] * s[:, 1],
    "s2^2": lambda s: s[:, 1] ** 2,
    "tanh(3 s2)": lambda s: torch.tanh(3 * s[:, 1]),
}
"""Functions (n, 2) -> (n,) that every list begins with."""
BUMPS = "40 bumps"
"""The last of the list: forty observables at once, more than the fewest snapshots."""
_BUMPS = 40


def listed(own: Mapping[str, Observable] | None) -> dict[str, Observable]:
    """Return all observables that can be ticked but the bumps, by name.

    Raises ValueError for a name that is taken, or what is not a function.
    """
    found = dict(KNOWN)
    for name, function in (own or {}).items():
        if not isinstance(name, str) or not name or name in found or name == BUMPS:
            raise ValueError(f"observables must have names of their own, {name!r} is none or is in the list")
        if not callable(function):
            raise ValueError(f"observables must be functions of states (n, 2), {name!r} is {function!r}")
        found[name] = function
    return found


class Ticked(Dictionary):
    """The observables that are ticked, in the list's order; bumps: as many Gaussian bumps as rows, (n, 2), or None."""

    def __init__(self, chosen: Mapping[str, Observable], bumps: RBF | None = None) -> None:
        self.chosen, self.bumps = dict(chosen), bumps

    def values(self, points: torch.Tensor) -> torch.Tensor:
        rows = points.reshape(-1, points.shape[-1])
        columns = [_column(name, function, rows) for name, function in self.chosen.items()]
        if self.bumps is not None:
            columns.append(self.bumps.values(rows))
        return torch.cat(columns, 1).reshape(*points.shape[:-1], -1)

    def names(self, dim: int, coordinates: Sequence[str] | None = None) -> tuple[str, ...]:
        bumps = () if self.bumps is None else tuple(f"bump {i + 1}" for i in range(len(self.bumps.centres)))
        return (*self.chosen, *bumps)


def ticked(names: Sequence[str], known: Mapping[str, Observable], system: System) -> Ticked:
    """Return the dictionary of the names that are ticked; the bumps stand where the system's starts are drawn."""
    bumps = None
    if BUMPS in names:
        centres = system.initial(_BUMPS, seed=17).double()
        low, high = torch.tensor(system.box, dtype=torch.float64).T
        bumps = RBF(centres, bandwidth=float((high - low).mean()) / 5)
    return Ticked({name: known[name] for name in known if name in names}, bumps)


def _column(name: str, function: Observable, rows: torch.Tensor) -> torch.Tensor:
    """(n, 2) -> (n, 1), or a ValueError that names the observable."""
    found = function(rows)
    if not isinstance(found, torch.Tensor):
        try:
            found = torch.from_numpy(np.array(found, dtype=float))
        except (TypeError, ValueError):
            raise ValueError(f"observables: {name!r} must return numbers, got {type(found).__name__}") from None
    if found.shape not in ((len(rows),), (len(rows), 1)):
        raise ValueError(f"observables: {name!r} must return ({len(rows)},) for that many states, got {found.shape}")
    if not torch.isfinite(found).all():
        raise ValueError(f"observables: {name!r} is NaN or infinite on some snapshots")
    return found.detach().reshape(-1, 1).to(rows)
