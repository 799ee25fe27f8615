"""The course in a real JupyterLab: cards and panels for those who cannot see or use a mouse, and a chapter by keys."""

import json
import pathlib

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.panels import drawn, press, says, state

CHAPTER = pathlib.Path(__file__).parents[2] / "notebooks" / "03_koopman.ipynb"
ACTIVE = "window.jupyterapp.shell.currentWidget.content.activeCellIndex"
SHOWN = "cell => window.jupyterapp.shell.currentWidget.content.widgets[cell].node"
ANSWERED = "() => document.activeElement.getAttribute('role') === 'status' && document.activeElement.innerText !== ''"
"""The button that was pressed is done, and the focus is on what it brought: JupyterLab's keys go on from there."""
EDMD = 'edmd = course.exercise("03a").check(lambda PX, PY: torch.linalg.lstsq(PX, PY).solution)'

SECOND_HALF = """
from simviz import live
from simviz.learning import experiments
from simviz.learning.data import digits, rhythms

run = experiments.classify("single", digits(), epochs=1, device="cpu")
for _ in run:
    pass
gauge = live.GaugePanel(run.model, digits())
task = rhythms(train=100, test=40)
clock = live.ClockPanel({kind: experiments.tell_time(kind, task, max_steps=40) for kind in ("deq", "sim")})
"""


def faults(lab, *selectors) -> list:
    results = Axe().run(lab.page, context={"include": [[s] for s in selectors]})
    return [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]]


def choose(lab, text: str, sure: str) -> None:
    page = lab.page
    page.get_by_label(text).check()
    page.get_by_role("button", name=sure, exact=True).click()
    page.get_by_role("button", name="Commit").click()


@pytest.mark.parametrize("dark", [False, True])
def test_cards_are_answered_kept_and_accessible(lab, notebook, dark):
    cells = (
        'from simviz import course\ncourse.predict("01.pair")',
        'rate = course.exercise("01b").check(lambda J: abs(J).max())',
    )
    lab.open(notebook(*cells), dark=dark)
    lab.run_all()
    page = lab.page
    page.locator(".simviz-course").nth(1).wait_for()
    commit = page.get_by_role("button", name="Commit")
    commit.click()
    page.locator(".simviz-course", has_text="Choose an answer first.").wait_for()
    assert page.get_by_role("button", name="Solution").is_enabled()  # an attempt was made
    choose(lab, "It flies to infinity.", "sure")
    page.locator("li.simviz-right", has_text="It circles close to the point").wait_for()
    assert commit.is_disabled()
    page.get_by_role("button", name="First hint").click()
    page.locator(".simviz-course", has_text="Which numbers are multiplied at each step").wait_for()
    page.get_by_role("button", name="Solution").click()
    page.locator(".simviz-course pre", has_text="eigvals").wait_for()
    assert faults(lab, ".simviz-course") == []
    assert lab.errors() == []
    (kept,) = lab.server.folder.glob("*/simviz-progress.json")
    text = kept.read_text(encoding="utf-8")
    assert '"01.pair"' in text
    assert '"01b"' in text
    assert json.loads(text)
    kept.unlink()
    for cell in lab.server.folder.glob("*/tiny.ipynb"):
        cell.unlink()


@pytest.mark.parametrize("dark", [False, True])
def test_the_panels_of_the_course_draw_and_are_accessible(lab, notebook, dark):
    lab.open(
        notebook("from simviz import live\nlive.ObservablePanel()", "live.InkPanel()", "live.GamePanel()"), dark=dark
    )
    since = lab.now()
    lab.run_all()
    drawn(lab, 3)
    lab.wait(1)
    assert lab.received(since) <= 3 * 80_000
    assert faults(lab, ".simviz") == []
    for number in (0, 1):
        press(lab, "Start", number)
        says(lab, "After", number)
        press(lab, "Stop", number)
    press(lab, "C: a loop" if "Whose eigenvalues" in state(lab, 2) else "C", 2)
    says(lab, "press Next round", 2)
    assert lab.errors() == []
    assert lab.offsite == []


@pytest.mark.parametrize("dark", [False, True])
def test_the_panels_of_the_second_half_draw_move_and_are_accessible(lab, notebook, dark):
    lab.open(
        notebook(SECOND_HALF, "gauge", "live.LandscapePanel()", "clock", "live.DistilPanel(radius=0.8)"), dark=dark
    )
    since = lab.now()
    lab.run_all()
    drawn(lab, 4)
    lab.wait(1)
    assert lab.received(since) <= 4 * 100_000
    assert faults(lab, ".simviz") == []
    for number, words in enumerate(("turned by", "ended in", "mean squared error", "nearest eigenvalue")):
        press(lab, "Start", number)
        says(lab, words, number)
    press(lab, "Stop", 0)  # the others end by themselves
    assert lab.errors() == []
    assert lab.offsite == []


class Reader:
    """Someone with a keyboard and nothing else, in the notebook that a lab has open."""

    def __init__(self, lab):
        self.lab, self.page, self.keys = lab, lab.page, lab.page.keyboard

    @property
    def cell(self) -> int:
        return self.page.evaluate(ACTIVE)

    def run(self) -> None:
        """Run the cell that has the focus, and go on to the next."""
        before = self.cell
        self.keys.press("Shift+Enter")
        self.page.wait_for_function(f"before => {ACTIVE} === before + 1", arg=before)
        self.lab.wait_idle()

    def tab_to(self, selector: str, most: int = 60) -> None:
        for _ in range(most):
            self.keys.press("Tab")
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{most} tabs did not lead to {selector}")

    def tab_to_button(self, text: str, most: int = 60) -> None:
        for _ in range(most):
            self.keys.press("Tab")
            if self.page.evaluate("document.activeElement.innerText") == text:
                return
        raise AssertionError(f"{most} tabs did not lead to the button {text}")

    def back_to(self, cell: int) -> None:
        """Go up to a cell by the arrow keys of JupyterLab's command mode."""
        for _ in range(5):
            if self.cell == cell:
                return
            self.keys.press("ArrowUp" if self.cell > cell else "ArrowDown")
        assert self.cell == cell


def test_a_reader_with_only_a_keyboard_gets_through_chapter_three(lab):
    lab.open(CHAPTER, env={"SIMVIZ_FAST": "1"})
    reader, page, keys = Reader(lab), lab.page, lab.page.keyboard
    sources = [cell.source for cell in nbformat.read(CHAPTER, as_version=4).cells]
    committed = 0
    while (number := reader.cell) < len(sources) - 1:
        source = sources[number]
        if "def edmd(PX, PY)" in source:
            keys.press("Enter")
            keys.press("Control+a")
            keys.type(EDMD)
        reader.run()
        if "live.ObservablePanel()" in source:
            drawn(lab, 1)
            reader.back_to(number)
            reader.tab_to(".simviz")
            keys.press(".")
            says(lab, "After 1 step")
            reader.tab_to("select[aria-label=Observable], select")
            for _ in range(2):
                if "slow manifold" in page.evaluate("document.activeElement.innerText"):
                    reader.tab_to("select")
            keys.type("s2 - c")
            says(lab, "an eigenfunction")
            keys.press("Escape")
            assert not page.evaluate("() => document.activeElement.closest('.simviz') !== null")
        elif "course.predict(" in source:
            committed += 1
            reader.back_to(number)
            reader.tab_to(".simviz-course input[type=radio]")
            keys.press("ArrowDown")
            reader.tab_to_button("guess")
            keys.press("Space")
            reader.tab_to_button("Commit")
            keys.press("Space")
            page.wait_for_function(
                "count => document.querySelectorAll('li.simviz-right').length === count", arg=committed
            )
            page.wait_for_function(ANSWERED)
        elif "def edmd(PX, PY)" in source:
            page.locator(".simviz-course", has_text="Passed").wait_for()
        elif "def residual(" in source:
            reader.back_to(number)
            reader.tab_to_button("First hint")
            keys.press("Enter")
            page.wait_for_function(ANSWERED)
        else:
            continue
        reader.back_to(number + 1)
    keys.press("Shift+Enter")
    lab.wait_idle()
    assert committed == 2
    assert lab.errors() == []
    (kept,) = lab.server.folder.glob("*/simviz-progress.json")
    records = {one["id"]: one for one in json.loads(kept.read_text(encoding="utf-8"))["items"]}
    assert records["03a"]["right"] is True
    assert {"03.snapshots", "03.lorenz", "03b"} <= records.keys()
