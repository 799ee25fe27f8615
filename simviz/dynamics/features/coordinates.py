"""In which coordinates is the state observed? Changes of coordinates before a dictionary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from simviz.dynamics.features.dictionary import Dictionary, as_dictionary, labels


class Coordinates:
    """A change of coordinates that names what it returns: points (..., dim) -> (..., other).

    function: the map; called: from the names of the old coordinates to those of the new.
    """

    def __init__(
        self,
        function: Callable[[torch.Tensor], torch.Tensor],
        called: Callable[[tuple[str, ...]], tuple[str, ...]],
    ) -> None:
        self.function, self.called = function, called

    def __call__(self, points: Any) -> torch.Tensor:
        return self.function(points if isinstance(points, torch.Tensor) else torch.from_numpy(np.array(points)))


class Through(Dictionary):
    """The observables of a dictionary after a change of coordinates, such as `Through(polar, Fourier(3))`.

    coordinates: `polar`, `angles`, `columns(0, 2)`, or any function (..., dim) -> (..., other) of tensors.

    >>> from simviz.dynamics.features import Fourier
    >>> Through(angles, Fourier(1)).names(2)
    ('1', 'cos(theta)', 'sin(theta)')
    """

    def __init__(self, coordinates: Callable[[torch.Tensor], torch.Tensor], dictionary: Dictionary) -> None:
        if not callable(coordinates):
            raise ValueError(f"coordinates must be a function of points, such as polar, got {coordinates!r}")
        self.coordinates, self.dictionary = coordinates, as_dictionary(dictionary)
        self.window = self.dictionary.window

    def values(self, points: torch.Tensor) -> torch.Tensor:
        return self.dictionary.values(self.coordinates(points))

    def names(self, dim: int, coordinates: Sequence[str] | None = None) -> tuple[str, ...]:
        if isinstance(self.coordinates, Coordinates):
            called = self.coordinates.called(labels(dim, coordinates))
            return self.dictionary.names(len(called), called)
        other = self.coordinates(torch.from_numpy(np.ones((1, dim)))).shape[-1]
        return self.dictionary.names(other, [f"c{i + 1}" for i in range(other)])


def _pairs(points: torch.Tensor) -> torch.Tensor:
    """(..., 2 p) -> (..., p, 2), or a ValueError for an odd number of coordinates."""
    if points.shape[-1] % 2:
        raise ValueError(f"points must hold pairs of coordinates, (..., an even number), got {tuple(points.shape)}")
    return points.unflatten(-1, (-1, 2))


def _polar(points: torch.Tensor) -> torch.Tensor:
    x, y = _pairs(points).unbind(-1)  # (..., p) each
    return torch.stack([torch.hypot(x, y), torch.atan2(y, x)], -1).flatten(-2)


def _angles(points: torch.Tensor) -> torch.Tensor:
    cosine, sine = _pairs(points).unbind(-1)  # (..., p) each
    return torch.atan2(sine, cosine)


def _numbered(*words: str) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    def called(names: tuple[str, ...]) -> tuple[str, ...]:
        pairs = len(names) // 2
        return words if pairs == 1 else tuple(f"{word}{i + 1}" for i in range(pairs) for word in words)

    return called


polar = Coordinates(_polar, _numbered("r", "theta"))
"""(x, y) pairs -> (radius, angle) pairs: (..., 2 p) -> (..., 2 p), angles in (-pi, pi]."""

angles = Coordinates(_angles, _numbered("theta"))
"""(cos, sin) pairs -> angles: (..., 2 p) -> (..., p), in (-pi, pi]."""


def columns(*chosen: int) -> Coordinates:
    """Return the coordinates with these indices alone: (..., dim) -> (..., len(chosen)).

    >>> columns(2, 0)(torch.tensor([5.0, 6.0, 7.0])).tolist()
    [7.0, 5.0]
    """
    if not chosen:
        raise ValueError("columns needs at least one index, got none")
    return Coordinates(lambda points: points[..., list(chosen)], lambda names: tuple(names[i] for i in chosen))
