"""The harness itself: what it refuses, sees, counts and keeps."""

import os
import subprocess
import sys

import pytest

WIDGET = '''
import anywidget, traitlets

class Counter(anywidget.AnyWidget):
    _esm = """export default { render({ model, el }) {
      const b = document.createElement("button");
      const draw = () => { b.textContent = "count " + model.get("n"); };
      b.onclick = () => { model.set("n", model.get("n") + 1); model.save_changes(); };
      model.on("change:n", draw); draw(); el.appendChild(b); } };"""
    n = traitlets.Int(0).tag(sync=True)

counter = Counter()
counter
'''


LOST = """
from IPython.display import display
view = {"model_id": "0" * 32, "version_major": 2, "version_minor": 0}
display({"application/vnd.jupyter.widget-view+json": view}, raw=True)
"""


def test_a_click_in_the_page_reaches_the_kernel_and_comes_back(lab, notebook):
    lab.open(notebook(WIDGET)).run_all()
    lab.page.get_by_role("button", name="count 0").click()
    lab.page.get_by_role("button", name="count 1").wait_for()
    assert lab.ask("counter.n") == "1"
    assert lab.errors() == []
    assert lab.offsite == []


def test_requests_and_websockets_off_the_server_are_refused_and_seen(lab, notebook):
    lab.open(notebook("1"))
    fetched = "() => fetch('http://elsewhere.example/data.js').then(() => 'came', () => 'refused')"
    assert lab.page.evaluate(fetched) == "refused"
    assert lab.offsite == ["http://elsewhere.example/data.js"]
    connected = """() => new Promise(done => { const s = new WebSocket('ws://elsewhere.example/feed');
        s.onopen = () => done('came'); s.onerror = () => done('refused'); })"""
    assert lab.page.evaluate(connected) == "refused"
    assert lab.offsite[1:] == ["ws://elsewhere.example/feed"]


def test_errors_on_the_console_and_in_the_page_are_seen(lab, notebook):
    lab.open(notebook("1"))
    assert lab.errors() == []
    lab.page.evaluate("() => { console.error('a broken figure'); console.warn('no matter') }")
    lab.page.evaluate("() => { setTimeout(() => { throw new Error('a broken callback') }) }")
    lab.wait(0.3)
    assert lab.errors() == ["page error: a broken callback", "error: a broken figure"]
    assert "warning: no matter" in lab.console


def test_errors_in_cells_and_in_widgets_are_seen(lab, notebook):
    broken = WIDGET.replace("const draw", "undefined.draw(); const draw")
    lab.open(notebook("import sys; print('a murmur', file=sys.stderr)", broken, LOST, "1 / 0")).run_all()
    lab.wait(0.5)
    errors = lab.errors()
    assert any("a murmur" in error for error in errors)
    assert any("reading 'draw'" in error for error in errors)
    assert any(error.startswith(("Error displaying widget", "Loading widget")) for error in errors)
    assert any("ZeroDivisionError" in error for error in errors)


def test_bytes_are_counted_by_direction_kind_and_moment(lab, notebook):
    lab.open(notebook(WIDGET)).run_all()
    before = lab.now()
    lab.ask("counter.send({}, buffers=[bytes(100_000)])")
    between = lab.now()
    lab.ask("counter.send({}, buffers=[bytes(3_000)])")
    after = lab.now()
    # a message's envelope (headers, offsets) is some 700 bytes
    assert 100_000 < lab.received(before, between, "comm_msg") < 102_000
    assert 3_000 < lab.received(between, after, "comm_msg") < 5_000
    assert 103_000 < lab.received(before) < 125_000  # with the replies to both questions
    assert 100_000 < lab.largest(before, between) < 102_000
    assert 200 < lab.sent(before, kind="execute_request") < 4_000


def test_a_reload_keeps_the_kernel_and_its_state(lab, notebook):
    lab.open(notebook("import os; from os import getpid", WIDGET)).run_all()
    kernel = lab.ask("getpid()")
    lab.page.get_by_role("button", name="count 0").click()
    lab.page.get_by_role("button", name="count 1").wait_for()
    lab.reload()
    assert lab.ask("getpid()") == kernel
    lab.page.get_by_role("button", name="count 1").click()
    lab.page.get_by_role("button", name="count 2").wait_for()
    for _ in range(20):  # the page shows the new count before the kernel has it
        if (counted := lab.ask("counter.n")) == "2":
            break
        lab.wait(0.1)
    assert counted == "2"
    assert lab.errors() == []


KERNELS = []


@pytest.mark.parametrize("dark", [False, True])
def test_every_test_has_a_kernel_a_theme_and_an_environment_of_its_own(lab, notebook, dark):
    lab.open(notebook("1"), dark=dark, env={"SIMVIZ_FAST": "1"} if dark else None)
    assert lab.page.evaluate("() => document.body.dataset.jpThemeLight") == ("false" if dark else "true")
    assert lab.ask("__import__('os').environ.get('SIMVIZ_FAST')") == ("'1'" if dark else "None")
    assert lab.ask("__import__('sys').prefix") == repr(sys.prefix)
    KERNELS.append(lab.ask("__import__('os').getpid()"))
    assert len(set(KERNELS)) == len(KERNELS)
    assert len(lab.server.ask("GET", "kernels")) == 1
    lab.close()
    assert lab.server.ask("GET", "kernels") == []


@pytest.mark.parametrize(("required", "outcome"), [("0", "1 skipped"), ("1", "1 error")])
def test_without_a_browser_a_test_is_skipped_with_a_sentence_or_fails_where_one_is_required(required, outcome):
    env = os.environ | {"PATH": "", "SIMVIZ_BROWSER": "", "SIMVIZ_REQUIRE_BROWSER": required}
    test = f"{__file__}::test_a_click_in_the_page_reaches_the_kernel_and_comes_back"
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in run.stdout.splitlines()[-1]
    assert "no Chromium or Chrome was found" in run.stdout
