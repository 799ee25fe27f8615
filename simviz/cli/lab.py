"""How does a reader come to the course? A copy of their own in a folder, and JupyterLab, or Voila's pages, on it."""

from __future__ import annotations

import argparse
import importlib.util
import os
import secrets
import socket
import threading
import webbrowser
from pathlib import Path

from simviz import doctor
from simviz.course.material import lay_out

FIRST = "00_welcome.ipynb"
FOLDERS = {"full": "simviz-course", "short": "simviz-short"}
HOST = "127.0.0.1"
SECONDS = 3
"""Until Voila answers."""
IDLE, OFTEN = 600, 60
"""Seconds after which a kernel without a page is ended, and between two looks: not every page can say goodbye."""


def open_course(options: argparse.Namespace) -> int:
    """Copy the course and open it; return when the server has been ended.

    Raises ValueError, before anything is written, where a package or a browser is missing, a port is in use or the
    folder cannot be written.
    """
    path = options.path or ("short" if options.pages else "full")
    folder = Path(options.folder or FOLDERS[path])
    _check_packages(options.pages)
    if options.port is not None:
        _check_port(options.port)
    if options.browser:
        _check_browser()
    made = lay_out(folder, path)
    print(made, "End with Ctrl-C." if options.browser else "Open the address below; end with Ctrl-C.", flush=True)
    serve = _pages if options.pages else _lab
    serve(made.folder.resolve(), options.port, options.browser)
    return 0


def _check_packages(pages: bool) -> None:
    lacking = doctor.lacking()
    if lacking:
        raise ValueError(f"{lacking[0]}; `simviz doctor` lists all that is missing")
    if pages and importlib.util.find_spec("voila") is None:
        raise ValueError("--pages needs the package voila, which is not installed: python -m pip install voila")


def _check_port(port: int) -> None:
    if not 1 <= port <= 65535:
        raise ValueError(f"--port must lie between 1 and 65535, got {port}")
    with socket.socket() as trial:
        if os.name == "posix":  # a port whose last connection has just closed counts as free
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError as error:
            advice = "choose another, or leave --port out and a free one is found"
            raise ValueError(f"--port {port} cannot be used ({error.strerror}); {advice}") from error


def _check_browser() -> None:
    try:
        webbrowser.get()
    except webbrowser.Error:
        raise ValueError(
            "no browser can be opened from here; say --no-browser and open the address that it prints elsewhere"
        ) from None


def _lab(folder: Path, port: int | None, browser: bool) -> None:
    from jupyterlab.labapp import LabApp

    arguments = [f"--ServerApp.ip={HOST}", f"--ServerApp.root_dir={folder}", f"--LabApp.default_url=/lab/tree/{FIRST}"]
    if port is not None:
        arguments += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # a container's only user
        arguments.append("--allow-root")
    LabApp.launch_instance(arguments)


def _pages(folder: Path, port: int | None, browser: bool) -> None:
    from voila.app import Voila

    port, token = port or _free_port(), secrets.token_hex(24)
    address = f"http://{HOST}:{port}/?token={token}"
    print(address, flush=True)
    if browser:  # Voila's own way of opening one would leave the token out
        opening = threading.Timer(SECONDS, webbrowser.open, [address])
        opening.daemon = True
        opening.start()
    Voila.launch_instance(
        [
            str(folder), "--no-browser", f"--port={port}", f"--Voila.ip={HOST}", f"--Voila.root_dir={folder}",
            f"--Voila.token={token}", f"--MappingKernelManager.cull_idle_timeout={IDLE}",
            f"--MappingKernelManager.cull_interval={OFTEN}",
        ]
    )  # fmt: skip


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind((HOST, 0))
        return int(trial.getsockname()[1])
