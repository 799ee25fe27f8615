"""Build the book: python docs/book/build.py [--fast | --pages] [--out FOLDER].

The chapters are run, the reference is written from the library, then Sphinx makes the pages. --fast: trainings
shortened, as in the tests. --pages: chapters as they are, not run, for one who writes at the other pages. The first
page is OUT/html/index.html; it opens from disk.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import sys

import inventory
import nbformat
import reference
from nbclient import NotebookClient
from sphinx.cmd.build import build_main

HERE = pathlib.Path(__file__).resolve().parent
NOTEBOOKS = HERE.parents[1] / "notebooks"
LONGEST = 600
"""Seconds that a cell may take."""


def read(path: pathlib.Path) -> nbformat.NotebookNode:
    """Return a chapter without its first still: the first figure's own picture comes right below."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = re.sub(r"^!\[[^]]*\]\(stills/[^)]*\)\n?", "", cell.source, flags=re.M)
    return notebook


def run(path: pathlib.Path, into: pathlib.Path, fast: bool) -> None:
    """Run a chapter with still pictures in place of widgets, and write it with its outputs into a folder."""
    notebook = read(path)
    client = NotebookClient(
        notebook, timeout=LONGEST, kernel_name="python3", store_widget_state=False,
        extra_arguments=["--IPKernelApp.log_level=40"], resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    client.execute(
        env=os.environ | {"SIMVIZ_STILLS": "1", "SIMVIZ_PROGRESS": ""} | ({"SIMVIZ_FAST": "1"} if fast else {})
    )
    nbformat.write(notebook, into / path.name)


def main() -> int:
    """Run the chapters, two at a time, and hand them to Sphinx, whose warnings are errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--fast", action="store_true", help="shorten the trainings")
    how.add_argument("--pages", action="store_true", help="run no chapter: half a minute for all the other pages")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("build/book"))
    options = parser.parse_args()
    source = options.out / "source"
    shutil.rmtree(options.out, ignore_errors=True)
    shutil.copytree(HERE, source, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "notebooks").mkdir()
    chapters = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    if options.pages:
        for path in chapters:
            nbformat.write(read(path), source / "notebooks" / path.name)
    else:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda path: run(path, source / "notebooks", options.fast), chapters))
    shutil.copytree(NOTEBOOKS / "stills", source / "notebooks" / "stills")
    inventory.write(source / "teach")
    reference.write(source / "reference")
    failed = build_main(["-q", "-W", "--keep-going", "-b", "html", str(source), str(options.out / "html")])
    if not failed:
        print(f"the book: {options.out / 'html' / 'index.html'}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
