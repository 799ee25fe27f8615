"""What are cases made of? Numbers and matrices from a generator, and functions that remember how they were called."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

MOST_CALLS = 20_000


class Function:
    """A function handed to a reader's: it takes and returns float64 tensors, says in words what it is, and remembers.

    words: how it is shown, "z -> cos(z)". calls: every argument so far, as given. It refuses to be called for ever.
    """

    def __init__(self, words: str, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self._words, self._function = words, function
        self.calls: list[torch.Tensor] = []

    def __call__(self, value: Any) -> torch.Tensor:
        if len(self.calls) >= MOST_CALLS:
            raise RuntimeError(f"the function you were given was called {MOST_CALLS:,} times: does your loop end?")
        value = torch.as_tensor(value, dtype=torch.float64)
        self.calls.append(value.detach().clone())
        return self._function(value.clone())

    def fresh(self) -> Function:
        """Return the same function with no memory."""
        return Function(self._words, self._function)

    def __repr__(self) -> str:
        return self._words


def uniform(generator: torch.Generator, low: float, high: float) -> float:
    """Return a number between low and high."""
    return low + (high - low) * float(torch.rand((), generator=generator, dtype=torch.float64))


def normal(generator: torch.Generator, *shape: int) -> torch.Tensor:
    """Return standard normal numbers of a shape, float64."""
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def rotation(angle: float) -> torch.Tensor:
    """Return the turn of the plane by `angle` radians, (2, 2)."""
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([[c, -s], [s, c]], dtype=torch.float64)
