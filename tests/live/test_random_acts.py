"""Whatever a reader does, in whatever order: no exception, no second thread, no growth.

SIMVIZ_ACTS: how many acts a panel (a few here, 2,000 of each panel in `make prove`).
"""

import gc
import os
import random
import resource
import sys
import threading
import time

import pytest
import torch
from torch import nn

from simviz import live
from simviz.dynamics.systems import StuartLandau, VanDerPol
from simviz.learning import experiments
from simviz.learning.data import digits, rhythms
from simviz.learning.run import Run
from simviz.live.controls import Button, Choices, Handle, Select, Slider, Toggle
from simviz.live.panels import learn_panel
from simviz.models import paper
from simviz.models.deq import DEQ, Tanh

ACTS = int(os.environ.get("SIMVIZ_ACTS", "150"))
GROWTH = 20e6
"""Bytes that ten thousand acts may leave behind."""


def run(tiers=1):
    torch.manual_seed(tiers)
    return Run(paper.image_classifier(tiers, 8, 1), digits(), max_steps=200, batch_size=32, snapshots=4)


def clocks():
    task = rhythms(train=100, test=40)
    return {kind: experiments.tell_time(kind, task, max_steps=10) for kind in ("deq", "plain told", "sim")}


def distilled():
    torch.manual_seed(0)
    deq = DEQ(Tanh(2, 3, gain=0.5), nn.Identity())
    return live.DistilPanel(deq, torch.randn(64, 2), ranks=(1, 2), seeds=1, training=20, pairs=256)


PANELS = {
    "train": lambda: live.TrainPanel(run()),
    "spectrum": lambda: live.SpectrumPanel(),
    "sets": lambda: live.SetPanel(),
    "solver": lambda: live.SolverPanel(),
    "gradient": lambda: live.GradientPanel(),
    "compare": lambda: live.ComparePanel([run(1), run(2)]),
    "observable": lambda: live.ObservablePanel(),
    "ink": lambda: live.InkPanel(),
    "game": lambda: live.GamePanel(),
    "gauge": lambda: live.GaugePanel(run().model, digits()),
    "clock": lambda: live.ClockPanel(clocks()),
    "distil": distilled,
    "landscape": lambda: live.LandscapePanel(),
    "learn": lambda: live.LearnPanel([StuartLandau(), VanDerPol()], count=60, length=40, steps=60),
}


def act(panel, chance):
    """Do one thing that a reader can do, as the page tells it."""
    figure = panel.figure_widget
    names = [*panel.controls, "click", "click", "table", "ready"]
    names += ["start", "start", "step", "stop", "reset"] if panel.player is not None else []
    name = chance.choice(names)
    control = panel.controls.get(name)
    if name == "table":
        return figure._receive(figure, {"want": chance.choice(["table", "no table"])}, [])
    if name == "ready":
        return figure._receive(figure, {"ready": True, "dark": chance.random() < 0.5}, [])
    value = None
    if name == "click":
        value = [chance.randrange(len(panel.spec().subplots)), chance.uniform(-3, 3), chance.uniform(-3, 3)]
    elif isinstance(control, Slider):
        value = chance.choice([chance.uniform(control.low, control.high)] * 5 + [control.high + 1, None, "nan"])
    elif isinstance(control, Select):
        value = chance.choice(control.options)
    elif isinstance(control, Choices):
        value = [option for option in control.options if chance.random() < 0.5]
    elif isinstance(control, Toggle):
        value = chance.random() < 0.5
    elif isinstance(control, Handle):
        value = [chance.uniform(*control.box[:2]), chance.uniform(*control.box[2:])]
    else:
        assert control is None or isinstance(control, Button)
    return figure._receive(figure, {"event": name, "value": value}, [])


def settle(panel):
    """Wait until the publisher has answered all there is."""
    done = threading.Event()
    panel.figure_widget.publisher.post(done.set)
    assert done.wait(60), "the publisher's thread stands"


@pytest.mark.slow
@pytest.mark.parametrize("name", PANELS)
def test_no_order_of_acts_breaks_a_panel(name, mounted, monkeypatch):
    monkeypatch.setattr(learn_panel, "GATHER_SECONDS", 0.01)
    chance = random.Random(name)
    panel = mounted(PANELS[name]())
    wrong = []
    panel.figure_widget.observe(lambda change: wrong.append(change["new"]), "error")
    begun = 0
    for number in range(ACTS):
        act(panel, chance)
        if chance.random() < 0.3:
            time.sleep(chance.random() * 0.02)
        if number % 10 == 0:
            settle(panel)
            assert sum(t.name == "simviz player" for t in threading.enumerate()) <= 1
            assert sum(t.name == "simviz publisher" for t in threading.enumerate()) <= 2  # one may be on its way out
            del panel.frames[:]
        if number == ACTS // 4:
            begun = _memory()
    settle(panel)
    assert panel.player is None or panel.player.error is None
    assert [text for text in wrong if text and " must " not in text] == []
    if ACTS >= 1000:
        assert _memory() - begun < GROWTH


def _memory():
    """Return the bytes that this process holds now."""
    gc.collect()
    if sys.platform.startswith("linux"):
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
