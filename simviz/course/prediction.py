"""What will happen? A question before the answer shows: choose, say how sure, commit; then each option is explained."""

from __future__ import annotations

from typing import Any

from simviz.course.journal import JOURNAL
from simviz.course.questions import QUESTIONS, Question
from simviz.course.wording import inline
from simviz.figures import stills

_GENTLE = (
    "You were sure, and it is otherwise: of all questions this is the one most worth a second look, or a word with "
    "a neighbour."
)


def predict(question: str) -> Prediction:
    """Return a question to be shown as the last line of a cell, `course.predict("01.pair")`.

    Raises ValueError for an unknown id, naming those there are.
    """
    if question not in QUESTIONS:
        raise ValueError(f"question must be one of {', '.join(QUESTIONS)}, got {question!r}")
    return Prediction(QUESTIONS[question])


class Prediction:
    """A question on its way to the reader. The first choice is the one that is kept, whenever it is shown again."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self._card: Any = None

    @property
    def card(self) -> Any:
        """The widgets (`prediction_card.PredictionCard`), made when first shown."""
        if self._card is None:
            from simviz.course.prediction_card import PredictionCard

            self._card = PredictionCard(self)
        return self._card

    @property
    def committed(self) -> tuple[str, bool] | None:
        """The first choice and whether it was a sure one; None before, and where that option is no more."""
        record = JOURNAL.record(self.question.id)
        keys = [option.key for option in self.question.options]
        return (record["first_choice"], bool(record["sure"])) if record["first_choice"] in keys else None

    def commit(self, choice: str, sure: bool) -> str:
        """Fix a choice, and return what is said of every option; a choice made earlier stays the one that is kept.

        choice: an option's key. Raises ValueError for a key that there is not.
        """
        option = self.question.option(choice)
        if self.committed is None:
            JOURNAL.change(
                self.question.id,
                kind="predict",
                version=self.question.version,
                digest=self.question.digest,
                first_choice=choice,
                sure=bool(sure),
                right=option.right,
                seconds=JOURNAL.seconds(self.question.id),
            )
        return self.answered()

    def answered(self) -> str:
        """Return, as text, what is said of every option after the commitment; "" before it."""
        if self.committed is None:
            return ""
        chosen, sure = self.committed
        lines = []
        for option in self.question.options:
            mark = "✓ right" if option.right else "○ not this one"
            yours = ", your choice" if option.key == chosen else ""
            lines.append(f"{option.text} ({mark}{yours}) {option.says}")
        if sure and not self.question.option(chosen).right:
            lines.append(_GENTLE)
        return "\n".join(lines)

    def answer_html(self, before: bool = False) -> str:
        """Return the same as HTML; before: the choice was made at an earlier showing."""
        if self.committed is None:
            return ""
        chosen, sure = self.committed
        option = self.question.option(chosen)
        note = ""
        if before:
            how = "sure" if sure else "guess"
            note = f"<p>You chose <strong>{inline(option.text)}</strong> before ({how}); the first choice is kept.</p>"
        elif option.right:
            note = "<p>✓ As you said.</p>"
        gentle = f"<p>{_GENTLE}</p>" if sure and not option.right else ""
        rows = []
        for one in self.question.options:
            mark = "✓ right" if one.right else "○ not this one"
            yours = ", your choice" if one.key == chosen else ""
            kind = " class='simviz-right'" if one.right else ""
            rows.append(f"<li{kind}><strong>{inline(one.text)}</strong> ({mark}{yours})<br>{inline(one.says)}</li>")
        return f"{note}<ul>{''.join(rows)}</ul>{gentle}"

    def page(self) -> str:
        """Return the question for a page without a kernel: each option opens its own sentence."""
        options = "".join(
            f"<details><summary>{inline(option.text)}</summary>"
            f"<p>{'✓ Right. ' if option.right else '○ Not this one. '}{inline(option.says)}</p></details>"
            for option in self.question.options
        )
        return f"<div><p><strong>Predict.</strong> {inline(self.question.text)}</p>{options}</div>"

    def __repr__(self) -> str:
        options = "\n".join(f"  {option.key}: {option.text}" for option in self.question.options)
        return f"Predict. {self.question.text}\n{options}"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        if stills():
            return {"text/plain": repr(self), "text/html": self.page()}
        from simviz.course.cards import bundle

        JOURNAL.shown(self.question.id)
        return bundle(self.card.box, repr(self), self.page())
