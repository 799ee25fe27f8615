"""Every notebook is in order as a file and runs to its end without a browser; the checks that say so do see faults."""

import pathlib

import nbformat
import pytest

from tests.notebooks import checks

FOLDER = pathlib.Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.ipynb"))  # the chapters
TALK = FOLDER / "talk.ipynb"
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_the_welcome_notebook_is_among_them():
    assert "00_welcome" in [path.stem for path in NOTEBOOKS]


@each_notebook
def test_the_file_is_in_order(path):
    assert checks.faults_in_file(path) == []


@pytest.mark.slow
@each_notebook
def test_it_runs_to_its_end(path):
    assert checks.run(path) == []


@pytest.mark.slow
@each_notebook
def test_its_short_path_runs_alone(path):
    assert checks.run(path, short=True) == []


def test_the_notebook_for_talks_is_in_order_as_a_file():
    assert checks.faults_in_file(TALK) == []
    tags = {tag for cell in nbformat.read(TALK, as_version=4).cells for tag in cell.metadata.tags}
    assert tags == {"short"}  # so that a copy of the short path has it whole


@pytest.mark.slow
def test_the_notebook_for_talks_shows_every_tab_in_less_than_a_gigabyte():
    every = "for title in talk.titles:\n    talk.choose(title)\nassert len(talk.panels) == len(talk.titles) == 7"
    assert checks.run(TALK, more=[every]) == []


@pytest.fixture
def write(tmp_path):
    """Write a small notebook that is in order, but for what the test then breaks."""

    def one(*sources, edit=None):
        title = nbformat.v4.new_markdown_cell("# A title", metadata={"tags": ["short", "full"]})
        cells = [nbformat.v4.new_code_cell(s, metadata={"tags": ["full"]}) for s in sources]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        notebook = nbformat.v4.new_notebook(cells=[title, *cells], metadata=kernel)
        if edit is not None:
            edit(notebook)
        nbformat.write(notebook, tmp_path / "small.ipynb")
        return tmp_path / "small.ipynb"

    return one


def test_a_notebook_in_order_has_no_faults(write):
    assert checks.faults_in_file(write("1 + 1", "2 + 2")) == []


def output(nb):
    nb.cells[1].outputs = [nbformat.v4.new_output("stream", text="2")]


def count(nb):
    nb.cells[1].execution_count = 1


def widgets(nb):
    nb.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {}}


def kernel(nb):
    nb.metadata.kernelspec.name = "my-env"


def no_kernel(nb):
    del nb.metadata["kernelspec"]


def no_title(nb):
    nb.cells[0].source = "no title"


def large(nb):
    nb.cells[0].source += "x" * 100_000


def astray(nb):
    nb.cells[0].source += "\n[there](99_nowhere.ipynb), [here](#a), [outside](https://example.org)"


def long(nb):
    nb.cells[1].source = "\n".join(["1"] * 16)


def no_tag(nb):
    nb.cells[1].metadata.tags = ["hide-input"]


def odd_tag(nb):
    nb.cells[1].metadata.tags.append("raises-exception")


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (output, "cell 1: has outputs"),
        (count, "cell 1: has an execution count"),
        (widgets, "widget state is saved"),
        (kernel, "kernelspec"),
        (no_kernel, "kernelspec"),
        (no_title, "title"),
        (large, "bytes"),
        (astray, "99_nowhere.ipynb, which is not there"),
        (long, "cell 1: has 16 lines"),
        (no_tag, "cell 1: tagged neither"),
        (odd_tag, "cell 1: the tag raises-exception"),
    ],
)
def test_each_fault_in_a_file_is_seen_and_nothing_else(write, edit, fault):
    (found,) = checks.faults_in_file(write("1 + 1", edit=edit))
    assert fault in found


def test_a_notebook_that_runs_has_no_errors_and_is_shortened(write):
    cells = ("import os; assert os.environ['SIMVIZ_FAST'] == '1'", "import sys; print('a note', file=sys.stderr)")
    assert checks.run(write(*cells)) == []


IN_OUTPUT = """import ipywidgets
with ipywidgets.Output() as out:
    1 / 0
out"""
IN_WIDGET = """import anywidget, traitlets
class Panel(anywidget.AnyWidget):
    _esm = "export default {}"
    error = traitlets.Unicode("").tag(sync=True)
panel = Panel(error="the drawing broke")"""
IN_LOG = """import logging
try:
    1 / 0
except ZeroDivisionError:
    logging.exception("caught")"""
IN_PLAYER = """import time
from simviz.live.player import Player
def steps():
    yield 1
    1 / 0
player = Player(steps)
player.start()
while player.error is None:
    time.sleep(0.01)"""


@pytest.mark.parametrize(
    ("cell", "error"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("assert 1 == 2", "AssertionError"),
        ("from simviz import course; course.agree('x', 1, 2)", "two numbers that should agree do not"),
        ("b = b'x' * 1_100_000_000", "MemoryError"),
        (IN_OUTPUT, "ZeroDivisionError"),
        (IN_WIDGET, "the drawing broke"),
        (IN_LOG, "ZeroDivisionError"),
        (IN_PLAYER, "1 player(s) stopped with an error"),
    ],
    ids=[
        "a cell raises",
        "a cell asserts",
        "numbers disagree",
        "it takes more than a gigabyte",
        "an Output holds it",
        "a widget holds it",
        "it is logged",
        "a player holds it",
    ],
)
def test_each_way_to_fail_is_seen(write, cell, error):
    found = checks.run(write(cell, "'the next cell'"))
    assert any(error in text for text in found)


def test_the_short_path_leaves_the_other_cells_out(write):
    path = write("1 / 0", edit=lambda nb: nb.cells.append(nbformat.v4.new_code_cell("2", metadata={"tags": ["short"]})))
    assert checks.run(path, short=True) == []
    assert len(checks.run(path)) == 1


def test_only_the_clients_own_assertion_is_tried_again_and_once(monkeypatch, write):
    tries = []

    def stumble(path, timeout, short, more):
        tries.append(path)
        if len(tries) == 1:
            raise AssertionError
        return ["a cell raised"]

    monkeypatch.setattr(checks, "_run", stumble)
    assert checks.run(write("1")) == ["a cell raised"]
    assert len(tries) == 2
    assert checks.run(write("1")) == ["a cell raised"]
    assert len(tries) == 3
