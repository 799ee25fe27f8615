"""The predictions: one right option each, a sentence for every option, and a page that needs no kernel."""

import html.parser

import pytest

from simviz import course
from simviz.course.questions import QUESTIONS

EACH = pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
IDS = ("00.ray 01.pair 01.anderson 02.broyden 03.snapshots 03.lorenz 04.ellipse 05.bars 06.identity 06.fold "
       "07.isochron 08.plain")  # fmt: skip
RIGHT = "eighth circles arrives same zero shrinks stay moving same none together equal"
NOT_SAID = ("learns the dynamics", "guarantees", "stable by construction", "discovers", "invariant set", "!", "wrong")


class Page(html.parser.HTMLParser):
    """The tags of a page, each closed by its own kind."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_bank_is_that_of_the_storyboards():
    assert " ".join(QUESTIONS) == IDS
    assert [o.key for q in QUESTIONS.values() for o in q.options if o.right] == RIGHT.split()


@EACH
def test_a_question_has_one_right_option_and_a_sentence_for_each(question):
    assert sum(option.right for option in question.options) == 1
    assert len(question.options) == 3
    assert len({option.key for option in question.options}) == 3
    assert question.text[0].isupper()
    assert question.text.endswith("?")
    for option in question.options:
        assert option.says[0].isupper() or option.says.startswith("v = "), option.says
        assert option.says.endswith(".")
        assert 30 < len(option.says) < 260
        assert option.text.endswith(".")
        assert not [words for words in NOT_SAID if words in option.says.lower()]
        assert option.says not in [other.says for other in question.options if other is not option]


@EACH
def test_a_page_without_a_kernel_opens_each_options_own_sentence(question, monkeypatch):
    monkeypatch.setenv("SIMVIZ_STILLS", "1")
    bundle = course.predict(question.id)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    page = Page(bundle["text/html"])
    assert page.seen.count("details") == page.seen.count("summary") == 3
    assert bundle["text/html"].count("✓ Right.") == 1


def test_with_a_kernel_the_page_goes_along_with_the_widget():
    bundle = course.predict("00.ray")._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/html"].count("<details>") == 3
    assert "eighth: The eighth." in bundle["text/plain"]


def test_an_unknown_question_is_refused_by_name():
    with pytest.raises(ValueError, match=r"question must be one of 00.ray, 01.pair, .*, got '1.pair'"):
        course.predict("1.pair")


def test_a_digest_changes_with_the_text():
    import dataclasses

    question = QUESTIONS["00.ray"]
    assert len({q.digest for q in QUESTIONS.values()}) == len(QUESTIONS)
    assert dataclasses.replace(question, text=question.text + " ").digest != question.digest
    exercise = course.exercise("01b")
    assert dataclasses.replace(exercise, hints=("", "")).digest != exercise.digest
