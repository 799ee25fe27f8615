"""What does a classifier say in other coordinates? Everything behind the basis computed anew, and compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from simviz.live.panels.gauge.subject import COORDINATES, Subject
from simviz.models import folding, gauge
from simviz.models.sim import SIM

TRAIL = 24
"""Degrees of the turn that are still seen."""


@dataclass(frozen=True)
class Gauged:
    """A classifier in turned coordinates, and one test image.

    steps: degrees of the turn; eigenvalues, trained: (rank,) complex, of V^T U now and as trained; trail: (m,) complex,
    of the turns just before; reach: half the side of the plane in which all of them stay; logits, before: (classes,) of
    the image now and as trained; picture: (rows, columns); label: what it shows; number: which it is; images: how many
    there are; accuracy, 0 to 1, and as it was trained; change: the largest change of any output of any test image;
    largest: the largest output; defect: |Pi Pi - Pi| / |Pi|, 0 for a projection; matrices: (name, rows, columns) as
    they are multiplied; merged, rank: of the folded matrix, its shape and rank, None before.
    """

    coordinates: str
    steps: int
    fold: bool
    eigenvalues: np.ndarray
    trail: np.ndarray
    trained: np.ndarray
    reach: float
    logits: np.ndarray
    before: np.ndarray
    picture: np.ndarray
    label: int
    number: int
    images: int
    accuracy: float
    accuracy_before: float
    change: float
    largest: float
    defect: float
    matrices: tuple[tuple[str, int, int], ...]
    merged: tuple[int, int] | None
    rank: int | None

    @property
    def radius(self) -> float:
        """The largest modulus."""
        return float(np.abs(self.eigenvalues).max())


@torch.no_grad()
def turned(subject: Subject, *, coordinates: str, steps: int, fold: bool, digit: int) -> Gauged:
    """Return the classifier in these coordinates, turned by so many degrees; digit: number of the test image."""
    degrees = torch.arange(max(0, steps - TRAIL), steps + 1)
    targets = subject.targets(coordinates, degrees)  # (m, rank, rank), the last one is now
    as_trained = coordinates == COORDINATES[0] and steps == 0
    model = subject.tail if as_trained else gauge.regauge(subject.tail, targets[-1])
    merged, outputs = _folded(subject, model) if fold else (None, model(subject.features))
    U, V = gauge.low_rank(model, "GaugePanel").factors()
    values = torch.linalg.eigvals(torch.cat([targets[:-1], (V.mT @ U)[None]])).numpy()
    limit = U @ V.mT
    guesses, first = outputs.argmax(1) == subject.y, subject.outputs.argmax(1) == subject.y
    return Gauged(
        coordinates, steps, fold, values[-1], values[:-1].ravel(),
        torch.linalg.eigvals(subject.V.mT @ subject.bases[COORDINATES[0]]).numpy(), subject.reaches[coordinates],
        outputs[digit].numpy(), subject.outputs[digit].numpy(), subject.images[digit].mean(0).numpy(),
        int(subject.y[digit]), digit, len(subject.y), float(guesses.double().mean()), float(first.double().mean()),
        float((outputs - subject.outputs).abs().max()), float(subject.outputs.abs().max()),
        float((limit @ limit - limit).norm() / limit.norm()), _matrices(subject, model, merged),
        None if merged is None else (merged.shape[0], merged.shape[1]),
        None if merged is None else int(torch.linalg.matrix_rank(merged)),
    )  # fmt: skip


def _folded(subject: Subject, model: SIM) -> tuple[torch.Tensor, torch.Tensor]:
    """The one matrix that is left of W1, U V^T and the basis' last, (out, in), and the outputs computed with it."""
    behind = folding.fold([model.propagator, model.decoder, model.readout])
    linear = [*([] if subject.last is None else [subject.last])]
    for layer in behind:
        if not isinstance(layer, nn.Linear):
            break
        linear.append(layer)
    rest = behind[len(linear) - (subject.last is not None) :]
    matrix = torch.eye(subject.hidden.shape[1], dtype=torch.float64)
    shift = matrix.new_zeros(len(matrix))
    for layer in linear:
        matrix, shift = layer.weight @ matrix, layer(shift)
    return matrix, rest(subject.hidden @ matrix.mT + shift)


def _matrices(subject: Subject, model: SIM, merged: torch.Tensor | None) -> tuple[tuple[str, int, int], ...]:
    behind = "W1 U V^T" if subject.last is None else "W1 U V^T W_phi"
    if merged is not None:
        return ((behind, merged.shape[0], merged.shape[1]),)
    U, V = gauge.low_rank(model, "GaugePanel").factors()
    first = gauge.first_behind(model, "GaugePanel").weight
    parts = [("W1", first), ("U", U), ("V^T", V.mT)]
    if subject.last is not None:
        parts.append(("W_phi", subject.last.weight))
    return tuple((name, part.shape[0], part.shape[1]) for name, part in parts)
