"""What does the spectrum of a trained SIM say? Its coordinates turn, the eigenvalues fly, and no output moves."""

from __future__ import annotations

from typing import Any

from simviz import checks
from simviz.figures.tables import Table
from simviz.live.controls import Control, Select, Slider, Toggle
from simviz.live.panels.gauge.drawing import gauge_figure, gauge_table
from simviz.live.panels.gauge.subject import COORDINATES, TURNS, subject
from simviz.live.panels.gauge.turned import Gauged, turned
from simviz.live.panels.scrubbed import Scrubbed
from simviz.records import FigureSpec

PACE = 1 / 30
"""Seconds from degree to degree."""
SHOWN = 130
"""Degrees over which still pictures are spread: a whole turn would end where it began."""


class GaugePanel(Scrubbed):
    r"""What do the outputs of a trained classifier know of the eigenvalues of its limit? Nothing.

    Left a test image and its logits, over those of the trained model, dashed. Right the eigenvalues of V^T U, in
    coordinates of one's choice: U becomes R U and the decoder's first matrix :math:`W_1 R^{-1}`, and everything behind
    the basis is computed anew, in float64, for all test images. Start turns the coordinates: planes of the space of
    observables, drawn at random, go round once, twice or three times in 360 degrees. Fold multiplies the matrices.

    sim: a trained SIM with a LowRank propagator; task: its Task of labelled images (the test part is used);
    coordinates: "as trained", "projection" (all eigenvalues 1), "all zero" or "spiral"; steps: degrees of the turn, 0
    to 360; digit: number of the test image; fold: one matrix instead of W1, U, V^T and the basis' last. Raises
    ValueError that names the argument.
    """

    def __init__(
        self,
        sim: Any,
        task: Any,
        *,
        coordinates: str = "as trained",
        steps: float = 0,
        digit: int = 0,
        fold: bool = False,
    ) -> None:
        self._subject = subject(sim, task)
        count = len(self._subject.y)
        controls: list[Control] = [
            Select("coordinates", "Coordinates", options=COORDINATES, value=coordinates),
            Slider("digit", "Digit", 0, count - 1, 1, checks.positive_int("digit", digit, 0), tip="Another test image"),
            Toggle("fold", "Fold", value=fold, tip="Multiply the matrices between the nonlinearities"),
        ]
        super().__init__("Turn (degrees)", steps, TURNS, controls, PACE)
        self.given = {"sim": sim, "task": task}

    def compute(self, *, coordinates: str, steps: int, digit: int, fold: bool) -> Gauged:
        """Return the classifier in turned coordinates: eigenvalues, and outputs beside those of the trained one."""
        return turned(self._subject, coordinates=coordinates, steps=int(steps), digit=int(digit), fold=fold)

    def drawing(self, record: Gauged) -> FigureSpec:
        """Return image, logits, eigenvalues and matrices; what the outputs know of the eigenvalues as the state."""
        (d, rank), bare = self._subject.V.shape, self._subject.last is None
        return gauge_figure(record, 2 * d + rank + (0 if bare else self._subject.hidden.shape[1]))

    def table(self, record: Gauged) -> Table:
        """Return a row for each logit and each eigenvalue."""
        return gauge_table(record)

    def length(self) -> int:
        """Return over how many degrees still pictures are spread."""
        return SHOWN
