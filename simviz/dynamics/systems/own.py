"""Your own system: any function s -> s' or ds/dt, with the box its orbits start in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from simviz import checks
from simviz.dynamics.systems.base import Box, Flow, Map, Truth

Function = Callable[[torch.Tensor], torch.Tensor]


def _box(box: Sequence[Sequence[float]]) -> Box:
    """Return the box as (low, high) pairs, each checked."""
    pairs = checks.tensor("box", box, (None, 2), "(dim, 2): a low and a high end for each coordinate").double()
    if not bool((pairs[:, 0] < pairs[:, 1]).all()):
        raise ValueError(f"box must give each coordinate a low end below its high end, got {pairs.tolist()}")
    return tuple((float(low), float(high)) for low, high in pairs)


def _tried(function: Any, box: Box, dtype: torch.dtype) -> Function:
    """Return the function, tried on three points of the box."""
    if not callable(function):
        raise ValueError(f"function must be callable on states (batch, {len(box)}), got {type(function).__name__}")
    low, high = torch.tensor(box, dtype=dtype).T
    states = low + (high - low) * torch.tensor([[0.25], [0.5], [0.8]], dtype=dtype)  # (3, dim)
    try:
        values = function(states)
    except (RuntimeError, IndexError, TypeError, ValueError) as reason:
        raise ValueError(f"function failed on a batch of states (3, {len(box)}): {reason}") from reason
    if not isinstance(values, torch.Tensor) or values.shape != states.shape:
        given = tuple(values.shape) if isinstance(values, torch.Tensor) else type(values).__name__
        raise ValueError(
            f"function must return a tensor of the states' shape (3, {len(box)}), got {given}; "
            "write it for (..., dim): take coordinates as s[..., 0] and join them with torch.stack([...], -1)"
        )
    if values.is_complex():
        raise ValueError(f"function must return real states, got {values.dtype}")
    return function


class _Own:
    name = "your own"

    def __init__(self, function: Function, box: Sequence[Sequence[float]], *, truth: Truth | None = None) -> None:
        self.box = _box(box)
        self.dim = len(self.box)
        self.function = _tried(function, self.box, self.dtype)  # type: ignore[attr-defined]
        self._truth = truth or Truth(source="your own system: nothing is known of it")

    def truth(self) -> Truth:
        return self._truth

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self.function, '__name__', self.function)})"


class OwnMap(_Own, Map):
    """The map s -> function(s); function: (..., dim) -> (..., dim); box: (low, high) for each coordinate.

    truth: what you know of it. Raises ValueError where the function does not keep the shape of a batch of states.

    >>> halve = OwnMap(lambda s: s / 2, box=[(-1, 1)])
    >>> halve.orbit([[1.0]], 3).flatten().tolist()
    [1.0, 0.5, 0.25, 0.125]
    """

    def step(self, s: torch.Tensor) -> torch.Tensor:
        return self.function(s)


class OwnFlow(_Own, Flow):
    """The flow ds/dt = function(s); function: (..., dim) -> (..., dim); box: (low, high) for each coordinate.

    truth: what you know of it. Raises ValueError where the function does not keep the shape of a batch of states.

    >>> import torch
    >>> decay = OwnFlow(lambda s: -s, box=[(-1, 1)])
    >>> round(float(decay.orbit(torch.ones(1, 1, dtype=torch.float64), 2, 0.5)[0, -1, 0]), 6)
    0.367879
    """

    def rate(self, s: torch.Tensor) -> torch.Tensor:
        return self.function(s)
