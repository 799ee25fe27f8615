"""Which spectrum does a saved model have, and how is it drawn as a page that opens without a network?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from simviz.cli import folder as folders
from simviz.cli import tasks
from simviz.learning.checkpoint import load_extra, load_model
from simviz.models.deq import DEQ, LARGE
from simviz.models.sim import SIM
from simviz.records import FigureSpec, Spectrum

SAMPLES, SAMPLES_LARGE, LEADING = 32, 4, 20
"""Held-out samples whose Jacobians are drawn for a DEQ; of a large state fewer, and so many leading numbers of each."""
NONE = "a plain net has no spectrum: it is neither the limit of a dynamics nor an equilibrium"


def page(folder: Path, output: Path) -> int:
    """Draw the spectrum of the model in a folder; `simviz spectrum`."""
    from simviz import figures

    model = load_model(folder)
    spectrum = spectrum_of(model, lambda: _held_out(folder))
    if spectrum is None:
        raise ValueError(f"{NONE}; train with --model single, two, deq or monotone")
    spec = figures.spectrum(spectrum)
    output.write_text(html(spec), encoding="utf-8")
    print(f"{spectrum.kind}: {spec.state}" if spec.state else spectrum.kind)
    print(f"written to {output}")
    return 0


def spectrum_of(model: Any, held_out: Callable[[], torch.Tensor]) -> Spectrum | None:
    """Return the spectrum of a model of whatever kind it has one, None for one without; held_out: inputs for a DEQ."""
    if isinstance(model, SIM):
        return model.spectrum()
    if not isinstance(model, DEQ):
        return None
    device = next(model.parameters()).device
    x = held_out()[:SAMPLES].to(device)
    with torch.no_grad():
        large = model.equilibrium(x[:1]).z.numel() > LARGE
    found = model.spectrum(x[:SAMPLES_LARGE], LEADING) if large else model.spectrum(x)
    samples = f"{len(found.eigenvalues)} test samples"
    return Spectrum(found.eigenvalues, kind=f"{found.kind}, {samples}{', the largest of each' if large else ''}")


def html(spec: FigureSpec) -> str:
    """Return a drawing as a page that needs no network."""
    from simviz import figures

    drawn = figures.to_plotly(spec)
    return drawn.to_html(include_plotlyjs=True, full_html=True, config={"displaylogo": False})


def _held_out(folder: Path) -> torch.Tensor:
    """The held-out inputs of the data that the model in a folder was trained on."""
    extra = load_extra(folder)
    for place in (folder, folder.resolve().parent):  # checkpoints say nothing of the data, the training does
        if not extra and (place / folders.TRAINING).exists():
            extra = folders.read_training(place)
    if not isinstance(extra.get("data"), str):
        raise ValueError(
            "the spectrum of a DEQ depends on x, and this folder does not say which data it was trained on"
        )
    return tasks.fold(tasks.images(extra), extra.get("folds"), extra.get("fold", 1)).test[0]
