"""Is this what can be drawn? Arrays and tensors enter a figure here, as NumPy arrays of a known shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from simviz import checks


def real(
    name: str, value: Any, shape: Sequence[int | None] | None = None, words: str = "", *, finite: bool = True
) -> np.ndarray:
    """Return `value` as a float64 array of that shape; see `checks.tensor`."""
    return checks.tensor(name, value, shape, words, finite=finite).detach().cpu().double().numpy()


def complex_grid(name: str, value: Any, *, finite: bool = True) -> np.ndarray:
    """Return `value` as a complex128 array (rows, columns); where not finite, it must be so somewhere."""
    values = np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value)
    if values.ndim != 2 or values.dtype.kind not in "biufc":
        raise ValueError(f"{name} must be numbers (rows, columns), got {values.dtype} of shape {values.shape}")
    real(name, np.abs(values), finite=finite)
    if not np.isfinite(values).any():
        raise ValueError(f"{name} holds no finite value: nothing can be drawn")
    return values.astype(np.complex128)


def increasing(name: str, value: Any, least: int = 2) -> np.ndarray:
    """Return `value` as a strictly increasing array (n,) of at least so many numbers."""
    numbers = real(name, value, (None,), "(n,)")
    if len(numbers) < least or not (np.diff(numbers) > 0).all():
        raise ValueError(f"{name} must be at least {least} increasing numbers, got {len(numbers)}: sort them")
    return numbers
