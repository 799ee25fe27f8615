"""The notebook with one panel of each kind that the tests of this folder open, a panel a cell."""

SETUP = """
import torch
from torch import nn
from simviz import live
from simviz.dynamics.systems import StuartLandau, VanDerPol
from simviz.learning.data import digits
from simviz.learning.run import Run
from simviz.models import paper
torch.manual_seed(0)
task = digits(validation=0.2)
def run(tiers=1, **options):
    return Run(paper.image_classifier(tiers, 8, 1), task, **{"epochs": 400, "batch_size": 128, **options})
"""
CELLS = {
    "train": "train = live.TrainPanel(run())\ntrain",
    "spectrum": "spectrum = live.SpectrumPanel()\nspectrum",
    "sets": "sets = live.SetPanel()\nsets",
    "solver": "solver = live.SolverPanel()\nsolver",
    "gradient": "gradient = live.GradientPanel()\ngradient",
    "compare": "compare = live.ComparePanel([run(1), run(2)], ['one tier', 'two tiers'])\ncompare",
}
ALL_DRAWN = """count => { const plots = [...document.querySelectorAll('.simviz-plot')];
  return plots.length === count && plots.every(p => p.querySelectorAll('.trace, .hm').length > 1
    && p.closest('.simviz').querySelector('.simviz-state').innerText.length > 10); }"""


def cells(*names: str) -> list[str]:
    """The cells of a notebook with these panels, or all of them; the first holds what they share."""
    return [SETUP, *(CELLS[name] for name in names or CELLS)]


def drawn(lab, count: int) -> None:
    """Wait until so many figures are drawn."""
    lab.page.wait_for_function(ALL_DRAWN, arg=count, timeout=90_000)


def panel(lab, number: int):
    """The figure of the number-th panel, its first being 0."""
    return lab.page.locator(".simviz").nth(number)


def state(lab, number: int = 0) -> str:
    """What a panel says."""
    return panel(lab, number).locator(".simviz-state").inner_text()


def says(lab, words: str, number: int = 0, timeout: float = 15) -> None:
    """Wait until a panel says these words."""
    panel(lab, number).locator(".simviz-state", has_text=words).wait_for(timeout=1000 * timeout)


def press(lab, name: str, number: int = 0) -> None:
    """Press a button of a panel by its name."""
    panel(lab, number).get_by_role("button", name=name, exact=True).click()
