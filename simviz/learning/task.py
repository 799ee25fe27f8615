"""What is learned? Data in two parts, a loss for a minibatch, and what is measured on the part never trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from simviz import checks


@dataclass(frozen=True)
class Task:
    """Training and test tensors with the loss and the metrics that go with them.

    train, test: tuples of tensors whose axis 0 counts samples; loss(model, *minibatch) returns a scalar;
    metrics(model, *test) returns a dict of numbers and is called without gradients, the model in evaluation mode.
    validation: a third part, on which settings and the best state are chosen, or None. goal: the metric that says which
    state is best, the larger the better, or the smaller with larger=False; empty where the task has none.
    Raises ValueError where the tensors of a part differ in length or are empty.
    """

    name: str
    train: tuple[torch.Tensor, ...]
    test: tuple[torch.Tensor, ...]
    loss: Callable[..., torch.Tensor]
    metrics: Callable[..., dict[str, float]]
    validation: tuple[torch.Tensor, ...] | None = None
    goal: str = ""
    larger: bool = True

    def __post_init__(self) -> None:
        for part in ("train", "test", "validation"):
            tensors = getattr(self, part)
            if tensors is None and part == "validation":
                continue
            lengths = {len(t) for t in tensors}
            if len(lengths) != 1 or 0 in lengths:
                raise ValueError(f"{part} must hold tensors of one equal length above 0, got {sorted(lengths)}")

    @classmethod
    def from_arrays(cls, x: Any, y: Any, held_out: float = 0.2, seed: int = 0, name: str = "your arrays") -> Task:
        """Make a task of your own arrays: classification where y holds whole numbers, regression where it is real.

        x: (samples, ...) NumPy or torch, real and finite; y: (samples,) integer class labels from 0 up, or
        (samples, ...) real targets; held_out: share kept for the test part (within each class where y is labels).
        Loss: cross entropy / mean squared error; metric: `accuracy` / `rmse`.

        >>> import numpy as np
        >>> task = Task.from_arrays(np.random.rand(20, 3), np.arange(20) % 2, held_out=0.5)
        >>> [tuple(t.shape) for t in task.train]
        [(10, 3), (10,)]
        """
        held_out = checks.real("held_out", held_out, 0.0, 1.0, low_open=True, high_open=True)
        seed = checks.positive_int("seed", seed, 0)
        inputs = checks.tensor("x", x).to(torch.get_default_dtype())
        try:
            targets = y if isinstance(y, torch.Tensor) else torch.as_tensor(np.array(y))
        except (TypeError, ValueError, RuntimeError):
            raise ValueError(f"y must be labels or numbers, got {type(y).__name__}") from None
        if targets.ndim == 0:
            raise ValueError("y must be (samples,) or (samples, ...), got a single value")
        if len(inputs) != len(targets):
            raise ValueError(f"x and y must have one row a sample, got {len(inputs)} and {len(targets)} rows")
        labels = not targets.is_floating_point()
        if labels:
            if targets.ndim != 1 or int(targets.min()) < 0:
                raise ValueError(
                    f"y holds labels and must be (samples,) with values from 0 up, got {tuple(targets.shape)}, "
                    f"smallest {int(targets.min())}"
                )
            targets = targets.long()
        else:
            targets = checks.tensor("y", targets).to(inputs.dtype)
        test = _held_out_rows(targets if labels else torch.zeros(len(targets)), held_out, seed)
        parts = ((inputs[~test], targets[~test]), (inputs[test], targets[test]))
        if labels:
            return cls(name, *parts, classification_loss, classification_metrics, goal="accuracy")
        return cls(name, *parts, regression_loss, regression_metrics, goal="rmse", larger=False)


def _held_out_rows(groups: torch.Tensor, share: float, seed: int) -> torch.Tensor:
    """(n,) bool: within every group about `share` of its rows, at least one and never all where there are two."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.zeros(len(groups), dtype=torch.bool)
    for group in groups.unique():
        rows = torch.nonzero(groups == group)[:, 0]
        count = min(max(round(share * len(rows)), 1), max(len(rows) - 1, 0))
        chosen[rows[torch.randperm(len(rows), generator=generator)[:count]]] = True
    return chosen


def classification_loss(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Cross entropy of the logits."""
    return nn.functional.cross_entropy(model(x), y)


def classification_metrics(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> dict[str, float]:
    """Share of right answers, from 0 to 1, and the cross entropy."""
    logits = torch.cat([model(part) for part in x.split(400)])
    return {
        "accuracy": float((logits.argmax(-1) == y).double().mean()),
        "test loss": float(nn.functional.cross_entropy(logits, y)),
    }


def regression_loss(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean squared error."""
    return nn.functional.mse_loss(model(x), y)


def regression_metrics(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> dict[str, float]:
    """Root mean squared error, in the units of y."""
    return {"rmse": float(nn.functional.mse_loss(torch.cat([model(part) for part in x.split(400)]), y).sqrt())}
