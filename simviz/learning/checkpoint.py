"""How is a model kept? A folder with its description as JSON and its weights as safetensors; never a pickle.

The folder is written beside its place and renamed into it, so that a crash leaves the old one or the new one.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import nn

# The rooms whose classes a description may name register them when they are imported.
from simviz.learning.places import model_folder
from simviz.models import affine, bases, deq, propagators, sim  # noqa: F401
from simviz.models.config import build, describe

FORMAT, VERSION = "simviz model", 1
DESCRIPTION, WEIGHTS = "model.json", "weights.safetensors"


def save_model(model: nn.Module, folder: str | os.PathLike[str], extra: dict[str, Any] | None = None) -> Path:
    """Write a model into a folder: its description, its weights, and `extra`, a dict of JSON values; return the path.

    A folder that already holds a saved model, and nothing else, is replaced. Raises ValueError for a model that is not
    made of known classes, for `extra` that is not JSON, and for a place that holds anything else, which stays as it is.
    """
    place = Path(folder).resolve()
    check_place(place)
    write_folder(place, model_files(model, extra))
    return place


def model_files(
    model: nn.Module, extra: dict[str, Any] | None = None, weights: Mapping[str, torch.Tensor] | None = None
) -> dict[str, bytes]:
    """Return the files of a saved model by name; raises ValueError as `save_model` does.

    weights: another state of the model than its present one.
    """
    packed = pack(model.state_dict() if weights is None else weights)
    content = {
        "format": FORMAT,
        "version": VERSION,
        "model": describe(model),
        "sha256": sha256(packed),
        "extra": extra or {},
    }
    try:
        json.dumps(extra, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"extra must hold JSON values alone: {error}") from None
    return {WEIGHTS: packed, DESCRIPTION: sealed(content)}


def sealed(content: dict[str, Any]) -> bytes:
    """Return a JSON file whose last entry, "checksum", is that of all others: `read_json` sees a flipped bit."""
    content = json.loads(json.dumps(content))  # as it will be read: keys are words, tuples are lists
    return json.dumps({**content, "checksum": _checksum(content)}, indent=1).encode()


def sha256(content: bytes) -> str:
    """Return the checksum of a file's content."""
    return hashlib.sha256(content).hexdigest()


def _checksum(content: dict[str, Any]) -> str:
    """The checksum of JSON values, however the file that holds them is set."""
    return sha256(json.dumps(content, sort_keys=True).encode())


def pack(tensors: Mapping[str, torch.Tensor]) -> bytes:
    """Return named tensors, from whatever device, as the bytes of a safetensors file."""
    return save_tensors({name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()})


def write_folder(place: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a new folder beside `place` and rename it there; a folder that stood there is gone after."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        for name, content in files.items():
            _write(draft / name, content)
        draft.chmod(0o755)
        _sync(draft)
        into_place(draft, place)
        _sync(place.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def load_model(folder: str | os.PathLike[str]) -> nn.Module:
    """Return the model that `save_model` wrote into a folder, in evaluation mode, on the CPU, in its own dtype.

    The folder of a training will do, and one of checkpoints: then it is the trained model, or the best checkpoint, or
    the newest one (`places.model_folder`). Nothing in the folder is executed.

    Raises ValueError for a folder that holds no model or a damaged one: a missing file, broken JSON, a class or an
    option this version does not know, weights cut short, changed or of another model.
    """
    place = model_folder(Path(folder))
    content = _description(place)
    tensors = read_tensors(place, WEIGHTS, content.get("sha256"))
    try:
        model = build(content.get("model"))
    except (ValueError, TypeError, AttributeError, KeyError, RuntimeError, RecursionError) as error:
        raise ValueError(f"folder {place} describes a model that cannot be built: {error}") from None
    if not isinstance(model, nn.Module):
        raise ValueError(f"folder {place} describes no model: {DESCRIPTION} must name a class of simviz")
    check_weights(place, model, tensors)
    model.load_state_dict(tensors, assign=True)
    return model.eval()


def read_tensors(place: Path, name: str, checksum: Any) -> dict[str, torch.Tensor]:
    """Return the tensors of a file that has this checksum; raises ValueError for a missing or damaged one."""
    weights = read(place, name)
    check_sum(place, name, weights, checksum)
    try:
        return load_tensors(weights)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"folder {place} holds damaged weights, {name} cannot be read: {error}") from None


def check_sum(place: Path, name: str, content: bytes, expected: Any, word: str = "model") -> None:
    """Raise ValueError where a file's content has another checksum; word: "model" or "run", whose file it is."""
    if sha256(content) != expected:
        what = f"a damaged {word}" if name.endswith(".json") else "damaged weights"
        raise ValueError(f"folder {place} holds {what}: {name} is not the file that was saved with the {word}")


def load_extra(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the `extra` that was saved with the model; raises ValueError as `load_model` does."""
    return _description(model_folder(Path(folder))).get("extra", {})


def check_place(folder: str | os.PathLike[str], more: Sequence[str] = ()) -> None:
    """Raise ValueError where `save_model` would: a file, or a folder that holds anything but a saved model.

    more: names of files that may lie beside the model's.
    """
    place = Path(folder).resolve()
    if place.is_dir():
        names = {path.name for path in place.iterdir()}
        strange = sorted(names - {DESCRIPTION, WEIGHTS, *more})
        if strange:
            raise ValueError(
                f"folder {place} holds files that are no saved model, such as {strange[0]!r}: nothing was overwritten; "
                "choose another folder"
            )
        if names:
            _description(place)
    elif place.exists():
        raise ValueError(f"folder {place} is a file: nothing was overwritten; choose another folder")


def _description(place: Path) -> dict[str, Any]:
    return read_json(place, DESCRIPTION, FORMAT, VERSION)


def read_json(place: Path, name: str, form: str, version: int) -> dict[str, Any]:
    """Return the content of a JSON file of the given format; raises ValueError for a missing or damaged one.

    form: "simviz model" or "simviz run", as the file itself says; its last word stands in the errors.
    """
    word = form.split()[-1]
    try:
        content = json.loads(read(place, name, word))
    except (ValueError, RecursionError) as error:
        if isinstance(error, _NotThere):
            raise ValueError(str(error)) from None
        raise ValueError(f"folder {place} holds a damaged {word}: {name} is not JSON ({error})") from None
    if not isinstance(content, dict) or content.get("format") != form:
        raise ValueError(f"folder {place} holds no saved {word}: {name} was not written by simviz")
    if content.get("version") != version:
        raise ValueError(
            f"folder {place} holds a {word} of format version {content.get('version')!r}, this simviz reads {version}: "
            "install the simviz that wrote it"
        )
    checksum = content.pop("checksum", None)
    if checksum != _checksum(content):
        raise ValueError(f"folder {place} holds a damaged {word}: {name} is not as it was saved, its checksum differs")
    return content


class _NotThere(ValueError):
    """A file of a model that is missing or cannot be opened."""


def read(place: Path, name: str, word: str = "model") -> bytes:
    """Return the bytes of a file in a folder; raises ValueError where it is missing or cannot be opened."""
    if not place.is_dir():
        raise _NotThere(f"folder {place} does not exist, or is no folder")
    try:
        return (place / name).read_bytes()
    except FileNotFoundError:
        raise _NotThere(f"folder {place} holds no saved {word}: {name} is missing") from None
    except OSError as error:
        raise _NotThere(f"folder {place} cannot be read: {name}: {error.strerror}") from None


def check_weights(place: Path, model: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    """Raise ValueError where tensors are not a state of the model: other names, shapes or kinds of number."""
    expected = model.state_dict()
    for names, word in ((expected.keys() - tensors.keys(), "lack"), (tensors.keys() - expected.keys(), "also hold")):
        if names:
            raise ValueError(f"folder {place} holds weights of another model: they {word} {min(names)!r}")
    for name, value in expected.items():
        if tensors[name].shape != value.shape:
            have, want = tuple(tensors[name].shape), tuple(value.shape)
            raise ValueError(f"folder {place} holds weights of another model: {name} must be {want}, got {have}")
        if tensors[name].is_floating_point() != value.is_floating_point():
            raise ValueError(f"folder {place} holds weights of another model: {name} has dtype {tensors[name].dtype}")


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Let a folder's names reach the disk, where the system can do that for folders."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def into_place(draft: Path, place: Path) -> None:
    """Rename a folder to its place; what stood there ends up where the folder was."""
    if not place.exists() or not any(place.iterdir()):
        if place.exists():
            place.rmdir()
        draft.rename(place)
    elif not _exchange(draft, place):
        aside = draft.with_name(draft.name + "-old")
        place.rename(aside)
        try:
            draft.rename(place)
        except OSError:
            aside.rename(place)
            raise
        aside.rename(draft)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in a single step where the system can (Linux); say whether it did."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        swap = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of linux/fs.h
    return swap(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0
