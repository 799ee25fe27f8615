"""What happens when a reader's function is called? Its answer, or the error in words with the line it stands in."""

from __future__ import annotations

import linecache
import sysconfig
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import simviz
from simviz.course.answers import copied

_OURS = str(Path(simviz.__file__).parent)
_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


@dataclass(frozen=True)
class Called:
    """One call: what was handed over (copies, which the function may have changed), what came back or went amiss."""

    used: tuple[Any, ...]
    answer: Any = None
    trouble: str = ""
    unwritten: bool = False
    """The function said so itself, by NotImplementedError."""


def call(function: Callable[..., Any], args: tuple[Any, ...]) -> Called:
    """Call a function on copies of the arguments; an exception becomes a sentence, never a traceback."""
    used = tuple(copied(value) for value in args)
    try:
        return Called(used, function(*used))
    except NotImplementedError:
        return Called(used, unwritten=True)
    except Exception as error:
        return Called(used, trouble=_told(error, function))


def _told(error: Exception, function: Callable[..., Any]) -> str:
    """An exception in words: its type and message, and the reader's own line that led to it."""
    kind, message = type(error).__name__, str(error).strip()
    said = f"{kind}: {message}" if message else kind
    place = _line(error.__traceback__, function)
    return f"{said}\n{place}" if place else said


def _line(trace: TracebackType | None, function: Callable[..., Any]) -> str:
    """The innermost line of the traceback that the reader wrote: in the function's own file, or in no library."""
    own = getattr(getattr(function, "__code__", None), "co_filename", None)
    frames = [f for f in traceback.extract_tb(trace) if f.filename == own or not _known(f.filename)]
    if not frames:
        return ""
    last = frames[-1]
    text = last.line or linecache.getline(last.filename, last.lineno or 0).strip()
    return f"line {last.lineno}, in {last.name}: {text}" if text else f"line {last.lineno}, in {last.name}"


def _known(filename: str) -> bool:
    """Whether a file is a library's, or ours, rather than the reader's."""
    if filename.startswith(_OURS):
        return True
    return filename.startswith(("<frozen", "<__array_function__")) or filename.startswith(_LIBRARIES)
