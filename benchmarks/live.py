"""How quick is a live figure, and what does it cost the training? Measured in a real JupyterLab, in a real browser.

python benchmarks/live.py [latency] [six] [overhead] [memory] [slow]: all of them, or those named; some ten minutes.

The clock is this machine's: the kernel, the browser's DevTools and this script all read CLOCK_MONOTONIC (Linux). A
frame counts as seen when the page's acknowledgement of it leaves, which is after it was drawn.
"""

from __future__ import annotations

import ast
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable

import nbformat
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from tests.browser import chromium, panels
from tests.browser import lab as labs
from tests.browser.lab import Lab
from tests.browser.relay import Relay
from tests.browser.server import Server
from tests.browser.wire import Wire

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
SPY = """
import time
PULLS, SENT = [], {}

def spy(panel):
    figure = panel.figure_widget
    panel.player.join("spy", lambda item: PULLS.append(time.monotonic()))
    figure.dirty = 0.0
    wake, send = figure.publisher.wake, figure.send
    def woken():
        figure.dirty = figure.dirty or time.monotonic()
        wake()
    def sent(content, buffers=None):
        if "f" in content:
            SENT[content["f"]], figure.dirty = (figure.dirty, time.monotonic()), 0.0
        send(content, buffers)
    figure.publisher.wake, figure.send = woken, sent
"""
BIG = """
from simviz.learning.data import mnist5k
big = Run(paper.image_classifier(1, 28, 1), mnist5k(), epochs=40, batch_size=128)
train = live.TrainPanel(big, metric="accuracy")
"""
ROUNDS = 12


def spread(seconds: list[float], unit: float = 1000.0) -> str:
    """Return median and 95th percentile in milliseconds."""
    ordered = sorted(seconds)
    last = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return f"median {unit * statistics.median(ordered):6.0f} ms, 95 % {unit * last:6.0f} ms, {len(ordered)} of them"


class Listener(Wire):
    """A wire that can stop listening: to listen takes a tenth of a core, which is no cost of the figure's."""

    def __init__(self, devtools) -> None:
        super().__init__(devtools)
        self.devtools = devtools

    def stop(self) -> None:
        self.devtools.send("Network.disable")


labs.Wire = Listener


class Bench:
    """One JupyterLab and one browser; `lab` opens a notebook of some cells."""

    def __enter__(self) -> Bench:
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="simviz-live-"))
        self.playwright = sync_playwright().start()
        self.browser = self.playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        self.server = Server(self.home / "jupyterlab")
        self.count = 0
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()
        self.browser.close()
        self.playwright.stop()

    def lab(self, *cells: str, relay: Relay | None = None) -> Lab:
        self.count += 1
        folder = self.home / f"notebook{self.count}"
        folder.mkdir()
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells], metadata=KERNEL)
        nbformat.write(made, folder / "tiny.ipynb")
        return Lab(self.server, self.browser).open(folder / "tiny.ipynb", relay=relay)


def acknowledged(lab: Lab, since: float) -> dict[int, float]:
    """Return when the page had drawn each frame."""
    return {f.content["ack"]: f.at for f in lab.frames(since) if not f.inbound and "ack" in f.content}


def answer(lab: Lab, since: float, name: str, keys: Iterable[str]) -> float:
    """Return seconds from an event's leaving the page to the first frame after it that holds one of keys, drawn."""
    (event,) = [f for f in lab.frames(since) if not f.inbound and f.content.get("event") == name][:1]
    later = [f for f in lab.frames(event.at) if f.inbound and any(key in f.content for key in keys)]
    drawn = acknowledged(lab, event.at)
    return next(drawn[f.content["f"]] for f in later if f.content["f"] in drawn) - event.at


def latency(bench: Bench) -> None:
    """First figure, Start, Python to pixels, pause, sliders, while the paper's classifier trains on 28 x 28 digits."""
    lab = bench.lab(panels.SETUP + SPY, BIG, "spy(train)\ntrain")
    lab.run_all(300)
    panels.drawn(lab, 1)
    lab.wait(2)
    began, starts, pauses, pixels = lab.now(), [], [], []
    for _ in range(ROUNDS):
        t = lab.now()
        panels.press(lab, "Resume" if starts else "Start")
        lab.wait(2.5)
        starts.append(answer(lab, t, "start", "c"))
        t = lab.now()
        panels.press(lab, "Pause")
        lab.wait(1.2)
        (event,) = [f for f in lab.frames(t) if f.content.get("event") == "start"]
        last = float(lab.ask("PULLS[-1]"))
        pauses.append(max(0.0, last - event.at))
    drawn = acknowledged(lab, began)
    for number, (dirty, _) in ast.literal_eval(lab.ask("SENT")).items():
        if number in drawn and dirty:
            pixels.append(drawn[number] - dirty)
    sizes = [f.bytes for f in lab.frames(began, kind="comm_msg") if f.inbound]
    print(f"  Start to first moving point   {spread(starts)}   (target 500)")
    print(f"  Python to pixels              {spread(pixels)}   (target 150 at the median)")
    print(f"  pause to standstill           {spread(pauses)}   (target 200)")
    print(
        f"  bytes of an update            median {statistics.median(sizes):.0f}, largest {max(sizes)}   (target 2,000)"
    )
    panels.press(lab, "Resume")
    sliders(lab, {0: "Step shown"}, "c l s", "trains itself")
    lab.close()
    first(bench)


def six(bench: Bench) -> None:
    """Six figures at once, and their sliders, while the paper's classifier trains on 28 x 28 digits."""
    lab = bench.lab(*panels.cells(), SPY + BIG + "busy = train.player\nbusy.start()")
    before = lab.now()
    lab.run_all(300)
    panels.drawn(lab, 6)
    print(f"  six figures                   {lab.received(before) / 1000:.0f} kB over the websocket   (target 400)")
    lab.wait(3)
    names = {1: "Angle", 2: "radius", 3: "Modulus", 4: "Spectral radius"}
    for number, name in names.items():
        sliders(lab, {number: name}, "c l s", list(panels.CELLS)[number])
    lab.close()


def sliders(lab: Lab, which: dict[int, str], keys: str, words: str) -> None:
    """Move a slider of a panel some times and print how long its redraw takes."""
    for number, label in which.items():
        taken = []
        for place in range(ROUNDS):
            slider = panels.panel(lab, number).get_by_label(label, exact=True).locator("input[type=range]")
            since = lab.now()
            slider.evaluate(
                "(e, share) => { e.value = +e.min + share * (e.max - e.min); e.dispatchEvent(new Event('input')); }",
                0.2 + 0.6 * place / ROUNDS,
            )
            lab.wait(0.9)
            name = next(f.content["event"] for f in lab.frames(since) if "event" in f.content)
            taken.append(answer(lab, since, name, keys.split()))
        print(f"  slider of {words:<19} {spread(taken)}   (target 150)")


def first(bench: Bench) -> None:
    """Cell to first figure, in a kernel that has imported simviz.live and plotly."""
    for name in ("train", "solver"):
        lab = bench.lab(*panels.cells(name))
        lab.page.evaluate("window.jupyterapp.commands.execute('notebook:run-cell-and-select-next').then(() => null)")
        lab.wait_idle()
        lab.wait(1)
        lab.ask("__import__('simviz.live.panels.train_panel') and __import__('simviz.live.panels.solver_panel') and 1")
        since = lab.now()
        lab.page.evaluate("window.jupyterapp.commands.execute('notebook:run-cell-and-select-next').then(() => null)")
        panels.drawn(lab, 1)
        lab.wait(1.5)
        seen = min(acknowledged(lab, since).values())
        kilobytes = lab.received(since) / 1000
        print(f"  first live figure, {name:<10} {seen - since:5.2f} s, {kilobytes:.0f} kB   (targets 1.5 s, 100 kB)")
        lab.close()


def overhead(bench: Bench) -> None:
    """Seconds a step with the figure open, beside the same thread with nothing to draw, alternating."""
    small = "train = live.TrainPanel(run(epochs=4000), metric='accuracy')"
    for words, made, seconds in (("the paper's classifier, 28 x 28", BIG, 6), ("the same on digits, 8 x 8", small, 4)):
        lab = bench.lab(panels.SETUP + SPY, made, "spy(train)\ntrain")
        lab.run_all(300)
        panels.drawn(lab, 1)
        lab.wait(2)
        lab.wire.stop()
        ratios = []
        for _ in range(8):
            times = {}
            for way in ("leave", "_attach"):
                lab.ask("train.player.leave(train)" if way == "leave" else "train._attach(train.player)")
                lab.ask("PULLS.clear()")
                lab.ask("train.player.start()")
                lab.wait(seconds)
                lab.ask("train.player.pause()")
                lab.wait(0.3)
                times[way] = float(lab.ask("(PULLS[-1] - PULLS[2]) / (len(PULLS) - 3)"))
            ratios.append(times["_attach"] / times["leave"])
        middle = statistics.median(ratios)
        print(f"  {words:<32} {middle:.3f} times ({min(ratios):.3f}..{max(ratios):.3f})   (target 1.03)")
        lab.close()


def memory(bench: Bench) -> None:
    """Two minutes at full speed: what the browser and the kernel hold more than after the first seconds."""
    resident = "int(open('/proc/self/statm').read().split()[1]) * 4096"
    lab = bench.lab(panels.SETUP, "train = live.TrainPanel(run(epochs=20_000))\ntrain")
    lab.run_all(120)
    panels.drawn(lab, 1)
    panels.press(lab, "Start")
    devtools = lab.context.new_cdp_session(lab.page)

    def heap() -> float:
        devtools.send("HeapProfiler.collectGarbage")
        return devtools.send("Runtime.getHeapUsage")["usedSize"] / 1e6

    lab.wait(15)
    page, kernel = heap(), int(lab.ask(resident)) / 1e6
    lab.wait(120)
    panels.press(lab, "Pause")
    grown = int(lab.ask(resident)) / 1e6 - kernel
    steps = lab.ask("train.run.step")
    print(f"  {steps} steps: browser {heap() - page:+.1f} MB (target 50), kernel {grown:+.1f} MB (target 20)")
    lab.close()


def slow(bench: Bench) -> None:
    """Over 300 ms there and back and 1 Mbit/s, switched on once the page has loaded."""
    relay = Relay(bench.server.port)
    lab = bench.lab(*panels.cells("train"), relay=relay)
    lab.page.evaluate("window.jupyterapp.commands.execute('notebook:run-cell-and-select-next').then(() => null)")
    lab.wait_idle()
    relay.slow(0.15, 1e6 / 8)
    since = lab.now()
    lab.page.evaluate("window.jupyterapp.commands.execute('notebook:run-cell-and-select-next').then(() => null)")
    panels.drawn(lab, 1)
    taken_s, kilobytes = lab.now() - since, lab.received(since) / 1000
    print(f"  cell to first figure          {taken_s:5.2f} s, {kilobytes:.0f} kB   (target 10 s)")
    lab.wait(2)
    lab.ask("setattr(train.figure_widget.publisher, 'most_unanswered', 0)")
    taken = []
    for _ in range(ROUNDS):
        for name in ("Resume" if taken else "Start", "Pause"):
            since = lab.now()
            panels.press(lab, name)
            lab.wait(3)
            taken.append(answer(lab, since, "start", "u"))
    most = lab.ask("train.figure_widget.publisher.most_unanswered")
    print(f"  press to answer               {spread(taken)}   (target 800); at most {most} frames unacknowledged")
    lab.close()
    relay.close()
    cold = Relay(bench.server.port)
    cold.slow(0.15, 1e6 / 8)
    began = time.monotonic()
    try:
        lab = bench.lab("1", relay=cold)
        print(f"  cold load of JupyterLab       {time.monotonic() - began:5.0f} s   (reported)")
        lab.close()
    except Exception as error:
        print(f"  cold load of JupyterLab       longer than the harness waits: {str(error).splitlines()[0]}")
    cold.close()


PARTS = {"latency": latency, "six": six, "overhead": overhead, "memory": memory, "slow": slow}

if __name__ == "__main__":
    chosen = sys.argv[1:] or list(PARTS)
    if unknown := set(chosen) - set(PARTS):
        sys.exit(f"parts are {', '.join(PARTS)}, got {', '.join(unknown)}")
    if chromium.find() is None:
        sys.exit(chromium.MISSING)
    with Bench() as bench:
        for part in chosen:
            print(f"{part}: {PARTS[part].__doc__.splitlines()[0]}")
            PARTS[part](bench)
