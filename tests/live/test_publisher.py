"""Frames are coalesced, held back by a slow page, and the last one always goes out."""

import time

from simviz.live.publisher import BESIDE, BUSY, UNANSWERED, Publisher
from tests.live.test_player import wait_for


def test_many_changes_between_two_frames_are_one_frame():
    sent, value = [], [0]
    publisher = Publisher(lambda number: bool(sent.append((number, value[0]))) or True)
    for change in range(1, 501):
        value[0] = change
        publisher.wake()
        publisher.answer(10**9)
    wait_for(lambda: sent and sent[-1][1] == 500)
    time.sleep(0.2)
    assert len(sent) < 20
    assert sent[-1][1] == 500
    publisher.close()


def test_a_page_that_does_not_answer_gets_two_frames_and_the_last_one_once_it_does():
    sent, value = [], [0]
    publisher = Publisher(lambda number: bool(sent.append(value[0])) or True)
    for change in range(1, 11):
        value[0] = change
        publisher.wake()
        time.sleep(0.08)
    assert len(sent) == UNANSWERED
    publisher.answer(UNANSWERED)
    wait_for(lambda: sent[-1] == 10)
    assert len(sent) == UNANSWERED + 1
    publisher.close()


def test_what_a_reader_asks_for_is_done_at_once_however_many_frames_are_unanswered():
    sent, done = [], []
    publisher = Publisher(lambda number: bool(sent.append(number)) or True)
    for _ in range(4):
        publisher.wake()
        time.sleep(0.08)
    assert len(sent) == UNANSWERED
    publisher.post(lambda: done.append(len(sent)))
    wait_for(lambda: done)
    assert done == [UNANSWERED]
    publisher.close()


def test_a_page_that_never_answers_stalls_nothing(monkeypatch):
    monkeypatch.setattr("simviz.live.publisher.PATIENCE", 0.1)
    sent = []
    publisher = Publisher(lambda number: bool(sent.append(number)) or True)
    for _ in range(12):
        publisher.wake()
        time.sleep(0.08)
    wait_for(lambda: len(sent) > UNANSWERED + 2)
    assert publisher.most_unanswered == UNANSWERED
    publisher.close()


def test_a_page_gets_so_many_frames_that_they_take_a_third_of_its_time_at_most():
    publisher = Publisher(lambda number: True)
    assert publisher.interval == 1 / 15
    for _ in range(20):
        publisher.answer(1, took=0.2)
    assert abs(publisher.interval - (0.2 + BESIDE) / BUSY) < 1e-3
    for _ in range(20):
        publisher.answer(1, took=0.001)
    assert abs(publisher.interval - (0.001 + BESIDE) / BUSY) < 1e-3


def test_an_animation_goes_on_as_long_as_it_asks_and_then_the_thread_rests(monkeypatch):
    monkeypatch.setattr("simviz.live.publisher.REST", 0.05)
    turns = iter([True] * 4 + [False])
    sent = []
    publisher = Publisher(lambda number: bool(sent.append(number)) or False, lambda: next(turns))
    publisher.wake()
    wait_for(lambda: len(sent) == 5)
    wait_for(lambda: publisher._thread is None)
