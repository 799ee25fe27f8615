"""Over 300 ms there and back and 1 Mbit/s all still answers, and nothing piles up. The times: benchmarks/live.py."""

import pytest

from tests.browser import panels
from tests.browser.panels import drawn, press, says
from tests.browser.relay import Relay

DELAY, RATE = 0.15, 1e6 / 8


@pytest.fixture
def relay(server):
    one = Relay(server.port)
    yield one
    one.close()


def test_the_relay_delays_and_throttles(lab, notebook, relay):
    lab.open(notebook("1"), relay=relay)
    fetch = """async () => { const t = performance.now(); await (await fetch('/api/status')).text();
      return performance.now() - t; }"""
    relay.slow(DELAY, RATE)
    assert lab.page.evaluate(fetch) >= 300
    relay.slow(0.0, 20_000.0)
    heavy = """async () => { const t = performance.now();
      await fetch('/api/contents/heavy.txt', { method: 'PUT', body: JSON.stringify(
        { type: 'file', format: 'text', content: 'x'.repeat(20000) }) }); return performance.now() - t; }"""
    assert lab.page.evaluate(heavy) >= 900  # 20,000 bytes at 20,000 a second


def test_a_figure_comes_moves_and_answers_over_a_slow_link(lab, notebook, relay):
    lab.open(notebook(*panels.cells("train")), relay=relay)
    relay.slow(DELAY, RATE)
    before = lab.now()
    lab.run_all(timeout=180)
    drawn(lab, 1)
    assert lab.received(before) <= 100_000  # 0.8 s of this link
    figure = "train.figure_widget.publisher"
    lab.ask(f"setattr({figure}, 'most_unanswered', 0)")
    press(lab, "Start")
    says(lab, "training on")
    lab.wait(6)
    press(lab, "Pause")
    says(lab, "paused, step")
    assert int(lab.ask(f"{figure}.most_unanswered")) == 2
    reached = int(lab.ask("train.run.step"))
    length = "document.querySelector('.simviz-plot').data.find(t => t.name === 'loss').x.length"
    lab.page.wait_for_function(f"n => {length} === n", arg=reached)  # the last frame came
    assert lab.errors() == []
    assert lab.offsite == []
