"""Who may import whom: the rules in pyproject.toml hold, and each of them sees a breach."""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True, no_logo=True))"


def lint(folder: pathlib.Path) -> tuple[int, str]:
    """import-linter's exit code and report for the package that lies in `folder`."""
    command = [sys.executable, "-c", LINT]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return run.returncode, run.stdout + run.stderr


def test_every_room_imports_only_what_lies_below_it():
    code, report = lint(ROOT)
    assert code == 0, report
    assert "0 broken" in report


BREACHES = [
    ("records.py", "import simviz.dynamics", "the rooms, one way"),
    ("learning/run.py", "from simviz import live", "the rooms, one way"),
    ("models/sim.py", "def late():\n    import simviz.learning.run", "the rooms, one way"),
    (
        "equilibria/solve.py",
        "from simviz.dynamics import systems",
        "dynamics and equilibria know each other only through",
    ),
    ("models/sim.py", "from simviz.models.deq import DEQ", "sim and deq do not know each other"),
    ("figures/__init__.py", "from simviz.dynamics import features", "figures read records and dynamics.systems alone"),
    ("figures/__init__.py", "import simviz.learning.run", "figures read records and dynamics.systems alone"),
    ("live/player.py", "from simviz.learning.run import Run", "live, but its panels, reads records and figures alone"),
    ("live/panels/panel.py", "import simviz.course", "the rooms, one way"),
    ("live/player.py", "import simviz.live.panels", "the rest of live does not know the panels"),
    ("learning/run.py", "import matplotlib.pyplot", "nothing below figures draws"),
    ("models/sim.py", "def late():\n    import plotly.graph_objects", "nothing below figures draws"),
]


@pytest.mark.parametrize(("file", "line", "rule"), BREACHES, ids=[f"{f}: {b.split()[-1]}" for f, b, _ in BREACHES])
def test_a_breach_is_seen(tmp_path, file, line, rule):
    shutil.copytree(ROOT / "simviz", tmp_path / "simviz", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "simviz" / file).open("a") as module:
        module.write(f"\n{line}\n")
    code, report = lint(tmp_path)
    assert code == 1, report
    assert any(rule in row and "BROKEN" in row for row in report.splitlines()), report


ALLOWED = [
    ("figures/__init__.py", "from simviz.dynamics import systems"),
    ("live/panels/__init__.py", "import simviz.learning.run, simviz.models.sim, simviz.live.player"),
]


@pytest.mark.parametrize(("file", "line"), ALLOWED)
def test_what_is_allowed_is_not_called_a_breach(tmp_path, file, line):
    shutil.copytree(ROOT / "simviz", tmp_path / "simviz", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "simviz" / file).open("a") as module:
        module.write(f"\n{line}\n")
    code, report = lint(tmp_path)
    assert code == 0, report
