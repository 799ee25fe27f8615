"""What did a function return? Tensors, arrays, numbers and lists are all taken as tensors, and compared as such."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
import torch


def as_tensor(value: Any) -> torch.Tensor | None:
    """Return a tensor, an array, a number or a (nested) list of these as a float64 or complex128 tensor, else None.

    Truth values become 0 and 1.
    """
    if isinstance(value, torch.Tensor):
        found = value.detach().cpu()
    elif isinstance(value, (list, tuple)):
        parts = [as_tensor(part) for part in value]
        known = [part for part in parts if part is not None]
        if not known or len(known) < len(parts) or any(part.shape != known[0].shape for part in known):
            return None
        wide = torch.complex128 if any(part.is_complex() for part in known) else torch.float64
        return torch.stack([part.to(wide) for part in known])
    elif isinstance(value, (numbers.Number, np.ndarray, np.generic)):
        try:
            found = torch.from_numpy(np.array(value))
        except TypeError:
            return None
    else:
        return None
    return found.to(torch.complex128 if found.is_complex() else torch.float64)


def same(one: Any, other: Any, tolerance: float) -> bool:
    """Return whether two answers agree: shapes alike and no entry further apart than tolerance times the scale.

    The scale is the largest modulus in `other`, but 1 at the least. Tuples agree part by part.
    """
    if isinstance(other, tuple):
        if not isinstance(one, (tuple, list)) or len(one) != len(other):
            return False
        return all(same(a, b, tolerance) for a, b in zip(one, other, strict=True))
    a, b = as_tensor(one), as_tensor(other)
    if a is None or b is None or not fits(a, b) or not bool(torch.isfinite(a).all()):
        return False
    a = a.reshape(b.shape)
    scale = max(1.0, float(b.abs().max())) if b.numel() else 1.0
    return bool(((a - b).abs() <= tolerance * scale).all())


def fits(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Return whether two shapes are alike; a single number may come in any shape."""
    return one.shape == other.shape or (one.numel() == other.numel() == 1)


def number(value: Any) -> float:
    """Return an answer that is one number, in whatever shape it came, as a float: its real part."""
    found = as_tensor(value)
    if found is None or found.numel() != 1:
        raise ValueError(f"value must be one number, got {value!r}")
    return float(found.real.item())


def copied(value: Any) -> Any:
    """Return an argument that may be changed without harm: tensors are cloned, functions with a memory start anew."""
    if isinstance(value, torch.Tensor):
        return value.clone()
    fresh = getattr(value, "fresh", None)
    return fresh() if callable(fresh) else value
