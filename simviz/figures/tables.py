"""What are the numbers behind a figure? A table, for readers who would rather read, compute or hear than look."""

from __future__ import annotations

import csv
import html
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from simviz.records import FigureSpec

_DIGITS = 6


@dataclass(frozen=True)
class Table:
    """Named columns and rows of numbers or words; shown as a table in a notebook, as text elsewhere.

    >>> print(Table(("step", "loss"), ((1, 0.5), (2, 0.25))))
    step  loss
       1   0.5
       2  0.25
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    caption: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"rows must have {len(self.columns)} entries, one a column, got {len(row)}")

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> list[Any]:
        """Return the entries of one column, from the top."""
        if name not in self.columns:
            raise ValueError(f"name must be one of {', '.join(self.columns)}, got {name!r}")
        place = self.columns.index(name)
        return [row[place] for row in self.rows]

    def words(self) -> list[list[str]]:
        """Return the rows as they are shown: numbers with six digits at the most."""
        return [[_word(entry) for entry in row] for row in self.rows]

    def to_csv(self, path: str | os.PathLike[str]) -> Path:
        """Write a CSV file, numbers in full, and return its path."""
        place = Path(path)
        with place.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(self.columns)
            writer.writerows(self.rows)
        return place

    def __str__(self) -> str:
        lines = [list(self.columns), *self.words()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        return "\n".join("  ".join(w.rjust(n) for w, n in zip(line, widths, strict=True)) for line in lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th scope='col'>{html.escape(name)}</th>" for name in self.columns)
        rows = "".join("<tr>" + "".join(f"<td>{html.escape(w)}</td>" for w in row) + "</tr>" for row in self.words())
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def table(spec: FigureSpec) -> Table:
    """Return every point that a figure draws: where it stands, what it belongs to, its two numbers (three in images).

    Guides (the unit circle, an axis' lines) and gaps between the pieces of a line are left out.
    """
    rows: list[tuple[Any, ...]] = []
    images = any(trace.z is not None for trace in spec.traces)
    for trace in spec.traces:
        if trace.role.startswith("guide") or trace.mode.startswith("text"):
            continue
        title = spec.subplots[trace.subplot].title
        x, y = np.asarray(trace.x, float), np.asarray(trace.y, float)
        if trace.z is None:
            kept = np.isfinite(x) & np.isfinite(y)
            numbers = [(float(a), float(b), *([""] if images else [])) for a, b in zip(x[kept], y[kept], strict=True)]
        else:
            across, up = (x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2
            numbers = [
                (float(across[j]), float(up[i]), float(trace.z[i, j])) for i, j in np.argwhere(np.isfinite(trace.z))
            ]
        rows += [(title, trace.name, *given) for given in numbers]
    names = ("subplot", "drawn as", "across", "up", *(["value"] if images else []))
    return Table(names, tuple(rows), spec.state)


def _word(entry: Any) -> str:
    return f"{entry:.{_DIGITS}g}" if isinstance(entry, float) else str(entry)
