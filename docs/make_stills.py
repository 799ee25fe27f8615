"""Draw the pictures of README.md and of the chapters with the library itself: python docs/make_stills.py (a minute)."""

import asyncio
import pathlib
from dataclasses import replace

import torch
from torch import nn

from simviz import Run, figures, live
from simviz.dynamics.systems import StuartLandau, VanDerPol
from simviz.learning import experiments
from simviz.learning.data import digits, mnist5k, rhythms
from simviz.learning.kinds import CLOCKS
from simviz.models.deq import DEQ, Tanh

DOCS = pathlib.Path(__file__).parent
STILLS = DOCS.parent / "notebooks" / "stills"


def played(panel):
    """Let a panel's player come to its end."""
    panel.player.start()
    asyncio.run(panel.player.done())
    return panel


def deep_equilibrium():
    """The run of the second chapter."""
    torch.manual_seed(0)
    model = DEQ(Tanh(inputs=64, units=32), nn.Linear(32, 10))
    return live.TrainPanel(Run(model, digits(validation=0.2), epochs=30, lr=0.03))


def dancing():
    """A trained SIM in coordinates of a reader's choice, as in the sixth chapter."""
    run = experiments.classify("single", digits(), device="cpu")
    for _ in run:
        pass
    return live.GaugePanel(run.model, digits(), coordinates="spiral", steps=14, digit=17)


def clock():
    """The six models of the seventh chapter."""
    task = rhythms()
    return live.ClockPanel({name: experiments.tell_time(kind, task) for kind, name in CLOCKS.items()})


def paper():
    """The race of the ninth chapter."""
    images = mnist5k()
    kinds = {"wide": "plain net", "single": "SIM, one tier", "two": "SIM, two tiers", "deq": "DEQ"}
    runs = [experiments.classify(kind, images, epochs=4, batch_size=64) for kind in kinds]
    return live.ComparePanel(runs, list(kinds.values()))


def growing(steps=(0, 150, 400, 2000)):
    """How a limit cycle is learned, from left to right: the set in the plane above, its eigenvalues below."""
    panel, subplots, traces, done = live.LearnPanel(VanDerPol()), [], [], 0
    for column, step in enumerate(steps):
        panel.ahead(step - done)
        spec, done = panel.spec(), step
        for row, (subplot, title) in enumerate(zip(spec.subplots[:2], (f"step {step:,}", ""), strict=True)):
            place = (0.255 * column, 0.255 * column + 0.235, 0.56 * (1 - row), 1 - 0.56 * row)
            y = replace(subplot.y, title="" if column else subplot.y.title)
            subplots.append(replace(subplot, title=title, place=place, y=y))
            traces += [
                replace(t, subplot=2 * column + row, key=f"{t.channel} {step}", legend=t.legend and column == 0)
                for t in spec.traces
                if t.subplot == row
            ]
    alt = (
        "Above, from left to right: a knot in the state plane opens into the limit cycle of the Van der Pol "
        "oscillator, dashed. Below: the learned eigenvalues, a fan of rays on the unit circle, each finding its tick."
    )
    return replace(spec, subplots=tuple(subplots), traces=tuple(traces), state="", alt=alt, size=(1200, 720))


CHAPTERS = {
    "00_welcome": lambda: played(live.LearnPanel(StuartLandau())),
    "01_fixed_points": lambda: live.SolverPanel(modulus=0.9),
    "02_deep_equilibrium": lambda: played(deep_equilibrium()),
    "03_koopman": lambda: live.SpectrumPanel(observables=["s1", "s2", "s1^2", "tanh(3 s2)"]),
    "04_invariant_sets": lambda: live.SetPanel(system="a loop").ahead(60),
    "05_perron_frobenius": lambda: live.InkPanel().ahead(20),
    "06_single_and_two_tier": dancing,
    "07_beyond_fixed_points": lambda: played(clock()),
    "08_deq_to_sim": lambda: played(live.DistilPanel(radius=1.1)),
    "09_paper": lambda: played(paper()),
}

if __name__ == "__main__":
    (DOCS / "learning.png").write_bytes(figures.small_png(growing()))
    STILLS.mkdir(exist_ok=True)
    for name, panel in CHAPTERS.items():
        path = STILLS / f"{name}.png"
        path.write_bytes(figures.small_png(panel().spec()))
        print(path)
