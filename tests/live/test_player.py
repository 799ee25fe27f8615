"""One thread turns the crank, answers at once, and never hides an error."""

import asyncio
import itertools
import threading
import time

import pytest
import torch
from torch import nn

from simviz.learning.run import Run
from simviz.learning.task import Task
from simviz.live.player import Player, State, all_players


def slow_count(stop=None):
    for number in itertools.count() if stop is None else range(stop):
        time.sleep(0.002)
        yield number


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def threads():
    return [t for t in threading.enumerate() if t.name == "simviz player"]


def test_a_player_pulls_to_the_end_and_says_so():
    pulled = []
    player = Player(lambda: slow_count(5))
    player.listen(pulled.append)
    player.start()
    asyncio.run(player.done())
    assert pulled == [0, 1, 2, 3, 4]
    assert player.state is State.FINISHED
    assert player in all_players()


def test_pause_stands_still_and_start_goes_on_where_it_was():
    pulled = []
    player = Player(slow_count)
    player.listen(pulled.append)
    player.start()
    wait_for(lambda: len(pulled) > 5)
    player.pause()
    wait_for(lambda: not threads())
    standing = list(pulled)
    time.sleep(0.05)
    assert pulled == standing
    assert player.state is State.PAUSED
    player.step()
    wait_for(lambda: player.state is State.PAUSED)
    assert pulled == [*standing, len(standing)]
    player.stop()
    player.start()
    assert player.state is State.STOPPED
    assert pulled == list(range(len(standing) + 1))


def test_starting_twice_and_pausing_in_between_never_makes_two_threads():
    player = Player(slow_count)
    for _ in range(200):
        player.start()
        assert len(threads()) <= 1
        player.pause()
        player.start()
        assert len(threads()) <= 1
    player.stop()
    wait_for(lambda: not threads())


def test_an_error_in_the_thread_is_kept_and_raised_by_done():
    def breaks():
        yield 1
        raise ValueError("the third wheel came off")

    player = Player(breaks)
    player.start()
    with pytest.raises(ValueError, match="third wheel"):
        asyncio.run(player.done())
    assert player.state is State.FAILED
    assert isinstance(player.error, ValueError)
    player.reset()
    assert player.error is None
    assert player.state is State.READY


def test_reset_of_a_run_brings_the_first_state_back_and_the_same_losses():
    torch.manual_seed(0)
    task = Task.from_arrays(torch.randn(64, 3), torch.randn(64, 1))
    run = Run(nn.Linear(3, 1), task, epochs=4, batch_size=16)
    player = Player(run)
    player.start()
    asyncio.run(player.done())
    first = [s.loss for s in run.history]
    player.reset()
    assert run.history == []
    player.start()
    asyncio.run(player.done())
    assert [s.loss for s in run.history] == first


def test_a_job_runs_between_two_pulls_in_the_pulling_thread():
    inside, seen = [False], []

    def source():
        for number in itertools.count():
            inside[0] = True
            time.sleep(0.003)
            inside[0] = False
            yield number

    player = Player(source)
    player.start()
    for _ in range(20):
        player.call(lambda: seen.append((inside[0], threading.current_thread().name)))
        time.sleep(0.002)
    wait_for(lambda: len(seen) == 20)
    player.stop()
    assert set(seen) == {(False, "simviz player")}


def test_a_source_that_is_no_iterator_is_refused_by_name():
    with pytest.raises(ValueError, match="source must be a Run or a function"):
        Player([1, 2, 3])
    with pytest.raises(ValueError, match="threads"):
        Player(slow_count, threads=0)
