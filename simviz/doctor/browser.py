"""Can a figure be seen here? The extensions that JupyterLab's page needs, a browser, and whether it draws."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import webbrowser
from pathlib import Path

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
EXTENSIONS = {
    "@jupyter-widgets/jupyterlab-manager": ("ipywidgets", "no figure would show"),
    "anywidget": ("anywidget", "no figure would move"),
}
"""What JupyterLab's page must have: by the extension's name, the package that brings it and what is lost without."""
PLOTLY = "jupyterlab-plotly"
NONE = (
    "MISSING: none found: install Chromium, Chrome or Firefox, or say `simviz lab --no-browser` and open the address "
    "that it prints on another machine"
)
POINT = 'class="point"'
"""How Plotly marks a point that it has drawn."""
SECONDS = 90


def found(*, draw: bool = False) -> dict[str, str]:
    """Return a line for the page's extensions and one for the browser; draw: let it draw a figure."""
    lines = {"page": _page()} if importlib.util.find_spec("jupyter_core") else {}
    chromium, default = find_chromium(), find_default()
    if chromium is None and default is None:
        return {**lines, "browser": NONE}
    if chromium is None:
        return {**lines, "browser": f"{default} (only Chromium and Chrome can be tried from here)"}
    able = all(map(importlib.util.find_spec, ("plotly", "torch")))
    tried = _drawn_by(chromium) if draw and able else ""
    return {**lines, "browser": f"{tried}{chromium}" if tried.startswith("MISSING") else f"{chromium}{tried}"}


def find_default() -> str | None:
    """Return the name of the browser that Python would open; None where it knows of none."""
    try:
        return str(getattr(webbrowser.get(), "name", "the system's own"))
    except webbrowser.Error:
        return None


def find_chromium() -> Path | None:
    """Return a Chromium-like browser on the path, or the one that Playwright keeps; None where there is none."""
    for name in CHROMIUM:
        if here := shutil.which(name):
            return Path(here)
    homes = {
        "darwin": Path.home() / "Library/Caches/ms-playwright",
        "win32": Path(os.environ.get("LOCALAPPDATA", Path.home())) / "ms-playwright",
    }
    cache = Path(
        os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or homes.get(sys.platform, Path.home() / ".cache/ms-playwright")
    )
    for pattern in ("chromium*/*/chrome", "chromium*/*/headless_shell", "chromium*/*/chrome*.exe", "chromium*/*/*.app"):
        if kept := sorted(cache.glob(pattern)):
            return kept[-1]
    return None


def _page() -> str:
    """What JupyterLab's page has of what a live figure needs."""
    from jupyter_core.paths import jupyter_path

    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    for name, (package, lost) in EXTENSIONS.items():
        if not any((folder / name / "package.json").is_file() for folder in folders):
            advice = f"python -m pip install --force-reinstall {package}"
            return f"MISSING: JupyterLab's extension {name}, without which {lost}: {advice}"
    if any((folder / PLOTLY / "package.json").is_file() for folder in folders):
        return "JupyterLab has what live figures need, and its own Plotly"
    return "JupyterLab has what live figures need; Plotly travels from the kernel, 5 MB a page"


def _drawn_by(chromium: Path) -> str:
    """Let a browser draw a spectrum from a file, without a window or a network, and count the points in its page."""
    import torch

    from simviz import figures
    from simviz.records import Spectrum

    angles = torch.arange(5) * 0.5
    drawing = figures.to_plotly(figures.spectrum(Spectrum(torch.polar(torch.ones(5), angles))))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page = Path(folder) / "spectrum.html"
        drawing.write_html(page, include_plotlyjs=True)
        command = [
            str(chromium), "--headless", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
            f"--user-data-dir={folder}/profile", "--virtual-time-budget=10000", "--dump-dom", page.as_uri(),
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.insert(1, "--no-sandbox")
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"MISSING: the browser could not draw a figure ({type(error).__name__}); try another: "
    count = done.stdout.count(POINT)
    return (
        ", which draws our figures"
        if count >= 5
        else "MISSING: this browser drew no figure; update it, or try another: "
    )
