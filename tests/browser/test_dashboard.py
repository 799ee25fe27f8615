"""The notebook for talks, in JupyterLab and as a page without code: every tab draws, by mouse and by arrow keys."""

import pathlib
import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.pages import Page, Pages, patient
from tests.browser.panels import press

TALK = pathlib.Path(__file__).parents[2] / "notebooks" / "talk.ipynb"
TITLES = ["A cycle is learned", "The race", "Receipts", "Where it ends", "Ink", "Dancing spectrum", "A game"]
SHOWN = """title => { const plots = document.querySelectorAll('.simviz-pane .simviz-plot');
  const heading = document.querySelector('.simviz-dashboard h2');
  return heading && heading.innerText === title && plots.length === 1
    && plots[0].querySelectorAll('.trace, .hm').length > 1
    && document.querySelector('.simviz-state').innerText.length > 10; }"""
RUNNING = "[title for title, panel in talk.panels.items() if panel.player and panel.player.running]"


def shown(page, title):
    """Wait until a tab's own picture is the one that is drawn."""
    page.wait_for_function(SHOWN, arg=title, timeout=60_000)


def through_all(page):
    """Choose every tab, the first ones by mouse, the rest and the first again by keys."""
    shown(page, TITLES[0])
    for title in TITLES[1:4]:
        page.get_by_role("tab", name=title, exact=True).click()
        shown(page, title)
    for title in [*TITLES[4:], TITLES[0]]:
        page.keyboard.press("ArrowRight")
        shown(page, title)
    assert page.evaluate("document.activeElement.innerText") == TITLES[0]
    assert page.locator(".simviz-tabs [aria-selected=true]").all_inner_texts() == TITLES[:1]


@pytest.mark.parametrize("dark", [False, True])
def test_a_lecturer_goes_through_all_tabs_and_what_is_left_stands_still(lab, dark):
    lab.open(TALK, dark=dark, env={"SIMVIZ_FAST": "1"})
    lab.run_all()
    page = lab.page
    shown(page, TITLES[0])
    assert lab.ask("list(talk.panels)") == repr(TITLES[:1])  # nothing else has been made yet
    press(lab, "Start")
    page.locator(".simviz-state", has_text="% off").wait_for(timeout=30_000)
    assert lab.ask(RUNNING) == repr(TITLES[:1])
    page.get_by_role("tab", name=TITLES[1], exact=True).click()
    shown(page, TITLES[1])
    assert lab.ask(RUNNING) == "[]"
    page.keyboard.press("Home")
    shown(page, TITLES[0])
    assert page.locator(".simviz button", has_text="Resume").count() == 1  # the picture that was left
    length = "() => document.querySelector('.simviz-plot').data.find(t => t.name === 'loss').x.length"
    page.wait_for_function(f"n => ({length})() === n", arg=int(lab.ask("talk.panels[talk.chosen].lesson.run.step")))
    through_all(page)
    results = Axe().run(page, context={"include": [[".simviz-dashboard"], [".simviz-pane"]]})
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]] == []
    assert page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.cells.length") == 4
    assert lab.errors() == []
    assert lab.offsite == []


@patient
def test_the_same_notebook_is_a_page_without_code(browser, tmp_path):
    pytest.importorskip("voila")
    (tmp_path / "talk").mkdir(exist_ok=True)
    shutil.copy(TALK, tmp_path / "talk")
    pages = Pages(tmp_path / "talk", tmp_path, {"SIMVIZ_FAST": "1"})
    try:
        one = Page(pages, browser, TALK.name, dark=True)
        through_all(one.page)
        assert one.faults() == []
        one.close()
    finally:
        pages.stop()
