"""Where do orbits end up? A cloud of starts flows to its set, or the plane is coloured by the phase that they keep."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from simviz import checks
from simviz.dynamics.systems import Flow, Oscillator, System
from simviz.figures.tables import Table
from simviz.live.controls import Button, Control, Select, Slider, Toggle
from simviz.live.panels.panel import Panel
from simviz.live.panels.sets import follow, gallery
from simviz.live.panels.sets.drawing import scene_spec
from simviz.live.panels.sets.layer import Layer, layering
from simviz.live.panels.sets.phases import modes_of
from simviz.live.panels.sets.scene import Scene
from simviz.live.panels.sets.shadow import Pair, pair
from simviz.live.panels.sets.spectra import spectrum
from simviz.live.panels.sets.survey import Survey, surveying
from simviz.live.player import Player
from simviz.records import FigureSpec, Spectrum

VIEWS = ("cloud", "orbits", "density", "phase")
RHYTHM = {True: 1 / 15, False: 1 / 6}
"""Seconds from step to step, of a flow and of a map."""
SPECTRUM_STEPS = 6
"""Steps for the eye in the step of time that a flow's eigenvalues belong to."""
SLICE = 0.04
"""Seconds that a look ahead may take between two frames."""
LASTS = 8.0
"""Seconds in which a start of the reader's and its shadow are shown."""
NUDGE = 1e-3


class SetPanel(Panel):
    """Show what the orbits of a system come to: a cloud that flows there, whole orbits, densities, phases.

    systems: one system, several, or several by name (default: five, one for each thing that orbits can end in), chosen
    in a drop-down (system: the name to begin with). parameter: the number the slider moves, past the system's
    bifurcation: the dots flow on from where they are, under the new number, and are recoloured as soon as it is known
    where they will end. view: "cloud", "orbits", "density" or, of planar loops, "phase". polar: there, the plane is
    coloured by the polar angle; model: a SIM of a single system, from `simviz.learn_invariant_set`, whose phase is
    coloured and held against the exact one. count: dots; dt: time of a step for the eye (default: chosen by the system;
    1 for a map); columns: the two coordinates drawn; steps: after which it stops; seed: of the starts.

    Click in the plane for a start and its shadow. Nudge moves every dot by a thousandth. Raises ValueError naming the
    argument.
    """

    def __init__(
        self,
        systems: System | Sequence[System] | Mapping[str, System] | None = None,
        *,
        view: str = "cloud",
        system: str | None = None,
        parameter: float | None = None,
        polar: bool = False,
        model: Any = None,
        count: int = 300,
        dt: float | None = None,
        columns: tuple[int, int] | None = None,
        steps: int = 900,
        seed: int = 0,
    ) -> None:
        self.systems = gallery.listed(systems)
        names = tuple(self.systems)
        first = names[0] if system is None else checks.one_of("system", system, names)
        self._count, self._seed = checks.positive_int("count", count, 8), checks.positive_int("seed", seed, 0)
        self._steps = checks.positive_int("steps", steps)
        self._dt = None if dt is None else checks.positive("dt", dt)
        self._columns = columns
        for one in self.systems.values():
            gallery.columns(one, columns)
            if dt is not None and dt != 1 and not isinstance(one, Flow):
                raise ValueError(f"dt must be 1 for a map, which steps by one, got {dt}")
        self.model = model
        if model is not None:
            modes_of(model)
            if len(names) > 1 or not isinstance(self.systems[first], Oscillator):
                raise ValueError(
                    f"model is held against the phase of one oscillator: give that system alone, got {', '.join(names)}"
                )
        present = self.systems[first]
        if parameter is not None:
            present = gallery.turned(present, checks.real("parameter", parameter))
        self._lock = threading.Lock()  # of the states that flow
        self._states: torch.Tensor = torch.empty(0)
        self._time, self._present = 0.0, present
        self._work: Generator[None, None, Any] | None = None
        self._clicked_at = 0.0
        self._random = np.random.default_rng(seed)
        controls: list[Control] = [
            Select("view", "View", options=VIEWS, value=checks.one_of("view", view, VIEWS)),
            *([Select("system", "System", options=names, value=first)] if len(names) > 1 else []),
            *([self._slider(present)] if any(map(gallery.knob, self.systems.values())) else []),
            Toggle("polar", "Polar angle", value=polar),
            Button("nudge", "Nudge"),
        ]
        player = Player(self._flow, pace=lambda: RHYTHM[isinstance(self._present, Flow)])
        given = {"systems": systems, "model": model, "count": count, "dt": dt, "columns": columns}
        given |= {"steps": steps, "seed": seed}
        state = self._begun(present)
        for _ in self._looking(present, view, polar, state):
            pass
        super().__init__(controls, player, given, **state)

    # What moves.

    def _begun(self, system: System) -> dict[str, Any]:
        """Return the values at the beginning: the starts, and nothing known of them."""
        self._present = system
        self._pace = (self._dt or follow.pace(system)) if isinstance(system, Flow) else 1.0
        self._starts = system.initial(self._count, self._seed).double()
        with self._lock:
            self._states, self._time = self._starts, 0.0
        return {
            "present": system, "dots": self._starts.numpy(), "labels": np.full(self._count, -1), "time": 0.0,
            "survey": None, "eigenvalues": None, "layer": None, "pair": None, "moment": 0,
        }  # fmt: skip

    def _flow(self) -> Iterator[tuple[float, np.ndarray]]:
        """Let the dots flow, a step a pull: the player's iterator."""
        with self._lock:
            self._states, self._time = self._starts, 0.0
        for number in range(self._steps):
            with torch.no_grad(), self._lock:
                if number % follow.CHECKED == 0:
                    fine = follow.substeps(self._present, self._states, self._pace)
                self._states = follow.advance(self._present, self._states, self._pace, fine)
                self._time += self._pace
                moved = self._time, self._states.numpy()
            yield moved

    def length(self) -> int:
        return min(self._steps, 120)

    def played(self, item: tuple[float, np.ndarray]) -> None:
        """Take in where the dots are."""
        self.values["time"], self.values["dots"] = item

    def restarted(self) -> None:
        """Go back to the starts."""
        self.values |= {"dots": self._starts.numpy(), "time": 0.0, "pair": None, "moment": 0}
        if self.values["survey"] is not None:
            self.values["labels"] = self.values["survey"].labels

    def _looking(self, system: System, view: str, polar: bool, state: dict[str, Any]) -> Generator[None, None, None]:
        """Find out what is not known yet, in small slices, and put it into the values."""
        if state["survey"] is None:
            dots = state["dots"] if state["time"] else None
            found = yield from surveying(system, self._starts.numpy(), self._pace, dots)
            dt = SPECTRUM_STEPS * self._pace if isinstance(system, Flow) else 1.0
            values = self.model.spectrum() if self.model is not None else spectrum(found, dt)
            state |= {"survey": found, "eigenvalues": values}
            state["labels"] = found.dot_labels if state["time"] else found.labels
        if view == "phase" and state["layer"] is None and isinstance(system, Oscillator):
            state["layer"] = yield from layering(system, self.model, polar)

    def _look_ahead(self, *unknown: str) -> None:
        """Forget values, and find them out again while the page goes on."""
        with self._guard:
            self.values |= dict.fromkeys(unknown)
            if "survey" in unknown:
                self.values["labels"] = np.full(self._count, -1)
            self._work = self._looking(self._present, self.values["view"], self.values["polar"], self.values)

    def moving(self) -> bool:
        """Go on looking ahead, and let a start of the reader's run."""
        with self._guard:
            ends, worked = time.monotonic() + SLICE, self._work is not None
            while self._work is not None and time.monotonic() < ends:
                try:
                    next(self._work)
                except StopIteration:
                    self._work = None
            runs = self.values["pair"] is not None and self.values["moment"] < len(self.values["pair"].times) - 1
            if runs:
                last = len(self.values["pair"].times) - 1
                self.values["moment"] = min(last, round(last * (time.monotonic() - self._clicked_at) / LASTS))
            if (worked and self._work is None) or runs:
                self.refresh()
            return self._work is not None or runs

    # What a reader does.

    def set(self, **values: Any) -> SetPanel:
        """Set controls, and wait until all that follows from them is known."""
        super().set(**values)
        return self.settled()

    def settled(self) -> SetPanel:
        """Wait until it is known where the dots will end."""
        with self._guard:
            if self._work is not None:
                for _ in self._work:
                    pass
                self._work = None
                self.refresh(cue=True)
        return self

    def changed(self, name: str) -> None:
        if name == "system" and self.systems[self.values["system"]] is not self._present:
            assert self.player is not None
            self.player.reset()
            with self._guard:
                self.values |= self._begun(self.systems[self.values["system"]])
                self._turn_slider()
            self._look_ahead("survey", "layer")
        elif name == "parameter":
            self._present = gallery.turned(self._present, self.values["parameter"])
            self.values |= {"present": self._present, "pair": None, "moment": 0}
            self._look_ahead("survey", "layer", "eigenvalues")
        elif name == "polar":
            self._look_ahead("layer")
        elif name == "view":
            self._look_ahead()

    def pressed(self, name: str) -> None:
        """Move every dot by a thousandth, each its own way: what stands on an unstable point leaves it."""
        ways = self._random.normal(size=tuple(self._starts.shape))
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        with self._lock:
            self._states = self._states + NUDGE * torch.from_numpy(ways)
            self.values["dots"] = self._states.numpy()
        self._look_ahead("survey")
        self.refresh(cue=True)

    def clicked(self, subplot: int, x: float, y: float) -> None:
        """Follow a start in the plane, and its shadow."""
        if subplot != 0:
            return
        system, survey = self._present, self.values["survey"]
        start = self._starts.mean(0).numpy() if survey is None or not len(survey.ends) else survey.ends.mean(0)
        if system.dim == 1:
            start = np.array([x])
        else:
            start[list(gallery.columns(system, self._columns))] = x, y
        self.values |= {"pair": pair(system, start, self._pace, survey, self.model), "moment": 0}
        self._clicked_at = time.monotonic()
        self.refresh(cue=True)

    def _slider(self, system: System) -> Slider:
        knob = gallery.knob(system)
        if knob is None:
            return Slider("parameter", "nothing to turn", low=0.0, high=1.0, value=0.0)
        value = getattr(system, knob.name)
        return Slider(
            "parameter", knob.name, low=min(knob.low, value), high=max(knob.high, value), step=knob.step, value=value,
            tip=system.parameters[knob.name].meaning, scrub=True,
        )  # fmt: skip

    def _turn_slider(self) -> None:
        """Let the slider turn what the present system has to turn."""
        if "parameter" in self.controls:
            slider = self._slider(self._present)
            self.controls["parameter"] = slider
            self.values["parameter"] = slider.value
            shown = {key: getattr(slider, key) for key in ("label", "low", "high", "step", "value")}
            self.figure_widget.control("parameter", disabled=gallery.knob(self._present) is None, **shown)

    # What is shown.

    def compute(
        self,
        *,
        view: str,
        polar: bool,
        present: System,
        dots: np.ndarray,
        labels: np.ndarray,
        time: float,
        survey: Survey | None,
        eigenvalues: Spectrum | None,
        layer: Layer | None,
        pair: Pair | None,
        moment: int,
        system: str = "",
        parameter: float = 0.0,
    ) -> Scene:
        """Return what is shown of these values, and the sentence that says how things stand."""
        columns = gallery.columns(present, self._columns)
        return Scene(present, columns, view, dots, labels, time, survey, eigenvalues, layer, pair, moment)

    def drawing(self, record: Scene) -> FigureSpec:
        return scene_spec(record)

    def table(self, record: Scene) -> Table:
        """Return where each dot is, and the set that it comes to."""
        names = record.system.coordinates or tuple(f"s{n + 1}" for n in range(record.system.dim))
        rows = [
            (record.system.name, number, *(float(v) for v in dot), int(label) + 1 if label >= 0 else "not known")
            for number, (dot, label) in enumerate(zip(record.dots, record.labels, strict=True))
        ]
        return Table(("system", "dot", *names, "basin"), tuple(rows), record.sentence)
