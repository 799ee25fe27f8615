"""A prediction on the page: nothing is committed by halves, the first choice stays, and each option is explained."""

import json

import pytest

from simviz import course
from simviz.course.prediction import Prediction
from simviz.course.questions import QUESTIONS


def kept(place, id):
    return next(item for item in json.loads(place.read_text())["items"] if item["id"] == id)


def test_commit_asks_for_a_choice_and_for_sure_or_guess():
    card = course.predict("01.pair").card
    card.commit.click()
    assert "Choose an answer first." in card.answer.value
    card.choice.value = "circles"
    card.commit.click()
    assert "Choose sure or guess first." in card.answer.value
    assert not card.commit.disabled  # a key may come before the kernel's word that it is ready
    card.sureness.value = "sure"
    card.commit.click()
    assert card.commit.disabled
    assert "first." not in card.answer.value


def test_pressing_commit_too_early_commits_nothing(place):
    card = course.predict("01.pair").card
    card.choice.value = "circles"
    card.commit.click()
    assert "simviz-right" not in card.answer.value
    assert not place.exists()


def test_a_commitment_is_fixed_kept_and_every_option_explained(place):
    card = course.predict("01.pair").card
    card.choice.value, card.sureness.value = "infinity", "guess"
    card.commit.click()
    assert card.choice.disabled
    assert card.sureness.disabled
    assert card.commit.disabled
    for option in QUESTIONS["01.pair"].options:
        assert option.says in card.answer.value
    assert card.answer.value.count("✓ right") == 1
    assert "It circles close to the point.</strong> (✓ right)" in card.answer.value
    assert "It flies to infinity.</strong> (○ not this one, your choice)" in card.answer.value
    record = kept(place, "01.pair")
    assert (record["kind"], record["first_choice"], record["sure"], record["right"]) == (
        "predict", "infinity", False, False,
    )  # fmt: skip
    assert record["digest"] == QUESTIONS["01.pair"].digest


@pytest.mark.parametrize(
    ("choice", "sure", "gentle"), [("infinity", "sure", 1), ("infinity", "guess", 0), ("circles", "sure", 0)]
)
def test_sure_and_not_so_gets_a_line_of_its_own(choice, sure, gentle):
    card = course.predict("01.pair").card
    card.choice.value, card.sureness.value = choice, sure
    card.commit.click()
    assert card.answer.value.count("You were sure, and it is otherwise") == gentle


def test_the_first_choice_stays_in_another_card_and_in_another_kernel(place):
    course.predict("05.bars").commit("still", True)
    text = place.read_text()
    again = course.predict("05.bars")
    assert again.card.commit.disabled
    assert "You chose <strong>They stand still.</strong> before (sure)" in again.card.answer.value
    again.commit("moving", False)
    assert kept(place, "05.bars")["first_choice"] == "still"
    assert place.read_text() == text


def test_of_two_open_cards_the_first_that_is_committed_counts(place):
    one, other = (course.predict("05.bars").card for _ in range(2))
    for card, choice in ((one, "peak"), (other, "moving")):
        card.choice.value, card.sureness.value = choice, "guess"
    one.commit.click()
    other.commit.click()
    assert kept(place, "05.bars")["first_choice"] == "peak"
    assert other.choice.value == "peak"
    assert "You chose" in other.answer.value


def test_without_widgets_a_commitment_is_text_and_an_unknown_option_is_refused():
    prediction = course.predict("06.fold")
    assert prediction.answered() == ""
    text = prediction.commit("half", True)
    assert "None: it is one pass. (✓ right)" in text
    assert "d/2. (○ not this one, your choice)" in text
    with pytest.raises(ValueError, match="choice must be one of infinitely, half, none, got 'all'"):
        prediction.commit("all", True)


def test_seconds_run_from_the_first_showing(place, monkeypatch):
    now = 100.0
    monkeypatch.setattr("simviz.course.journal.time.monotonic", lambda: now)
    prediction = course.predict("00.ray")
    prediction._repr_mimebundle_()
    now = 107.25
    prediction._repr_mimebundle_()
    now = 112.5
    prediction.commit("first", False)
    assert kept(place, "00.ray")["seconds"] == 12.5


def test_a_choice_that_is_no_more_offered_is_asked_again():
    course.predict("00.ray").commit("first", True)
    from simviz.course.journal import JOURNAL

    JOURNAL.change("00.ray", first_choice="zeroth")
    assert course.predict("00.ray").committed is None
    assert isinstance(course.predict("00.ray"), Prediction)
