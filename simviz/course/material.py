"""Where are the chapters, and how does a reader get a copy? File by file; what is there already is kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATHS = ("full", "short")
"""Every cell of a chapter, or those tagged `short`: twelve minutes a chapter."""
_OWN = ("*.ipynb", "stills/*.png")


@dataclass(frozen=True)
class Copy:
    """What `lay_out` did: the files it wrote and those it found and left as they were, relative to `folder`."""

    folder: Path
    written: tuple[str, ...]
    kept: tuple[str, ...]

    def __str__(self) -> str:
        if not self.written:
            return f"The course lies in {self.folder} already; nothing was written."
        kept = f"; {len(self.kept)} that were there already, kept" if self.kept else ""
        return f"The course lies in {self.folder}: files written, {len(self.written)}{kept}."


def source() -> Path:
    """Return the folder that holds the chapters and their stills: in an installed package, or in a checkout."""
    here = Path(__file__).resolve()
    for folder in (here.parent / "notebooks", here.parents[2] / "notebooks"):
        if (folder / "00_welcome.ipynb").is_file():
            return folder
    advice = "python -m pip install --force-reinstall simviz"
    raise FileNotFoundError(f"this installation of simviz lacks its chapters: {advice}")


def lay_out(folder: str | Path, path: str = "full") -> Copy:
    """Copy the course into a folder, made where it is missing; no file that is there is touched.

    path: "full" copies the chapters as they are; "short" only their cells tagged `short`. A folder that holds chapters
    of the other path is refused by a ValueError, and so is one that cannot be written; then nothing has been written.
    """
    if path not in PATHS:
        raise ValueError(f"path must be one of {', '.join(map(repr, PATHS))}, got {path!r}")
    folder, origin = Path(folder), source()
    names = sorted(file.relative_to(origin).as_posix() for own in _OWN for file in origin.glob(own))
    kept = tuple(name for name in names if (folder / name).exists())
    for name in kept:
        there = _path_of(folder / name)
        if there not in (None, path):
            raise ValueError(
                f"folder {folder} holds chapters of the {there} path; choose another folder for the {path} one"
            )
    written = []
    try:
        (folder / "stills").mkdir(parents=True, exist_ok=True)
        for name in names:
            if name not in kept and _copy(origin / name, folder / name, path):
                written.append(name)
    except OSError as error:
        raise ValueError(f"folder {folder} cannot be written ({error.strerror}); choose another folder") from error
    return Copy(folder, tuple(written), tuple(name for name in names if name not in written))


def _copy(origin: Path, place: Path, path: str) -> bool:
    """Write one file, whole or not at all; False where another has come to be there meanwhile."""
    content = origin.read_bytes()
    if origin.suffix == ".ipynb" and path == "short":
        content = _short(json.loads(content))
    beside = place.with_name(f".{place.name}.unfinished")
    try:
        beside.write_bytes(content)
        if place.exists():
            return False
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)
    return True


def _short(notebook: dict[str, Any]) -> bytes:
    """A chapter's cells of the short path, as the bytes of a notebook that says so."""
    cells = [cell for cell in notebook["cells"] if "short" in cell["metadata"].get("tags", ())]
    about = {**notebook["metadata"], "simviz": {"path": "short"}}
    return (json.dumps({**notebook, "cells": cells, "metadata": about}, ensure_ascii=False, indent=1) + "\n").encode()


def _path_of(file: Path) -> str | None:
    """The path that a chapter was copied by; None for a picture, and for what cannot be read as a chapter."""
    if file.suffix != ".ipynb":
        return None
    try:
        about = json.loads(file.read_bytes())["metadata"].get("simviz", {})
        return str(about.get("path", "full"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
