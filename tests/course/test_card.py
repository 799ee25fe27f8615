"""The card of a check: verdict in words, hints one after the other, a solution that opens after a real attempt."""

import subprocess
import sys

import pytest

from simviz import course
from simviz.course.exercises import checking
from simviz.course.exercises.card import Card
from simviz.course.journal import JOURNAL
from simviz.course.wording import to_html

RATE = course.exercise("01b")
FOLD = course.exercise("06b")


def attempt(answer, exercise=RATE):
    """A card as `check` makes it in a notebook."""
    verdict = exercise.judge(answer, 0)
    checking.keep(exercise, verdict)
    return Card(exercise, verdict)


def test_the_solution_stays_shut_until_a_real_attempt():
    card = attempt(lambda J: None)
    assert card.solution.disabled
    card.solution.click()
    assert "eigvals" not in card.opened.value
    assert "Not begun" in card.verdict.value
    card = attempt(lambda J: J.trace())
    assert not card.solution.disabled
    card.solution.click()
    assert "torch.linalg.eigvals(J).abs().max()" in card.opened.value
    assert JOURNAL.record("01b")["solution_opened"]


@pytest.mark.parametrize("answer", [lambda J: 1 / 0, lambda J: "x", lambda J: J.norm(), RATE.right])
def test_an_error_a_wrong_form_and_a_pass_are_attempts(answer):
    assert not attempt(answer).solution.disabled


def test_hints_open_one_after_the_other_and_stay_open_in_the_next_card():
    card = attempt(None)
    assert card.second.disabled
    assert card.opened.value == ""
    card.first.click()
    assert RATE.hints[0] in card.opened.value
    assert "eigvals" not in card.opened.value
    assert card.first.disabled
    assert not card.second.disabled
    assert RATE.hints[0] in attempt(None).opened.value
    card.second.click()
    assert "eigvals" in card.opened.value
    assert card.second.disabled
    assert JOURNAL.record("01b")["hints"] == 2


def test_a_card_says_which_function_goes_on():
    assert "go on with ours" in attempt(None).verdict.value
    assert "go on with your function" in attempt(RATE.right).verdict.value
    assert "✓ Passed" in attempt(RATE.right).verdict.value
    assert "○ Not yet" in attempt(lambda J: J.norm()).verdict.value


def test_words_of_the_readers_code_are_shown_not_run():
    def rate(J):
        raise ValueError("<script>alert(1)</script>")

    shown = attempt(rate).verdict.value
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "<b>" not in attempt(lambda J: {"<b>": J}).verdict.value
    assert to_html("`a` < b\n\n    <b>") == "<p><code>a</code> &lt; b</p><pre>&lt;b&gt;</pre>"


def test_attempts_messages_and_seconds_are_counted_up_to_the_pass(monkeypatch):
    now = 10.0
    monkeypatch.setattr("simviz.course.journal.time.monotonic", lambda: now)
    RATE.check(None)
    now = 40.0
    RATE.check(lambda J: J.norm(p=2) * 9)
    RATE.check(RATE.wrong[0].function)
    now = 70.5
    RATE.check(RATE.right)
    RATE.check(RATE.wrong[0].function)
    record = JOURNAL.record("01b")
    assert record["messages"] == ["01b.other", "01b.norm"]
    assert (record["attempts"], record["right"], record["seconds"]) == (3, True, 60.5)


def test_hints_and_solution_are_there_without_widgets(capsys):
    assert RATE.hint() == RATE.hints[0]
    assert RATE.hint() == RATE.hint() == RATE.hints[1]
    assert "opens after your first real attempt" in RATE.solution()
    assert not JOURNAL.record("01b")["solution_opened"]
    RATE.check(lambda J: 7)
    assert RATE.solution().startswith("def rate(J):")
    assert "def rate(J):" in capsys.readouterr().out


def test_outside_a_notebook_the_verdict_is_printed(capsys):
    RATE.check(RATE.wrong[0].function)
    printed = capsys.readouterr().out
    assert "Exercise 01b: ○ Not yet. For [[" in printed
    assert "The cells below go on with ours." in printed


def test_in_a_notebook_the_card_is_displayed_and_a_still_page_has_hints_but_no_solution(monkeypatch):
    shown = []
    monkeypatch.setattr(checking, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", shown.append)
    RATE.check(None)
    bundle = shown[-1]._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "Nothing is here yet" in bundle["text/plain"]
    monkeypatch.setenv("SIMVIZ_STILLS", "1")
    assert RATE.check(lambda J: 1) is RATE.right
    assert shown[-1] is RATE
    page = RATE._repr_mimebundle_()["text/html"]
    assert page.count("<details>") == 2
    assert RATE.statement[:40] in page
    assert ".abs().max()" in page  # the second hint
    assert "def rate" not in page
    assert not JOURNAL.records()


def test_what_is_asked_after_the_pass_is_answered_in_words_and_shown_beside_ours():
    question, ours = FOLD.afterwards
    assert not hasattr(attempt(FOLD.wrong[0].function, FOLD), "words")
    card = attempt(FOLD.right, FOLD)
    assert any(question in str(getattr(child, "value", "")) for child in card.box.children)
    assert card.words.description == "Your answer"
    card.compare.click()
    assert "Write your answer first" in card.beside.value
    card.words.value = " into <b>one</b>\nmatrix\ud800 "
    card.compare.click()
    assert "<strong>Yours.</strong> into &lt;b&gt;one&lt;/b&gt; matrix?</p>" in card.beside.value
    assert ours in card.beside.value
    assert JOURNAL.record("06b")["words"] == "into <b>one</b> matrix?"
    again = attempt(FOLD.right, FOLD)
    assert again.words.value == "into <b>one</b> matrix?"
    assert ours in again.beside.value
    assert ours in FOLD._repr_mimebundle_()["text/html"]


def test_what_is_asked_after_the_pass_is_asked_without_widgets_too(capsys):
    question, ours = FOLD.afterwards
    assert FOLD.compare("nowhere") == "That is asked once 06b has been passed."
    FOLD.check(FOLD.wrong[0].function)
    assert question not in capsys.readouterr().out
    FOLD.check(FOLD.right)
    assert f'{question} `course.exercise("06b").compare("...")`' in capsys.readouterr().out
    assert FOLD.compare("nowhere") == f"{question}\nYours: nowhere\nOurs: {ours}"
    assert JOURNAL.record("06b")["words"] == "nowhere"
    with pytest.raises(ValueError, match="asks something afterwards, got '01b'"):
        RATE.compare("nowhere")
    with pytest.raises(ValueError, match="words must be your answer, got ' '"):
        FOLD.compare(" ")


def test_asking_for_the_room_loads_no_widgets():
    line = (
        "from simviz import course; course.exercise('01b'); course.predict('00.ray'); course.progress(); "
        "course.Ablation"
    )
    heavy = "{'ipywidgets', 'anywidget', 'IPython', 'plotly', 'matplotlib'}"
    code = f"import sys; {line}; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert run.stdout.strip() == "set()"


def test_the_regions_that_change_are_read_out():
    card, prediction = attempt(None), course.predict("00.ray").card
    for said in (card.verdict, card.opened, prediction.answer):
        assert 'setAttribute("role", "status")' in said._esm
