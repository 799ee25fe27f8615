"""Who can tell the time? Models that hear an excerpt of a rhythm and are asked for its signal at any later moment."""

from __future__ import annotations

from collections.abc import Mapping

from simviz import checks
from simviz.figures.tables import Table
from simviz.learning.run import Run
from simviz.live.controls import Select, Slider
from simviz.live.panels.clock.answers import MOST, NAMES, Asked, Lessons, asked
from simviz.live.panels.clock.drawing import clock_figure, clock_table
from simviz.live.panels.panel import Panel
from simviz.live.player import Player
from simviz.records import FigureSpec, TrainStep


class ClockPanel(Panel):
    """Teach models the clock task side by side, and see what each answers to an excerpt never heard.

    runs: up to six Runs of one task of `data.rhythms`, by name, such as `experiments.tell_time` returns; rhythm: of the
    excerpt, "sine", "pulse", "two tones" or "square"; excerpt: its number among the test excerpts of that rhythm. Start
    trains all of them, whoever has done the smallest share next. The table gives the mean squared errors within the
    trained times and beyond. Raises ValueError that names the argument.
    """

    open_table = True

    def __init__(self, runs: Mapping[str, Run], *, rhythm: str = "two tones", excerpt: float = 0) -> None:
        if not isinstance(runs, Mapping) or not 1 <= len(runs) <= MOST:
            raise ValueError(f"runs must be 1 to {MOST} Runs by name, got {runs!r:.80}")
        if not all(isinstance(run, Run) and run.task.name == "rhythms" for run in runs.values()):
            raise ValueError("runs must all be Runs of one task of data.rhythms, see experiments.tell_time")
        if len({id(run.task) for run in runs.values()}) > 1:
            raise ValueError("runs must all be of one task, so that they are asked the same")
        self.runs = {str(name): run for name, run in runs.items()}
        counts = next(iter(self.runs.values())).task.test[2].bincount(minlength=len(NAMES))
        if int(counts.min()) < 1:
            raise ValueError("runs must be of a task whose test part has every rhythm: make test larger")
        controls = [
            Select("rhythm", "Rhythm", options=NAMES, value=checks.one_of("rhythm", rhythm, NAMES)),
            Slider("excerpt", "Excerpt", 0, int(counts.min()) - 1, 1, excerpt, scrub=True),
        ]
        super().__init__(controls, Player(Lessons(self.runs)), {"runs": runs})

    def length(self) -> int:
        """Return the steps of all trainings together."""
        return sum(run.total_steps for run in self.runs.values())

    def played(self, item: tuple[str, TrainStep]) -> None:
        """Nothing is kept: the runs have it all."""

    def compute(self, *, rhythm: str, excerpt: float) -> Asked:
        """Return the excerpt, its signal, and what every model says as it is now."""
        return asked(self.runs, rhythm, int(excerpt))

    def drawing(self, record: Asked) -> FigureSpec:
        """Return a strip for each model; their errors as the state."""
        return clock_figure(record)

    def table(self, record: Asked) -> Table:
        """Return a row for each model, and the best constant."""
        return clock_table(record)
