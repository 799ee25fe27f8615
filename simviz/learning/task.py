"""What is learned? Data in parts, a loss for a minibatch, and what is measured on the parts never trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from simviz import checks
from simviz.learning.splits import TEST, TRAIN, VALIDATION, check_parts, check_shares, deal, split

PIECE = 400
"""Samples that are measured at once, as in the paper."""


@dataclass(frozen=True)
class Task:
    """Training and test tensors with the loss and the metrics that go with them.

    train, test: tuples of tensors whose axis 0 counts samples; loss(model, *minibatch) returns a scalar;
    metrics(model, *test) returns a dict of numbers and is called without gradients, the model in evaluation mode.
    validation: a third part, on which settings and the best state are chosen, or None. goal: the metric that says which
    state is best, the larger the better, or the smaller with larger=False; empty where the task has none.
    normalisation: (mean, std) with which the raw inputs were shifted and scaled, two tensors that broadcast against one
    x, or None where the inputs are as they came. Raises ValueError where the tensors of a part differ in length or are
    empty.
    """

    name: str
    train: tuple[torch.Tensor, ...]
    test: tuple[torch.Tensor, ...]
    loss: Callable[..., torch.Tensor]
    metrics: Callable[..., dict[str, float]]
    validation: tuple[torch.Tensor, ...] | None = None
    goal: str = ""
    larger: bool = True
    normalisation: tuple[torch.Tensor, torch.Tensor] | None = None

    def __post_init__(self) -> None:
        for part in ("train", "test", "validation"):
            tensors = getattr(self, part)
            if tensors is None and part == "validation":
                continue
            lengths = {len(t) for t in tensors}
            if len(lengths) != 1 or 0 in lengths:
                raise ValueError(f"{part} must hold tensors of one equal length above 0, got {sorted(lengths)}")

    @property
    def number_of_classes(self) -> int | None:
        """One more than the largest label of all parts, or None where the task has no labels, (samples,) whole."""
        labels = [y for part in self._parts() if (y := _labels(part)) is not None]
        return 1 + max(int(y.max()) for y in labels) if labels else None

    @classmethod
    def from_arrays(
        cls,
        x: Any,
        y: Any,
        held_out: float = 0.2,
        seed: int = 0,
        name: str = "your arrays",
        *,
        validation: float = 0.0,
    ) -> Task:
        """Make a task of your own arrays: classification where y holds whole numbers, regression where it is real.

        x: (samples, ...) NumPy or torch, real and finite; y: (samples,) integer class labels from 0 up, or
        (samples, ...) real targets; held_out, validation: shares kept for the test and the validation part (within each
        class where y is labels); 0 makes no validation part. Loss: cross entropy / mean squared error; goal: `accuracy`
        / `rmse`. Raises ValueError for NaN, rows that do not match, labels below 0, shares that leave nothing.

        >>> import numpy as np
        >>> task = Task.from_arrays(np.random.rand(20, 3), np.arange(20) % 2, held_out=0.5)
        >>> [tuple(t.shape) for t in task.train]
        [(10, 3), (10,)]
        """
        held_out, validation = check_shares(held_out, validation)
        seed = checks.positive_int("seed", seed, 0)
        inputs = checks.tensor("x", x).to(torch.get_default_dtype())
        if inputs.ndim == 0:
            raise ValueError("x must be (samples, ...), got a single value")
        targets = _targets(y).to(inputs.device)
        if len(inputs) != len(targets):
            raise ValueError(f"x and y must have one row a sample, got {len(inputs)} and {len(targets)} rows")
        labels = not targets.is_floating_point()
        if not labels:
            targets = checks.tensor("y", targets).to(inputs.dtype)
        groups = targets.cpu() if labels else torch.zeros(len(targets))
        part = split(groups, held_out, validation, seed).to(inputs.device)
        check_parts(part, held_out, validation)
        train, test, chosen = ((inputs[part == i], targets[part == i]) for i in (TRAIN, TEST, VALIDATION))
        third = chosen if validation else None
        if labels:
            return cls(name, train, test, classification_loss, classification_metrics, third, "accuracy")
        return cls(name, train, test, regression_loss, regression_metrics, third, "rmse", larger=False)

    def normalised(self) -> Task:
        """The task with its inputs at mean 0 and standard deviation 1 over the training part, channel by channel.

        Channels: axis 1 of x where it has four axes or more, (samples, channels, rows, columns), else the last one. A
        channel of no spread stays in its raw units. Of a task normalised before, the two scalings are composed: the
        result is that of the raw inputs, and so is `normalisation`. Raises ValueError for numbers too large to square.
        """
        x = self.train[0]
        one = x.shape[1:]
        if self.normalisation is not None:
            mean, std = self.normalisation
        else:
            axis = 0 if len(one) > 2 else len(one) - 1
            shape = [size if i == axis else 1 for i, size in enumerate(one)]
            mean, std = x.new_zeros(shape, dtype=torch.float64), x.new_ones(shape, dtype=torch.float64)
        alike = [0, *(i + 1 for i, size in enumerate(mean.shape) if size == 1)]
        variance, middle = (m.double().reshape(mean.shape) for m in torch.var_mean(x, alike, correction=0))
        new_mean, new_std = mean + std * middle, std * variance.sqrt()
        if not torch.isfinite(new_std).all():
            raise ValueError(f"x holds numbers too large to be normalised, up to {float(x.abs().max()):g}: rescale it")
        flat = new_std <= 1e-7 * new_mean.abs()
        new_mean, new_std = new_mean.masked_fill(flat, 0.0), new_std.masked_fill(flat, 1.0)
        scale, shift = (std / new_std).to(x), ((mean - new_mean) / new_std).to(x)
        train, test, validation = (
            None if part is None else (part[0] * scale + shift, *part[1:])
            for part in (self.train, self.test, self.validation)
        )
        assert train is not None
        assert test is not None
        return replace(self, train=train, test=test, validation=validation, normalisation=(new_mean, new_std))

    def prepare(self, x: Any) -> torch.Tensor:
        """Return raw inputs, one or a batch, in the units in which the task's model takes them.

        >>> task = Task.from_arrays([[0.0], [10.0], [20.0], [30.0]], [0.0, 1.0, 2.0, 3.0]).normalised()
        >>> mean, std = task.normalisation
        >>> torch.allclose(task.prepare(mean + 2 * std), torch.tensor([2.0]))
        True
        """
        raw = checks.tensor("x", x)
        one = self.train[0].shape[1:]
        if raw.shape not in (one, (len(raw) if raw.ndim else 0, *one)):
            words = ", ".join(map(str, one))
            raise ValueError(f"x must be ({words}) or a batch (samples, {words}), got {tuple(raw.shape)}")
        if self.normalisation is None:
            return raw.to(self.train[0])
        mean, std = self.normalisation
        return ((raw.to(mean) - mean) / std).to(self.train[0])

    def folds(self, k: int, seed: int = 0) -> list[Task]:
        """Cut all samples, of every part, into k parts alike and return k tasks, each with one of them as test part.

        Every class is shared out evenly. Each task keeps the share of validation that this one has, and is normalised
        by its own training part where this one is. Raises ValueError for k below 2 or above the number of samples, and
        where the parts hold samples of different shapes, such as windows and whole trajectories.

        >>> task = Task.from_arrays(torch.randn(30, 2), torch.arange(30) % 3)
        >>> [fold.test[1].bincount().tolist() for fold in task.folds(5)]
        [[2, 2, 2], [2, 2, 2], [2, 2, 2], [2, 2, 2], [2, 2, 2]]
        """
        k, seed = checks.positive_int("k", k, 2), checks.positive_int("seed", seed, 0)
        parts = self._parts()
        shapes = [tuple(tuple(t.shape[1:]) for t in part) for part in parts]
        if len(set(shapes)) > 1:
            raise ValueError(f"folds needs parts whose samples have one shape, those of {self.name} have {shapes}")
        pooled = tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))
        count = len(pooled[0])
        if k > count:
            raise ValueError(f"k must be at most {count}, the number of samples, got {k}")
        labels = _labels(pooled)
        groups = torch.zeros(count) if labels is None else labels.cpu()
        share = 0.0 if self.validation is None else len(self.validation[0]) / count
        fold = deal(groups, k, seed)
        tasks = []
        for i in range(k):
            rest = torch.nonzero(fold != i)[:, 0]
            part = torch.full((count,), TEST)
            part[rest] = split(groups[rest], 0.0, share * count / len(rest), seed)
            part = part.to(pooled[0].device)
            train, test, third = (tuple(t[part == p] for t in pooled) for p in (TRAIN, TEST, VALIDATION))
            name = f"{self.name}, fold {i + 1} of {k}"
            task = replace(self, name=name, train=train, test=test, validation=third if share else None)
            tasks.append(task if self.normalisation is None else task.normalised())
        return tasks

    def _parts(self) -> list[tuple[torch.Tensor, ...]]:
        return [part for part in (self.train, self.validation, self.test) if part is not None]


def _targets(y: Any) -> torch.Tensor:
    """y as a tensor: labels, (samples,) long from 0 up, or real numbers, (samples, ...)."""
    try:
        targets = y if isinstance(y, torch.Tensor) else torch.as_tensor(np.array(y))
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"y must be labels or numbers, got {type(y).__name__}") from None
    if targets.is_complex():
        raise ValueError(f"y must be labels or real numbers, got {targets.dtype}")
    if targets.ndim == 0:
        raise ValueError("y must be (samples,) or (samples, ...), got a single value")
    if targets.numel() == 0:
        raise ValueError(f"y is empty, shape {tuple(targets.shape)}")
    if targets.is_floating_point():
        return targets
    targets = targets.long()
    if targets.ndim != 1 or int(targets.min()) < 0:
        raise ValueError(
            f"y holds labels and must be (samples,) with values from 0 up, got {tuple(targets.shape)}, "
            f"smallest {int(targets.min())}; for regression give real numbers"
        )
    return targets


def _labels(part: tuple[torch.Tensor, ...]) -> torch.Tensor | None:
    """The labels of a part, (samples,) whole numbers, or None where its last tensor holds none."""
    y = part[-1]
    return None if len(part) < 2 or y.ndim != 1 or y.is_floating_point() else y


def _check_logits(logits: torch.Tensor, y: torch.Tensor, *, labels: bool) -> None:
    """Raise ValueError where the logits are not (batch, classes) or, with `labels`, where a label is no class."""
    if logits.ndim != 2 or len(logits) != len(y):
        raise ValueError(
            f"the model must return logits ({len(y)}, classes), one row a sample, got {tuple(logits.shape)}"
        )
    if labels:
        for label in map(int, y.aminmax()):
            if not 0 <= label < logits.shape[1]:
                raise ValueError(
                    f"y holds the label {label}, the model tells {logits.shape[1]} classes apart: count labels from 0 "
                    f"up, and give the model as many outputs as there are classes"
                )


def _check_outputs(outputs: torch.Tensor, y: torch.Tensor) -> None:
    """Raise ValueError where the model's answers and y differ in shape, since broadcasting would pair all with all."""
    if outputs.shape != y.shape:
        raise ValueError(
            f"the model returned {tuple(outputs.shape)} where y is {tuple(y.shape)}: they must agree, axis by axis"
        )


def classification_loss(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Cross entropy of the logits; raises ValueError for a label that is none of the model's classes, on a CPU.

    On an accelerator the loss does not wait to look at the labels; `classification_metrics` does.
    """
    logits = model(x)
    _check_logits(logits, y, labels=y.device.type == "cpu")
    return nn.functional.cross_entropy(logits, y)


def classification_metrics(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> dict[str, float]:
    """Share of right answers, from 0 to 1, and the cross entropy."""
    logits = torch.cat([model(part) for part in x.split(PIECE)])
    _check_logits(logits, y, labels=True)
    return {
        "accuracy": float((logits.argmax(-1) == y).double().mean()),
        "cross entropy": float(nn.functional.cross_entropy(logits, y)),
    }


def regression_loss(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean squared error."""
    outputs = model(x)
    _check_outputs(outputs, y)
    return nn.functional.mse_loss(outputs, y)


def regression_metrics(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> dict[str, float]:
    """Root mean squared error, in the units of y."""
    outputs = torch.cat([model(part) for part in x.split(PIECE)])
    _check_outputs(outputs, y)
    return {"rmse": float(nn.functional.mse_loss(outputs, y).sqrt())}
