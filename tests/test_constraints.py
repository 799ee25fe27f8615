"""constraints.txt pins what pyproject.toml asks for, and fits it."""

import ast
import pathlib
import re
import sys
import tomllib
from importlib.metadata import metadata, packages_distributions, version

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ASKED = [Requirement(r) for r in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]]
PINS = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
PINNED = {canonicalize_name(name): version for name, version in (line.split("==") for line in PINS)}


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.name)
def test_every_dependency_is_pinned_to_a_version_that_the_project_accepts(asked):
    assert asked.specifier.contains(PINNED[canonicalize_name(asked.name)])


def test_every_pinned_version_runs_on_the_oldest_python_of_the_project():
    oldest = PROJECT["requires-python"].removeprefix(">=") + ".0"
    needs = {name: metadata(name)["Requires-Python"] for name in PINNED if version(name).split("+")[0] == PINNED[name]}
    assert [name for name, python in needs.items() if python and oldest not in SpecifierSet(python)] == []
    assert len(needs) > len(PINNED) / 2  # of the others, installed in another version, nothing is known here


def test_pins_are_exact_and_in_order():
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line) for line in PINS)
    assert sorted(PINNED) == list(PINNED)


def imported(folder: pathlib.Path) -> set[str]:
    """The top-level modules that Python files import, but for the standard library and relative imports."""
    names = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names


def undeclared(folder: pathlib.Path) -> set[str]:
    """What Python files import that no run-time dependency or extra of the project brings."""
    extras = [r for extra, asked in PROJECT["optional-dependencies"].items() if extra != "dev" for r in asked]
    declared = {canonicalize_name(Requirement(r).name) for r in PROJECT["dependencies"] + extras}
    owners = packages_distributions()
    return {
        name
        for name in imported(folder) - {"simviz"}
        if declared.isdisjoint(canonicalize_name(owner) for owner in owners.get(name, [name]))
    }


def test_every_library_that_simviz_imports_is_declared():
    assert undeclared(ROOT / "simviz") == set()


def test_a_library_that_only_happens_to_be_there_is_seen(tmp_path):
    (tmp_path / "module.py").write_text(
        "import torch, json\nfrom networkx import Graph\ndef late():\n    import sklearn"
    )
    assert undeclared(tmp_path) == {"networkx"}
