"""What is drawn of a training, and into which files? Its curves, its spectrum, and a picture that was learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simviz import figures
from simviz.cli import spectrum
from simviz.cli.folder import put
from simviz.figures.training import Reference
from simviz.learning import data
from simviz.learning.report import said
from simviz.learning.run import Run
from simviz.learning.task import Task
from simviz.records import FigureSpec, TrainStep


def curves(
    folder: Path,
    history: Sequence[TrainStep],
    goal: str,
    reference: Reference | None = None,
    loss_reference: Reference | None = None,
    *,
    pages: bool = True,
) -> None:
    """Write curves.png and, with `pages`, curves.html."""
    spec = figures.training_curves(history, goal=goal, reference=reference, loss_reference=loss_reference)
    _draw(folder, "curves", spec, pages)


def eigenvalues(folder: Path, run: Run, *, pages: bool = True) -> str:
    """Write spectrum.png and, with `pages`, spectrum.html; return what is to be said of them, for any model."""
    found = spectrum.spectrum_of(run.model, lambda: run.task.test[0])
    if found is None:
        return f"{spectrum.NONE}; none was drawn"
    spec = figures.spectrum(found)
    _draw(folder, "spectrum", spec, pages)
    return f"{found.kind}: {spec.state}"


def learned_picture(folder: Path, run: Run) -> str:
    """Write picture.png: the truth, the training pixels, what was learned and what interpolation makes of them."""
    task, bilinear = run.task, data.Bilinear(run.task)
    side = data.pictures.picture_side(task)
    truth = _whole(task, side)
    half = task.train[1].reshape(side // 2, side // 2, 3).numpy()
    mine, plain = (said("psnr", value) for value in (run.measure()["psnr"], psnr_of_bilinear(run)))
    shown = {
        f"the picture\n{side} x {side} pixels": truth,
        f"training pixels\na quarter of them, {side // 2} x {side // 2}": half,
        f"learned\n{mine} on test pixels": data.picture(run.model, task),
        f"bilinear interpolation\n{plain} on test pixels": data.picture(bilinear, task),
    }
    put(folder / "picture.png", lambda path: figures.side_by_side(shown, path))
    return f"PSNR on the test pixels: {mine}; bilinear interpolation of the training pixels: {plain}"


def psnr_of_bilinear(run: Run) -> float:
    """Return the PSNR, on the test pixels, of interpolating between the training pixels."""
    return run.task.metrics(data.Bilinear(run.task), *run.task.test)["psnr"]


def _whole(task: Task, side: int) -> np.ndarray:
    """The picture itself, (side, side, 3), put together from all its parts."""
    colours = np.zeros((side, side, 3))
    for x, y in (part for part in (task.train, task.test, task.validation) if part is not None):
        columns, rows = ((x.double() + 1) / 2 * (side - 1)).round().long().T  # (pixels,) each
        colours[rows, columns] = y.numpy()
    return colours


def _draw(folder: Path, name: str, spec: FigureSpec, pages: bool) -> None:
    put(folder / f"{name}.png", lambda path: figures.still(spec, path))
    if pages:
        put(folder / f"{name}.html", spectrum.html(spec).encode())
