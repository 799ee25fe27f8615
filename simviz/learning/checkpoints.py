"""What is left of a run when its process dies? A folder of whole runs: step-000100, step-000200, .., and best.

Each is written beside its place, brought to the disk and renamed; an older one is removed after a newer one is in
place, and is renamed out of sight first: a process may be killed at any moment, and every folder named so is whole.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
import warnings
from pathlib import Path

from simviz import checks
from simviz.learning import checkpoint
from simviz.learning.best import Best
from simviz.learning.resume import OWN, RUN, START, OtherTask, Saved, load_run, read_header, run_files
from simviz.learning.task import Task

BEST = "best"
STALE = 600.0
"""Seconds after which a draft to which nothing is written any more belongs to a dead process."""
_STEP = re.compile(r"step-(\d{6,})")
_DRAFT = re.compile(r"\.(step-\d{6,}|best)-\w{8}(-old)?")


class Keeper:
    """Write a run's checkpoints into a folder: every so many steps and at the end, the last few of them and the best.

    Raises ValueError for bad numbers and for a folder that cannot be used (`_check`); nothing is overwritten then.
    """

    def __init__(self, folder: str | os.PathLike[str], every: int, last: int, task: Task, saved: Saved) -> None:
        self.every, self.last = checks.positive_int("every", every), checks.positive_int("last", last)
        self.place, self.task = Path(folder).resolve(), task
        _check(self.place, saved, task)
        self.place.mkdir(parents=True, exist_ok=True)
        self._best = _best_there(self.place)
        self._written: set[int] = set()
        _sweep(self.place)

    def write(self, saved: Saved) -> None:
        """Write the checkpoint of the step reached; then remove those before the last few, and its own of later steps.

        There are later ones where the run was rewound: they are forgotten as its history was.
        """
        step = len(saved.history)
        checkpoint.write_folder(self.place / f"step-{step:06d}", run_files(saved, self.task))
        self._written.add(step)
        numbered = _numbered(self.place)
        before = sorted(number for number, path in numbered.items() if number <= step and _whole(path))
        gone = {*before[: -self.last], *(number for number in numbered if number > step and number in self._written)}
        for number in gone:
            _remove(numbered[number])
        self._written -= gone

    def wants(self, best: Best | None) -> bool:
        """Say whether this is better than the best state that is kept."""
        return best is not None and best.beats(self._best, self.task)

    def write_best(self, saved: Saved) -> None:
        """Write the run as it was at its best step."""
        checkpoint.write_folder(self.place / BEST, run_files(saved, self.task))
        self._best = saved.best[0] if saved.best else None


def is_folder_of_checkpoints(folder: str | os.PathLike[str]) -> bool:
    """Say whether a folder holds checkpoints, and is not a saved run itself."""
    place = Path(folder)
    return place.is_dir() and not (place / RUN).exists() and bool(_numbered(place) or (place / BEST).is_dir())


def load_newest(folder: str | os.PathLike[str], task: Task) -> Saved:
    """Return the newest whole checkpoint of a folder; a UserWarning names any newer one that is damaged.

    The best one is taken where there is no other. Raises ValueError where none is whole, or for another task.
    """
    place = Path(folder)
    numbered = _numbered(place)
    damaged = []
    for path in [*(numbered[number] for number in sorted(numbered, reverse=True)), place / BEST]:
        if not path.is_dir():
            continue
        try:
            saved = load_run(path, task)
        except OtherTask:
            raise
        except ValueError as error:
            damaged.append(str(error))
            continue
        if damaged:
            words = f"went on from {path.name}, the newest whole checkpoint, and left as they are: {'; '.join(damaged)}"
            warnings.warn(words, UserWarning, stacklevel=3)
        return saved
    raise ValueError(f"folder {place} holds no whole checkpoint: {'; '.join(damaged)}")


def _check(place: Path, saved: Saved, task: Task) -> None:
    """Raise ValueError for a file, a saved run, and checkpoints that are another run's, or later than the run is."""
    if place.exists() and not place.is_dir():
        raise ValueError(f"folder {place} is a file: nothing was overwritten; choose another folder")
    if not place.is_dir():
        return
    if (place / RUN).exists():
        raise ValueError(f"folder {place} holds a saved run: nothing was overwritten; choose another for checkpoints")
    for path in [*_numbered(place).values(), place / BEST]:
        if not path.exists():
            continue
        own = {*OWN, checkpoint.DESCRIPTION, checkpoint.WEIGHTS}
        if not path.is_dir() or path.is_symlink() or not {entry.name for entry in path.iterdir()} <= own:
            raise ValueError(
                f"folder {place} holds {path.name!r}, which is no checkpoint: nothing was overwritten; choose another "
                "folder"
            )
        _check_same_run(path, saved, task)


def _check_same_run(path: Path, saved: Saved, task: Task) -> None:
    try:
        content = read_header(path)
    except ValueError:
        return  # damaged: it is left as it is until the run comes to that step
    start = checkpoint.sha256(checkpoint.pack(saved.start))
    if content["options"] != saved.options or content["sha256"][START] != start:
        raise ValueError(
            f"folder {path.parent} holds checkpoints of another run (other options or other first weights): nothing "
            "was overwritten; choose another folder"
        )
    if path.name != BEST and content["step"] > len(saved.history):
        try:
            load_run(path, task)
        except ValueError:
            return  # damaged inside
        raise ValueError(
            f"folder {path.parent} holds a checkpoint of step {content['step']} and this run is at step "
            f"{len(saved.history)}: go on with Run.load(folder, task), or choose another folder"
        )


def _best_there(place: Path) -> Best | None:
    try:
        return Best(**read_header(place / BEST)["best"])
    except (ValueError, TypeError):
        return None


def _numbered(place: Path) -> dict[int, Path]:
    """The checkpoints of a folder by step."""
    found = ((_STEP.fullmatch(path.name), path) for path in place.iterdir())
    return {int(match[1]): path for match, path in found if match}


def _whole(path: Path) -> bool:
    try:
        return bool(read_header(path))
    except ValueError:
        return False


def _remove(path: Path) -> None:
    gone = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove the drafts of dead processes: those to which nothing was written for `STALE` seconds; no others."""
    for path in place.iterdir():
        if _DRAFT.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            times = [entry.stat().st_mtime for entry in (path, *path.iterdir())]
            if time.time() - max(times) > STALE:
                shutil.rmtree(path, ignore_errors=True)
