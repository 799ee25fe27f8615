"""Is this input what the function can work with? One style of error for the whole library.

Every message names the argument, says what was given and what to do.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch


def positive_int(name: str, value: Any, minimum: int = 1) -> int:
    """Return `value` as an int that is at least `minimum`, or raise a ValueError that names the argument."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise ValueError(f"{name} must be a whole number, got {value!r}")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}")
    return int(value)


def real(
    name: str,
    value: Any,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    low_open: bool = False,
    high_open: bool = False,
) -> float:
    """Return `value` as a finite float in the interval from `low` to `high`, each end closed unless said open."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ValueError(f"{name} must be a number, got {value!r}")
    number = float(value)
    inside = (number > low if low_open else number >= low) and (number < high if high_open else number <= high)
    if not math.isfinite(number) or not inside:
        interval = f"{'(' if low_open or low == -math.inf else '['}{low:g}, {high:g}"
        interval += ")" if high_open or high == math.inf else "]"
        raise ValueError(f"{name} must be finite and lie in {interval}, got {value}")
    return number


def positive(name: str, value: Any) -> float:
    """Return `value` as a finite float above zero."""
    return real(name, value, 0.0, low_open=True)


def one_of(name: str, value: Any, options: Sequence[str]) -> str:
    """Return `value` if it is one of the words in `options`."""
    if value not in options:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}, got {value!r}")
    return value


def tensor(
    name: str, value: Any, shape: Sequence[int | None] | None = None, shape_words: str = "", *, finite: bool = True
) -> torch.Tensor:
    """Return `value` (tensor, NumPy array or nested list) as a real floating tensor of the given shape.

    `shape` holds one entry per axis, None where any size will do; `shape_words` names the axes for the reader,
    such as "(batch, time, dim)". Integers become the default floating dtype; floating dtypes are kept.
    """
    if not isinstance(value, torch.Tensor):
        try:
            # A copy: torch takes no negative strides and warns of read-only. `as_tensor` would move it to the default
            # device, away from the data.
            value = torch.from_numpy(np.array(value))
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(f"{name} must be a tensor or an array of numbers, got {type(value).__name__}") from None
    if value.is_complex():
        raise ValueError(f"{name} must be real, got {value.dtype}")
    if not value.is_floating_point():
        value = value.to(torch.get_default_dtype())
    if shape is not None:
        fits = value.ndim == len(shape) and all(
            want is None or want == have for want, have in zip(shape, value.shape, strict=True)
        )
        if not fits:
            words = shape_words or "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
            hint = "; did you forget the batch axis?" if value.ndim == len(shape) - 1 else ""
            raise ValueError(f"{name} must be {words}, got {tuple(value.shape)}{hint}")
    if value.numel() == 0:
        raise ValueError(f"{name} is empty, shape {tuple(value.shape)}")
    if finite and not torch.isfinite(value).all():
        bad = int((~torch.isfinite(value)).sum())
        raise ValueError(f"{name} holds {bad} values that are NaN or infinite: remove or repair them first")
    return value
