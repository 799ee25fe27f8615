"""How is a check shown? A card with the verdict in words, two hints, and a solution that opens after an attempt."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from simviz.course.exercises.base import Exercise
from simviz.course.exercises.checking import (
    attempted,
    keep_words,
    onwards,
    open_hints,
    open_solution,
    opened,
    refusal,
    words_kept,
)
from simviz.course.exercises.judging import Verdict
from simviz.course.journal import JOURNAL
from simviz.course.wording import block, inline, to_html

if TYPE_CHECKING:
    import ipywidgets

_NAMES = ("First hint", "Second hint")
NO_CODE = (
    "Here is no place to write code: this one wants the notebook, which `simviz lab` opens. "
    "Think first what the answer could be; the hints are open to you here too."
)
"""Said on a page without code, in place of what to write where."""


def without_code() -> bool:
    """Return whether the kernel serves a page without code (Voila)."""
    return os.environ.get("SERVER_SOFTWARE", "").startswith("voila/")


def heading(exercise: Exercise) -> str:
    """Return the exercise's title as HTML."""
    return (
        f"<p><strong>Exercise {exercise.id}. {inline(exercise.title)}</strong>: <code>{exercise.signature}</code></p>"
    )


def as_page(exercise: Exercise) -> str:
    """Return the exercise for a page without a kernel: the statement, and hints that open; no solution."""
    folded = [*zip(_NAMES, exercise.hints, strict=True)]
    if exercise.afterwards is not None:
        question, ours = exercise.afterwards
        folded.append((f"Afterwards: {question}", ours))
    hints = "".join(f"<details><summary>{inline(name)}</summary>{to_html(text)}</details>" for name, text in folded)
    return f"<div>{heading(exercise)}{to_html(exercise.statement)}{hints}</div>"


def as_text(exercise: Exercise) -> str:
    """Return the exercise's title and statement as text."""
    return f"Exercise {exercise.id}. {exercise.title}: {exercise.signature}\n\n{exercise.statement}"


class Card:
    """The widgets of one check: `verdict`, `first`, `second`, `solution`, `opened`, and `box` around them all.

    Where something is asked after the pass, also `words`, `compare` and `beside`.
    """

    def __init__(self, exercise: Exercise, verdict: Verdict) -> None:
        self.exercise, self.outcome = exercise, verdict
        self._solved = False
        self.box = self._built()
        self._refresh()

    def _built(self) -> ipywidgets.VBox:
        import ipywidgets

        from simviz.course.cards import Said, button, framed

        asked = "<details{}><summary>What is asked</summary>{}</details>".format(
            " open" if self.outcome.outcome == "blank" else "", to_html(self.exercise.statement)
        )
        mark = f"<p><strong>{self.outcome.headline}.</strong></p>"
        unwritten = self.outcome.outcome == "blank" and without_code()
        text = NO_CODE if unwritten else self.outcome.text
        self.verdict = Said(value=f"{mark}{to_html(text)}<p>{onwards(self.outcome)}</p>")
        self.first = button(_NAMES[0], lambda: self._hint(1))
        self.second = button(_NAMES[1], lambda: self._hint(2))
        self.solution = button("Solution", self._solution)
        self.opened, self.note = Said(), ipywidgets.HTML()
        buttons = [self.first, self.second, *([] if unwritten else [self.solution])]  # it would never open there
        row = ipywidgets.HBox(buttons, layout=ipywidgets.Layout(flex_flow="row wrap"))
        head = ipywidgets.HTML(heading(self.exercise) + asked)
        return framed([head, self.verdict, row, self.opened, *self._afterwards(), self.note])

    def _afterwards(self) -> list[ipywidgets.Widget]:
        """What is asked once the exercise has been passed: a question, a box for the answer, and a place for both."""
        import ipywidgets

        from simviz.course.cards import Said, button

        if self.exercise.afterwards is None or not self.outcome.passed:
            return []
        question = ipywidgets.HTML(f"<p><strong>{inline(self.exercise.afterwards[0])}</strong></p>")
        self.words = ipywidgets.Textarea(
            value=words_kept(self.exercise),
            description="Your answer",
            rows=2,
            layout=ipywidgets.Layout(width="auto", height="auto"),
            style={"description_width": "initial"},
        )
        self.compare = button("Show ours beside it", self._compare)
        self.beside = Said()
        if self.words.value:
            self._lay_beside(self.words.value)
        return [question, self.words, ipywidgets.HBox([self.compare]), self.beside]

    def _compare(self) -> None:
        if not self.words.value.strip():
            self.beside.value = "<p>Write your answer first; one sentence will do.</p>"
            return
        self._lay_beside(keep_words(self.exercise, self.words.value))
        self._refresh()

    def _lay_beside(self, words: str) -> None:
        assert self.exercise.afterwards is not None
        pairs = (("Yours", words), ("Ours", self.exercise.afterwards[1]))
        both = "".join(f"<p><strong>{whose}.</strong> {inline(text)}</p>" for whose, text in pairs)
        self.beside.value = f"<div class='simviz-beside'>{both}</div>"

    def _hint(self, number: int) -> None:
        open_hints(self.exercise, number)
        self._refresh()

    def _solution(self) -> None:
        if attempted(self.exercise):
            open_solution(self.exercise)
            self._solved = True
            self._refresh()

    def _refresh(self) -> None:
        """Bring buttons and open hints to what the records say."""
        hints, ready = opened(self.exercise), attempted(self.exercise)
        self.first.disabled, self.second.disabled = hints > 0, hints != 1
        self.solution.disabled = not ready or self._solved
        self.solution.tooltip = "" if ready else refusal(self.exercise)
        shown = [
            f"<p><strong>{name}.</strong> {inline(text)}</p>"
            for name, text in zip(_NAMES, self.exercise.hints, strict=True)
        ]
        solved = f"<p><strong>Solution.</strong></p>{to_html(block(self.exercise.source))}" if self._solved else ""
        self.opened.value = "".join(shown[:hints]) + solved
        self.note.value = f"<p>{inline(JOURNAL.trouble)}</p>" if JOURNAL.trouble else ""

    def __repr__(self) -> str:
        return f"Exercise {self.exercise.id}: {self.outcome.headline}. {self.outcome.text}\n{onwards(self.outcome)}"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        from simviz.course.cards import bundle

        return bundle(self.box, repr(self), as_page(self.exercise))
