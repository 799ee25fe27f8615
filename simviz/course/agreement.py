"""Do two ways to a number agree? Both are printed, side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from simviz import checks

DISAGREE = "DISAGREE"
"""The word by which a test of the notebooks finds two numbers that should agree."""
_SHOWN = 3


def agree(
    what: str, by_hand: Any, simviz: Any, within: float = 1e-6, names: tuple[str, str] = ("by hand", "simviz")
) -> None:
    """Print both, and whether they agree.

    what: a few words; by_hand, simviz: numbers, arrays or tensors of as many numbers, real or complex; within: the
    largest difference, as a share of the largest modulus of the two where that is above 1; names: what the two are
    called. Raises ValueError for a within that is not positive and for different numbers of numbers.
    """
    share = checks.positive("within", within)
    left, right = _numbers(by_hand), _numbers(simviz)
    if left.shape != right.shape:
        raise ValueError(f"by_hand and simviz must hold as many numbers, got {left.size} and {right.size}")
    largest = max(1.0, float(np.abs(left).max(initial=0.0)), float(np.abs(right).max(initial=0.0)))
    apart = float(np.abs(left - right).max(initial=0.0))
    word = "agree" if apart <= share * largest else f"{DISAGREE} by {apart:.2g}"
    print(f"{what:<24} {names[0]} {_words(left)}   {names[1]} {_words(right)}   {word}")


def _numbers(value: Any) -> np.ndarray:
    array = value.detach().cpu().resolve_conj().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)
    return array.astype(complex if np.iscomplexobj(array) else float).reshape(-1)


def _words(values: np.ndarray) -> str:
    shown = [f"{v:.6g}" for v in values[:_SHOWN].round(12) + 0.0]
    more = f" .. ({values.size} numbers)" if values.size > _SHOWN else ""
    return (shown[0] if values.size == 1 else f"({', '.join(shown)}{more})") if shown else "nothing"
