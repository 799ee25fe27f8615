"""One JupyterLab and one browser for all tests in this folder; a new page, workspace and kernel for each of them."""

import os
import pathlib

import nbformat
import pytest
from playwright.sync_api import sync_playwright

from tests.browser import chromium
from tests.browser.lab import Lab
from tests.browser.server import Server

HERE = pathlib.Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser():
    path = chromium.find()
    if path is None:
        (pytest.fail if os.environ.get("SIMVIZ_REQUIRE_BROWSER") == "1" else pytest.skip)(chromium.MISSING)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def server(browser, tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("jupyterlab"))
    yield running
    running.stop()


@pytest.fixture
def lab(server, browser):
    one = Lab(server, browser)
    yield one
    one.close()


@pytest.fixture
def notebook(tmp_path):
    """Return a function that writes a notebook of these cells and returns its path."""

    def write(*cells):
        path = tmp_path / "tiny.ipynb"
        cells = [nbformat.v4.new_code_cell(c) for c in cells]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
        return path

    return write
