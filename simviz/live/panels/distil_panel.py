"""Does a SIM stand in for a DEQ? Two pages: its answers z*(x), distilled; its orbits, round z* and past it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from simviz import checks
from simviz.figures.tables import Table
from simviz.learning.recipes.distillation import distillation
from simviz.learning.run import Run
from simviz.learning.task import Task
from simviz.live.controls import Control, Select, Slider
from simviz.live.panels.distil.answers import Answers, Student, students
from simviz.live.panels.distil.drawing import answers_figure, answers_table, orbits_figure, orbits_table
from simviz.live.panels.distil.orbits import Orbits, orbits, run_of, situation
from simviz.live.panels.panel import Panel
from simviz.live.player import Player
from simviz.models.deq import DEQ
from simviz.records import FigureSpec

PAGES = ("answers", "orbits")
RANKS = (1, 2, 4, 8, 16, 32)
CELLS = 20
"""Teachers of the orbits' page that can be chosen."""
STEPS = 10
"""Steps of a SIM's training a pull, on the orbits' page."""


class Lesson(NamedTuple):
    """The run that teaches a SIM the situation of this radius and cell."""

    radius: float
    cell: int
    run: Run


class DistilPanel(Panel):
    """Teach SIMs what a deep equilibrium model knows: its answers on one page, its iterates on the other.

    Answers: Start teaches students x -> z*(x), SIMs of growing rank and the plain nets of their sizes, for several
    seeds; drawn is the relative error on held-out inputs. teacher: a trained DEQ; x: (samples, ...) examples of its
    inputs; test: inputs held out (default: a fifth of x).

    Orbits: a cell of its own kind (`learning.teachers`) with one leading pair, whose modulus is the slider's. Iterates
    in the plane in which they turn; on one disc the Jacobian's eigenvalues, EDMD's and the SIM's, which Start trains;
    the residuals of Picard and Anderson. Past radius 1 the SIM learns the loop.

    page: "answers" or "orbits"; radius: 0.5 to 1.2; cell: number of the cell, 0 to 19; ranks, seeds, training, pairs:
    of the students, their steps and the pairs they see. Without a teacher there is the orbits' page alone. Raises
    ValueError that names the argument.
    """

    def __init__(
        self,
        teacher: DEQ | None = None,
        x: Any = None,
        *,
        test: Any = None,
        page: str | None = None,
        radius: float = 0.9,
        cell: float = 1,
        ranks: Sequence[int] = RANKS,
        seeds: int = 3,
        training: int = 1000,
        pairs: int = 16384,
    ) -> None:
        if (teacher is None) != (x is None):
            raise ValueError("teacher and x belong together: give the DEQ and examples of its inputs, or neither")
        checks.positive_int("pairs", pairs)
        self._pairs: Task | None = None if teacher is None else distillation(teacher, x, test, pairs=pairs)
        listed = tuple(sorted({checks.positive_int("ranks", rank) for rank in ranks}))
        if not listed:
            raise ValueError("ranks must hold at least one number, got none")
        self._school = (listed, checks.positive_int("seeds", seeds), checks.positive_int("training", training))
        known = PAGES if teacher is not None else PAGES[1:]
        controls: list[Control] = [
            Select(
                "page", "Page", options=known, value=known[0] if page is None else checks.one_of("page", page, known)
            ),
            Slider("radius", "Radius", 0.5, 1.2, 0.01, radius, scrub=True, tip="largest modulus of df/dz at z*"),
            Slider("cell", "Cell", 0, CELLS - 1, 1, cell),
        ]
        given = {"teacher": teacher, "x": x, "test": test, "ranks": ranks, "seeds": seeds, "training": training}
        self._run: Lesson | None = None
        super().__init__(controls, Player(self._beats), {**given, "pairs": pairs}, taught=(), trained=0)

    def length(self) -> int:
        """Return the pulls of the present page."""
        ranks, seeds, training = self._school
        if self.values["page"] == PAGES[0]:
            return 2 * len(ranks) * seeds * -(-training // 50)
        return 80 if self.values["radius"] <= 1 else 150

    def _beats(self) -> Iterator[Student | Lesson]:
        """Teach students, or a SIM of the present situation: whatever the page shows when it begins."""
        if self.values["page"] == PAGES[0]:
            assert self._pairs is not None
            yield from students(self._pairs, *self._school)
            return
        radius, cell = self.values["radius"], int(self.values["cell"])
        run = run_of(situation(radius, cell), 0)
        for step in run:
            if step.step % STEPS == 0 or step.step == run.total_steps:
                yield Lesson(radius, cell, run)

    def played(self, item: Student | Lesson) -> None:
        """Take in a student as it is now, or that the SIM has learned some steps."""
        if isinstance(item, Lesson):
            self._run = item
            self.values["trained"] = item.run.step
            return
        taught = self.values["taught"]
        if taught and taught[-1].error is None:
            taught = taught[:-1]
        self.values["taught"] = (*taught, item)

    def restarted(self) -> None:
        """Forget all students, and the SIM."""
        self._run = None
        self.values |= {"taught": (), "trained": 0}

    def changed(self, name: str) -> None:
        """Another page or another cell is another lesson: what was learned belongs to the one before."""
        assert self.player is not None
        if name == "page" or self.values["page"] == PAGES[1]:
            self.player.reset()
            self.restarted()

    def compute(
        self, *, page: str, radius: float, cell: float, taught: tuple[Student, ...], trained: int
    ) -> Answers | Orbits:
        """Return the students so far, or the situation and what the SIM says of it."""
        if page == PAGES[0]:
            return Answers(*self._school, taught)
        lesson = self._run if trained else None
        if lesson is not None and (lesson.radius, lesson.cell) != (radius, int(cell)):  # a pull between two situations
            lesson = None
        return orbits(situation(radius, int(cell)), None if lesson is None else lesson.run)

    def drawing(self, record: Answers | Orbits) -> FigureSpec:
        """Return the page, how things stand as its state."""
        return answers_figure(record) if isinstance(record, Answers) else orbits_figure(record)

    def table(self, record: Answers | Orbits) -> Table:
        """Return a row for each student, or for each eigenvalue."""
        return answers_table(record) if isinstance(record, Answers) else orbits_table(record)
