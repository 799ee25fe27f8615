"""Where do the snapshots come from? Pairs of states, or trajectories, lifted to observables block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch

from simviz import checks
from simviz.dynamics.features import Dictionary, Identity

BLOCK = 2**20
"""Numbers in one block of observables, before and after: 8 MiB in double precision, which a cache holds."""


class Block(Protocol):
    """What takes blocks: `add(left, right, weights)`."""

    def add(self, left: torch.Tensor, right: torch.Tensor, weights: torch.Tensor | None = None) -> None: ...


Lifted = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None]
"""Observables before and after (m, n), the state before (m, dim), the weights (m,) or None."""


def wide(points: torch.Tensor) -> torch.Tensor:
    """Return the points in double precision, or as they are on a device that has none."""
    try:
        return points.double()
    except (TypeError, RuntimeError):
        return points


def block_rows(size: int) -> int:
    """Return how many snapshots make a block for that many observables."""
    return max(BLOCK // (2 * size), 2 * size, 64)


def observe(dictionary: Dictionary, points: torch.Tensor) -> torch.Tensor:
    """Points (..., dim), or windows (..., count, dim), to observables (..., n) in double, or say why not."""
    lead = points.shape[: -1 if dictionary.window is None else -2]
    values = dictionary.values(points)
    if values.is_complex():
        raise ValueError(
            f"the dictionary's observables must be real, got {values.dtype}: give the real and the imaginary part"
        )
    if values.shape[:-1] != lead:
        want = f"({', '.join(map(str, lead))}, size)"
        raise ValueError(f"the dictionary must return {want} for these points, but returned {tuple(values.shape)}")
    if values.shape[-1] == 0:
        raise ValueError("the dictionary is empty: it must hold at least one observable")
    values = wide(values)
    if not torch.isfinite(values.sum()):  # one pass; a NaN or an infinity stays one
        wrong = ~torch.isfinite(values).reshape(-1, values.shape[-1]).all(0)  # (n,)
        names = dictionary.names(points.shape[-1])
        bad = [names[i] for i in wrong.nonzero().flatten()[:3].tolist()] or ["their sum"]
        raise ValueError(
            f"the dictionary's observables hold NaN or infinite values ({', '.join(bad)}): "
            f"scale the states, or choose observables that are finite on them"
        )
    return values


def states(name: str, value: Any, dictionary: Dictionary) -> torch.Tensor:
    """Check states (snapshots, dim), or windows (snapshots, count, dim) for a dictionary of delays."""
    if dictionary.window is None:
        return finite(name, value, (None, None), "(snapshots, dim)")
    count = dictionary.window[0]
    words = f"(snapshots, {count}, dim), windows for Delays: edmd_orbits cuts them out of trajectories"
    return finite(name, value, (None, count, None), words)


def finite(name: str, value: Any, shape: tuple[int | None, ...], words: str) -> torch.Tensor:
    """Check a tensor as `checks.tensor` does, in a seventh of the time where all is well: a sum keeps every NaN."""
    found = checks.tensor(name, value, shape, words, finite=False)
    return found if torch.isfinite(found.sum()) else checks.tensor(name, found, shape, words)


def right_side(dictionary: Dictionary, after: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
    """Return what is to be fitted, (m, n + dim): the observables after, and the state unless they hold it."""
    return after if isinstance(dictionary, Identity) else torch.cat([after, state], 1)


def weights_for(weights: Any, shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor | None:
    """Check weights: nonnegative, one a snapshot, not all zero."""
    if weights is None:
        return None
    found = wide(checks.tensor("weights", weights, shape, f"one a snapshot, {shape}")).to(like.device)
    if bool((found < 0).any()):
        raise ValueError(f"weights must not be negative, got {float(found.min())}")
    if not bool((found > 0).any()):
        raise ValueError("weights must not all be zero")
    return found


class Pairs:
    """Snapshots (m, dim) and what each became one step later; chosen: the rows to use, or None for all."""

    def __init__(
        self,
        before: torch.Tensor,
        after: torch.Tensor,
        weights: torch.Tensor | None,
        chosen: torch.Tensor | None = None,
    ) -> None:
        self.before, self.after, self.weights, self.chosen = before, after, weights, chosen
        self.dim = before.shape[-1]
        used = weights if weights is None or chosen is None else weights[chosen]
        whole = len(before) if chosen is None else len(chosen)
        self.rows = whole if used is None else int((used > 0).sum())

    def probe(self) -> torch.Tensor:
        """Return one point of the kind that the dictionary gets."""
        return wide(self.before[:1])

    def points(self) -> torch.Tensor:
        """Return the states before the step that are used, (rows, ...)."""
        return wide(self.before if self.chosen is None else self.before[self.chosen])

    def weight_rows(self) -> torch.Tensor | None:
        """Return the weights of these, (rows,), or None."""
        return self.weights if self.weights is None or self.chosen is None else self.weights[self.chosen]

    def lifted(self, dictionary: Dictionary) -> Iterator[Lifted]:
        """Yield the snapshots block by block."""
        rows = block_rows(observe(dictionary, self.probe()).shape[-1])
        whole = len(self.before) if self.chosen is None else len(self.chosen)
        for start in range(0, whole, rows):
            part = slice(start, start + rows) if self.chosen is None else self.chosen[start : start + rows]
            before, after = wide(_rows(self.before, part)), wide(_rows(self.after, part))
            weights = None if self.weights is None else self.weights[part]
            yield observe(dictionary, before), observe(dictionary, after), latest(dictionary, before), weights


class Orbits:
    """Trajectories (batch, time, dim): every step of every one is a snapshot, with a window of the past for delays.

    weights: (batch, snapshots a trajectory), or None; chosen: the trajectories to use, or None for all.
    """

    def __init__(
        self,
        trajectories: torch.Tensor,
        window: tuple[int, int] | None,
        weights: torch.Tensor | None = None,
        chosen: torch.Tensor | None = None,
    ) -> None:
        self.trajectories, self.weights = trajectories, weights
        self.index = torch.from_numpy(np.arange(len(trajectories))) if chosen is None else chosen
        self.windowed, (count, self.gap) = window is not None, window or (1, 1)
        self.reach = (count - 1) * self.gap  # steps from the oldest state of a window to the newest
        self.dim, self.steps = trajectories.shape[2], trajectories.shape[1] - self.reach - 1
        used = None if weights is None else weights[self.index]
        self.rows = len(self.index) * self.steps if used is None else int((used > 0).sum())

    def _windows(self, part: torch.Tensor) -> torch.Tensor:
        """(b, t + reach, dim) -> (b, t, dim), or windows (b, t, count, dim)."""
        return part.unfold(1, self.reach + 1, 1)[..., :: self.gap].transpose(-1, -2) if self.windowed else part

    def probe(self) -> torch.Tensor:
        """Return one point of the kind that the dictionary gets."""
        return self._windows(wide(self.trajectories[:1, : self.reach + 1]))[0]

    def points(self) -> torch.Tensor:
        """Return the states before the step that are used, (rows, dim)."""
        return wide(self.trajectories[self.index][:, self.reach : -1]).flatten(0, 1)

    def weight_rows(self) -> torch.Tensor | None:
        """Return the weights of these, (rows,), or None."""
        return None if self.weights is None else self.weights[self.index].flatten()

    def lifted(self, dictionary: Dictionary) -> Iterator[Lifted]:
        """Yield the snapshots block by block; every state is observed once, as "after" and as the next "before"."""
        rows = block_rows(observe(dictionary, self.probe()).shape[-1])
        for chosen in self.index.split(max(1, rows // self.steps)):
            for start in range(0, self.steps, rows):
                stop = min(start + rows, self.steps)
                part = self._windows(wide(self.trajectories[chosen, start : stop + self.reach + 1]))  # (b, t + 1, ..)
                lifted = observe(dictionary, part)  # (b, t + 1, n)
                left, right = lifted[:, :-1].flatten(0, 1), lifted[:, 1:].flatten(0, 1)
                weights = None if self.weights is None else self.weights[chosen, start:stop].flatten()
                yield left, right, latest(dictionary, part[:, :-1].flatten(0, 1)), weights


def _rows(points: torch.Tensor, part: slice | torch.Tensor) -> torch.Tensor:
    """Return a run of rows, or those of an index."""
    return points[part] if isinstance(part, slice) else points.index_select(0, part)


def latest(dictionary: Dictionary, points: torch.Tensor) -> torch.Tensor:
    """Return the state now, (m, dim), of points (m, dim) or windows (m, count, dim)."""
    return points if dictionary.window is None else points[:, -1]


class Gather:
    """Collects small blocks until they make one of `rows`, then hands it on: many short trajectories cost no more."""

    def __init__(self, sink: Block, rows: int) -> None:
        self.sink, self.rows = sink, rows
        self.parts: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]] = []
        self.held = 0

    def add(self, left: torch.Tensor, right: torch.Tensor, weights: torch.Tensor | None = None) -> None:
        """Take a block of any size."""
        self.parts.append((left, right, weights))
        self.held += len(left)
        if self.held >= self.rows:
            self.flush()

    def flush(self) -> None:
        """Hand on what has been collected."""
        if self.parts:
            lefts, rights, weights = zip(*self.parts, strict=True)
            joined = None if weights[0] is None else torch.cat(weights)
            self.sink.add(_joined(lefts), _joined(rights), joined)
        self.parts, self.held = [], 0


def _joined(parts: tuple[torch.Tensor, ...]) -> torch.Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts)
