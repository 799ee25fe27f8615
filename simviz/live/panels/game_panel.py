"""Can a set be told from its spectrum? A game of seven rounds: a disc and five sets, or a set and four discs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simviz import checks
from simviz.figures.tables import Table
from simviz.live.controls import Button, Control
from simviz.live.panels.game.drawing import round_figure, round_table
from simviz.live.panels.game.questions import LETTERS, ROUNDS, Question, question
from simviz.live.panels.game.words import named, right
from simviz.live.panels.panel import Panel
from simviz.records import FigureSpec


@dataclass(frozen=True)
class Round:
    """A round as it stands: the question, the answers so far (the last may be to this one), and how many fit."""

    question: Question
    seed: int
    answers: tuple[str, ...]
    right: int


class GamePanel(Panel):
    """Tell a set from its spectrum, or the spectrum from the set, in seven rounds.

    A disc of eigenvalues is shown and one of five sets to be picked (a point, two basins, a loop, a torus, chaos);
    every second round a set is shown and one of four discs to be picked; in the last two sets fit. Press a letter or
    click a picture. All eigenvalues are exact; chaos has 1 alone.

    seed: of the rounds; answers: letters given so far, in order; round: 1 to 7, answered or the next one to be. Raises
    ValueError that names the argument.
    """

    def __init__(self, seed: int = 0, *, answers: Sequence[str] = (), round: int | None = None) -> None:
        number = checks.positive_int("seed", seed, 0)
        given = _checked(number, answers)
        last = min(len(given) + 1, ROUNDS)
        now = last if round is None else checks.positive_int("round", round)
        if now not in (len(given), len(given) + 1) or not 1 <= now <= ROUNDS:
            raise ValueError(f"round must be the last one answered or the next, {len(given)} or {last}, got {now}")
        controls: list[Control] = [
            *(Button(letter.lower(), letter) for letter in LETTERS),
            Button("next", "Next round"),
            Button("again", "Play again", tip="Other rounds, from the first"),
        ]
        super().__init__(controls, None, seed=number, answers=given, round=now)
        self._label()

    def compute(self, *, seed: int, answers: tuple[str, ...], round: int) -> Round:
        """Return the question of a round, and how the answers stand."""
        return Round(question(seed, round), seed, answers, right(seed, answers))

    def drawing(self, record: Round) -> FigureSpec:
        """Return what is shown and what may be picked; the question, or why, as the state."""
        return round_figure(record.question, record.seed, record.answers)

    def table(self, record: Round) -> Table:
        """Return a row for each eigenvalue that can be seen."""
        return round_table(record.question, record.seed, record.answers)

    def pressed(self, name: str) -> None:
        """Take an answer, or go on."""
        if name == "next":
            if self._answered and self.values["round"] < ROUNDS:
                self.values["round"] += 1
        elif name == "again":
            self.values |= {"seed": self.values["seed"] + 1, "answers": (), "round": 1}
        else:
            self.answer(name.upper())
            return
        self._show()

    def clicked(self, subplot: int, x: float, y: float) -> None:
        """Pick the picture of a click."""
        if 1 <= subplot <= len(self.record.question.options):
            self.answer(LETTERS[subplot - 1])

    def answer(self, letter: str) -> None:
        """Answer the present round; a second answer to it changes nothing.

        Raises ValueError for a letter that is not asked for.
        """
        checks.one_of("letter", letter, LETTERS[: len(self.record.question.options)])
        if not self._answered:
            self.values["answers"] = (*self.values["answers"], letter)
            self._show()

    @property
    def _answered(self) -> bool:
        return len(self.values["answers"]) >= self.values["round"]

    def _show(self) -> None:
        self.refresh(cue=True)
        self._label()

    def _label(self) -> None:
        """Let the buttons say what they stand for, those that mean nothing now greyed out."""
        words = named(self.record.question)
        for place, letter in enumerate(LETTERS):
            there = place < len(words)
            label = words[place] if there else letter
            self.figure_widget.control(letter.lower(), label=label, disabled=self._answered or not there)
        self.figure_widget.control("next", disabled=not self._answered or self.values["round"] == ROUNDS)


def _checked(seed: int, answers: Any) -> tuple[str, ...]:
    given = tuple(answers)
    if len(given) > ROUNDS:
        raise ValueError(f"answers must be at most {ROUNDS}, one a round, got {len(given)}")
    for number, letter in enumerate(given, 1):
        checks.one_of(f"answers to round {number}", letter, LETTERS[: len(question(seed, number).options)])
    return given
