"""Where in a folder does the model lie? In it, in what a training left there, or in the best of its checkpoints."""

from __future__ import annotations

import re
from pathlib import Path

MODEL, CHECKPOINTS, DESCRIPTION = "model", "checkpoints", "model.json"
BEST, FOLD = "best", "fold-1"
_STEP = re.compile(r"step-(\d{6,})")


def model_folder(folder: Path) -> Path:
    """Return the folder of the model itself; where none is found, `folder` as it is.

    It is `folder`, or its `model`, or of the checkpoints in it or in its `checkpoints` the best, else the newest.
    Raises ValueError for the folder of a cross-validation, which holds several.
    """
    for place in (folder, folder / MODEL):
        if (place / DESCRIPTION).exists():
            return place
    for place in (folder, folder / CHECKPOINTS):
        if (place / BEST / DESCRIPTION).exists():
            return place / BEST
        if newest := newest_checkpoint(place):
            return newest
    if (folder / FOLD).is_dir():
        raise ValueError(f"folder {folder} holds a cross-validation: name one of its folds, such as {folder / FOLD}")
    return folder


def newest_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint of the last step in a folder of checkpoints, or None."""
    found = [(int(m[1]), path) for path in _entries(folder) if (m := _STEP.fullmatch(path.name)) and path.is_dir()]
    return max(found)[1] if found else None


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []
