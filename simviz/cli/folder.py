"""What may stand in the folder of a training? Its own files alone, and never half of an old and half of a new result.

A training in a new folder writes there. One that replaces an earlier result writes into a folder beside it, whose name
ends in `.unfinished`, and changes places with it when all is written. A training that is not finished is never removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simviz.learning import checkpoint
from simviz.learning.report import FINISHED
from simviz.learning.resume import OWN

TRAINING, RESULTS, TABLE = "training.json", "results.json", "results.csv"
MODEL, CHECKPOINTS = "model", "checkpoints"
_FORMAT, _RESULTS, _VERSION = "simviz training", "simviz results", 1
_DRAFT = r"-[\w]{8}"
_CHECKPOINT = rf"checkpoints/\.?(step-\d{{6,}}|best)({_DRAFT}(-old)?)?"
_MODEL = rf"(model|\.model{_DRAFT}(-old)?)"
_FILE = r"(training\.json|results\.(json|csv)|(curves|spectrum)\.(html|png)|picture\.png)"
_FILES = "|".join(map(re.escape, (checkpoint.DESCRIPTION, checkpoint.WEIGHTS, *OWN)))
_OWN_FILE = re.compile(rf"(fold-\d+/)?({_FILE}|\.{_DRAFT[1:]}-{_FILE}|({_MODEL}|{_CHECKPOINT})/({_FILES}))")
_OWN_FOLDER = re.compile(rf"fold-\d+|(fold-\d+/)?({_MODEL}|checkpoints|{_CHECKPOINT})")
KEEP_OUT = "nothing was overwritten; choose another folder with --out"


class Folder:
    """The folder of one training: `place` is what --out names, `work` where the training writes until it is finished.

    options: what the training was asked for, as JSON values; another training's folder is refused, and so is one with
    any other file in it, by a ValueError, and nothing is changed. resume: go on with the training that is there.
    `finished`: there is nothing left to do; `resumed`: there is something to go on with.
    """

    def __init__(self, place: Path, task: str, options: dict[str, Any], resume: bool) -> None:
        self.place, self.task, self.options = place, task, json.loads(json.dumps(options))
        beside = place.with_name(f"{place.name}.unfinished")
        waiting, there = _state(beside, task), _state(place, task)
        self.resumed, self.finished = resume, False
        self.work = beside if (waiting or there) else place
        if resume:
            self._resume(there, waiting)
            return
        if there is not None and there["outcome"] is None:
            raise ValueError(_waiting(place))
        if waiting is not None and waiting["outcome"] in (None, FINISHED):
            raise ValueError(_waiting(beside))

    def _resume(self, there: dict[str, Any] | None, waiting: dict[str, Any] | None) -> None:
        found = waiting or there
        if found is None:
            raise ValueError(f"--resume: folder {self.place} holds no training to go on with; leave --resume out")
        self.work = self.work if waiting else self.place
        before = found["options"]
        other = sorted(k for k in {*before, *self.options} if before.get(k) != self.options.get(k))
        if other == ["sha256"]:
            name = self.options.get("data") or self.options.get("picture")
            raise ValueError(f"--resume: the file {name} has changed since the training began; begin anew elsewhere")
        if other:
            names = ", ".join(f"--{name.replace('_', '-')}, which was {before.get(name)!r}" for name in other[:3])
            raise ValueError(f"--resume goes on with the options the training began with: leave as it was {names}")
        if found["outcome"] not in (None, FINISHED):
            raise ValueError(f"the training in {self.work} {found['outcome']}: begin anew, without --resume")
        self.finished = found["outcome"] == FINISHED

    def begin(self) -> None:
        """Make the folder; of a training that is gone on with it is there."""
        if self.resumed:
            return
        if self.work != self.place:
            shutil.rmtree(self.work, ignore_errors=True)  # one that diverged
        self.work.mkdir(parents=True, exist_ok=True)
        content = {"format": _FORMAT, "version": _VERSION, "task": self.task, "options": self.options}
        put(self.work / TRAINING, checkpoint.sealed(content))

    def finish(self) -> None:
        """Bring the finished folder to its place; the earlier result is gone then."""
        if self.work == self.place:
            return
        try:
            _state(self.place, self.task)  # it may have changed meanwhile
        except ValueError as error:
            raise ValueError(f"{error}; the new result is in {self.work}, and --resume brings it here") from None
        checkpoint.into_place(self.work, self.place)
        shutil.rmtree(self.work, ignore_errors=True)


def read_training(folder: Path) -> dict[str, Any]:
    """Return the options of the training that a folder holds; raises ValueError where it holds none."""
    return checkpoint.read_json(folder, TRAINING, _FORMAT, _VERSION)["options"]


def put_results(folder: Path, content: dict[str, Any], rows: str) -> None:
    """Write the table, and last the results: with them the folder is finished."""
    put(folder / TABLE, rows.encode())
    put(folder / RESULTS, checkpoint.sealed({"format": _RESULTS, "version": _VERSION, **content}))


def read_results(folder: Path) -> dict[str, Any] | None:
    """Return the results in a folder, None where there are none yet; raises ValueError for damaged ones."""
    if not (folder / RESULTS).exists():
        return None
    return checkpoint.read_json(folder, RESULTS, _RESULTS, _VERSION)


def put(path: Path, content: bytes | Callable[[Path], Any]) -> None:
    """Write a file beside its place and rename it there; content: its bytes, or what writes it to a given path."""
    draft = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    try:
        if callable(content):
            content(draft)
        else:
            draft.write_bytes(content)
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Return the checksum of a file of the user's, so that a training goes on with the data it began with."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _waiting(folder: Path) -> str:
    return (
        f"folder {folder} holds a training that is not finished, or not in its place: go on with it by --resume, "
        "delete the folder, or choose another with --out"
    )


def _state(folder: Path, task: str) -> dict[str, Any] | None:
    """The options and the outcome (None: not finished) of the training in a folder; None for no folder or an empty one.

    Raises ValueError for a file, another task's training, and for anything that no training of simviz put there.
    """
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise ValueError(f"folder {folder} is a file: {KEEP_OUT}")
    if not any(folder.iterdir()):
        return None
    strange = _strange(folder)
    if strange is None and not (folder / TRAINING).exists():
        strange = min(path.name for path in folder.iterdir())
    if strange is not None:
        words = f"files that are no training of simviz, such as {strange!r}"
        raise ValueError(f"folder {folder} holds {words}: {KEEP_OUT}")
    found = checkpoint.read_json(folder, TRAINING, _FORMAT, _VERSION)
    if found["task"] != task:
        raise ValueError(f"folder {folder} holds a training of simviz train {found['task']}: {KEEP_OUT}")
    results = read_results(folder)
    return {"options": found["options"], "outcome": None if results is None else results["outcome"]}


def _strange(folder: Path) -> str | None:
    """Something in a folder that no training puts there, or None."""
    for here, folders, files in os.walk(folder):
        inside = Path(here).relative_to(folder)
        for names, pattern in ((folders, _OWN_FOLDER), (files, _OWN_FILE)):
            for name in sorted(names):
                path = (inside / name).as_posix()
                if not pattern.fullmatch(path) or (folder / path).is_symlink():
                    return path
    return None
