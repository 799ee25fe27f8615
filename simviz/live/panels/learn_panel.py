"""Where does it end up? A model learns the invariant set of a planar system from its orbits, while you watch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from simviz import checks, figures
from simviz.dynamics.orbits import set_distance
from simviz.dynamics.systems import Oscillator
from simviz.figures import Table
from simviz.learning.judge import Verdict, judge, learned_angle, one_turn
from simviz.learning.recipes import invariant_set_run
from simviz.live.controls import Control, Select, Toggle
from simviz.live.panels.panel import Panel
from simviz.live.player import Player, State
from simviz.models.propagators import Modes
from simviz.records import FigureSpec, Spectrum, TrainStep

SHOWN = 256
"""Orbits whose dots are drawn; all of them are learned from."""
GATHER_STEPS, GATHER_SECONDS = 30, 2.0
"""Before the training the dots follow the true flow for so many steps, in so many seconds."""
PROBE_STEPS, PROBE_SPEED = 60, 7.5
"""A clicked start runs for so many steps, so many a second."""
SET_POINTS = 100
"""Points of one period that are drawn of the learned set."""


class Lesson:
    """One system and a model that learns it: the iterator behind a LearnPanel. First the data flow, then the run."""

    def __init__(self, system: Oscillator, dt: float, count: int, length: int, steps: int, seed: int) -> None:
        self.system, self.dt = system, dt
        self.data = system.trajectories(count, length, dt, seed)  # (count, length + 1, 2)
        self.truth = system.invariant_set()  # (400, 2)
        self.run = invariant_set_run(self.data, dt, seed=seed, steps=steps)
        self.gathered = 0
        self.point = self.data[:, length // 2 :].mean((0, 1))  # (2,) the mean of the orbits' tails

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> TrainStep | None:
        if self.gathered < self.gathers:
            self.gathered += 1
            return None
        return next(self.run)

    def rewind(self, step: int = 0) -> int:
        """Go back to the initial conditions and the untrained model."""
        self.gathered = 0
        return self.run.rewind(0)

    @property
    def gathers(self) -> int:
        """Steps of the flow before the training."""
        return min(GATHER_STEPS, self.data.shape[1] - 1)

    @property
    def pulls(self) -> int:
        """Pulls from the beginning to the end of the training."""
        return self.gathers + self.run.total_steps

    def pace(self) -> float:
        """Return how long the next pull should last at the least, seconds."""
        return GATHER_SECONDS / GATHER_STEPS if self.gathered < self.gathers else 0.0

    def dots(self) -> np.ndarray:
        """Return the dots where they are now, (SHOWN, 2)."""
        return self.data[:SHOWN, self.gathered].numpy()

    def one_point_misses_by(self) -> float:
        """Return the distance from the best single point to the nearest point of the true set."""
        return set_distance(self.point[None].double(), self.truth).larger(0.0)


@dataclass(frozen=True)
class Probe:
    """A start of the reader's own after `time` steps: where it is, and its shadow, each (2,)."""

    time: float
    dot: np.ndarray
    shadow: np.ndarray

    @property
    def gap(self) -> float:
        """Their distance."""
        return math.dist(self.dot, self.shadow)


@dataclass(frozen=True)
class Frame:
    """What a LearnPanel shows: dots (n, 2), one period of the decoded set (points, 2), eigenvalues, a sentence.

    point: (2,), the best single point, where that is shown instead of the set.
    """

    lesson: Lesson
    dots: np.ndarray
    loop: np.ndarray
    spectrum: Spectrum
    sentence: str
    point: np.ndarray | None = None
    probe: Probe | None = None


class LearnPanel(Panel):
    """Learn the limit cycle of a planar system live: state plane, eigenvalues, loss and frequency error.

    systems: one system or several, chosen between in a drop-down (system: the name to begin with); dt: time a step;
    count, length: orbits learned from and their steps; steps: of training; seed: of the draw and of the model. Click in
    the plane for a start and its shadow; "best single point" (single) shows what a model with the eigenvalue 1 alone
    could answer. `panel.sim` is the model.
    """

    def __init__(
        self,
        systems: Oscillator | Sequence[Oscillator],
        dt: float = 0.3,
        *,
        system: str | None = None,
        single: bool = False,
        count: int = 1000,
        length: int = 60,
        steps: int = 2000,
        seed: int = 0,
    ) -> None:
        listed = [systems] if isinstance(systems, Oscillator) else list(systems)
        if not listed or not all(isinstance(s, Oscillator) for s in listed):
            raise ValueError(f"systems must be oscillators of simviz.dynamics.systems, got {systems!r}")
        self.systems = {s.name: s for s in listed}
        names = tuple(self.systems)
        first = names[0] if system is None else checks.one_of("system", system, names)
        self._options = {
            "dt": checks.positive("dt", dt),
            "count": checks.positive_int("count", count, 2),
            "length": checks.positive_int("length", length, 8),
            "steps": checks.positive_int("steps", steps),
            "seed": checks.positive_int("seed", seed, 0),
        }
        self._verdict: Verdict | None = None
        self._clicked: tuple[float, np.ndarray] | None = None  # when, and the orbit from there, (time, 2)
        self.lesson = Lesson(self.systems[first], **self._options)  # type: ignore[arg-type]
        controls: list[Control] = [Toggle("single", "Best single point", value=single)]
        if len(names) > 1:
            controls.insert(0, Select("system", "System", options=names, value=first))
        given = {"systems": systems, **self._options}
        super().__init__(controls, Player(self.lesson, pace=self.lesson.pace), given, elapsed=None)

    @property
    def sim(self) -> Any:
        """The model that learns, or has learned, the present system."""
        return self.lesson.run.model

    def length(self) -> int:
        return self.lesson.pulls

    def played(self, item: TrainStep | None) -> None:
        """Let the curves grow by a step."""
        if item is not None:
            true = self.lesson.system.angle(self.lesson.dt)
            self.grow("loss", item.step, item.loss)
            self.grow("frequency error", item.step, abs(learned_angle(self.sim) / true - 1))
        if self._clicked is not None:
            self._advance()

    def restarted(self) -> None:
        """Clear the curves."""
        self._verdict = None
        self._clicked, self.values["elapsed"] = None, None
        for channel in ("loss", "frequency error"):
            self.figure_widget.replace(channel, [], [])

    @torch.no_grad()
    def compute(self, *, single: bool, elapsed: float | None, system: str = "") -> Frame:
        """Return dots, decoded set and eigenvalues as the model has them now; elapsed: steps since a click."""
        lesson = self.lesson
        with lesson.run.lock:
            probe = None if elapsed is None else self._probe(elapsed)
            sentence = self._sentence(single, probe)
            if single:
                one = Spectrum(torch.ones(1), kind="the eigenvalue 1 alone")
                return Frame(lesson, lesson.dots(), np.empty((0, 2)), one, sentence, lesson.point.numpy(), probe)
            return Frame(lesson, lesson.dots(), self._loop(), self.sim.spectrum(), sentence, probe=probe)

    def drawing(self, record: Frame) -> FigureSpec:
        """Draw a frame: plane on the left, disc above the strip of curves on the right."""
        return learn_spec(record)

    def _loop(self) -> np.ndarray:
        """One period of the decoded set, closed, (SET_POINTS + 1, 2)."""
        points = self.sim.shadow(self.lesson.data[:1, 0], one_turn(self.sim, SET_POINTS))[0]
        return torch.cat([points, points[:1]]).numpy()

    def _probe(self, elapsed: float) -> Probe:
        assert self._clicked is not None
        orbit = self._clicked[1]
        moment = round(4 * elapsed)
        shadow = self.sim.shadow(torch.as_tensor(orbit[:1]), [moment / 4])[0, 0].numpy()
        return Probe(elapsed, orbit[moment], shadow)

    def clicked(self, subplot: int, x: float, y: float) -> None:
        """Follow a start in the plane, and its shadow."""
        if subplot == 0:
            start = torch.tensor([[x, y]], dtype=torch.float32)
            orbit = self.lesson.system.orbit(start, PROBE_STEPS * 4, self.lesson.dt / 4)[0].numpy()
            self._clicked = (time.monotonic(), orbit)
            self.values["elapsed"] = 0.0
            self.refresh()

    def changed(self, name: str) -> None:
        """Begin another lesson where another system was chosen."""
        if name != "system" or self.systems[self.values["system"]] is self.lesson.system:
            return
        assert self.player is not None
        self.player.stop()
        chosen = self.systems[self.values["system"]]
        self.figure_widget.say(f"drawing {self._options['count']} orbits of the {chosen.name} system ...", cue=True)
        self.lesson = Lesson(chosen, **self._options)  # type: ignore[arg-type]
        self._attach(Player(self.lesson, pace=self.lesson.pace))

    def moving(self) -> bool:
        """Keep a clicked start moving while nothing trains; while something does, the training's frames show it."""
        assert self.player is not None
        if self._clicked is None or self.player.running or self.values["elapsed"] >= PROBE_STEPS:
            return False
        again = self._advance()
        self.refresh()
        return again

    def _advance(self) -> bool:
        """Let a clicked start go on to where it is now; return whether it has farther to go."""
        assert self._clicked is not None
        before, now = self.values["elapsed"], (time.monotonic() - self._clicked[0]) * PROBE_SPEED
        self.values["elapsed"] = min(now, float(PROBE_STEPS))
        return before < PROBE_STEPS

    def table(self, record: Frame) -> Table:
        """Return the learned numbers beside the true ones."""
        lesson = record.lesson
        angle, true = learned_angle(self.sim), lesson.system.angle(lesson.dt)
        rows: list[tuple[Any, ...]] = [
            ("angle a step", angle, true),
            ("period", 2 * math.pi * lesson.dt / max(angle, 1e-12), lesson.system.period()),
        ]
        for k, value in enumerate(record.spectrum.eigenvalues.tolist()):
            rows.append((f"eigenvalue {k + 1}", f"{value.real:.4f} {value.imag:+.4f}i", ""))
        return Table(("what", "learned", "true"), tuple(rows), record.sentence)

    def _sentence(self, single: bool, probe: Probe | None) -> str:
        """What is being seen, with the learned frequency against the true one."""
        lesson = self.lesson
        assert self.player is not None
        state = self.player.state
        if single:
            return (
                f"one point, the mean of where the orbits end, is {lesson.one_point_misses_by():.2f} from the set: "
                f"a model with the eigenvalue 1 alone can only answer with this"
            )
        if probe is not None and state is not State.RUNNING:
            after = f"after {probe.time * lesson.dt:.1f} units of time"
            return f"your start and its shadow {after}: {probe.gap:.3f} apart"
        if lesson.run.step == 0:
            if lesson.gathered == 0:
                return (
                    f"{len(lesson.data)} starts, {min(SHOWN, len(lesson.data))} of them drawn: press Start (space) and "
                    f"see where they end up"
                )
            return f"the data: orbits of the {lesson.system.name} system after {lesson.gathered * lesson.dt:.1f} units"
        if state is State.FINISHED:
            return self._ending()
        angle, true = learned_angle(self.sim), lesson.system.angle(lesson.dt)
        cores = f"; training {self.player.share}" if state is State.RUNNING else f"; {state.value}"
        return f"step {lesson.run.step}: {angle:.4f} a step, {100 * abs(angle / true - 1):.1f} % off{cores}"

    def _ending(self) -> str:
        if self._verdict is None:
            self._verdict = judge(self.sim, self.lesson.system, self.lesson.dt)
        found = self._verdict
        return (
            f"learned {found.angle:.5f} a step, true {found.true_angle:.5f}; the set is within "
            f"{found.set_distance:.3f} of the true one, the orbit after 5 to 10 periods within {found.orbit_mean:.3f}"
        )


def learn_spec(frame: Frame) -> FigureSpec:
    """Return the drawing of a frame: plane on the left, disc above the strip of curves on the right."""
    lesson = frame.lesson
    system, run = lesson.system, lesson.run
    marks = {"best single point": frame.point}
    if frame.probe is not None:
        marks |= {"your start": frame.probe.dot, "its shadow": frame.probe.shadow}
        marks["gap"] = np.stack([frame.probe.dot, frame.probe.shadow])
    plane = figures.plane(
        1.1 * system.reach, data=frame.dots, true_set=lesson.truth.numpy(), learned=frame.loop, live=True, marks=marks
    )
    modes = run.model.propagator
    assert isinstance(modes, Modes)
    angle = system.angle(lesson.dt)
    disc = figures.spectrum(frame.spectrum, true_angle=angle, harmonics=modes.options["harmonics"], live=True)
    strip = figures.curves([], metric="frequency error", live=True, total=run.total_steps, dense=True)
    places = ((0.0, 0.52, 0.0, 1.0), (0.6, 1.0, 0.44, 1.0), (0.62, 1.0, 0.0, 0.22))
    parts = list(zip((plane, disc, strip), places, strict=True))
    return figures.arrange(parts, size=(980, 470), state=frame.sentence)
