"""How is a prediction asked on the page? Radio buttons, sure or guess, and a button that fixes the choice."""

from __future__ import annotations

import ipywidgets

from simviz.course.cards import Said, button, framed
from simviz.course.journal import JOURNAL
from simviz.course.prediction import Prediction
from simviz.course.wording import inline


class PredictionCard:
    """The widgets of one question: `choice`, `sureness`, `commit`, `answer`, and `box` around them all."""

    def __init__(self, prediction: Prediction) -> None:
        self.prediction = prediction
        question = prediction.question
        wide = ipywidgets.Layout(width="auto")
        head = ipywidgets.HTML(f"<p><strong>Predict.</strong> {inline(question.text)}</p>")
        self.choice = ipywidgets.RadioButtons(
            options=[(option.text, option.key) for option in question.options], value=None, layout=wide
        )
        self.sureness = ipywidgets.ToggleButtons(
            options=["sure", "guess"],
            value=None,
            tooltips=["I am sure of it", "It is a guess"],
            layout=wide,
            style={"button_width": "auto"},
        )
        self.commit = button("Commit", self._committed)
        self.answer = Said(names=["Your answer", "How sure are you?"])
        self.note = ipywidgets.HTML()
        row = ipywidgets.HBox([self.sureness, self.commit], layout=ipywidgets.Layout(flex_flow="row wrap"))
        self.box = framed([head, self.choice, row, self.answer, self.note])
        if prediction.committed is not None:
            self._fixed(before=True)

    def _committed(self) -> None:
        if self.choice.value is None or self.sureness.value is None:
            missing = "an answer" if self.choice.value is None else "sure or guess"
            self.answer.value = f"<p>Choose {missing} first.</p>"
            return
        before = self.prediction.committed is not None
        self.prediction.commit(self.choice.value, self.sureness.value == "sure")
        self._fixed(before)

    def _fixed(self, before: bool) -> None:
        """Show the choice that is kept, and what is said of every option."""
        if self.prediction.committed is None:
            return
        chosen, sure = self.prediction.committed
        self.choice.value, self.sureness.value = chosen, "sure" if sure else "guess"
        for control in (self.choice, self.sureness, self.commit):
            control.disabled = True
        self.answer.value = self.prediction.answer_html(before)
        self.note.value = f"<p>{inline(JOURNAL.trouble)}</p>" if JOURNAL.trouble else ""
