"""`import simviz` is light, and its lazy names are there."""

import importlib
import json
import subprocess
import sys

import pytest

import simviz

HEAVY = ("matplotlib", "plotly", "ipywidgets", "anywidget", "IPython", "sklearn", "mlxtend", "pandas", "jupyterlab")


def loaded_after(line: str) -> set[str]:
    """The top-level modules that a fresh Python has loaded after this line."""
    code = f"import json, sys; {line}; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return set(json.loads(run.stdout))


def test_importing_simviz_loads_torch_and_no_plotting_widget_or_data_library():
    loaded = loaded_after("import simviz, torch; simviz.SIM")
    assert "torch" in loaded
    assert loaded.isdisjoint(HEAVY), loaded & set(HEAVY)


@pytest.mark.parametrize("module", ["matplotlib", "ipywidgets", "sklearn"])
def test_a_heavy_library_would_be_seen(module):
    assert module in loaded_after(f"import simviz, {module}")


@pytest.mark.parametrize("name", simviz.__all__)
def test_every_public_name_is_there(name):
    value = getattr(simviz, name)
    assert value is not None
    if name.islower() and not callable(value):
        assert value is importlib.import_module(f"simviz.{name}")
