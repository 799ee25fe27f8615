"""If no dot can be followed, what stands still? A drop of ink is stirred: twins part, bars come to rest."""

from __future__ import annotations

from simviz.figures.tables import Table
from simviz.live.controls import Control, Select, Slider, Toggle
from simviz.live.panels.ink.drawing import ink_figure, ink_table
from simviz.live.panels.ink.stir import MAPS, STEPS, Stirred, stirred
from simviz.live.panels.scrubbed import Scrubbed
from simviz.records import FigureSpec

PACE = 1 / 3
"""Seconds from step to step."""


class InkPanel(Scrubbed):
    """What becomes of a drop of ink that a map of the unit interval stirs?

    Left 5,000 dots, two of them twins 1e-6 apart, and the twins' distance; in the middle the share of dots in each of
    25 cells, the exact invariant density, and what Ulam's matrix makes of the drop; right the matrix, drawn as the
    graph of its map, above its eigenvalues, of which only the 1 is the map's. Start stirs.

    map: "logistic" (growth 4), "Gauss" or "rotation" (by the golden angle); steps: 0 to 60; cells: of Ulam's matrix, 20
    to 400; features: mark the eigenvalues in 200 random Fourier features as well; bandwidth: of these, 0.02 to 1.
    Raises ValueError that names the argument.
    """

    def __init__(
        self,
        map: str = "logistic",
        *,
        steps: float = 0,
        cells: float = 60,
        features: bool = False,
        bandwidth: float = 0.3,
    ) -> None:
        controls: list[Control] = [
            Select("map", "Map", options=tuple(MAPS), value=map),
            Slider("cells", "Cells", 20, 400, 1, cells),
            Toggle("features", "Random features", value=features),
            Slider("bandwidth", "Bandwidth", 0.02, 1.0, 0.01, bandwidth, log=True),
        ]
        super().__init__("Steps", steps, STEPS, controls, PACE)

    def compute(self, *, map: str, steps: int, cells: int, features: bool, bandwidth: float) -> Stirred:
        """Return dots, bars, Ulam's matrix and what it makes of the drop after so many steps."""
        return stirred(map=map, steps=steps, cells=cells, features=features, bandwidth=bandwidth)

    def drawing(self, record: Stirred) -> FigureSpec:
        """Return dots, bars, matrix and disc; how dots and ink stand as the state."""
        return ink_figure(record)

    def table(self, record: Stirred) -> Table:
        """Return a row for each bar."""
        return ink_table(record)

    def changed(self, name: str) -> None:
        """Show the random features as soon as their bandwidth is turned."""
        if name == "bandwidth":
            self.hold("features", True)
        super().changed(name)
