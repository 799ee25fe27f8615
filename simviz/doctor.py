"""Is everything here that simviz needs? Versions, device, cores, memory, a browser, and what to do about the rest."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from pathlib import Path

import simviz

OLDEST = (3, 11)
NEEDED = {
    "torch": "computes everything",
    "numpy": "computes everything",
    "plotly": "draws the figures",
    "jupyterlab": "opens the course",
    "anywidget": "keeps figures live in a notebook",
    "safetensors": "keeps trained models",
    "scikit-learn": "brings the digits",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")


def examine() -> tuple[list[str], bool]:
    """Return what was found, one line each with what to do about it, and whether all that is needed is there."""
    lines = [_line("simviz", simviz.__version__)]
    complete = sys.version_info >= OLDEST
    advice = "" if complete else f"MISSING: install Python {OLDEST[0]}.{OLDEST[1]} or newer"
    lines.append(_line("python", platform.python_version(), advice))
    for package, purpose in NEEDED.items():
        version = _version(package)
        complete = complete and version is not None
        lines.append(_line(package, version or f"MISSING ({purpose}): python -m pip install {package}"))
    if _version("torch"):
        lines += _machine()
    browser = find_chromium()
    missing = "none found: only the browser tests need it: python -m playwright install chromium"
    lines.append(_line("chromium", str(browser) if browser else missing))
    lines.append("Everything needed is here." if complete else "Something is MISSING: see above.")
    return lines, complete


def find_chromium() -> Path | None:
    """Return a Chromium-like browser on the path, or the one that Playwright keeps; None where there is none."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return Path(found)
    homes = {
        "darwin": Path.home() / "Library/Caches/ms-playwright",
        "win32": Path(os.environ.get("LOCALAPPDATA", Path.home())) / "ms-playwright",
    }
    cache = Path(
        os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or homes.get(sys.platform, Path.home() / ".cache/ms-playwright")
    )
    for pattern in ("chromium*/*/chrome", "chromium*/*/headless_shell", "chromium*/*/chrome*.exe", "chromium*/*/*.app"):
        if found_here := sorted(cache.glob(pattern)):
            return found_here[-1]
    return None


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _machine() -> list[str]:
    import torch

    from simviz.learning.run import best_device

    device = best_device()
    name = torch.cuda.get_device_name() if device == "cuda" else {"mps": "Apple GPU", "cpu": "no accelerator"}[device]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    lines = [_line("device", f"{device} ({name})"), _line("cores", f"{cores}, torch uses {torch.get_num_threads()}")]
    memory = _memory()
    if memory is not None:
        advice = "" if memory >= 2 else "little: close other programs, or train with smaller batches"
        lines.append(_line("memory", f"{memory:.1f} GiB", advice))
    return lines


def _memory() -> float | None:
    """The machine's memory in GiB, where the system tells it."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return None


def _line(name: str, value: str, advice: str = "") -> str:
    return f"{name:<13} {value}" + (f"  {advice}" if advice else "")
