"""Where is kept what takes long to make? Small arrays, compressed, in a folder of the user's that can be deleted."""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error)
"""What NumPy raises for a file that is missing, cut short or altered, or none of its own."""


def folder() -> Path:
    """Return the folder, which need not exist yet: SIMVIZ_CACHE where that is set, else `simviz` in the user's cache.

    The user's cache: XDG_CACHE_HOME or ~/.cache, ~/Library/Caches on macOS, LOCALAPPDATA on Windows.
    """
    if own := os.environ.get("SIMVIZ_CACHE"):
        return Path(own).expanduser()
    homes = {"darwin": "~/Library/Caches", "win32": os.environ.get("LOCALAPPDATA") or "~/AppData/Local"}
    home = homes.get(sys.platform) or os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "simviz"


def arrays(
    name: str, shapes: Mapping[str, tuple[int, ...]], make: Callable[[], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Return the uint8 arrays kept under a name; where they are missing or damaged, those that `make` returns.

    shapes: what is expected, by key. What was made is kept, in one step, so that nobody reads half a file; a folder
    that cannot be written to is no error. Nothing in the file is executed.
    """
    path = folder() / f"{name}.npz"
    kept = _read(path, shapes)
    if kept is not None:
        return kept
    made = make()
    _write(path, made)
    return made


def _read(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray] | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            kept = {key: file[key] for key in shapes}
    except DAMAGED:
        return None
    sound = all(kept[key].shape == shape and kept[key].dtype == np.uint8 for key, shape in shapes.items())
    return kept if sound else None


def _write(path: Path, made: Mapping[str, np.ndarray]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, allow_pickle=False, **made)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
