"""Does the course fit into a free Binder? Memory and time of each chapter on one core, and the cold start. Linux only.

python benchmarks/binder.py [--fast] [NUMBER ..]: all chapters or those named, as a visitor runs them from top to
bottom, or with their trainings shortened as in the tests. Each chapter runs in a kernel of its own, held to one core
with the threads that binder/start sets there; the server is a JupyterLab with the page open. Memory is the sum of both
peaks, as the system counts them (VmHWM), so the true peak is at most that.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import nbformat
from jupyter_client import KernelManager
from nbclient import NotebookClient
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from tests.browser import chromium
from tests.browser.lab import Lab
from tests.browser.server import Server

ROOT = pathlib.Path(__file__).parents[1]
ONE_CORE = "100000 100000\n"
LIMIT = 1000
"""MB that a free Binder guarantees."""
DRAWN = "() => document.querySelectorAll('.simviz-plot .scatterlayer .trace').length > 0"
POINTS = """() => [...document.querySelectorAll('.simviz-plot .scatterlayer .point')].slice(0, 50)
  .map(point => point.getAttribute('transform') + point.getAttribute('d')).join()"""
LEARNED = "() => document.querySelector('.simviz-plot').data.find(t => t.name === 'loss').x.length > 1"


def binder_environment() -> dict[str, str]:
    """Return what binder/start sets in a container with one core."""
    with tempfile.TemporaryDirectory() as groups:
        pathlib.Path(groups, "cpu.max").write_text(ONE_CORE)
        command = [ROOT / "binder/start", "env", "-0"]
        given = os.environ | {"SIMVIZ_CGROUPS": groups}
        shown = subprocess.run(command, env=given, capture_output=True, text=True, check=True)
    pairs = [line.partition("=")[::2] for line in shown.stdout.split("\0") if "=" in line]
    return {
        name: value
        for name, value in pairs
        if os.environ.get(name) != value and name not in ("_", "SHLVL", "SIMVIZ_CGROUPS")
    }


def peak(pid: int) -> float:
    """Return the largest resident memory that a process has had, in MB."""
    (line,) = [w for w in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if w.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


def chapter(path: pathlib.Path, env: dict[str, str]) -> tuple[float, float]:
    """Run a chapter on one core; return the kernel's peak memory in MB and the seconds it took, with the imports."""
    notebook = nbformat.read(path, as_version=4)
    kernel = KernelManager(kernel_name="python3")
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        quiet = ["--IPKernelApp.log_level=40"]
        kernel.start_kernel(env=os.environ | env, cwd=folder, extra_arguments=quiet)
        client = NotebookClient(notebook, km=kernel, timeout=1800, store_widget_state=False)
        with client.setup_kernel(cleanup_kc=False):
            for index, cell in enumerate(notebook.cells):
                if cell.cell_type == "code":
                    client.execute_cell(cell, index)
            seconds = time.monotonic() - began
            most = peak(kernel.provisioner.process.pid)
            client.kc.stop_channels()
        kernel.shutdown_kernel(now=True)
    return most, seconds


def cold_start(env: dict[str, str]) -> float:
    """Print how soon a first reader sees something; return the server's peak memory in MB."""
    everything = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        os.sched_setaffinity(0, {min(everything)})  # the server inherits it, and its kernels
        os.environ.update(env)
        server = Server(pathlib.Path(home) / "jupyterlab")
        os.sched_setaffinity(0, everything)
        lab = Lab(server, browser).open(ROOT / "notebooks/00_welcome.ipynb")
        began = time.monotonic()
        lab.page.evaluate("""() => { const notebook = window.jupyterapp.shell.currentWidget.content;
            notebook.activeCellIndex = notebook.widgets.findIndex(c => c.model.type === 'code');
            window.jupyterapp.commands.execute('notebook:run-cell'); }""")
        lab.page.wait_for_function(DRAWN, timeout=120_000)
        drawn = time.monotonic()
        still = lab.page.evaluate(POINTS)
        lab.page.get_by_role("button", name="Start", exact=True).first.click()
        lab.page.wait_for_function(f"still => ({POINTS})() !== still", arg=still, polling=10, timeout=120_000)
        moved = time.monotonic()
        lab.page.wait_for_function(LEARNED, timeout=120_000)
        learned = time.monotonic()
        print(f"cold start on one core: Shift+Enter to the first figure {drawn - began:.1f} s, imports and all;")
        print(f"Start to the first moving point {moved - drawn:.1f} s,", end=" ")
        print(f"to the first step on the curve {learned - drawn:.1f} s (for two seconds the dots flow)")
        most = peak(server.process.pid)
        lab.close()
        server.stop()
        browser.close()
    return most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="*", metavar="NUMBER", help="of chapters, such as 07 (default: all)")
    parser.add_argument("--fast", action="store_true", help="shorten the trainings")
    options = parser.parse_args()
    env = binder_environment()
    print("binder/start sets", " ".join(f"{name}={value}" for name, value in sorted(env.items())))
    server = cold_start(env)
    print(f"the server's peak: {server:.0f} MB")
    core = {min(os.sched_getaffinity(0))}
    os.sched_setaffinity(0, core)
    env |= {"SIMVIZ_PROGRESS": ""} | ({"SIMVIZ_FAST": "1"} if options.fast else {})
    how = "shortened" if options.fast else "in full"
    print(f"{'chapter':28} {'kernel':>8} {'both':>8} {'seconds':>8}   one core, {how}")
    for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")):
        if not options.numbers or path.name[:2] in options.numbers:
            kernel, seconds = chapter(path, env)
            both = kernel + server
            over = "" if both < LIMIT else f"   over {LIMIT} MB"
            print(f"{path.stem:28} {kernel:5.0f} MB {both:5.0f} MB {seconds:8.1f}{over}", flush=True)


if __name__ == "__main__":
    main()
