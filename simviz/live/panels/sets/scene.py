"""What does the panel show at one moment? All that is drawn, and the sentence that says it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from simviz.dynamics.orbits import set_distance
from simviz.dynamics.systems import Oscillator, System
from simviz.live.panels.sets import gallery
from simviz.live.panels.sets.layer import Layer
from simviz.live.panels.sets.phases import loop
from simviz.live.panels.sets.shadow import Pair
from simviz.live.panels.sets.spectra import counted
from simviz.live.panels.sets.survey import Survey
from simviz.records import Spectrum


@dataclass(frozen=True)
class Scene:
    """What a SetPanel shows at one moment; the parts that are not known yet are None.

    columns: the two coordinates drawn; view: its name; dots: (count, dim), after `time`; labels: (count,) the set that
    each dot comes to; pair, moment: a start of the reader's, and the number of its present moment.
    """

    system: System
    columns: tuple[int, int]
    view: str
    dots: np.ndarray
    labels: np.ndarray
    time: float
    survey: Survey | None
    spectrum: Spectrum | None
    layer: Layer | None
    pair: Pair | None
    moment: int

    def seen(self, states: np.ndarray) -> np.ndarray:
        """(n, dim) -> (n, 2): where states are drawn; of a map of one coordinate, each over the next."""
        if self.system.dim == 1:
            given = torch.from_numpy(np.ascontiguousarray(states))
            return np.stack([states[:, 0], self.system.step(given)[:, 0].numpy()], 1)  # type: ignore[attr-defined]
        return states[:, list(self.columns)]

    @property
    def names(self) -> tuple[str, str]:
        """The two coordinates' names."""
        if self.system.dim == 1:
            return "s", "next s"
        given = self.system.coordinates or tuple(f"s{n + 1}" for n in range(self.system.dim))
        return given[self.columns[0]], given[self.columns[1]]

    @property
    def sentence(self) -> str:
        """Say what is seen, in numbers of this moment, and one thing to try."""
        system, dots, survey, layer, pair = self.system, self.dots, self.survey, self.layer, self.pair
        knob = gallery.knob(system)
        begin = "" if knob is None else f"{knob.name} {getattr(system, knob.name):.3g}: "
        if pair is not None:
            after = f"{begin}your start after {pair.times[self.moment]:.1f}"
            gaps = pair.gaps
            return (
                f"{after}: {pair.source}" if gaps is None else f"{after} is {gaps[self.moment]:.2g} from {pair.source}"
            )
        if survey is None:
            return f"{begin}looking ahead: where will these {len(dots)} dots end?"
        words = begin + survey.words()
        if self.view == "phase":
            if not isinstance(system, Oscillator):
                return f"{words}. A phase is drawn of planar loops alone: choose one"
            if layer is None:
                return f"{words}; following the plane to the loop ..."
            return f"{words}; {layer.words()}. Click a start to see it meet its shadow"
        if self.view == "orbits":
            drawn = "an orbit, step by step" if system.dim == 1 else f"{len(survey.orbits)} orbits from their starts"
            return f"{words}: {drawn}"
        if self.view == "density":
            return f"{words}: where {len(dots)} orbits are in the long run"
        if self.spectrum is not None:
            words += f"; {counted(self.spectrum)}"
        if self.time == 0:
            task = f", then {knob.task}" if knob is not None else ""
            return f"{words}. Press Start (space){task}"
        away = _away(system, dots, survey)
        return words if away is None else f"{words}; half of the dots are within {away:.2g} of where they end"


def _away(system: System, dots: np.ndarray, survey: Survey) -> float | None:
    """Return the median distance of the dots from what they come to; None where that is not known point by point."""
    settled = dots[np.isfinite(dots).all(1)]
    if not len(settled):
        return None
    if isinstance(system, Oscillator):
        return float(set_distance(settled, loop(system)).forward.median())
    if survey.kind in ("fixed point", "closed curve"):
        return float(set_distance(settled, np.concatenate(survey.tails)).forward.median())
    return None
