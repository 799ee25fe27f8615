"""What is a dictionary of observables? The base class, the state itself, any function, and several side by side."""

from __future__ import annotations

import abc
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from simviz import checks


class Dictionary(abc.ABC):
    r"""A list of observables :math:`\phi = (\phi_1 .. \phi_n)` of the state: points (..., dim) -> (..., n).

    A subclass writes `values` and `names`. window: None, or (count, gap) where a point is a window of the past,
    (..., count, dim), rows `gap` steps apart and the newest last.
    """

    window: tuple[int, int] | None = None

    @abc.abstractmethod
    def values(self, points: torch.Tensor) -> torch.Tensor:
        """(..., dim) -> (..., size): the observables at points that are known to be real and finite."""

    @abc.abstractmethod
    def names(self, dim: int, coordinates: Sequence[str] | None = None) -> tuple[str, ...]:
        """Return one name an observable, for states of dim coordinates that are called s1, s2, .. or as given."""

    def size(self, dim: int) -> int:
        """Return the number of observables of a state of dim coordinates."""
        return len(self.names(dim))

    def __call__(self, points: Any) -> torch.Tensor:
        """Return the observables of points (..., dim), NumPy or torch, as (..., size) on their device, in their dtype.

        Raises ValueError where points are not real and finite, or have a number of coordinates that does not fit.
        """
        points = checks.tensor("points", points)
        if points.ndim < 1 + (self.window is not None):
            words = "(..., dim)" if self.window is None else "(..., count, dim)"
            raise ValueError(f"points must be {words}, got {tuple(points.shape)}")
        return self.values(points)


def labels(dim: int, coordinates: Sequence[str] | None) -> tuple[str, ...]:
    """Return the coordinates' names, s1, s2, .. unless given."""
    return tuple(f"s{i + 1}" for i in range(dim)) if coordinates is None else tuple(coordinates)


class Identity(Dictionary):
    """The coordinates of the state themselves; constant: with the observable 1 in front.

    >>> Identity(constant=True).names(2)
    ('1', 's1', 's2')
    """

    def __init__(self, constant: bool = False) -> None:
        self.constant = bool(constant)

    def values(self, points: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.ones_like(points[..., :1]), points], -1) if self.constant else points

    def names(self, dim: int, coordinates: Sequence[str] | None = None) -> tuple[str, ...]:
        return ("1",) * self.constant + labels(dim, coordinates)


class Module(Dictionary):
    """Any function or `nn.Module` as a dictionary: points (rows, dim) -> (rows, size), called without gradients.

    A module is called in evaluation mode (an observable must not depend on the other rows) and put back as it was; it
    gets points on its own device and in its own dtype, a function gets them as they are. names: one an observable;
    without them g1, g2, ...
    """

    def __init__(self, module: Callable[[torch.Tensor], Any], names: Sequence[str] | None = None) -> None:
        if not callable(module):
            raise ValueError(f"a dictionary must be a Dictionary, a function or an nn.Module, got {module!r}")
        self.module = module
        self.given = None if names is None else tuple(names)

    @torch.no_grad()
    def values(self, points: torch.Tensor) -> torch.Tensor:
        rows = points.reshape(-1, points.shape[-1])  # (rows, dim)
        found = self._called(rows)
        if found.ndim != 2 or len(found) != len(rows):
            raise ValueError(
                f"the dictionary must return ({len(rows)}, size) for {len(rows)} points, but returned "
                f"{tuple(found.shape)}: one row a point, one column an observable"
            )
        return found.to(points.device).reshape(*points.shape[:-1], -1)

    def _called(self, rows: torch.Tensor) -> torch.Tensor:
        """Return what the function or the module makes of (rows, dim)."""
        if not isinstance(self.module, nn.Module):
            found = self.module(rows)
            return found if isinstance(found, torch.Tensor) else torch.from_numpy(np.array(found))
        training = [part for part in self.module.modules() if part.training]
        tensors = itertools.chain(self.module.parameters(), self.module.buffers())
        like = next((t for t in tensors if t.is_floating_point()), rows)
        self.module.eval()
        try:
            return self.module(rows.to(like))
        finally:
            for part in training:
                part.training = True

    def names(self, dim: int, coordinates: Sequence[str] | None = None) -> tuple[str, ...]:
        return self.given or tuple(f"g{i + 1}" for i in range(self.size(dim)))

    def size(self, dim: int) -> int:
        return self.values(torch.from_numpy(np.ones((1, dim)))).shape[-1] if self.given is None else len(self.given)


class Stack(Dictionary):
    """Several dictionaries side by side: their observables one after the other.

    An observable that two of them hold is listed twice; EDMD then finds it once, by the slower QR.
    Raises ValueError for none at all, or where they read windows of different lengths.

    >>> Stack(Identity(), lambda s: s[..., :1] ** 2).names(2)
    ('s1', 's2', 'g1')
    """

    def __init__(self, *dictionaries: Dictionary | Callable[[torch.Tensor], Any]) -> None:
        if not dictionaries:
            raise ValueError("Stack needs at least one dictionary, got none: the dictionary would be empty")
        self.dictionaries = tuple(as_dictionary(part) for part in dictionaries)
        windows = {part.window for part in self.dictionaries}
        if len(windows) > 1:
            raise ValueError(f"stacked dictionaries must read the same window (count, gap), got {windows}")
        self.window = windows.pop()

    def values(self, points: torch.Tensor) -> torch.Tensor:
        return torch.cat([part.values(points) for part in self.dictionaries], -1)

    def names(self, dim: int, coordinates: Sequence[str] | None = None) -> tuple[str, ...]:
        return tuple(name for part in self.dictionaries for name in part.names(dim, coordinates))

    def size(self, dim: int) -> int:
        return sum(part.size(dim) for part in self.dictionaries)


def as_dictionary(dictionary: Any) -> Dictionary:
    """Return a dictionary as it is; wrap a function or an `nn.Module`; refuse anything else with a ValueError."""
    return dictionary if isinstance(dictionary, Dictionary) else Module(dictionary)
