"""Does descent find a frequency? Its loss has many dips; a dot rolls into the one it was put next to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simviz import checks
from simviz.dynamics.systems import Oscillator, System, VanDerPol
from simviz.figures.tables import Table
from simviz.live.controls import Button, Control, Handle, Slider
from simviz.live.panels.landscape.drawing import LAND, roll_figure, roll_table
from simviz.live.panels.landscape.losses import ANGLES, STEPS, Tails
from simviz.live.panels.landscape.roll import Roll, landscape, rolled
from simviz.live.panels.scrubbed import Scrubbed
from simviz.records import FigureSpec

PACE = 1 / 12
"""Seconds from step to step."""
HARMONICS, LENGTHS = (1, 8), (24, 128)
COUNT = 16
"""Trajectories that are made of a system, of twice as many steps as the longest tail."""


class LandscapePanel(Scrubbed):
    """Where does gradient descent on a frequency end? In the dip it starts in.

    Above, against the base angle theta, the share of the tails' variance that sines of theta, 2 theta .. leave when
    every amplitude is the best one (variable projection, Golub and Pereyra 1973). Drag the dot to another start, or
    click; Start lets it roll, a step of gradient descent a pull. Below a tail and its fit at the dot, and the loss.

    system: an `Oscillator`, whose angle is known, another System of one rhythm, or trajectories (batch, time, dim)
    whose later halves are fitted, at least 48 steps in all (default: Van der Pol, mu 1); dt: time of a step of a flow;
    angle: where the dot starts, 0.05 to 1.2 radians a step; harmonics: 1 to 8; length: steps of a tail, 24 to 128;
    steps: of the descent, 0 to 120; seed: of the initial conditions. Raises ValueError that names the argument.
    """

    def __init__(
        self,
        system: Any = None,
        dt: float = 0.3,
        *,
        angle: float = 0.35,
        harmonics: float = 8,
        length: float = 96,
        steps: float = 0,
        seed: int = 0,
    ) -> None:
        self._tails = _tails(system, dt, seed)
        longest = min(LENGTHS[1], self._tails.data.shape[1])
        tail = Slider("length", "Tail (steps)", LENGTHS[0], longest, 1, min(length, longest))
        controls: list[Control] = [
            Slider("angle", "Start (radians a step)", *ANGLES, 0.001, angle),
            Slider("harmonics", "Harmonics", *HARMONICS, 1, harmonics),
            tail,
            Button("peak", "Start from the data", tip="At the highest peak of the tails' Fourier spectrum"),
            Handle("dot", "Start", subplot=LAND, value=(angle, 0.0), step=0.002, box=(*ANGLES, 0.0, 100.0)),
        ]
        super().__init__("Steps", steps, STEPS, controls, PACE)
        self.given = {"system": system, "dt": dt, "seed": seed}
        self._place()

    def compute(self, *, angle: float, harmonics: int, length: int, steps: int, **_: Any) -> Roll:
        """Return the landscape and the descent from its start, after so many steps or at its end."""
        return rolled(self._tails, start=float(angle), harmonics=int(harmonics), length=int(length), steps=int(steps))

    def drawing(self, record: Roll) -> FigureSpec:
        """Return landscape, fit and loss; in which dip the dot is as the state."""
        return roll_figure(record)

    def table(self, record: Roll) -> Table:
        """Return a row for each step so far."""
        return roll_table(record)

    def changed(self, name: str) -> None:
        """Begin at the start again, wherever it was put."""
        if name == "dot":
            self.hold("angle", round(self.values["dot"][0], 4))
        if name != "steps":
            self.hold("steps", 0)
            self._place()
        super().changed(name)

    def pressed(self, name: str) -> None:
        """Start from the highest peak of the data's Fourier spectrum."""
        self.hold("angle", self._tails.peak(int(self.values["length"])))
        self.changed("angle")
        self.refresh(cue=True)

    def clicked(self, subplot: int, x: float, y: float) -> None:
        """Start from a click."""
        if subplot == LAND:
            self.hold("angle", round(min(max(x, ANGLES[0]), ANGLES[1]), 4))
            self.changed("angle")
            self.refresh(cue=True)

    def length(self) -> int:
        """Return how many steps the descent takes."""
        return max(1, self.record.total)

    def _place(self) -> None:
        """Put the handle onto the curve."""
        land = landscape(self._tails, int(self.values["length"]), int(self.values["harmonics"]))
        start = float(self.values["angle"])
        self.hold("dot", (start, 100 * min(max(land.at(start)[0], 0.0), 1.0)))

    def _beats(self) -> Iterator[int]:
        """Yield one step more each time, to the end of the descent; from there, begin anew."""
        if self.values["steps"] >= self.length():
            yield 0
        while self.values["steps"] < self.length():
            yield int(self.values["steps"]) + 1


def _tails(system: Any, dt: float, seed: int) -> Tails:
    """The later halves of a system's trajectories, or of those given, in float64."""
    one = VanDerPol() if system is None else system
    checks.positive("dt", dt)
    first = checks.positive_int("seed", seed, 0)
    if isinstance(one, System):
        data = one.trajectories(COUNT, 2 * LENGTHS[1], dt, first)
    else:
        data = checks.tensor("system", one, (None, None, None), "a System or trajectories (batch, time, dim)")
    half = data[:, data.shape[1] // 2 :].detach().cpu().double()
    if half.shape[1] < LENGTHS[0]:
        raise ValueError(f"system must have trajectories of at least {2 * LENGTHS[0]} steps, got {data.shape[1]}")
    if float((half - half.mean(1, keepdim=True)).square().sum()) <= 1e-12 * float(half.square().sum()):
        raise ValueError("system must have trajectories that move in their later halves; these stand still")
    return Tails(half.contiguous(), one.angle(dt) if isinstance(one, Oscillator) else None)
