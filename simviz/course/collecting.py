"""How did a whole class vote, and where did it get stuck? The progress files of its readers, in one table."""

from __future__ import annotations

import html
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simviz.course.journal import FIELDS, NAME, Record, parsed
from simviz.course.overview import word
from simviz.figures.tables import Table


@dataclass(frozen=True, repr=False)
class Collected(Table):
    """A row for each item of each reader: `reader`, the fields of a record, and `file`. trouble: unread files."""

    trouble: tuple[str, ...] = ()

    def votes(self) -> Table:
        """Return a row for each prediction: how many chose what, how many were right, and how many sure and wrong."""
        rows = []
        for item, records in self._by_item("predict"):
            chosen = Counter(record["first_choice"] for record in records)
            choices = ", ".join(f"{key} {count}" for key, count in sorted(chosen.items()))
            wrong = sum(record["sure"] == "yes" and record["right"] == "no" for record in records)
            rows.append((item, len(records), _share(records, lambda record: record["right"] == "yes"), wrong, choices))
        return Table(("item", "readers", "right", "sure and wrong", "choices"), tuple(rows))

    def attempts(self) -> Table:
        """Return a row for each exercise: how many passed, in how many attempts on average, and with what help.

        told: the share of those who failed at least once and were given a message made for their mistake.
        """
        rows = []
        for item, records in self._by_item("exercise"):
            passed = [record for record in records if record["right"] == "yes"]
            failed = [record for record in records if record["messages"]]
            counts = [record["attempts"] for record in passed if isinstance(record["attempts"], int)]
            tries = sum(counts) / len(counts) if counts else ""
            share = _share(records, lambda record: record["right"] == "yes")
            opened = _share(records, lambda record: record["solution_opened"] == "yes")
            rows.append((item, len(records), share, tries, _share(failed, _told), opened))
        return Table(("item", "readers", "passed", "attempts to pass", "told", "solution opened"), tuple(rows))

    def _by_item(self, kind: str) -> list[tuple[str, list[Record]]]:
        records = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        mine = [record for record in records if record["kind"] == kind]
        return [(id, [one for one in mine if one["id"] == id]) for id in sorted({one["id"] for one in mine})]

    def __str__(self) -> str:
        return "\n".join([super().__str__(), self.caption, *self.trouble])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return super()._repr_html_() + "".join(f"<p>{html.escape(words)}</p>" for words in self.trouble)


def collect(folder: str | os.PathLike[str]) -> Collected:
    """Read every progress file in a folder, and in those within it, into one table; `.to_csv(path)` writes it.

    A reader is called as the file is (`ada.json`), or, where that is `simviz-progress.json`, as its folder. A file
    that cannot be read, or is none of progress, is left out and has a sentence in `trouble`. A text that a spreadsheet
    would take for a formula gets an apostrophe in front. Raises ValueError where there is no such folder.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise ValueError(f"folder must be one that holds the progress files, got {place}")
    found: list[tuple[str, str, Record]] = []
    trouble = []
    files = sorted(path for path in place.rglob("*.json") if not path.name.startswith("."))
    for path in files:
        name = path.relative_to(place).as_posix()
        try:
            _, records = parsed(path.read_bytes())
        except OSError as error:
            trouble.append(f"{name} cannot be read ({error.strerror}).")
        except (ValueError, RecursionError):
            trouble.append(f"{name} is left out: it is damaged, or no file of simviz's progress.")
        else:
            reader = path.parent.name if path.name == NAME and path.parent != place else path.stem
            found += [(reader, name, record) for record in records.values()]
            if not records:
                trouble.append(f"{name} holds no predictions and no exercises yet.")
    further = sorted({key for _, _, record in found for key in record} - set(FIELDS))
    fields = (*FIELDS, *further)
    rows = tuple((_safe(who), *(_safe(word(one.get(key))) for key in fields), _safe(name)) for who, name, one in found)
    readers = len({name for _, name, _ in found})
    caption = f"{len(rows)} records of {readers} readers; {len(files) - readers} of {len(files)} files gave none."
    return Collected(("reader", *fields, "file"), rows, caption, tuple(trouble))


def _safe(value: Any) -> Any:
    text = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if text else value


def _share(records: list[Record], holds: Callable[[Record], bool]) -> Any:
    return sum(map(holds, records)) / len(records) if records else ""


def _told(record: Record) -> bool:
    return any(not met.endswith(".other") for met in str(record["messages"]).split())
