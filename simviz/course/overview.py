"""What is kept of a reader's work? All of it as a table, the file's place, and the way to erase it."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import Any

from simviz.course.journal import FIELDS, JOURNAL
from simviz.figures.tables import Table


@dataclass(frozen=True, repr=False)
class Progress(Table):
    """A row for each prediction committed and each exercise begun; the caption says where they are kept."""

    def forget(self) -> None:
        """Erase all that is kept."""
        forget()

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.caption}" if len(self) else self.caption

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return super()._repr_html_() if len(self) else f"<p>{html.escape(self.caption)}</p>"


def progress() -> Progress:
    """Return all that is kept of your predictions and exercises, and where; nothing of it is sent anywhere."""
    records = JOURNAL.records()
    further = sorted({name for record in records for name in record} - set(FIELDS))
    columns = (*FIELDS, *further)
    rows = tuple(tuple(word(record.get(name)) for name in columns) for record in records)
    where = f"Kept in {JOURNAL.place}" if JOURNAL.place is not None else "Kept in memory until this kernel ends"
    begun = "" if rows else "Nothing yet. "
    return Progress(columns, rows, " ".join(filter(None, (f"{begun}{where}; nothing is sent.", JOURNAL.trouble))))


def forget() -> None:
    """Erase all that is kept of your predictions and exercises, the file with it."""
    JOURNAL.forget()


def word(value: Any) -> Any:
    """Return one value of a record as it stands in a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
