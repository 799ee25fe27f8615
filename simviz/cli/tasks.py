"""Which task do the words of a command line name? What is missing or does not fit is said in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simviz.learning import data
from simviz.learning.task import Task

TORCHVISION = ("mnist", "cifar10", "svhn")


def images(options: Mapping[str, Any]) -> Task:
    """Return the classification task of `data` (a name or a file's path), with `validation`, `root` and `download`."""
    name, share = options["data"], options.get("validation")
    chosen = {} if share is None else {"validation": share}
    if name in TORCHVISION:
        try:
            more = {"root": options.get("root"), "download": bool(options.get("download"))}
            return getattr(data, name)(**chosen, **more)
        except ValueError as error:
            raise ValueError(str(error).replace(f"{name}(download=True)", "--download")) from None
    if name in data.IMAGES:
        make: Any = data.IMAGES[name]
        task: Task = make(**chosen)
        return task
    if not Path(name).expanduser().is_file():
        raise ValueError(f"--data must be one of {', '.join(data.IMAGES)} or a file, and there is no file {name}")
    return _square(data.from_file(name, **chosen), name)


def fold(task: Task, folds: int | None, number: int) -> Task:
    """Return the task of a fold, counted from 1, or the task itself where there are none."""
    return task.folds(folds)[number - 1] if folds else task


def silence(options: Mapping[str, Any]) -> Task:
    """Return the copy memory task of `delay`, with `validation` as a share of the training part."""
    share = options.get("validation")
    if share is not None and not 0 <= share <= 1:
        raise ValueError(f"--validation must lie in [0, 1], got {share:g}")
    return data.copy_memory(options["delay"], validation=round(10_000 * (share or 0.0)))


def pixels(options: Mapping[str, Any]) -> Task:
    """Return the task of a picture: `picture`, `side` and, for text, `words`."""
    if options["picture"] == "text":
        words = {} if options.get("words") is None else {"words": options["words"]}
        return data.rendered_text(side=options["side"], **words)
    if options.get("words") is not None:
        raise ValueError(f"--words goes with --picture text alone, got --picture {options['picture']}")
    return data.photograph(options["picture"], options["side"])


def preparation(task: Task) -> list[Any] | None:
    """Return [mean, std] as JSON: a raw x becomes (x - mean) / std. None where inputs are as they came."""
    return None if task.normalisation is None else [part.tolist() for part in task.normalisation]


def _square(task: Task, name: str) -> Task:
    shape = tuple(task.train[0].shape[1:])
    if len(shape) != 3 or shape[1] != shape[2] or task.number_of_classes is None:
        raise ValueError(
            f"--data {name} must hold square images and their classes for these models: an NPZ file with x (samples, "
            f"channels, side, side) and whole numbers y (samples,); its samples are of shape {shape}"
        )
    return task
