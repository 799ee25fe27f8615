"""Which eigenvalues may be believed? Observables are ticked one by one, and a number is dragged off its eigenvalue."""

from __future__ import annotations

import cmath
import copy
import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simviz import checks
from simviz.dynamics.systems import Flow, SlowManifold, System
from simviz.figures.tables import Table
from simviz.live.controls import Button, Choices, Control, Handle, Slider, Toggle
from simviz.live.panels.beliefs.belief import Belief, Beliefs, leaders, nearest
from simviz.live.panels.beliefs.drawing import DISC, ROWS, belief_figure, belief_table, view_of
from simviz.live.panels.beliefs.observables import BUMPS, Observable, listed
from simviz.live.panels.panel import Panel
from simviz.live.panels.recipes import spelled
from simviz.records import FigureSpec

FIRST = ("s1", "s2")
BOX = ((-2.5, 2.5), (-2.5, 2.5))
"""Where the starts on the default slow manifold are drawn."""
SNAPSHOTS, DT, MODULUS, MOST = (20, 2000), (0.001, 1.0), 1.3, 60
"""Fewest and most snapshots; shortest and longest step; the largest modulus of the hand; the highest number of an
eigenvalue."""


@dataclass(frozen=True)
class _Number(Slider):
    """A slider that goes no farther, in the page, than eigenvalues were found."""

    found: int = 2

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "high": self.found}


class SpectrumPanel(Panel):
    """Which eigenvalues that EDMD finds in snapshots may be believed, and for how long?

    Left the eigenvalues, each with a ring that grows with its residual: solid below 0.05, dotted from there on. Right
    the residuals themselves, and lambda^t against the eigenfunction h along fresh orbits, whose h(s_t) / h(s_0) would
    be exactly that, with a line at the step up to which it is trusted. Click an eigenvalue, or its row, to take it in
    the hand; drag it, or move modulus and angle: the residual of the number in the hand is the least that any
    combination of the observables has there.

    system: a planar one (default: a slow manifold, its starts from -2.5 to 2.5); observables: names of the list (1, s1,
    s2, s1^2, s1 s2, s2^2, tanh(3 s2), 40 bumps), or a dictionary from further names to functions of states (n, 2) ->
    (n,), which are then in the list and ticked beside s1 and s2; snapshots: of the fit, 20 to 2,000; dt: time a step,
    0.001 to 1 (default 0.1; maps: 1); fresh: residuals on 1,000 snapshots that the fit has not seen, not on its own;
    eigenvalue: the number of the one in the hand, by falling modulus; moved: (modulus, angle in degrees) where it has
    been dragged to; whole: show the whole disc, not only where the eigenvalues are; seed: of the snapshots.
    Raises ValueError that names the argument.
    """

    def __init__(
        self,
        system: System | None = None,
        *,
        observables: Sequence[str] | Mapping[str, Observable] = FIRST,
        snapshots: float = 200,
        dt: float | None = None,
        fresh: bool = True,
        eigenvalue: int = 2,
        moved: tuple[float, float] | None = None,
        whole: bool = False,
        seed: int = 0,
    ) -> None:
        self.system = _system(system)
        flow = isinstance(self.system, Flow)
        if not flow and dt not in (None, 1):
            raise ValueError(f"dt must be 1 for a map, which steps by one, got {dt}")
        self._own = observables if isinstance(observables, Mapping) else None
        known = listed(self._own)
        self._first = (*FIRST, *self._own) if self._own is not None else observables
        options = (*known, BUMPS)
        self._beliefs = Beliefs(self.system, known, checks.positive_int("seed", seed, 0))
        ticked = Choices("observables", "Observables", options=options)
        self._first = ticked.check(self._first)
        shown: list[Control] = [
            dataclasses.replace(ticked, value=self._first),
            Toggle("fresh", "Fresh snapshots", value=fresh, tip="Residuals on snapshots that the fit has not seen"),
            Slider("snapshots", "Snapshots", *SNAPSHOTS, 1, snapshots, log=True),
            *([Slider("dt", "dt", *DT, 0.001, 0.1 if dt is None else dt, log=True)] if flow else []),
            _Number("eigenvalue", "Eigenvalue", 1, MOST, 1, eigenvalue, scrub=True),
            Slider("modulus", "Modulus", 0.0, MODULUS, 0.001, 1.0),
            Slider("angle", "Angle", -180.0, 180.0, 0.1, 0.0, unit="°"),
            Button("back", "Put it back", tip="On the eigenvalue that it was taken from"),
            Toggle("whole", "Whole disc", value=whole),
            Handle("hand", "The number in your hand", subplot=DISC, step=0.005,
                   value=(1.0, 0.0), box=(-MODULUS, MODULUS, -MODULUS, MODULUS)),
        ]  # fmt: skip
        state: dict[str, Any] = {"moved": None if moved is None else _polar(moved)} | ({} if flow else {"dt": 1.0})
        values = state | {control.name: control.value for control in shown if hasattr(control, "value")}
        placed = self._placed(self.compute(**values))
        for place, control in enumerate(shown):  # where the number is, before anything is drawn
            if control.name in placed:
                shown[place] = dataclasses.replace(control, value=placed[control.name])  # type: ignore[call-arg]
            if isinstance(control, _Number):
                shown[place] = dataclasses.replace(shown[place], found=placed["found"])  # type: ignore[call-arg]
        super().__init__(shown, None, {"system": system, "seed": seed}, **state)

    def compute(self, **values: Any) -> Belief:
        """Return the eigenvalues of the ticked observables with their residuals, and the number in the hand."""
        return self._beliefs(**{name: v for name, v in values.items() if name not in ("modulus", "angle", "hand")})

    def drawing(self, record: Belief) -> FigureSpec:
        """Return plane, residuals and strip; how many are believed, and for how long, as the state."""
        return belief_figure(record)

    def table(self, record: Belief) -> Table:
        """Return a row for each eigenvalue."""
        return belief_table(record)

    def changed(self, name: str) -> None:
        """Let the hand, modulus and angle follow one another, and the eigenvalue that they belong to."""
        if name == "hand":
            x, y = self.values["hand"]
            left, right, bottom, top = view_of(self.record)
            number = complex(min(max(x, left), right), min(max(y, bottom), top))
            self.values["moved"] = _polar_of(number)
        elif name in ("modulus", "angle"):
            before = _shown(self.record.number)  # what is shown is rounded: the other one stays as it was, in full
            now = self.values["modulus"], self.values["angle"]
            whole = _polar_of(self.record.number)
            self.values["moved"] = tuple(w if n == b else n for n, b, w in zip(now, before, whole, strict=True))
        elif name == "eigenvalue":
            self.values["moved"] = None
        elif name == "snapshots":
            self.hold("snapshots", round(self.values["snapshots"]))
        self._follow()

    def pressed(self, name: str) -> None:
        """Put the number back."""
        self.values["moved"] = None
        self._follow()
        self.refresh(cue=True)

    def clicked(self, subplot: int, x: float, y: float) -> None:
        """Take the eigenvalue nearest to a click in the disc, or the row nearest to one among the residuals."""
        values = self.record.values
        if not len(values) or subplot not in (DISC, ROWS):
            return
        upper = leaders(values)
        place = nearest(values, complex(x, y)) if subplot == DISC else upper[min(max(round(-y) - 1, 0), len(upper) - 1)]
        self.hold("eigenvalue", min(int(place) + 1, MOST))
        self.values["moved"] = None
        self._follow()
        self.refresh(cue=True)

    def recipe(self) -> str:
        """Return the line that makes this panel again; functions of your own stand there as `observables`."""
        with self._guard:
            if self._own is None:
                return super().recipe()
            ticked = self.values["observables"]
            try:
                self.values["observables"] = self._own
                line = super().recipe()
            finally:
                self.values["observables"] = ticked
            return line if ticked == self._first else f"{line}.set(observables={spelled(ticked, 'observables')})"

    def _follow(self) -> None:
        """Set the controls of the number in the hand to where it is; show the whole disc where it has left the rest."""
        placed = self._placed(self.compute(**self.values))
        self.figure_widget.control("eigenvalue", high=placed.pop("found"))
        for name, value in placed.items():
            self.hold(name, value)

    def _placed(self, record: Belief) -> dict[str, Any]:
        """Return where a record's number stands, by control; found: how far the numbers of eigenvalues go."""
        number = record.number
        left, right, bottom, top = view_of(record)
        slack = 0.01 * (right - left)
        inside = left - slack <= number.real <= right + slack and bottom - slack <= number.imag <= top + slack
        modulus, angle = _shown(number)
        count = min(len(record.values), MOST)
        return {
            "found": max(2, count), "eigenvalue": min(1 + (record.picked or 0), max(1, count)),
            "whole": record.whole or (record.moved and not inside),
            "modulus": modulus, "angle": angle, "hand": (number.real, number.imag),
        }  # fmt: skip


def _system(given: System | None) -> System:
    """Return a planar system that nobody else changes."""
    if given is None:
        system: System = SlowManifold()
        system.box = BOX
        return system
    if not isinstance(given, System) or given.dim != 2:
        raise ValueError(f"system must be a System of two coordinates, such as VanDerPol(), got {given!r}")
    return copy.copy(given)


def _polar_of(number: complex) -> tuple[float, float]:
    """Return modulus and angle in degrees, the modulus as large as a hand can have it."""
    return round(min(abs(number), MODULUS), 5), round(math.degrees(cmath.phase(number)), 3)


def _shown(number: complex) -> tuple[float, float]:
    """Return modulus and angle as the sliders show them."""
    modulus, angle = _polar_of(number)
    return round(modulus, 3), round(angle, 1)


def _polar(moved: Any) -> tuple[float, float]:
    """Return a modulus and an angle in degrees, or raise a ValueError."""
    if isinstance(moved, str) or not isinstance(moved, Sequence) or len(moved) != 2:
        raise ValueError(f"moved must be (modulus, angle in degrees) or None, got {moved!r}")
    return checks.real("moved's modulus", moved[0], 0.0, MODULUS), checks.real("moved's angle", moved[1], -180.0, 180.0)
