"""One thread turns the crank, answers at once, and never hides an error."""

import asyncio
import itertools
import signal
import subprocess
import sys
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
    player.join(pulled, pulled.append)
    player.start()
    asyncio.run(player.done())
    assert pulled == [0, 1, 2, 3, 4]
    assert player.state is State.FINISHED
    assert player in all_players()


def test_pause_stands_still_and_start_goes_on_where_it_was():
    pulled = []
    player = Player(slow_count)
    player.join(pulled, pulled.append)
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


def test_rewind_goes_back_to_what_was_kept_and_the_rest_is_pulled_again():
    torch.manual_seed(0)
    task = Task.from_arrays(torch.randn(64, 3), torch.randn(64, 1))
    run = Run(nn.Linear(3, 1), task, max_steps=40, batch_size=16, snapshots=4)
    player = Player(run)
    player.ahead(40)
    losses = [s.loss for s in run.history]
    assert player.rewind(27) == 20 == run.step == player.pulls
    assert player.state is State.PAUSED
    player.start()
    asyncio.run(player.done())
    assert [s.loss for s in run.history] == losses
    counter = Player(lambda: iter(range(100)))
    counter.ahead(9)
    assert counter.rewind(4) == 4
    pulled = []
    counter.join(pulled, pulled.append)
    counter.ahead(2)
    assert pulled == [4, 5]


def test_ahead_pulls_at_once_however_slow_the_pace_and_raises_what_goes_wrong():
    player = Player(lambda: iter(range(1000)), pace=60.0)
    player.ahead(500)
    assert (player.pulls, player.state) == (500, State.PAUSED)
    player.ahead(10**6)
    assert (player.pulls, player.state) == (1000, State.FINISHED)

    def breaks():
        yield 1
        raise ValueError("came off")

    broken = Player(breaks)
    with pytest.raises(ValueError, match="came off"):
        broken.ahead(2)
    assert broken.state is State.FAILED


def test_a_slow_pace_does_not_hold_up_a_pause():
    pulled = []
    player = Player(lambda: iter(range(1000)), pace=60.0)
    player.join(pulled, pulled.append)
    player.start()
    wait_for(lambda: pulled == [0])
    player.pause()
    wait_for(lambda: not threads())
    assert player.state is State.PAUSED


def test_a_run_has_one_player_whoever_asks():
    run = Run(nn.Linear(1, 1), Task.from_arrays(torch.randn(4, 1), torch.randn(4, 1)), max_steps=2)
    assert Player.of(run) is Player.of(run)
    assert Player.of(Player.of(run)) is Player.of(run)
    assert Player.of(slow_count) is not Player.of(slow_count)


def test_a_core_is_left_to_the_browser_while_a_panel_is_there_and_that_is_said(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    used = []

    def source():
        while True:
            used.append(torch.get_num_threads())
            time.sleep(0.002)
            yield

    before = torch.get_num_threads()
    player = Player(source)
    assert player.threads == 4
    player.join(used, lambda item: None)
    assert player.threads == 3
    assert player.share == "on 3 of 4 cores, one left to the browser"
    player.start()
    wait_for(lambda: used[-1:] == [3])
    player.leave(used)
    wait_for(lambda: used[-1] == 4)  # taken back while it runs
    player.stop()
    assert torch.get_num_threads() == before  # of this thread
    assert Player(source, threads=2).threads == 2


def test_the_kernels_interrupt_pauses_what_plays(monkeypatch):
    class Events:
        def register(self, name, call):
            self.__dict__[name] = call

    class Shell:
        events = Events()
        kernel = type("Kernel", (), {"saved_sigint_handler": signal.SIG_IGN})()

    monkeypatch.setitem(sys.modules, "IPython", type("Module", (), {"get_ipython": staticmethod(Shell)}))
    shell = Shell()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", staticmethod(lambda: shell))
    player = Player(slow_count)
    for interrupt in (
        lambda: shell.kernel.saved_sigint_handler(signal.SIGINT, None),
        lambda: shell.events.post_run_cell(type("Result", (), {"error_in_exec": KeyboardInterrupt()})()),
    ):
        player.start()
        interrupt()
        wait_for(lambda: player.state is State.PAUSED)
        wait_for(lambda: not threads())
    player.start()
    shell.events.post_run_cell(type("Result", (), {"error_in_exec": None})())
    time.sleep(0.05)
    assert player.running
    player.stop()


def test_the_interpreter_ends_while_a_player_runs():
    code = """
import itertools, time
from simviz.live.player import Player
def source():
    for n in itertools.count():
        time.sleep(0.01)
        yield n
Player(source).start()
time.sleep(0.1)
print("the end", flush=True)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "the end\n", "")


def test_a_source_that_is_no_iterator_is_refused_by_name():
    with pytest.raises(ValueError, match="source must be a Run or a function"):
        Player([1, 2, 3])
    with pytest.raises(ValueError, match="threads"):
        Player(slow_count, threads=0)
    with pytest.raises(ValueError, match="pace"):
        Player(slow_count, pace=-1.0)
