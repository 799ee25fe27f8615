"""Which Python and which packages are here, and are they new enough? The package's own metadata say what is needed."""

from __future__ import annotations

import importlib.metadata
import platform
import sys

OLDEST = (3, 11)
SHOWN = {
    "torch": "computes everything",
    "numpy": "computes everything",
    "plotly": "draws the figures",
    "jupyterlab": "opens the course",
    "anywidget": "keeps figures live in a notebook",
    "safetensors": "keeps trained models",
    "scikit-learn": "brings the digits",
}
"""Packages whose versions are always shown; any other that is needed is named where it is missing or too old."""


def found() -> dict[str, str]:
    """Return a line for Python, for the packages of SHOWN, and for every other that is missing or too old."""
    wrong = dict(_wrong())
    shown = {"python": platform.python_version()} | {name: version(name) or "" for name in SHOWN}
    return shown | wrong


def lacking() -> list[str]:
    """Return a sentence for Python, if it is too old, and for each package that is missing or too old."""
    return [f"{name}: {words}" for name, words in _wrong()]


def version(package: str) -> str | None:
    """Return the installed version of a package, None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def python_too_old() -> str:
    """Return what to do about a Python that is too old, and nothing about one that is not."""
    if sys.version_info >= OLDEST:
        return ""
    return f"this is Python {platform.python_version()}; install {OLDEST[0]}.{OLDEST[1]} or newer, and simviz with it"


def _wrong() -> list[tuple[str, str]]:
    listed = [("python", f"MISSING: {python_too_old()}")] if python_too_old() else []
    for package, needed in _needed().items():
        have = version(package)
        if have is None:
            why = f" ({SHOWN[package]})" if package in SHOWN else ""
            listed.append((package, f"MISSING{why}: python -m pip install {package}"))
        elif not _new_enough(have, needed):
            listed.append((package, f"MISSING: {have} is not {needed}: python -m pip install --upgrade {package}"))
    return listed


def _needed() -> dict[str, str]:
    """What simviz needs at run time: the packages and the versions they may have, such as `>=2.4`."""
    needed = dict.fromkeys(SHOWN, "")
    try:
        asked = importlib.metadata.requires("simviz") or []
    except importlib.metadata.PackageNotFoundError:  # run from a folder, not installed
        return needed
    for line in asked:
        package, marker = line.partition(";")[::2]
        if "extra" not in marker:
            name = package.strip().partition(">=")[0].strip()
            needed[name] = package.strip()[len(name) :].strip()
    return needed


def _new_enough(have: str, needed: str) -> bool:
    return not needed or _numbers(have) >= _numbers(needed.removeprefix(">="))


def _numbers(version: str) -> list[int]:
    """The leading numbers of a version, 2.13.0+cpu as [2, 13, 0]."""
    numbers = []
    for part in version.partition("+")[0].split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return numbers
