"""Front ends other than Jupyter's own, such as VS Code and Colab: whence Plotly comes, and that nobody loses theirs."""

import pytest

from simviz.live import LiveFigure
from simviz.live.figure import plotly_source
from simviz.records import Axis, FigureSpec, Subplot, Trace
from tests.browser.bare import Bare

PROGRESS = "Fetching the drawing library from the kernel"
AMD = """<script>window.registered = [];
  window.define = (...parts) => { window.registered.push(parts.length); }; window.define.amd = {};
  window.require = window.requirejs = () => { throw new Error("nothing is to be required"); };</script>"""
COMMON = "<script>window.module = { exports: {} }; window.exports = window.module.exports;</script>"
AMD_FIRST = """(function (root, factory) {
  if (typeof define === "function" && define.amd) define([], factory);
  else if (typeof module === "object" && module.exports) module.exports = factory();
  else root.Plotly = factory();
})(self, () => { const module = { exports: {} }; %s ; return module.exports; });"""
"""Plotly as its earlier versions put themselves into a page."""
NO_EXTENSION = "<script>window._JUPYTERLAB = { anywidget: { get() { throw new Error('not this one'); } } };</script>"
BROKEN_EXTENSION = """<script>
  window._JUPYTERLAB = { "jupyterlab-plotly": { get: async () => { throw new Error("no"); } } };</script>"""
UNTESTED = """<script>window.Plotly = { version: "3.4.0", react() { throw new Error("of another version"); } };
  window.theirs = window.Plotly;</script>"""
FIXED = UNTESTED.replace("window.theirs", "Object.freeze(window.Plotly); window.theirs")


def figure():
    corners = Trace("corners", "data", [0.0, 1.0, 2.0], [1.0, 0.0, 1.0], live="replace")
    return LiveFigure(FigureSpec((Subplot("", Axis(), Axis()),), (corners,), "Three points.", "Three corners."))


@pytest.fixture
def bare(browser):
    """Return a function that opens a page with this in its head."""
    pages = []

    def opened(head="", body=""):
        pages.append(Bare(browser, head, body))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


@pytest.mark.parametrize(
    "head",
    ["", NO_EXTENSION, BROKEN_EXTENSION, AMD, COMMON, UNTESTED, FIXED, AMD + UNTESTED],
    ids=[
        "nothing of Jupyter's", "no extension", "a broken extension", "AMD", "CommonJS", "an untested Plotly",
        "a frozen Plotly", "AMD and an untested Plotly",
    ],
)  # fmt: skip
def test_the_kernels_plotly_draws_comes_once_a_page_and_leaves_everything_of_the_pages_in_its_place(bare, head):
    page = bare(head)
    for _ in range(2):
        page.show(figure())
    page.page.wait_for_function(
        "words => [...document.querySelectorAll('.simviz-state')].every(s => s.innerText.startsWith(words))",
        arg=PROGRESS,
        polling=10,
    )
    for number in range(2):
        page.drawn(number)
    third = page.show(figure())  # one that comes later asks for nothing
    page.drawn(third)
    page.page.wait_for_function(
        "() => [...document.querySelectorAll('.simviz-state')].every(s => s.innerText === 'Three points.')"
    )
    assert page.wanted == ["plotly"]
    assert page.sources == 1
    assert page.page.evaluate("window.Plotly === window.theirs")  # theirs, or none
    assert page.page.evaluate("(window.registered || []).length") == 0
    assert page.page.evaluate("window.module ? Object.keys(window.module.exports).length : 0") == 0
    assert page.wrong == []
    assert page.offsite == []


def test_a_source_that_asks_for_an_amd_loader_first_does_not_find_the_pages(bare, monkeypatch):
    source = plotly_source().decode()
    monkeypatch.setattr("simviz.live.figure.plotly_source", lambda: (AMD_FIRST % source).encode())
    page = bare(AMD + COMMON)
    page.show(figure())
    page.drawn(0)
    assert page.page.evaluate("window.registered") == []
    assert page.page.evaluate("Object.keys(window.module.exports)") == []
    assert page.page.evaluate("window.Plotly === undefined")
    assert page.wrong == []


def test_a_page_that_has_the_tested_plotly_is_sent_none(bare):
    page = bare()
    page.show(figure())
    page.drawn(0)
    page.page.evaluate("async () => { window.Plotly = await window.simvizPlotly; window.simvizPlotly = undefined; }")
    page.page.evaluate("() => { window.theirs = window.Plotly; }")
    page.show(figure())
    page.drawn(1)
    assert page.wanted == ["plotly"]
    assert page.page.evaluate("window.Plotly === window.theirs && window.simvizPlotly === undefined")


def test_another_figure_asks_where_the_one_that_asked_is_gone_before_the_answer(bare):
    page = bare()
    page.deaf = True  # the kernel ends as the first figure asks
    page.show(figure())
    page.show(figure())
    page.page.locator("#figure-1 .simviz-state", has_text=PROGRESS).wait_for()
    assert page.wanted == ["plotly"]
    page.deaf = False
    page.take_off(0)
    page.drawn(1)
    assert page.wanted == ["plotly", "plotly"]
    assert page.wrong == []


def test_what_comes_and_is_no_plotly_is_said_in_red_and_asked_for_again(bare, monkeypatch):
    page = bare()
    monkeypatch.setattr("simviz.live.figure.plotly_source", lambda: b"this is no JavaScript")
    page.show(figure())
    page.page.locator(".simviz-error", has_text="the drawing library could not be loaded").wait_for()
    monkeypatch.undo()
    page.show(figure())
    page.drawn(1)
    assert page.wanted == ["plotly", "plotly"]


THEMES = {  # by front end: attributes of the root, of the body, and the colour of the drawing's paper
    "plain": ({}, {}, "#ffffff"),
    "VS Code, dark": ({}, {"data-vscode-theme-kind": "vscode-dark"}, "#111111"),
    "VS Code, light on black": ({}, {"data-vscode-theme-kind": "vscode-light", "style": "background: #000"}, "#ffffff"),
    "VS Code, high contrast": ({}, {"data-vscode-theme-kind": "vscode-high-contrast"}, "#111111"),
    "VS Code, high contrast light": ({}, {"data-vscode-theme-kind": "vscode-high-contrast-light"}, "#ffffff"),
    "Colab, dark": ({"theme": "dark"}, {}, "#111111"),
    "Colab, light": ({"theme": "light"}, {"style": "background: #111"}, "#ffffff"),
    "a dark page": ({}, {"style": "background: #141414"}, "#111111"),
}
DRESS = """([root, body]) => { for (const [one, given] of [[document.documentElement, root], [document.body, body]]) {
  for (const name of one.getAttributeNames()) one.removeAttribute(name);
  for (const [name, value] of Object.entries(given)) one.setAttribute(name, value); } }"""
PAPER = "document.querySelector('.simviz-plot')._fullLayout.paper_bgcolor"


def test_the_theme_is_that_of_the_front_end_and_follows_it(bare):
    page = bare()
    page.show(figure())
    page.drawn(0)
    for root, body, paper in [*THEMES.values(), *reversed(THEMES.values())]:
        page.page.evaluate(DRESS, [root, body])
        page.page.wait_for_function(f"paper => {PAPER} === paper", arg=paper)
        page.page.wait_for_timeout(100)
        assert page.page.evaluate(PAPER) == paper
    assert page.wrong == []
