"""What does the Koopman operator do to an observable? It drags its picture; an eigenfunction's only fades and turns."""

from __future__ import annotations

from simviz import checks
from simviz.figures.tables import Table
from simviz.live.controls import Control, Select
from simviz.live.panels.dragged.drag import OBSERVABLES, STEPS, SYSTEMS, Dragged, centre, dragged, nearest_cell
from simviz.live.panels.dragged.drawing import PLANE, dragged_figure, dragged_table
from simviz.live.panels.scrubbed import Scrubbed
from simviz.records import FigureSpec

PACE = 1 / 6
"""Seconds from step to step."""


class ObservablePanel(Scrubbed):
    """What does the Koopman operator K do to a picture of an observable g?

    Left g as colours and lines on the plane; Step applies K once, and what stands at s is g(F(s)). Right g along the
    orbit of the dot, which is what the picture says at the dot's start; below, by how much the picture differs from
    every multiple of the first one: 0 for an eigenfunction, which only fades by |lambda| and turns by its angle. Click
    in the plane for another start.

    system: "slow manifold" or "Stuart-Landau"; observable: "s1", "s2", "s1^2", "s1 s2", "s2 - c s1^2" (c = 10/9),
    "e^(i theta)" or "(1 - r^2) / r^2"; steps: how often K has been applied, 0 to 60; start: of the orbit, (s1, s2),
    taken to the centre of its cell; dt: time a step, 0.01 to 1. Raises ValueError that names the argument.
    """

    def __init__(
        self,
        system: str = "slow manifold",
        *,
        observable: str = "s2",
        steps: float = 0,
        start: tuple[float, float] = (1.46875, -0.96875),
        dt: float = 0.1,
    ) -> None:
        controls: list[Control] = [
            Select("system", "System", options=tuple(SYSTEMS), value=system),
            Select("observable", "Observable", options=tuple(OBSERVABLES), value=observable),
        ]
        place = checks.tensor("start", start, (2,), "(s1, s2)").tolist()
        state = {"start": self._placed(system, (place[0], place[1])), "dt": checks.real("dt", dt, 0.01, 1.0)}
        super().__init__("Steps of K", steps, STEPS, controls, PACE, **state)

    def compute(self, *, system: str, observable: str, steps: int, start: tuple[float, float], dt: float) -> Dragged:
        """Return g before and after so many steps of K, the nearest multiple, and g along the orbit."""
        return dragged(system=system, observable=observable, step=int(steps), start=start, dt=dt)

    def drawing(self, record: Dragged) -> FigureSpec:
        """Return plane, readings and change of shape; what has become of the picture as the state."""
        return dragged_figure(record)

    def table(self, record: Dragged) -> Table:
        """Return a row for each step so far."""
        return dragged_table(record)

    def changed(self, name: str) -> None:
        """Take the start to a cell of the present system."""
        if name == "system":
            self.values["start"] = self._placed(self.values["system"], self.values["start"])
        super().changed(name)

    def clicked(self, subplot: int, x: float, y: float) -> None:
        """Let the orbit start in the cell of a click."""
        if subplot == PLANE:
            self.values["start"] = self._placed(self.values["system"], (x, y))
            self.refresh(cue=True)

    @staticmethod
    def _placed(system: str, start: tuple[float, float]) -> tuple[float, float]:
        return centre(system, nearest_cell(system, start))
