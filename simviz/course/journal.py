"""What has a reader done so far? A record for each prediction and exercise, in one local JSON file; nothing is sent.

The file is `simviz-progress.json` in the current folder, or what SIMVIZ_PROGRESS names; where that is empty, nothing is
written. It holds no names and no times of day. Two notebooks may share it: each change reads the file anew, changes one
record and puts the new file in the old one's place in a single step.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

NAME, FORMAT, VERSION = "simviz-progress.json", "simviz progress", 1

Record = dict[str, Any]

_FIELDS: dict[str, tuple[tuple[type, ...], Any]] = {
    "id": ((str,), ""),
    "kind": ((str,), ""),
    "version": ((int,), 1),
    "first_choice": ((str, type(None)), None),
    "sure": ((bool, type(None)), None),
    "right": ((bool, type(None)), None),
    "attempts": ((int,), 0),
    "messages": ((list,), []),
    "hints": ((int,), 0),
    "solution_opened": ((bool,), False),
    "seconds": ((int, float, type(None)), None),
    "digest": ((str,), ""),
    "words": ((str,), ""),
}
FIELDS = tuple(_FIELDS)
"""What a record holds. kind: "predict" or "exercise"; first_choice: the option's word; right: of the first choice, or
whether the exercise has been passed; attempts: up to the pass; messages: the ids of those met; hints: how many were
opened; seconds: from the first showing in this kernel to the commitment or the pass; digest: of the item's text; words:
the answer to what an exercise asks after its pass."""


class Journal:
    """The records of one reader; it works on in memory where the file cannot be used, and says so in `trouble`."""

    def __init__(self) -> None:
        self._place: Path | None = None
        self._last: dict[str, Record] = {}
        """All that is known, as of the last reading."""
        self._content: dict[str, Any] = {}
        """What the file held beside the records."""
        self._unsaved: set[str] = set()
        self._shown: dict[str, float] = {}
        self._aside = self._refused = ""

    @property
    def place(self) -> Path | None:
        """The file's path, None where nothing is to be written."""
        given = os.environ.get("SIMVIZ_PROGRESS")
        if given is None:
            return Path.cwd() / NAME
        return Path(given).expanduser().absolute() if given else None

    @property
    def trouble(self) -> str:
        """What went amiss with the file, in a sentence or two; "" where nothing did."""
        return " ".join(filter(None, (self._aside, self._refused)))

    def records(self) -> list[Record]:
        """Return all records, in the order in which they were begun."""
        return [dict(record) for record in self._read().values()]

    def record(self, id: str) -> Record:
        """Return one record, with the values of the beginning where there is none yet."""
        return {**_beginning(id), **self._read().get(id, {})}

    def change(self, id: str, **fields: Any) -> Record:
        """Set fields of one record, write the file, and return the record."""
        records = self._read()
        records[id] = {**_beginning(id), **records.get(id, {}), **fields}
        self._last = records
        self._unsaved.add(id)
        self._write()
        return dict(records[id])

    def shown(self, id: str) -> None:
        """Say that an item is on the screen: its seconds count from the first time in this kernel."""
        self._shown.setdefault(id, time.monotonic())

    def seconds(self, id: str) -> float | None:
        """Return the seconds since an item was first shown, to a tenth; None where it was not."""
        return round(time.monotonic() - self._shown[id], 1) if id in self._shown else None

    def forget(self) -> None:
        """Erase all records, the file, and files that were set aside."""
        place = self.place
        self._last, self._content, self._shown, self._aside, self._refused = {}, {}, {}, "", ""
        self._unsaved.clear()
        if place is not None:
            for path in (place, *place.parent.glob(place.name + ".broken*")):
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    self._refused = f"{path} could not be erased ({error.strerror}): please remove it yourself."

    def _read(self) -> dict[str, Record]:
        """All records: those of the file, and over them what could not be written yet."""
        place = self.place
        if place != self._place:  # another file: what belongs to the old one stays there
            self._last, self._content, self._place, self._aside, self._refused = {}, {}, place, "", ""
            self._unsaved.clear()
        if place is None:
            return dict(self._last)
        try:
            found = self._parsed(place.read_bytes())
            if not self._unsaved:
                self._refused = ""
        except FileNotFoundError:
            found = {}
        except OSError as error:
            self._refused = _memory_only(place, "cannot be read", error)
            return dict(self._last)
        except (ValueError, RecursionError):
            self._set_aside(place)
            self._unsaved.update(self._last)
            return dict(self._last)
        self._last = {**found, **{id: self._last[id] for id in self._unsaved}}
        return dict(self._last)

    def _parsed(self, text: bytes) -> dict[str, Record]:
        """The records of a file; raises ValueError for one that is not of this format."""
        self._content, records = parsed(text)
        return records

    def _set_aside(self, place: Path) -> None:
        """Rename a broken file, so that nothing of it is lost."""
        aside, number = place.with_name(place.name + ".broken"), 1
        while aside.exists():
            number += 1
            aside = place.with_name(f"{place.name}.broken{number}")
        try:
            place.rename(aside)
        except OSError as error:
            self._refused = _memory_only(place, "is damaged and cannot be set aside", error)
        else:
            self._aside = f"{place.name} was damaged and now lies beside it as {aside.name}; a new one is begun."

    def _write(self) -> None:
        place = self.place
        if place is None or (self._refused and place.exists() and not self._readable(place)):
            return
        content = {"format": FORMAT, "version": VERSION, **self._content, "items": list(self._last.values())}
        try:
            _replace(place, json.dumps(content, indent=1, ensure_ascii=False).encode())
        except OSError as error:
            self._refused = _memory_only(place, "cannot be written", error)
        else:
            self._refused = ""
            self._unsaved.clear()

    def _readable(self, place: Path) -> bool:
        """Whether the file that would be replaced is one of ours, whose records are known."""
        try:
            self._parsed(place.read_bytes())
        except (OSError, ValueError, RecursionError):
            return False
        return True


def parsed(text: bytes) -> tuple[dict[str, Any], dict[str, Record]]:
    """Return what a file of progress holds beside the records, and its records by id.

    Raises ValueError for one that is not of this format, RecursionError for one that is nested without end.
    """
    content = json.loads(text.decode())
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("items"), list):
        raise ValueError("not a file of progress")
    for record in content["items"]:
        if not isinstance(record, dict) or not record.get("id"):
            raise ValueError("not a record")
        for name, (kinds, _) in _FIELDS.items():
            if name in record and not isinstance(record[name], kinds):
                raise ValueError(f"not a value of {name}")
    beside = {name: value for name, value in content.items() if name != "items"}
    return beside, {record["id"]: record for record in content["items"]}


def _beginning(id: str) -> Record:
    return {
        **{name: list(value) if isinstance(value, list) else value for name, (_, value) in _FIELDS.items()},
        "id": id,
    }


def _memory_only(place: Path, what: str, error: OSError) -> str:
    return f"{place} {what} ({error.strerror}): your progress is kept in memory until this kernel ends."


def _replace(place: Path, content: bytes) -> None:
    """Write a file beside its place and rename it there: a crash leaves the old one or the new one."""
    handle, draft = tempfile.mkstemp(prefix=f".{place.name}-", dir=place.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(draft).unlink()
        raise


JOURNAL = Journal()
"""The one that the course keeps."""
