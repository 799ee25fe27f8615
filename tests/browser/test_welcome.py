"""The welcome page in a real JupyterLab: it starts, moves, answers while a model trains, and survives a reload."""

import ast
import pathlib

import pytest

WELCOME = pathlib.Path(__file__).parents[2] / "notebooks" / "00_welcome.ipynb"
STATE = ".simviz-state"
DRAWN = "() => document.querySelectorAll('.simviz-plot .scatterlayer .trace').length > 5"
LOOP = """() => { const gd = document.querySelector('.simviz-plot');
  const trace = gd.data.find(t => t.name === 'learned set'); return trace.x.slice(0, 20).join(); }"""
CURVE = "() => document.querySelector('.simviz-plot').data.find(t => t.name === 'loss').x.length"
WHENCE = "() => globalThis.simvizPlotly ? 'from the kernel' : globalThis.Plotly ? \"the page's own\" : 'none'"
PAPER = "() => document.querySelector('.simviz-plot')._fullLayout.paper_bgcolor"


def first_cells(page, count=2):
    """Run the first cells alone, as a reader does with Shift+Enter."""
    page.evaluate(
        """async count => { const nb = window.jupyterapp.shell.currentWidget.content;
        nb.activeCellIndex = 0;
        const run = () => window.jupyterapp.commands.execute('notebook:run-cell-and-select-next');
        for (let i = 0; i < count; i++) await run(); }""",
        count,
    )


def press(lab, name):
    lab.page.locator(".simviz button", has_text=name).first.click()


def drawn(lab, count):
    """Wait until the curve has just so many points."""
    lab.page.wait_for_function(f"() => ({CURVE})() === {count}", timeout=5_000)


def steps(lab):
    return int(lab.ask("panel.lesson.run.step"))


@pytest.fixture
def started(lab, request):
    """The welcome page with its panel drawn; the parameter: the front end, and whether the theme is dark."""
    front, dark = getattr(request, "param", ("lab", False))
    if front == "notebook":
        pytest.importorskip("notebook", minversion="7")
    lab.open(WELCOME, dark=dark, front=front)
    lab.before = lab.now()
    first_cells(lab.page)
    lab.page.wait_for_function(DRAWN, timeout=60_000)
    lab.wait(0.5)
    return lab


@pytest.mark.parametrize(
    ("started", "dark"),
    [((front, dark), dark) for front in ("lab", "notebook") for dark in (False, True)],
    indirect=["started"],
    ids=["JupyterLab", "JupyterLab, dark", "Notebook 7", "Notebook 7, dark"],
)
def test_a_reader_starts_pauses_resumes_reloads_and_stops(started, dark):
    lab, page = started, started.page
    assert page.evaluate(PAPER) == ("#111111" if dark else "#ffffff")
    assert page.evaluate(WHENCE) == "the page's own"
    assert lab.largest(lab.before) < 100_000  # no library came from the kernel
    knot = page.evaluate(LOOP)
    lab.ask("panel.player.join('slow', lambda step: __import__('time').sleep(0.03))")  # so that it outlasts the test

    press(lab, "Start")
    page.wait_for_function(
        "() => document.querySelector('.simviz-plot').data.find(t => t.name === 'loss').x.length > 50"
    )
    assert page.evaluate(LOOP) != knot  # the picture changes
    page.wait_for_function(f"() => document.querySelector('{STATE}').innerText.includes('% off')", timeout=5_000)

    press(lab, "Pause")
    lab.wait(0.2)
    standing = steps(lab)
    lab.wait(0.6)
    assert steps(lab) == standing  # standstill within 200 ms
    drawn(lab, standing)  # the last point is never lost

    said = page.locator(STATE).first.inner_text()
    press(lab, "Step")
    drawn(lab, standing + 1)
    page.wait_for_function(f"old => document.querySelector('{STATE}').innerText !== old", arg=said)

    press(lab, "Resume")
    page.wait_for_function(f"() => ({CURVE})() > {standing + 50}")

    if "/notebooks/" in page.url:  # reloaded while it trains, Notebook 7 now and then takes the next press very late
        press(lab, "Pause")
        page.wait_for_function(f"() => document.querySelector('{STATE}').innerText.includes('paused')")
    lab.reload()
    page.wait_for_function(DRAWN, timeout=60_000)
    page.wait_for_function(f"() => ({CURVE})() > {standing + 50}", timeout=10_000)  # the history is there again
    press(lab, "Stop")  # a page just loaded is busy: it may take longer to answer than 200 ms
    page.wait_for_function(f"() => document.querySelector('{STATE}').innerText.includes('stopped')", timeout=30_000)
    stopped = steps(lab)
    lab.wait(0.5)
    assert steps(lab) == stopped
    drawn(lab, stopped)
    assert page.locator(".simviz button", has_text="Step").get_attribute("aria-disabled") == "true"

    press(lab, "Reset")
    page.wait_for_function(f"() => ({CURVE})() === 0")
    page.wait_for_function(f"knot => ({LOOP})() === knot", arg=knot)  # the untrained model is back
    assert lab.errors() == []
    assert lab.offsite == []


def test_the_first_figure_and_its_updates_are_small(started):
    lab = started
    first = lab.received(lab.before)
    assert 5_000 < first <= 100_000, f"{first} bytes for the first live figure"
    since = lab.now()
    press(lab, "Start")
    lab.page.wait_for_function(f"() => ({CURVE})() > 300")
    press(lab, "Pause")
    updates = [f.bytes for f in lab.frames(since, kind="comm_msg") if f.inbound]
    assert len(updates) > 5  # a slow page is sent few
    assert max(updates) <= 2_000, f"the largest of {len(updates)} updates has {max(updates)} bytes"


def test_step_draws_exactly_one_step_and_keys_do_what_buttons_do(started):
    lab, page = started, started.page
    page.locator(".simviz").first.focus()
    page.keyboard.press(" ")
    page.wait_for_function(f"() => ({CURVE})() > 20")
    page.keyboard.press(" ")
    lab.wait(0.5)
    before = steps(lab)
    page.keyboard.press(".")
    drawn(lab, before + 1)
    press(lab, "Step")
    drawn(lab, before + 2)
    lab.wait(0.5)
    assert steps(lab) == before + 2
    page.keyboard.press("s")
    page.wait_for_function(f"() => document.querySelector('{STATE}').innerText.includes('stopped')", timeout=3_000)
    assert lab.page.locator(".jp-Notebook .jp-Cell").count() == int(
        page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.cells.length")
    )  # JupyterLab's own one-key shortcuts stayed out
    page.keyboard.press("Escape")
    assert not page.evaluate("() => document.activeElement.closest('.simviz') !== null")


def test_a_click_shows_a_start_and_its_shadow_and_the_switch_shows_one_point(started):
    lab, page = started, started.page
    press(lab, "Start")
    page.wait_for_function(f"() => ({CURVE})() === 2000", timeout=120_000)
    page.wait_for_function(
        f"() => document.querySelector('{STATE}').innerText.startsWith('learned 0.')", timeout=20_000
    )
    learned, true = (
        float(word)
        for word in ast.literal_eval(
            lab.ask("(panel._verdict.angle, panel._verdict.true_angle)").replace("(", "[").replace(")", "]")
        )
    )
    assert abs(learned / true - 1) < 1e-3

    box = page.evaluate("""() => { const gd = document.querySelector('.simviz-plot'), l = gd._fullLayout;
      gd.scrollIntoView({block: 'center'}); const r = gd.getBoundingClientRect();
      return [r.left + l.xaxis._offset + l.xaxis.d2p(1.6), r.top + l.yaxis._offset + l.yaxis.d2p(1.5)]; }""")
    page.mouse.click(*box)
    marks = """() => ['your start', 'its shadow'].map(name => {
      const t = document.querySelector('.simviz-plot').data.find(t => t.name === name); return [t.x[0], t.y[0]]; })"""
    page.wait_for_function(f"() => ({marks})()[1][0] !== undefined")
    first = page.evaluate(marks)
    lab.wait(9)
    (x, y), (u, v) = page.evaluate(marks)
    assert (first[0][0] - first[1][0]) ** 2 + (first[0][1] - first[1][1]) ** 2 > 0.05
    assert ((x - u) ** 2 + (y - v) ** 2) ** 0.5 < 0.02  # the gap has closed
    assert abs((u * u + v * v) ** 0.5 - 1) < 0.02  # on the unit circle

    page.get_by_label("Best single point").check()
    page.wait_for_function(
        f"() => document.querySelector('{STATE}').innerText.includes('1.00 from the set')", timeout=5_000
    )
    assert page.evaluate(LOOP) == ""
    page.get_by_label("Best single point").uncheck()

    page.get_by_label("System").select_option(label="Van der Pol")
    page.wait_for_function(f"() => ({CURVE})() === 0", timeout=20_000)
    press(lab, "Start")
    page.wait_for_function(f"() => ({CURVE})() > 30", timeout=30_000)
    assert lab.ask("panel.lesson.system.name") == "'Van der Pol'"
    press(lab, "Stop")
    assert lab.errors() == []


def test_where_the_page_has_no_plotly_it_comes_once_from_the_kernel_and_from_nowhere_else(lab):
    lab.open(WELCOME)
    lab.page.evaluate("() => { delete globalThis._JUPYTERLAB['jupyterlab-plotly']; }")
    since = lab.now()
    first_cells(lab.page)
    lab.page.wait_for_function(DRAWN, timeout=60_000)
    assert 4_000_000 < lab.received(since) < 8_000_000
    press(lab, "Start")
    lab.page.wait_for_function(f"() => ({CURVE})() > 10")
    press(lab, "Stop")
    assert lab.errors() == []
    assert lab.offsite == []


def test_a_reader_who_asked_for_reduced_motion_gets_few_frames_and_the_same_end(lab):
    lab.open(WELCOME, env={"SIMVIZ_FAST": "1"}, reduced_motion=True)
    first_cells(lab.page)
    lab.page.wait_for_function(DRAWN, timeout=60_000)
    since = lab.now()
    press(lab, "Start")
    lab.page.wait_for_function(f"() => ({CURVE})() === 300", timeout=30_000)
    moving = [f for f in lab.frames(since, kind="comm_msg") if f.inbound and f.bytes > 1_000]
    assert len(moving) <= 8
    assert lab.errors() == []
