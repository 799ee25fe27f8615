"""The chapters as pages without code, served by Voila: what is there works, and nothing is there that does not."""

import re
import time

import nbformat
import pytest

from simviz.course.material import lay_out, source
from tests.browser.pages import Page, Pages, patient
from tests.browser.panels import ALL_DRAWN

FIGURES = {"00": 1, "01": 2, "02": 2, "03": 2, "04": 2, "05": 2, "06": 2, "07": 4, "08": 1, "09": 1}
"""Live figures on the short path of each chapter."""
FORECASTS = {"00": 1, "01": 2, "02": 1, "03": 1, "04": 1, "05": 1, "06": 2, "07": 1, "08": 1, "09": 0}
EXERCISE = 'from simviz import course\nrate = course.exercise("01b").check(lambda J: ...)'
LONGEST = 240_000
"""Milliseconds until a page is complete: its kernel has run all its cells by then."""
LOADED = """() => ![...document.querySelectorAll('.jp-OutputArea-output')]
  .some(output => /^Loading widget/.test(output.innerText))"""
DRAWN = "() => [...document.querySelectorAll('.simviz-plot')].every(p => p.querySelectorAll('.trace, .hm').length > 0)"


@pytest.fixture(scope="module")
def pages(browser, tmp_path_factory):
    pytest.importorskip("voila")
    home = tmp_path_factory.mktemp("voila")
    lay_out(home / "course", path="short")
    cells = [nbformat.v4.new_code_cell(EXERCISE)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), home / "course" / "exercise.ipynb")
    running = Pages(home / "course", home, {"SIMVIZ_FAST": "1", "SIMVIZ_PROGRESS": ""})
    yield running
    running.stop()


@pytest.fixture
def visit(pages, browser):
    """Return a function that opens a notebook of the folder as a page."""
    visited = []

    def opened(name, **options):
        visited.append(Page(pages, browser, name, **options))
        return visited[-1]

    yield opened
    for one in visited:
        one.close()


def test_every_chapter_has_its_row():
    assert sorted(FIGURES) == sorted(FORECASTS) == sorted(path.name[:2] for path in source().glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("number", FIGURES)
@patient
def test_a_chapter_is_a_page_that_works_without_code(pages, visit, number):
    (path,) = pages.folder.glob(f"{number}*.ipynb")
    one = visit(path.name)
    page = one.page
    page.wait_for_function(
        f"n => document.querySelectorAll('.simviz-plot').length === n && ({DRAWN})()",
        arg=FIGURES[number],
        timeout=LONGEST,
    )
    cards = "n => document.querySelectorAll('.simviz-course .widget-radio-box').length === n"
    page.wait_for_function(cards, arg=FORECASTS[number])
    page.wait_for_function(LOADED)
    if FORECASTS[number]:
        card = page.locator(".simviz-course").first
        card.locator("input[type=radio]").first.check()
        card.get_by_role("button", name="guess", exact=True).click()
        card.get_by_role("button", name="Commit").click()
        card.locator("li.simviz-right").wait_for(timeout=20_000)
    if "![" in path.read_text(encoding="utf-8"):
        assert page.locator("img").count() >= 1  # the still above the first figure
    assert one.faults() == []


@pytest.mark.parametrize("dark", [False, True])
@patient
def test_the_welcome_page_starts_pauses_and_steps(visit, dark):
    one = visit("00_welcome.ipynb", dark=dark)
    page = one.page
    page.wait_for_function(ALL_DRAWN, arg=1, timeout=90_000)
    paper = page.evaluate("document.querySelector('.simviz-plot')._fullLayout.paper_bgcolor")
    assert paper == ("#111111" if dark else "#ffffff")
    assert page.evaluate("globalThis.simvizPlotly === undefined")  # the page's own has drawn it
    state = page.locator(".simviz-state")
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator(".simviz-state", has_text=re.compile("% off|learned 0")).wait_for(timeout=30_000)
    page.get_by_role("button", name="Reset", exact=True).click()
    page.locator(".simviz-state", has_text="press Start").wait_for(timeout=10_000)
    standing = state.inner_text()
    page.locator(".simviz").focus()
    page.keyboard.press(".")
    page.wait_for_function("old => document.querySelector('.simviz-state').innerText !== old", arg=standing)
    assert one.faults() == []


@pytest.mark.parametrize("dark", [False, True])
@patient
def test_an_exercise_says_that_it_wants_the_notebook_and_has_no_dead_button(visit, dark):
    one = visit("exercise.ipynb", dark=dark)
    card = one.page.locator(".simviz-course")
    card.locator("[role=status]", has_text="this one wants the notebook").wait_for(timeout=60_000)
    card.get_by_role("button", name="First hint").click()
    card.get_by_role("button", name="Second hint").click()
    card.locator("p", has_text="Second hint.").wait_for()
    assert card.get_by_role("button", name="Solution").count() == 0
    assert card.locator("textarea, input").count() == 0
    assert one.faults() == []


def test_a_page_that_is_left_ends_its_kernel_and_no_other(pages, visit):
    one, other = (visit("exercise.ipynb") for _ in range(2))
    for page in (one.page, other.page):
        page.locator(".simviz-course [role=status]", has_text="wants the notebook").wait_for(timeout=60_000)
    running = re.findall(r"Kernel started: (\S+)", pages.log.read_text())[-2:]
    one.close()
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and not ended(pages, running):
        time.sleep(0.2)
    time.sleep(5)  # the other would be ended now, were it thought to have no page
    assert len(ended(pages, running)) == 1
    other.page.get_by_role("button", name="First hint").click()
    other.page.locator("p", has_text="First hint.").wait_for()  # its kernel answers


def ended(pages, kernels):
    """Those of these kernels that Voila has ended."""
    return set(kernels) & set(re.findall(r"Kernel shutdown: (\S+)", pages.log.read_text()))
