"""How does your own table become a task? CSV and NPZ files, read as numbers alone: nothing in them is executed."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np

from simviz import checks
from simviz.learning.data.cache import DAMAGED
from simviz.learning.orbits import trajectories
from simviz.learning.splits import check_shares
from simviz.learning.task import Task

DELIMITERS = ",;\t"


def from_file(
    path: str | os.PathLike[str],
    target: str | int | None = None,
    held_out: float = 0.2,
    validation: float = 0.0,
    seed: int = 0,
    *,
    labels: bool | None = None,
    normalise: bool = True,
) -> Task:
    """Return the task of a file: a table (.csv, .tsv, .txt), or NumPy's arrays x and y, or trajectories (.npz).

    Table: rows are samples, one column is y; a first row with words in it names the columns; cells are parted by
    commas, semicolons or tabs. target: y's column, by name or number from 0 (default: the last). Labels where y is
    written in whole numbers, else regression; labels=True or False decides it. NPZ: x (samples, ...) and y as
    Task.from_arrays takes them, or one array (batch, time, dim) alone, which makes a task of trajectories.
    held_out, validation: shares of the test and the validation part. normalise: shift and scale the inputs by the
    training part, column by column, images (samples, channels, rows, columns) channel by channel. Raises ValueError for
    text, empty and NaN cells, by row and column, ragged rows, an empty file, one column alone, an unknown target,
    arrays that are none of these.
    """
    check_shares(held_out, validation)
    checks.positive_int("seed", seed, 0)
    if labels not in (None, True, False):
        raise ValueError(f"labels must be None, True or False, got {labels!r}")
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"path must be a file's path, got {type(path).__name__}")
    place = Path(path).expanduser()
    if not place.is_file():
        raise ValueError(f"path: there is no file {place}")
    suffix = place.suffix.lower()
    if suffix == ".npz":
        if target is not None:
            raise ValueError(f"target is for the columns of a table; {place.name} names its arrays x and y itself")
        arrays = _read_npz(place)
        if set(arrays) != {"x", "y"}:
            return _trajectories(place, arrays, held_out, validation, seed)
        x, y = arrays["x"], arrays["y"]
    elif suffix in (".csv", ".tsv", ".txt"):
        x, y = _read_table(place, target)
    else:
        raise ValueError(f"path must end in .csv, .tsv, .txt or .npz, got {place.name}")
    if y.dtype.kind not in "biuf":
        raise ValueError(f"y must hold labels or real numbers, {place.name} has {y.dtype}")
    if labels is not None:
        y = _as_labels(y) if labels else y.astype(float)
    task = Task.from_arrays(x, y, held_out, seed, place.name, validation=validation)
    return task.normalised() if normalise else task


def _as_labels(y: np.ndarray) -> np.ndarray:
    if y.dtype.kind == "f" and not (np.isfinite(y).all() and (y == np.floor(y)).all()):
        raise ValueError("labels=True needs whole numbers in y, and there are others")
    return y.astype(np.int64)


def _trajectories(place: Path, arrays: dict[str, np.ndarray], held_out: float, validation: float, seed: int) -> Task:
    held = ", ".join(f"{key} {value.shape}" for key, value in arrays.items()) or "nothing"
    if len(arrays) != 1 or (data := next(iter(arrays.values()))).ndim != 3:
        raise ValueError(
            f"path: {place.name} must hold the arrays x and y, or one array (batch, time, dim), has {held}"
        )
    if validation:
        raise ValueError(f"validation must be 0 for trajectories, got {validation}")
    return trajectories(data, held_out, seed=seed)


def _read_npz(place: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(place, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except DAMAGED as error:
        if "allow_pickle" in str(error):
            raise ValueError(f"path: {place.name} holds Python objects (a pickle), which are not read") from None
        raise ValueError(f"path: {place.name} is no NPZ file, or damaged ({error})") from None


def _read_table(place: Path, target: str | int | None) -> tuple[np.ndarray, np.ndarray]:
    """(samples, columns) float64 inputs and (samples,) targets, int64 where all of them are written whole."""
    lines, rows = _rows(place)
    named = any(cell and not _is_number(cell) for cell in rows[0])
    names = rows[0] if named else [str(i) for i in range(len(rows[0]))]
    if named:
        del rows[0], lines[0]
    if not rows:
        raise ValueError(f"path: {place.name} has a row of names and no row of numbers")
    width = len(names)
    for line, row in zip(lines, rows, strict=True):
        if len(row) != width:
            raise ValueError(f"path: line {line} of {place.name} has {len(row)} cells, the first row {width}")
    if width < 2:
        raise ValueError(
            f"path: {place.name} has one column alone; it takes two or more, parted by commas, semicolons or tabs"
        )
    column = _column(target, names, named)
    values = np.array(
        [[_number(cell, line, names[i]) for i, cell in enumerate(row)] for line, row in zip(lines, rows, strict=True)]
    )
    whole = all(row[column].lstrip("+-").isdecimal() for row in rows)
    y = values[:, column]
    return np.delete(values, column, 1), y.astype(np.int64) if whole else y


def _rows(place: Path) -> tuple[list[int], list[list[str]]]:
    """The lines' numbers and cells; lines that are blank throughout are passed over."""
    try:
        text = place.read_text(encoding="utf-8-sig")
        first = text.lstrip().split("\n", 1)[0]
        reader = csv.reader(text.splitlines(), delimiter=max(DELIMITERS, key=first.count))
        cells = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"path: {place.name} is no table of text ({error})") from None
    kept = [(line, row) for line, row in cells if any(row)]
    if not kept:
        raise ValueError(f"path: {place.name} is empty")
    return [line for line, _ in kept], [row for _, row in kept]


def _column(target: str | int | None, names: list[str], named: bool) -> int:
    if target is None:
        return len(names) - 1
    if isinstance(target, str):
        if named and names.count(target) == 1:
            return names.index(target)
        have = f"the columns are {', '.join(map(repr, names))}" if named else "the table names none: give a number"
        raise ValueError(f"target must name one column, got {target!r}; {have}")
    column = checks.positive_int("target", target, 0)
    if column >= len(names):
        raise ValueError(f"target must be below {len(names)}, the number of columns, got {target}")
    return column


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _number(cell: str, line: int, name: str) -> float:
    """The cell's number; names the line, counted from 1 as an editor does, and the column where there is none."""
    where = f"line {line}, column {name!r}"
    if not cell:
        raise ValueError(f"path: {where} is empty: fill it, or leave the row out")
    if not _is_number(cell):
        raise ValueError(f"path: {where} holds the text {cell[:40]!r}: it takes numbers; count classes 0, 1, 2, ...")
    value = float(cell)
    if not np.isfinite(value):
        raise ValueError(f"path: {where} holds {cell}: fill it, or leave the row out")
    return value
