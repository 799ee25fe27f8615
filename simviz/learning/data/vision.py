"""Which images do the papers classify? MNIST, CIFAR-10 and SVHN, in torchvision's files and by its readers.

LeCun et al. 1998; Krizhevsky 2009; Netzer et al. 2011. Ten per cent of the training set are held out to choose by, as
in Konishi and Kawahara 2022; the official test part is the test part.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from simviz import checks
from simviz.learning.data import cache
from simviz.learning.splits import TRAIN, split
from simviz.learning.task import Task, classification_loss, classification_metrics

Place = str | os.PathLike[str] | None


def mnist(root: Place = None, download: bool = False, *, validation: float = 0.1, seed: int = 0) -> Task:
    """Return MNIST, 60,000 + 10,000 handwritten digits, x (samples, 1, 28, 28), as a classification task.

    x: normalised by the training part, channel by channel; y: (samples,). root: the folder above torchvision's `MNIST`
    (default: `torchvision` in `cache.folder()`); download: fetch what is not there, 12 MB; validation: share of each
    class of the training set kept to choose by. Raises ValueError where the files are not there or damaged, cannot be
    fetched, or torchvision is missing or does not fit PyTorch.
    """

    def read(datasets: Any, place: Path, train: bool) -> tuple[Any, Any]:
        known = datasets.MNIST(place, train=train, download=download)
        return known.data[:, None], known.targets

    files = "MNIST/raw/train-images-idx3-ubyte and its three companions"
    return _task("MNIST", "mnist", files, read, root, download, validation, seed)


def cifar10(root: Place = None, download: bool = False, *, validation: float = 0.1, seed: int = 0) -> Task:
    """Return CIFAR-10, 50,000 + 10,000 photographs in ten classes, x (samples, 3, 32, 32), as a classification task.

    Arguments and errors are those of `mnist`; the download has 170 MB. torchvision checks the files' MD5 sums and reads
    them by pickle, which is their format: trust them as you trust where they come from.
    """

    def read(datasets: Any, place: Path, train: bool) -> tuple[Any, Any]:
        known = datasets.CIFAR10(place, train=train, download=download)
        return torch.as_tensor(known.data).permute(0, 3, 1, 2), known.targets

    return _task("CIFAR-10", "cifar10", "the folder cifar-10-batches-py", read, root, download, validation, seed)


def svhn(root: Place = None, download: bool = False, *, validation: float = 0.1, seed: int = 0) -> Task:
    """Return SVHN, 73,257 + 26,032 house numbers in ten classes, x (samples, 3, 32, 32), as a classification task.

    The digit 0 has label 0. Arguments and errors are those of `mnist`; the download has 250 MB.
    """

    def read(datasets: Any, place: Path, train: bool) -> tuple[Any, Any]:
        known = datasets.SVHN(place, split="train" if train else "test", download=download)
        return known.data, known.labels

    files = "train_32x32.mat and test_32x32.mat"
    return _task("SVHN", "svhn", files, read, root, download, validation, seed)


def _task(
    title: str,
    name: str,
    files: str,
    read: Callable[[Any, Path, bool], tuple[Any, Any]],
    root: Place,
    download: bool,
    validation: float,
    seed: int,
) -> Task:
    """The task of a training and a test set, each read as pixels (n, channels, rows, columns) uint8 and labels (n,)."""
    validation = checks.real("validation", validation, 0.0, 1.0, high_open=True)
    seed = checks.positive_int("seed", seed, 0)
    if not isinstance(download, bool):
        raise ValueError(f"download must be True or False, got {download!r}")
    if root is not None and not isinstance(root, str | os.PathLike):
        raise ValueError(f"root must be a folder's path, got {type(root).__name__}")
    datasets = _torchvision_datasets()
    place = cache.folder() / "torchvision" if root is None else Path(root).expanduser()
    try:
        (pixels, labels), (test_pixels, test_labels) = (read(datasets, place, train) for train in (True, False))
    except Exception as error:  # torchvision, the network, the disk and the formats each have errors of their own
        raise ValueError(_absent(title, name, files, place, download, error)) from None
    y, test_y = (torch.as_tensor(values).long() for values in (labels, test_labels))
    pixels, test_pixels = torch.as_tensor(pixels), torch.as_tensor(test_pixels)
    part = split(y, 0.0, validation, seed)
    mean, std = _moments(pixels[part == TRAIN])  # (channels, 1, 1) each
    scaled = [_scaled(p, mean, std) for p in (pixels[part == TRAIN], test_pixels, pixels[part != TRAIN])]
    return Task(
        name,
        (scaled[0], y[part == TRAIN]),
        (scaled[1], test_y),
        classification_loss,
        classification_metrics,
        (scaled[2], y[part != TRAIN]) if validation else None,
        goal="accuracy",
        normalisation=(mean, std),
    )


def _moments(pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of pixels / 255, channel by channel, exactly, by counting the 256 values.

    pixels: (n, channels, rows, columns) uint8; a channel of one value keeps its units. No float copy is made.
    """
    counts = torch.stack([torch.bincount(c.flatten(), minlength=256) for c in pixels.unbind(1)]).double()
    values = torch.arange(256, dtype=torch.float64) / 255
    weights = counts / counts.sum(1, keepdim=True)  # (channels, 256)
    mean = weights @ values
    std = (weights * (values - mean[:, None]).square()).sum(1).sqrt()
    flat = std < 1e-9
    shape = (-1, 1, 1)
    return mean.masked_fill(flat, 0.0).reshape(shape), std.masked_fill(flat, 1.0).reshape(shape)


def _scaled(pixels: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    x = pixels.to(torch.get_default_dtype())
    return x.sub_((255 * mean).to(x)).div_((255 * std).to(x))


def _torchvision_datasets() -> Any:
    try:
        from torchvision import datasets
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "torchvision":
            raise ValueError(f"torchvision lacks the module {error.name}: install that too") from None
        raise ValueError(
            'torchvision is not installed, and it reads these files: pip install "simviz[vision]"'
        ) from None
    except Exception as error:  # an extension built for another torch fails in many ways, RuntimeError among them
        raise ValueError(
            f"torchvision is installed but cannot be imported beside torch {torch.__version__} ({_brief(error)}): "
            f"install the version, and the CPU or CUDA build, that matches torch"
        ) from None
    return datasets


def _absent(title: str, name: str, files: str, place: Path, download: bool, error: Exception) -> str:
    put = f"put torchvision's files there yourself ({files})"
    if download:
        return f"{title} could not be fetched into {place} ({_brief(error)}): see to the network, or {put}"
    if "not found" in str(error):
        return f"{title} is not in {place}, or damaged: {name}(download=True) fetches it, or {put}"
    return f"{title} in {place} is damaged ({_brief(error)}): delete it, then {name}(download=True) fetches it anew"


def _brief(error: Exception) -> str:
    """The error's last line that says something, at most 200 characters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]
