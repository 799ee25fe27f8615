"""How is a run kept, so that it goes on as if it had never stopped? A saved model's folder with three files more.

Beside the model's two files: run.json (options, shapes of the data, history), optimizer.safetensors (AdamW's tensors,
named by parameter) and start.safetensors (the weights of step 0, so that a resumed run can be set back to its start).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from simviz.learning import checkpoint
from simviz.learning.task import Task
from simviz.records import Spectrum, TrainStep

FORMAT, VERSION = "simviz run", 1
RUN, OPTIMIZER, START = "run.json", "optimizer.safetensors", "start.safetensors"
MOMENTS = ("step", "exp_avg", "exp_avg_sq")
"""What AdamW keeps for each parameter."""


@dataclasses.dataclass(frozen=True)
class Saved:
    """A run as its folder holds it; model at the last step, optimizer as AdamW's `state`, start: weights of step 0."""

    model: nn.Module
    options: dict[str, Any]
    device: str
    history: list[TrainStep]
    optimizer: dict[int, dict[str, torch.Tensor]]
    start: dict[str, torch.Tensor]


def save_run(folder: str | os.PathLike[str], saved: Saved, task: Task) -> Path:
    """Write a run into a folder and return its path; a saved run or model that stood there is replaced.

    Raises ValueError for a model that is not made of known classes, and for a place that holds anything else, which
    stays as it is.
    """
    place = Path(folder).resolve()
    check_run_place(place)
    names = [name for name, _ in saved.model.named_parameters()]
    moments = {f"{names[i]}.{key}": state[key] for i, state in saved.optimizer.items() for key in MOMENTS}
    files = checkpoint.model_files(saved.model)
    files[OPTIMIZER], files[START] = checkpoint.pack(moments), checkpoint.pack(saved.start)
    content = {
        "format": FORMAT,
        "version": VERSION,
        "task": task.name,
        "data": _data(task),
        "options": saved.options,
        "device": saved.device,
        "step": len(saved.history),
        "sha256": {name: hashlib.sha256(files[name]).hexdigest() for name in (OPTIMIZER, START)},
        "history": [_step_to_json(step) for step in saved.history],
    }
    files[RUN] = json.dumps(content).encode()
    checkpoint.write_folder(place, files)
    return place


def load_run(folder: str | os.PathLike[str], task: Task) -> Saved:
    """Return the run that `save_run` wrote; raises ValueError for a bad folder, or a task with tensors that do not fit.

    Nothing in the folder is executed; the model is on the CPU.
    """
    place = Path(folder)
    model = checkpoint.load_model(place)
    content = checkpoint.read_json(place, RUN, FORMAT, VERSION)
    try:
        options, device, known = dict(content["options"]), str(content["device"]), content["data"]
        history = [_step_from_json(step) for step in content["history"]]
        complete = [step.step for step in history] == list(range(1, int(content["step"]) + 1))
        checksums = {name: content["sha256"][name] for name in (OPTIMIZER, START)}
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise ValueError(f"folder {place} holds a damaged run: {RUN} does not fit its format ({error!r})") from None
    if not complete:
        raise ValueError(f"folder {place} holds a damaged run: the history in {RUN} has gaps")
    if known != _data(task):
        raise ValueError(
            f"task must hold the tensors that the run in folder {place} was trained on: it had {_words(known)}, "
            f"this one has {_words(_data(task))}"
        )
    start = checkpoint.read_tensors(place, START, checksums[START])
    checkpoint.check_weights(place, model, start)
    moments = checkpoint.read_tensors(place, OPTIMIZER, checksums[OPTIMIZER])
    return Saved(model, options, device, history, _by_index(place, model, moments), start)


def check_run_place(folder: str | os.PathLike[str]) -> None:
    """Raise ValueError where `save_run` would: a file, or a folder that holds anything but a saved run or model."""
    place = Path(folder).resolve()
    checkpoint.check_place(place, (RUN, OPTIMIZER, START))
    if place.is_dir() and {path.name for path in place.iterdir()} & {RUN, OPTIMIZER, START}:
        checkpoint.read_json(place, RUN, FORMAT, VERSION)


def _by_index(place: Path, model: nn.Module, moments: Mapping[str, torch.Tensor]) -> dict[int, dict[str, torch.Tensor]]:
    """AdamW's state, {number of the parameter: {moment: tensor}}, from tensors named by parameter and moment."""
    states: dict[int, dict[str, torch.Tensor]] = {}
    expected: set[str] = set()
    for number, (name, parameter) in enumerate(model.named_parameters()):
        state = {key: moments[f"{name}.{key}"] for key in MOMENTS if f"{name}.{key}" in moments}
        expected.update(f"{name}.{key}" for key in state)
        if not state:
            continue  # a parameter that had no gradient yet
        sound = len(state) == len(MOMENTS) and state["step"].numel() == 1
        if not sound or any(state[key].shape != parameter.shape for key in MOMENTS[1:]):
            raise ValueError(f"folder {place} holds an optimiser's state of another model: {name} does not fit")
        states[number] = state
    if strange := sorted(moments.keys() - expected):
        raise ValueError(f"folder {place} holds an optimiser's state of another model: it also has {strange[0]!r}")
    return states


def _data(task: Task) -> dict[str, list[list[Any]]]:
    """The kind and shape of every tensor of a task, as JSON."""
    return {
        part: [[str(t.dtype).removeprefix("torch."), *t.shape] for t in tensors]
        for part, tensors in (("train", task.train), ("test", task.test))
    }


def _words(data: Mapping[str, Sequence[Sequence[Any]]]) -> str:
    return ", ".join(
        f"{part} " + " and ".join(f"{kind} {tuple(shape)}" for kind, *shape in data[part]) for part in ("train", "test")
    )


def _step_to_json(step: TrainStep) -> dict[str, Any]:
    fields = {field.name: getattr(step, field.name) for field in dataclasses.fields(step)}
    return {**fields, "spectrum": None if step.spectrum is None else _spectrum_to_json(step.spectrum)}


def _step_from_json(content: dict[str, Any]) -> TrainStep:
    spectrum = content["spectrum"]
    return TrainStep(**{**content, "spectrum": None if spectrum is None else _spectrum_from_json(spectrum)})


def _spectrum_to_json(spectrum: Spectrum) -> dict[str, Any]:
    residuals = spectrum.residuals
    return {
        "eigenvalues": torch.view_as_real(spectrum.eigenvalues.detach().cpu().resolve_conj()).tolist(),
        "residuals": None if residuals is None else residuals.tolist(),
        "dtype": str(spectrum.eigenvalues.real.dtype).removeprefix("torch."),
        "dt": spectrum.dt,
        "names": None if spectrum.names is None else list(spectrum.names),
        "kind": spectrum.kind,
        "in_sample": spectrum.in_sample,
        "tolerance": spectrum.tolerance,
        "advice": spectrum.advice,
    }


def _spectrum_from_json(content: dict[str, Any]) -> Spectrum:
    dtype = {"float32": torch.float32, "float64": torch.float64}[content["dtype"]]
    residuals = content["residuals"]
    return Spectrum(
        torch.view_as_complex(torch.tensor(content["eigenvalues"], dtype=dtype)),
        None if residuals is None else torch.tensor(residuals, dtype=dtype),
        content["dt"],
        content["names"],
        content["kind"],
        content["in_sample"],
        content["tolerance"],
        content["advice"],
    )
