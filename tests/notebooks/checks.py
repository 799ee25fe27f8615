"""Is a notebook in order, as a file and when it is run?"""

import contextlib
import os
import pathlib
import re
from collections.abc import Sequence

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from simviz.course.agreement import DISAGREE

PATHS = ("short", "full")
HIDING = ("hide-input", "hide-output", "hide-cell")
MAX_BYTES, MAX_LINES = 100_000, 15

# An exception in a player's thread fails no cell; the player keeps it, and this cell, added at the end, asks for it.
LAST_CELL = """import sys
try:  # of this kernel alone: getrusage also knows the process that started it
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) / 1000 for line in status if line.startswith("VmHWM"))
except OSError:
    peak = 0.0
if peak > 1000:
    raise MemoryError(f"the kernel came to {peak:.0f} MB, more than the 1,000 that a free server gives")
if "simviz.live" in sys.modules:
    from simviz.live.player import all_players
    errors = [player.error for player in all_players() if player.error is not None]
    if errors:
        raise RuntimeError(f"{len(errors)} player(s) stopped with an error; the first: {errors[0]!r}") from errors[0]
"""


def faults_in_file(path: pathlib.Path) -> list[str]:
    """What is wrong with a notebook as it lies in the repository: one sentence each."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    faults = []
    if path.stat().st_size >= MAX_BYTES:
        faults.append(f"the file has {path.stat().st_size:,} bytes, {MAX_BYTES:,} or more")
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        faults.append("the kernelspec in the metadata is not python3: JupyterLab would ask for a kernel")
    if "widgets" in notebook.metadata:
        faults.append("widget state is saved in the metadata")
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown" or not re.match(r"# \S", first.source):
        faults.append("the first cell is not markdown with a title")
    for target in links(notebook):
        if not (path.parent / target).exists():
            faults.append(f"a link leads to {target}, which is not there")
    for number, cell in enumerate(notebook.cells):
        faults += [f"cell {number}: {fault}" for fault in faults_in_cell(cell)]
    return faults


def links(notebook) -> list[str]:
    """The files that the prose of a notebook links to or shows."""
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return [t.split("#")[0] for t in re.findall(r"\]\(([^)\s]+)\)", prose) if not re.match(r"\w+:|#", t)]


def faults_in_cell(cell) -> list[str]:
    tags = cell.metadata.get("tags", [])
    faults = [f"the tag {tag} is none of {PATHS + HIDING}" for tag in tags if tag not in PATHS + HIDING]
    if not set(tags) & set(PATHS):
        faults.append("tagged neither short nor full")
    if cell.cell_type != "code":
        return faults
    if cell.outputs:
        faults.append("has outputs")
    if cell.execution_count is not None:
        faults.append("has an execution count")
    if (lines := len(cell.source.splitlines())) > MAX_LINES:
        faults.append(f"has {lines} lines of code, more than {MAX_LINES}")
    return faults


class Client(NotebookClient):
    """Keeps what widgets hold, without the buffers that `store_widget_state` would keep too (5 MB for some figures)."""

    def handle_comm_msg(self, outs, msg, cell_index):
        content = msg["content"]
        self.widget_state.setdefault(content["comm_id"], {}).update(content.get("data", {}).get("state", {}))
        super().handle_comm_msg(outs, msg, cell_index)


def run(path: pathlib.Path, timeout: float = 300, short: bool = False, more: Sequence[str] = ()) -> list[str]:
    """Execute a notebook in a fresh kernel of this Python; return what went wrong.

    timeout: seconds a cell; short: only the cells of the short path; more: cells to run after its own.
    """
    try:
        return _run(path, timeout, short, more)
    except AssertionError:  # nbclient's own, now and then; what a cell raises is a CellExecutionError
        return _run(path, timeout, short, more)


def _run(path: pathlib.Path, timeout: float, short: bool, more: Sequence[str] = ()) -> list[str]:
    notebook = nbformat.read(path, as_version=4)
    if short:
        notebook.cells = [cell for cell in notebook.cells if "short" in cell.metadata.get("tags", [])]
    notebook.cells += [nbformat.v4.new_code_cell(source) for source in (*more, LAST_CELL)]
    own = KernelSpecManager(kernel_dirs=[], ensure_native_kernel=True)  # this Python, whatever the user has installed
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=own)
    client = Client(
        notebook,
        km=manager,
        timeout=timeout,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    )
    with contextlib.suppress(CellExecutionError):  # its traceback is in the cell's outputs, collected below
        client.execute(env=os.environ | {"SIMVIZ_FAST": "1", "SIMVIZ_PROGRESS": ""})
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    for state in client.widget_state.values():
        outputs += [nbformat.from_dict(output) for output in state.get("outputs", [])]  # of an Output widget
    return [text for output in outputs if (text := error_of(output))] + [
        f"a widget holds an error: {state['error']}" for state in client.widget_state.values() if state.get("error")
    ]


def error_of(output) -> str:
    """The error that a cell's output shows, or nothing."""
    if output.output_type == "error":
        return "\n".join(output.traceback)
    if output.output_type != "stream":
        return ""
    if DISAGREE in output.text:
        return f"two numbers that should agree do not: {output.text}"
    stderr = output.text if output.name == "stderr" else ""
    return stderr if "Traceback (most recent call last)" in stderr else ""
