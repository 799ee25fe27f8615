"""What becomes of a fixed point that iteration leaves? Solvers race on a map whose eigenvalues can be dragged."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

from simviz import checks, figures
from simviz.figures.tables import Table
from simviz.live.controls import Button, Choices, Control, Handle, Select, Slider
from simviz.live.panels.doors import COSINE, LOGISTIC, MAPS, MINUS, PAIR, PLUS, door
from simviz.live.panels.panel import Panel
from simviz.live.panels.solver_race import METHODS, NUDGED, Race, run_race
from simviz.live.panels.solver_words import sentence
from simviz.live.player import Player
from simviz.records import FigureSpec

PACE = 1 / 8
"""Seconds from one evaluation to the next while the race is played."""
MODULUS, ANGLE, GROWTH = (0.2, 1.3), (5.0, 175.0), (1.2, 4.0)
_REACH = 1.45


class SolverPanel(Panel):
    """Where do plain iteration and cleverer methods end, once the eigenvalues at z* leave the unit circle?

    Left the iterates (for maps of one number a cobweb), right the Jacobian's eigenvalues at z* and the residuals
    |f(z) - z| against evaluations of f. Drag the eigenvalue; click in the plane for another start; Start plays the
    race, eight evaluations a second; Nudge displaces where a method ended by 1e-3 and goes on with plain iteration.

    map: "pair" (of modulus and angle), "real +1", "real -1" (of that modulus), "cos z" or "logistic" (of growth);
    modulus: 0.2 to 1.3; angle: 5 to 175 degrees; solvers: of "Picard", "damped Picard" (damping 0.5), "Anderson" and
    "Broyden"; growth: 1.2 to 4; start: (z1, z2), or (z,) for maps of one number, None for the map's own; nudges: how
    often Nudge was pressed; evaluations: a method's most, 20 to 400. Raises ValueError that names the argument.
    """

    def __init__(
        self,
        map: str = PAIR,
        *,
        modulus: float = 0.9,
        angle: float = 57.0,
        solvers: Sequence[str] = ("Picard", "damped Picard", "Anderson"),
        growth: float = 3.3,
        start: tuple[float, ...] | None = None,
        nudges: int = 0,
        evaluations: int = 80,
    ) -> None:
        count = checks.positive_int("evaluations", evaluations, 20)
        if count > 400:
            raise ValueError(f"evaluations must be at most 400, got {count}")
        if start is not None and not isinstance(start, Sequence):
            raise ValueError(f"start must be a tuple of numbers or None, got {start!r}")
        chosen = Choices("solvers", "Solvers", options=tuple(METHODS), value=()).check(solvers)
        controls: list[Control] = [
            Select("map", "Map", options=MAPS, value=map),
            _slider("modulus", "Modulus", MODULUS, modulus, step=0.01),
            _slider("angle", "Angle", ANGLE, angle, step=1.0, unit="°"),
            _slider("growth", "Growth (logistic)", GROWTH, growth, step=0.01),
            Choices("solvers", "Solvers", options=tuple(METHODS), value=chosen),
            Button("nudge", "Nudge", tip="Displace where a method ended by 0.001 and iterate on"),
        ]
        at = door(map, *(slider.value for slider in controls[1:4] if isinstance(slider, Slider))).eigenvalue
        box = (-_REACH, _REACH, -_REACH, _REACH)
        place = (at.real, at.imag)
        controls.append(Handle("eigenvalue", "Eigenvalue", subplot=1, value=place, box=box))
        self._played = False
        state: dict[str, Any] = {
            "start": start if start is None else tuple(start),
            "nudges": checks.positive_int("nudges", nudges, 0),
            "evaluations": count,
        }
        super().__init__(controls, Player(self._beats), shown=None, **state)

    def compute(self, **values: Any) -> Race:
        """Return the whole race, and how much of it is shown."""
        return run_race(**{name: value for name, value in values.items() if name != "eigenvalue"})

    def drawing(self, record: Race) -> FigureSpec:
        """Return plane, disc and strip, with what became of each method as the state."""
        return race_figure(record)

    def table(self, record: Race) -> Table:
        """Return a row for each solver and evaluation shown: its iterate and its residual."""
        return race_table(record)

    def played(self, item: int | None) -> None:
        """Show one evaluation more; all of them with the last."""
        self._played = True
        self.values["shown"] = item

    def restarted(self) -> None:
        """Show the whole race again, without a nudge."""
        self.values["shown"] = None
        if self._played:
            self.values["nudges"] = 0

    def length(self) -> int:
        """Return how many evaluations there are to play."""
        return self.record.length

    def changed(self, name: str) -> None:
        """Let modulus, angle and the point in the disc follow one another; take the map that a slider belongs to."""
        now = self.values["map"]
        if name == "eigenvalue":
            self._drag(*self.values["eigenvalue"])
        elif name == "growth" and now != LOGISTIC:
            self._take(LOGISTIC)
        elif (name == "angle" and now != PAIR) or (name == "modulus" and now in (COSINE, LOGISTIC)):
            self._take(PAIR)
        elif name == "map":
            self._take(now)
        if name != "solvers":
            value = door(*(self.values[key] for key in ("map", "modulus", "angle", "growth"))).eigenvalue
            self.hold("eigenvalue", (value.real, value.imag))

    def clicked(self, subplot: int, x: float, y: float) -> None:
        """Start from a point of the plane, or from a number of the cobweb."""
        if subplot != 0:
            return
        here = self.record.door
        low, high = here.inside
        self.values["start"] = tuple(round(min(max(v, low), high), 3) for v in (x, y)[: here.system.dim])
        self.values["nudges"] = 0
        self.refresh(cue=True)

    def pressed(self, name: str) -> None:
        """Nudge."""
        self.nudge()

    def nudge(self) -> None:
        """Displace where a method ended by 1e-3, each time another way, and play what plain iteration does then."""
        count = self.values["nudges"] + 1
        player = self.player
        assert player is not None
        player.rewind(0)
        self.values["nudges"] = count
        found = self.compute(**self.values)
        if found.nudged:
            player.ahead(found.runs[found.nudged].last)
            player.start()
        self.refresh(cue=True)

    def _take(self, name: str) -> None:
        """Go over to a map: its own start, no nudge."""
        self.hold("map", name)
        self.values["start"], self.values["nudges"] = None, 0

    def _drag(self, x: float, y: float) -> None:
        now = self.values["map"]
        if now == PAIR:
            self.hold("modulus", _within(math.hypot(x, y), MODULUS, 3))
            self.hold("angle", _within(abs(math.degrees(math.atan2(y, x))), ANGLE, 1))
        elif now in (PLUS, MINUS):
            self.hold("modulus", _within(x if now == PLUS else -x, MODULUS, 3))
        elif now == LOGISTIC:
            self.hold("growth", _within(2 - x, GROWTH, 3))  # the slope at z* is 2 - growth

    def _beats(self) -> Iterator[int | None]:
        """Yield how many evaluations to show, at a pace the eye can follow while it plays, and None for all."""
        shown, last = 1, -math.inf
        while shown < self.record.length:
            if self.player is not None and self.player.running:
                time.sleep(max(0.0, last + PACE - time.monotonic()))
            last = time.monotonic()
            yield shown
            shown += 1
        yield None


def race_figure(record: Race) -> FigureSpec:
    """Return the drawing of a race as far as it is shown, and its sentence."""
    laps = {}
    for name in (*METHODS, NUDGED):
        run = record.runs.get(name)
        seen = run.seen(record.shown) if run is not None else 0
        laps[name] = (
            figures.Lap(run.path[:seen], run.residuals[:seen], run.first) if run is not None and seen else figures.Lap()
        )
    door = record.door
    spec = figures.race(
        door.system, laps, record.jacobian, fixed_points=door.fixed_points, stable=door.stable.numpy(),
        expected=door.expected, closed=door.closed, evaluations=max(record.evaluations, record.length), box=door.box,
    )  # fmt: skip
    state = sentence(record)
    return dataclasses.replace(spec, state=state, alt=f"{spec.alt} {state}")


def race_table(record: Race) -> Table:
    """Return what is shown of a race, one row for each solver and evaluation."""
    dim = record.door.system.dim
    rows = [
        (name, run.first + i, *map(float, run.path[i]), float(run.residuals[i]))
        for name, run in record.runs.items()
        for i in range(run.seen(record.shown))
    ]
    names = ("z1", "z2") if dim == 2 else ("z",)
    return Table(("solver", "evaluation", *names, "residual"), tuple(rows), sentence(record))


def _slider(name: str, label: str, ends: tuple[float, float], value: float, *, step: float, unit: str = "") -> Slider:
    return Slider(name, label, low=ends[0], high=ends[1], step=step, value=value, unit=unit)


def _within(value: float, ends: tuple[float, float], digits: int) -> float:
    return round(min(max(value, ends[0]), ends[1]), digits)
