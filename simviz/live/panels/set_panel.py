"""Where does it end up? A model learns the invariant set of a planar system from its orbits, while you watch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from simviz import checks, figures
from simviz.dynamics.orbits import set_distance
from simviz.dynamics.systems import Oscillator
from simviz.learning.judge import Verdict, judge, learned_angle, one_turn
from simviz.learning.recipes import invariant_set_run
from simviz.live.panels.panel import Panel
from simviz.live.panels.train_panel import draw_spectrum
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
    """One system and a model that learns it: the iterator behind a SetPanel. First the data flow, then the run."""

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
        if self.gathered < min(GATHER_STEPS, self.data.shape[1] - 1):
            time.sleep(GATHER_SECONDS / GATHER_STEPS)
            self.gathered += 1
            return None
        return next(self.run)

    def rewind(self, step: int = 0) -> None:
        """Go back to the initial conditions and the untrained model."""
        self.gathered = 0
        self.run.rewind(0)

    def dots(self) -> np.ndarray:
        """Return the dots where they are now, (SHOWN, 2)."""
        return self.data[:SHOWN, self.gathered].numpy()

    def one_point_misses_by(self) -> float:
        """Return the distance from the best single point to the nearest point of the true set."""
        return set_distance(self.point[None].double(), self.truth).larger(0.0)


class SetPanel(Panel):
    """Learn the limit cycle of a planar system live: state plane, eigenvalues, loss and frequency error.

    systems: one system or several, chosen between in a drop-down; dt: time a step; count, length: orbits learned from
    and their steps; steps: of training; seed: of the draw and of the model. Click in the plane for a start and its
    shadow; "best single point" shows what a model with the eigenvalue 1 alone could answer. `panel.sim` is the model.
    """

    def __init__(
        self,
        systems: Oscillator | Sequence[Oscillator],
        dt: float = 0.3,
        *,
        count: int = 1000,
        length: int = 60,
        steps: int = 2000,
        seed: int = 0,
    ) -> None:
        listed = [systems] if isinstance(systems, Oscillator) else list(systems)
        if not listed or not all(isinstance(s, Oscillator) for s in listed):
            raise ValueError(f"systems must be oscillators of simviz.dynamics.systems, got {systems!r}")
        self.systems = {s.name: s for s in listed}
        self._options = {
            "dt": checks.positive("dt", dt),
            "count": checks.positive_int("count", count, 2),
            "length": checks.positive_int("length", length, 8),
            "steps": checks.positive_int("steps", steps),
            "seed": checks.positive_int("seed", seed, 0),
        }
        self.single_point = False
        self._verdict: Verdict | None = None
        self._probe: tuple[float, np.ndarray] | None = None
        self.lesson = Lesson(listed[0], **self._options)  # type: ignore[arg-type]
        names = list(self.systems)
        controls: list[dict[str, Any]] = [
            {"name": "single", "kind": "toggle", "label": "Best single point", "value": False}
        ]
        if len(names) > 1:
            choice = {"name": "system", "kind": "select", "label": "System", "options": names, "value": names[0]}
            controls.insert(0, choice)
        super().__init__(Player(self.lesson), set_spec(self.lesson), controls)

    @property
    def sim(self) -> Any:
        """The model that learns, or has learned, the present system."""
        return self.lesson.run.model

    def item(self, item: TrainStep | None) -> None:
        """Keep loss and frequency error until the next frame."""
        if item is not None:
            true = self.lesson.system.angle(self.lesson.dt)
            self._new.append((item.step, item.loss, abs(learned_angle(self.sim) / true - 1)))

    @torch.no_grad()
    def draw(self) -> None:
        """Dots, decoded set, eigenvalues and curves as they are now."""
        widget, lesson = self.figure_widget, self.lesson
        with lesson.run.lock:
            if lesson.run.step == 0:
                self._new.clear()
                self._verdict = None
                for channel in ("loss", "frequency error"):
                    widget.replace(channel, [], [])
            new = self.take_new()
            widget.replace("data", *lesson.dots().T)
            spectrum = self.sim.spectrum()
            loop = self._loop()
        if new:
            steps, losses, errors = zip(*new, strict=True)
            widget.append("loss", steps, losses)
            widget.append("frequency error", steps, errors)
        if self.single_point:
            spectrum, loop = Spectrum(torch.ones(1), kind="the eigenvalue 1 alone"), np.empty((0, 2))
        widget.replace("learned set", *loop.T)
        widget.replace("best single point", *(lesson.point[:, None].numpy() if self.single_point else ((), ())))
        draw_spectrum(widget, spectrum)
        self._move_probe()

    def _loop(self) -> np.ndarray:
        """One period of the decoded set, closed, (SET_POINTS + 1, 2)."""
        points = self.sim.shadow(self.lesson.data[:1, 0], one_turn(self.sim, SET_POINTS))[0]
        return torch.cat([points, points[:1]]).numpy()

    def event(self, name: str, value: Any) -> None:
        """A click in the plane, the switch, the drop-down."""
        if name == "click" and value[0] == 0:
            start = torch.tensor([value[1:]], dtype=torch.float32)  # (1, 2)
            times = self.lesson.system.orbit(start, PROBE_STEPS * 4, self.lesson.dt / 4)[0].numpy()
            self._probe = (time.monotonic(), times)
            self.refresh()
        elif name == "single":
            self.single_point = bool(value)
            self.figure_widget.control("single", value=self.single_point)
            self.player.call(lambda: self.refresh(cue=True))
        elif name == "system":
            self._choose(str(value))

    def _choose(self, name: str) -> None:
        system = self.systems[checks.one_of("system", name, tuple(self.systems))]
        self.player.stop()
        self.figure_widget.control("system", value=name)
        self.figure_widget.say(f"drawing {self._options['count']} orbits of the {name} system ...", cue=True)
        self.lesson = Lesson(system, **self._options)  # type: ignore[arg-type]
        self._new.clear()
        self._verdict = self._probe = None
        self.figure_widget.redraw(set_spec(self.lesson))
        self._attach(Player(self.lesson))

    def before_frame(self) -> bool:
        """Keep a clicked start moving while nothing trains; while something does, `draw` moves it."""
        if self._probe is None or self.player.running:
            return False
        self._move_probe()
        self.figure_widget.say(self.sentence())
        return self._probe is not None

    @torch.no_grad()
    def _move_probe(self) -> None:
        probe = self._probe
        if probe is None:
            for channel in ("your start", "its shadow", "gap"):
                if self.figure_widget.points(channel).size and self.lesson.run.step == 0:
                    self.figure_widget.replace(channel, [], [])
            return
        began, orbit = probe
        now = min((time.monotonic() - began) * PROBE_SPEED, PROBE_STEPS)
        dot = orbit[round(4 * now)]
        start = torch.as_tensor(orbit[:1])
        with self.lesson.run.lock:
            shadow = self.sim.shadow(start, [round(4 * now) / 4])[0, 0].numpy()
        widget = self.figure_widget
        widget.replace("your start", dot[:1], dot[1:])
        widget.replace("its shadow", shadow[:1], shadow[1:])
        widget.replace("gap", [dot[0], shadow[0]], [dot[1], shadow[1]])
        self._gap = (now, math.dist(dot, shadow))
        if now >= PROBE_STEPS:
            self._probe = None

    def sentence(self) -> str:
        """What is being seen, with the learned frequency against the true one."""
        lesson, state = self.lesson, self.player.state
        if self.single_point:
            return (
                f"one point, the mean of where the orbits end, is {lesson.one_point_misses_by():.2f} from the set: "
                f"a model with the eigenvalue 1 alone can only answer with this"
            )
        if self._probe is not None and not self.player.running:
            now, gap = getattr(self, "_gap", (0.0, math.nan))
            return f"your start and its shadow after {now * lesson.dt:.1f} units of time: {gap:.3f} apart"
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


def set_spec(lesson: Lesson) -> FigureSpec:
    """Return the drawing of a lesson: plane on the left, disc above the strip of curves on the right."""
    system, run = lesson.system, lesson.run
    plane = figures.plane(1.1 * system.reach, data=lesson.dots(), true_set=lesson.truth.numpy(), live=True)
    angle = system.angle(lesson.dt)
    spectrum = run.current_spectrum()
    assert spectrum is not None
    modes = run.model.propagator
    assert isinstance(modes, Modes)
    disc = figures.spectrum(spectrum, true_angle=angle, harmonics=modes.options["harmonics"], live=True)
    strip = figures.curves([], metric="frequency error", live=True, total=run.total_steps, dense=True)
    places = ((0.0, 0.52, 0.0, 1.0), (0.6, 1.0, 0.44, 1.0), (0.62, 1.0, 0.0, 0.22))
    return figures.arrange(list(zip((plane, disc, strip), places, strict=True)), size=(980, 470))
