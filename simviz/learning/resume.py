"""How is a run kept, so that it goes on as if it had never stopped? A saved model's folder with some files more.

Beside the model's two files: run.json (options, shapes of the data, checksums of all other files), history.json,
optimizer.safetensors (the optimiser's tensors, named by parameter), start.safetensors (the weights of step 0) and, once
there is a best state, best.safetensors (its weights and the optimiser's tensors).
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from simviz.learning import checkpoint, history
from simviz.learning.best import Best
from simviz.learning.optimisers import MOMENTS
from simviz.learning.task import Task
from simviz.records import TrainStep

FORMAT, VERSION = "simviz run", 1
RUN, HISTORY = "run.json", "history.json"
OPTIMIZER, START, BEST = "optimizer.safetensors", "start.safetensors", "best.safetensors"
OWN = (RUN, HISTORY, OPTIMIZER, START, BEST)
State = dict[str, torch.Tensor]
Moments = dict[int, State]
"""An optimiser's `state`: {number of the parameter: {moment: tensor}}."""


@dataclasses.dataclass(frozen=True)
class Saved:
    """A run as its folder holds it.

    model: its description alone counts where weights are given; weights, optimizer: at the last step; start: the
    weights of step 0; best: the best step with its weights and moments; scaler: the gradient scaler's state; lines: of
    the history's first steps as JSON (`history.to_text`).
    """

    model: nn.Module
    weights: State
    options: dict[str, Any]
    device: str
    history: Sequence[TrainStep]
    optimizer: Moments
    start: State
    best: tuple[Best, State, Moments] | None = None
    scaler: dict[str, Any] | None = None
    lines: list[str] = dataclasses.field(default_factory=list)


class OtherTask(ValueError):
    """The run is whole, but the task given holds other tensors than it was trained on."""


def save_run(folder: str | os.PathLike[str], saved: Saved, task: Task) -> Path:
    """Write a run into a folder and return its path; a saved run or model that stood there is replaced.

    Raises ValueError for a model that is not made of known classes, and for a place that holds anything else, which
    stays as it is.
    """
    place = Path(folder).resolve()
    check_run_place(place)
    checkpoint.write_folder(place, run_files(saved, task))
    return place


def run_files(saved: Saved, task: Task) -> dict[str, bytes]:
    """Return the files of a saved run by name; raises ValueError as `save_run` does."""
    names = [name for name, _ in saved.model.named_parameters()]
    files = checkpoint.model_files(saved.model, weights=saved.weights)
    files[HISTORY] = history.to_text(saved.history, saved.lines).encode()
    files[OPTIMIZER], files[START] = checkpoint.pack(_by_name(names, saved.optimizer)), checkpoint.pack(saved.start)
    best = None
    if saved.best is not None:
        best, weights, moments = saved.best
        tensors = {f"model/{name}": value for name, value in weights.items()}
        tensors |= {f"optimizer/{name}": value for name, value in _by_name(names, moments).items()}
        files[BEST] = checkpoint.pack(tensors)
    content = {
        "format": FORMAT,
        "version": VERSION,
        "task": task.name,
        "data": _data(task),
        "options": saved.options,
        "device": saved.device,
        "step": len(saved.history),
        "best": None if best is None else dataclasses.asdict(best),
        "scaler": saved.scaler,
        "sha256": {name: checkpoint.sha256(file) for name, file in files.items()},
    }
    files[RUN] = checkpoint.sealed(content)
    return files


def load_run(folder: str | os.PathLike[str], task: Task) -> Saved:
    """Return the run that `save_run` wrote; raises ValueError for a bad folder, or a task with tensors that do not fit.

    Nothing in the folder is executed; the model is on the CPU.
    """
    place = Path(folder)
    model = checkpoint.load_model(place)
    content = read_header(place)
    sha256 = content["sha256"]
    text = checkpoint.read(place, HISTORY, "run")
    for name, file in ((checkpoint.DESCRIPTION, checkpoint.read(place, checkpoint.DESCRIPTION)), (HISTORY, text)):
        checkpoint.check_sum(place, name, file, sha256[name], "run")  # model.json in turn vouches for the weights
    try:
        steps = history.from_text(text)
        complete = [step.step for step in steps] == list(range(1, int(content["step"]) + 1))
        best = None if content["best"] is None else Best(**content["best"])
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        words = f"{RUN} or {HISTORY} does not fit its format ({error!r})"
        raise ValueError(f"folder {place} holds a damaged run: {words}") from None
    if not complete:
        raise ValueError(f"folder {place} holds a damaged run: the history in {HISTORY} has gaps")
    if content["data"] != _data(task):
        raise OtherTask(
            f"task must hold the tensors that the run in folder {place} was trained on: it had "
            f"{_words(content['data'])}, this one has {_words(_data(task))}"
        )
    start = checkpoint.read_tensors(place, START, sha256[START])
    checkpoint.check_weights(place, model, start)
    moments = _by_index(place, model, checkpoint.read_tensors(place, OPTIMIZER, sha256[OPTIMIZER]))
    kept = None if best is None else (best, *_best_state(place, model, sha256[BEST]))
    options, device = dict(content["options"]), content["device"]
    return Saved(model, model.state_dict(), options, device, steps, moments, start, kept, content["scaler"])


def read_header(place: Path) -> dict[str, Any]:
    """Return the content of a folder's run.json; raises ValueError where it is missing, damaged or not a run's."""
    content = checkpoint.read_json(place, RUN, FORMAT, VERSION)
    kinds = {"data": dict, "options": dict, "device": str, "step": int, "sha256": dict}
    wrong = [name for name, kind in kinds.items() if not isinstance(content.get(name), kind)]
    if wrong or not {"best", "scaler"} <= content.keys():
        raise ValueError(f"folder {place} holds a damaged run: {RUN} does not fit its format ({wrong or 'best'})")
    needed = {checkpoint.DESCRIPTION, checkpoint.WEIGHTS, HISTORY, OPTIMIZER, START} | (
        {BEST} if content["best"] else set()
    )
    if odd := needed ^ content["sha256"].keys():
        words = f"{RUN} must name the files of a run and no other, see {min(odd)!r}"
        raise ValueError(f"folder {place} holds a damaged run: {words}")
    return content


def check_run_place(folder: str | os.PathLike[str]) -> None:
    """Raise ValueError where `save_run` would: a file, or a folder that holds anything but a saved run or model."""
    place = Path(folder).resolve()
    checkpoint.check_place(place, OWN)
    if place.is_dir() and {path.name for path in place.iterdir()} & set(OWN):
        checkpoint.read_json(place, RUN, FORMAT, VERSION)


def _best_state(place: Path, model: nn.Module, sha256: str) -> tuple[State, Moments]:
    tensors = checkpoint.read_tensors(place, BEST, sha256)
    weights = {key.removeprefix("model/"): value for key, value in tensors.items() if key.startswith("model/")}
    checkpoint.check_weights(place, model, weights)
    moments = {key.removeprefix("optimizer/"): v for key, v in tensors.items() if not key.startswith("model/")}
    return weights, _by_index(place, model, moments)


def _by_name(names: Sequence[str], moments: Moments) -> State:
    return {f"{names[i]}.{key}": state[key] for i, state in moments.items() for key in MOMENTS}


def _by_index(place: Path, model: nn.Module, moments: Mapping[str, torch.Tensor]) -> Moments:
    """The optimiser's state from tensors named by parameter and moment."""
    states: Moments = {}
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
    parts = {"train": task.train, "test": task.test, "validation": task.validation}
    return {
        part: [[str(t.dtype).removeprefix("torch."), *t.shape] for t in tensors]
        for part, tensors in parts.items()
        if tensors is not None
    }


def _words(data: Mapping[str, Sequence[Sequence[Any]]]) -> str:
    return ", ".join(
        f"{part} " + " and ".join(f"{kind} {tuple(shape)}" for kind, *shape in tensors)
        for part, tensors in data.items()
    )
