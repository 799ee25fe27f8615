"""The panels in a real JupyterLab: in both themes, by mouse and by keyboard alone, and for whoever cannot see them."""

import os
import random

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser import panels
from tests.browser.panels import CELLS, drawn, panel, press, says, state

ACTS = int(os.environ.get("SIMVIZ_CLICKS", "100"))
"""Clicks, drags and keys on a page with all panels; 300 in `make prove`."""
THREADS = "sum(t.name == 'simviz player' for t in __import__('threading').enumerate())"


def opened(lab, notebook, *names, **options):
    lab.open(notebook(*panels.cells(*names)), **options)
    lab.before = lab.now()
    lab.run_all()
    drawn(lab, len(names or CELLS))
    lab.wait(1)
    return lab


@pytest.mark.parametrize("dark", [False, True])
def test_every_panel_draws_is_small_and_accessible(lab, notebook, dark):
    opened(lab, notebook, dark=dark)
    assert lab.errors() == []
    assert lab.offsite == []
    assert lab.received(lab.before) <= 400_000
    results = Axe().run(lab.page, context={"include": [".simviz"]})
    assert [(v["id"], [n["html"][:120] for n in v["nodes"]]) for v in results.response["violations"]] == []
    assert lab.page.evaluate("document.querySelector('.simviz-plot')._fullLayout.paper_bgcolor") == (
        "#111111" if dark else "#ffffff"
    )
    for number in range(len(CELLS)):
        panel(lab, number).locator(".simviz-quiet").click()
    lab.page.wait_for_function(
        "document.querySelectorAll('.simviz-table:not([hidden]) table').length === 5"
    )  # one was open: closed
    lab.command("docmanager:save")
    saved = max(lab.server.folder.glob("*/tiny.ipynb"), key=lambda path: path.stat().st_mtime)
    assert saved.stat().st_size < 100_000


def test_the_theme_is_changed_while_one_looks(lab, notebook):
    opened(lab, notebook, "train")
    paper = "document.querySelector('.simviz-plot')._fullLayout.paper_bgcolor"
    assert lab.page.evaluate(paper) == "#ffffff"
    lab.page.evaluate(
        "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'}).then(() => null)"
    )
    lab.page.wait_for_function(f"() => {paper} === '#111111'")
    assert lab.errors() == []


def test_a_reader_with_only_a_keyboard_trains_goes_back_rewinds_reads_the_table_and_leaves(lab, notebook):
    opened(lab, notebook, "train")
    page, keys = lab.page, lab.page.keyboard
    page.locator(".simviz").focus()
    keys.press(" ")
    says(lab, "training on")
    keys.press(" ")
    says(lab, "paused, step")
    lab.wait(1)  # a step that had begun ends, however slow the machine
    reached = int(lab.ask("train.run.step"))
    for _ in range(3):
        keys.press("ArrowLeft")
    says(lab, f"back at step {reached - 3} of")
    keys.press("Shift+ArrowLeft")
    says(lab, f"back at step {max(0, reached - 13)} of" if reached > 13 else "Rewind to here begins anew")
    keys.press("t")
    table = page.locator(".simviz-table table")
    table.wait_for()
    assert table.locator("tbody tr").count() == min(reached, 300)
    assert page.evaluate("document.activeElement.className") == "simviz-table"
    keys.press("t")
    table.wait_for(state="hidden")
    back = int(lab.ask("train.compute(**train.values).back"))
    page.locator(".simviz").focus()
    for _ in range(12):
        keys.press("Tab")
        if page.evaluate("document.activeElement.innerText") == "Rewind to here":
            break
    keys.press("Enter")
    says(lab, f"paused, step {back} of" if back else "steps to go")
    assert int(lab.ask("train.run.step")) == back <= max(0, reached - 13)
    page.locator(".simviz").focus()
    keys.press("r")
    says(lab, "steps to go: press Start, or space")
    for key in ("a", "b", "x", "m", "y", "d", "d", "0"):  # JupyterLab's own one-key shortcuts
        keys.press(key)
    assert lab.page.locator(".jp-Notebook .jp-Cell").count() == 2
    keys.press("Escape")
    assert not page.evaluate("() => document.activeElement.closest('.simviz') !== null")
    assert lab.errors() == []


def test_a_number_that_cannot_be_is_refused_in_red_and_the_old_one_stands(lab, notebook):
    opened(lab, notebook, "solver")
    number = panel(lab, 0).get_by_label("modulus, as a number")
    before = number.input_value()
    number.fill("7")
    number.press("Enter")
    lab.page.locator(".simviz-error", has_text="modulus must lie between").wait_for()
    lab.page.locator(".simviz").focus()
    lab.page.wait_for_function(
        "before => [...document.querySelectorAll('.simviz input[type=number]')].some(i => i.value === before)",
        arg=before,
    )
    number.fill("1.2")
    number.press("Enter")
    says(lab, "1.2")
    lab.page.locator(".simviz-error").wait_for(state="hidden")
    assert lab.errors() == []


@pytest.mark.parametrize("name", ["solver", "spectrum"])
def test_a_handle_is_dragged_and_moved_by_arrow_keys(lab, notebook, name):
    opened(lab, notebook, name)
    page, handle = lab.page, panel(lab, 0).locator(".simviz-handle").first
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    before = handle.get_attribute("aria-label"), state(lab)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 20, box["y"] + 40, steps=8)
    page.mouse.up()
    page.wait_for_function("old => document.querySelector('.simviz-state').innerText !== old", arg=before[1])
    dragged = handle.get_attribute("aria-label")
    assert dragged != before[0]
    handle.focus()
    page.keyboard.press("ArrowUp")
    page.wait_for_function("old => document.querySelector('.simviz-handle').ariaLabel !== old", arg=dragged)
    assert lab.errors() == []


def test_a_reader_who_asked_for_reduced_motion_gets_six_pictures_with_words(lab, notebook):
    lab.open(notebook(panels.SETUP, "train = live.TrainPanel(run(epochs=30))\ntrain"), reduced_motion=True)
    lab.run_all()
    drawn(lab, 1)
    press(lab, "Start")
    says(lab, "finished", timeout=60)
    pictures = lab.page.locator(".simviz-stills img")
    assert pictures.count() == 6
    assert all("step" in pictures.nth(i).get_attribute("alt") for i in range(6))
    assert lab.errors() == []


def test_interrupt_pauses_and_restart_leaves_no_thread(lab, notebook):
    opened(lab, notebook, "train")
    (kernel,) = lab.server.ask("GET", "kernels")
    press(lab, "Start")
    says(lab, "training on")
    lab.server.ask("POST", f"kernels/{kernel['id']}/interrupt")
    says(lab, "paused, step")
    assert lab.ask(THREADS) == "0"
    press(lab, "Resume")  # and it goes on from there
    says(lab, "training on")
    assert lab.ask(THREADS) == "1"
    lab.server.ask("POST", f"kernels/{kernel['id']}/restart")
    lab.wait_idle()
    assert lab.ask(THREADS, timeout=5, tries=6) == "0"


def test_two_views_and_two_panels_show_the_same_run(lab, notebook):
    lab.open(
        notebook(
            panels.SETUP, "train = live.TrainPanel(run())\ntrain", "train", "other = live.TrainPanel(train.run)\nother"
        )
    )
    lab.run_all()
    drawn(lab, 3)
    press(lab, "Start", 0)
    says(lab, "training on", 2)
    assert lab.ask(THREADS) == "1"
    press(lab, "Pause", 2)
    for number in range(3):
        says(lab, "paused, step", number)
    length = "[...document.querySelectorAll('.simviz-plot')].map(p => p.data.find(t => t.name === 'loss').x.length)"
    reached = int(lab.ask("train.run.step"))
    lab.page.wait_for_function(f"n => {length}.every(l => l === n)", arg=reached)
    assert lab.errors() == []


PLACE = """([number, share]) => { const one = document.querySelectorAll('.simviz')[number];
  const all = [...one.querySelectorAll('.simviz-controls button, .simviz-controls input, .simviz-controls select')];
  const e = share < 0 ? one.querySelector('.simviz-plot') : all[Math.floor(share * all.length)];
  e.scrollIntoView({ block: 'center' });
  const r = e.getBoundingClientRect();
  return [r.left, r.top, r.width, r.height, r.width ? e.type || '' : 'hidden']; }"""


def test_random_acts_of_a_reader_break_nothing(lab, notebook):
    opened(lab, notebook)
    chance, page = random.Random(0), lab.page
    for done in range(ACTS):
        number = chance.randrange(len(CELLS))
        act = chance.choice(["click", "drag", "key", "control", "control", "control"])
        share = chance.random() if act == "control" else -1
        left, top, width, height, kind = page.evaluate(PLACE, [number, share])
        if kind == "hidden":
            continue
        x, y = left + chance.random() * width, top + chance.random() * height
        if act == "key":
            page.evaluate("number => document.querySelectorAll('.simviz')[number].focus()", number)
            page.keyboard.press(chance.choice([" ", ".", "s", "r", "t", "ArrowLeft", "ArrowRight", "Shift+ArrowLeft"]))
        elif kind == "select-one":
            page.mouse.click(x, y)
            page.keyboard.press(chance.choice(["ArrowDown", "ArrowUp"]))
            page.keyboard.press("Enter")
        else:
            page.mouse.move(x, y)
            page.mouse.down()
            if act == "drag" or kind == "range":
                page.mouse.move(x + chance.uniform(-80, 80), y + chance.uniform(-60, 60), steps=3)
            page.mouse.up()
            if kind == "number":
                page.keyboard.press("Control+a")
                page.keyboard.type(f"{chance.uniform(-1, 3):.2f}")
                page.keyboard.press("Enter")
        if done % 50 == 49:
            assert lab.errors() == []
            assert int(lab.ask(THREADS)) <= 5  # one a player
    assert page.locator(".simviz").count() == len(CELLS)
    assert page.locator(".jp-Notebook .jp-Cell").count() == len(CELLS) + 1
    names = ", ".join(CELLS)
    wrong = lab.ask(f"[p.player.error for p in ({names}) if p.player is not None and p.player.error is not None]")
    assert wrong == "[]"
    refused = page.locator(".simviz-error").all_inner_texts()
    assert all(not text or " must " in text for text in refused), refused
    assert lab.errors() == []
