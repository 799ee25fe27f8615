"""`simviz doctor`: what is here, what is missing, too old or broken, and whether a browser draws."""

import importlib.metadata
import re
import stat
import sys

import pytest
import torch

from simviz import doctor
from simviz.doctor import browser, packages
from tests.cli.command import command


@pytest.fixture
def said(capsys):
    """Call the command; return its code and its lines by name."""

    def call():
        code, out, _ = command("doctor", capsys=capsys)
        return code, {line.split()[0]: line[14:] for line in out.splitlines()[:-1]}, out.splitlines()[-1]

    return call


def a_browser(folder, prints):
    """A program that is called like a browser and prints this in place of a page's content."""
    path = folder / "chromium"
    path.write_text(f"#!/bin/sh\n{prints}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_versions_machine_and_page_are_named(said, monkeypatch, tmp_path):
    points = 'class="point" ' * 5
    monkeypatch.setattr(browser, "find_chromium", lambda: a_browser(tmp_path, f"echo '{points}'"))
    code, lines, last = said()
    assert code == 0
    assert lines["torch"] == torch.__version__
    assert lines["python"] == sys.version.split()[0]
    assert re.fullmatch(r"\d+, torch uses \d+", lines["cores"])
    assert {"numpy", "plotly", "jupyterlab", "anywidget", "device"} < set(lines)
    assert lines["page"].startswith("JupyterLab has what live figures need")
    assert lines["browser"].endswith("which draws our figures")
    assert last == "Everything needed is here."


def test_a_package_that_is_missing_is_named_with_what_to_do(said, monkeypatch):
    version = importlib.metadata.version

    def without_scipy(name):
        if name == "scipy":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_scipy)
    code, lines, last = said()
    assert code == 1
    assert lines["scipy"] == "MISSING: python -m pip install scipy"
    assert last == "Something is MISSING: see above."
    assert doctor.lacking() == ["scipy: MISSING: python -m pip install scipy"]


def test_a_package_that_is_too_old_is_named_with_both_versions(monkeypatch):
    version = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.3.1+cpu" if name == "torch" else version(name))
    (sentence,) = doctor.lacking()
    assert sentence == "torch: MISSING: 2.3.1+cpu is not >=2.4: python -m pip install --upgrade torch"


def test_every_package_the_project_needs_is_looked_for(monkeypatch):
    def none(name):
        raise importlib.metadata.PackageNotFoundError(name)

    asked = {re.split("[>;]", line)[0] for line in importlib.metadata.requires("simviz") if "extra" not in line}
    monkeypatch.setattr(importlib.metadata, "version", none)
    assert {line.split(":")[0] for line in doctor.lacking()} == asked
    assert len(asked) > 15


@pytest.mark.parametrize(
    ("have", "needed", "enough"),
    [("2.13.0+cpu", ">=2.4", True), ("2.3", ">=2.4", False), ("2.4", ">=2.4", True), ("25.1rc1", ">=24.1", True)],
)
def test_versions_are_compared_as_numbers(have, needed, enough):
    assert packages._new_enough(have, needed) is enough


def test_a_python_too_old_is_missing(said, monkeypatch):
    monkeypatch.setattr(packages, "python_too_old", lambda: "install 3.11 or newer")
    assert packages.found()["python"] == "MISSING: install 3.11 or newer"


def test_a_browser_that_draws_nothing_is_missing(monkeypatch, tmp_path):
    for prints in ("echo '<html></html>'", "exit 1"):
        monkeypatch.setattr(browser, "find_chromium", lambda prints=prints: a_browser(tmp_path, prints))
        assert browser.found(draw=True)["browser"].startswith("MISSING: this browser drew no figure")


def test_without_any_browser_it_says_what_to_do(said, monkeypatch):
    monkeypatch.setattr(browser, "find_chromium", lambda: None)
    monkeypatch.setattr(browser, "find_default", lambda: None)
    code, lines, _ = said()
    assert code == 1
    assert "install Chromium, Chrome or Firefox" in lines["browser"]
    assert "--no-browser" in lines["browser"]


def test_a_page_without_its_extensions_is_missing(monkeypatch, tmp_path):
    import jupyter_core.paths

    monkeypatch.setattr(jupyter_core.paths, "jupyter_path", lambda name: [str(tmp_path)])
    assert "python -m pip install --force-reinstall ipywidgets" in browser.found()["page"]
    for name in browser.EXTENSIONS:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "package.json").write_text("{}")
    assert "Plotly travels from the kernel" in browser.found()["page"]


@pytest.mark.browser
def test_a_real_browser_draws(monkeypatch):
    if browser.find_chromium() is None:
        pytest.skip("no Chromium or Chrome was found")
    assert browser.found(draw=True)["browser"].endswith("which draws our figures")
