"""Who turns the crank? A player pulls one iterator in one background thread: start, pause, step, stop, reset.

A cell returns at once and the page stays alive. The thread never touches a widget: listeners get what was pulled, and
what must happen between two pulls (a click, a save) is handed over with `call`.
"""

from __future__ import annotations

import asyncio
import atexit
import enum
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch

from simviz import checks

_PLAYERS: weakref.WeakSet[Player] = weakref.WeakSet()


class State(enum.Enum):
    """What a player is doing; the value is the word shown."""

    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"


class Player:
    """Play an iterator.

    source: an iterator with `rewind` (a Run: reset is rewind(0)), or a function that returns a fresh iterator;
    threads: PyTorch threads for the pulling thread (default: all cores but one, which the browser draws with).
    An exception ends the thread, is kept in `error` and raised by `await player.done()`.
    Raises ValueError for a source that is neither.
    """

    def __init__(self, source: Any, threads: int | None = None) -> None:
        self._fresh: Callable[[], Iterator[Any]] | None = None
        if callable(source) and not hasattr(source, "__next__"):
            self._fresh = source
            self._iterator: Iterator[Any] = iter(source())
        elif hasattr(source, "__next__") and hasattr(source, "rewind"):
            self._iterator = source
        else:
            raise ValueError(
                f"source must be a Run or a function that returns a fresh iterator, got {type(source).__name__}"
            )
        self.source = source
        cores = os.cpu_count() or 1
        self.threads = max(1, cores - 1) if threads is None else checks.positive_int("threads", threads)
        self.state = State.READY
        self.error: BaseException | None = None
        self._budget: int | None = 0  # pulls still wanted; None: as many as there are
        self._changed = threading.Condition(threading.RLock())
        self._thread: threading.Thread | None = None
        self._last: threading.Thread | None = None
        self._jobs: list[Callable[[], None]] = []
        self._listeners: list[Callable[[Any], None]] = []
        self._watchers: list[Callable[[], None]] = []
        _PLAYERS.add(self)

    def listen(self, listener: Callable[[Any], None]) -> None:
        """Call `listener(item)` in the pulling thread after every pull."""
        self._listeners.append(listener)

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher()` whenever the state changes, in whatever thread changed it."""
        self._watchers.append(watcher)

    def start(self) -> None:
        """Pull until the end, a pause or a stop; where it runs already, nothing changes."""
        self._play(None)

    def step(self) -> None:
        """Pull once, then pause."""
        self._play(1)

    def pause(self) -> None:
        """Stand still after the pull that is under way."""
        with self._changed:
            self._budget = 0
        self._settle()

    def stop(self) -> None:
        """Stand still for good; only `reset` goes on from here."""
        with self._changed:
            self._budget = 0
            if self.state in (State.READY, State.RUNNING, State.PAUSED):
                self.state = State.STOPPED
        self._tell()

    def reset(self) -> None:
        """Go back to the beginning and stand still there."""
        with self._changed:
            self._budget = 0
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        with self._changed:
            if self._fresh is None:
                self.source.rewind(0)
            else:
                self._iterator = iter(self._fresh())
            self.error, self.state = None, State.READY
        self._tell()

    def call(self, job: Callable[[], None]) -> None:
        """Do `job()` between two pulls: in the pulling thread where it runs, here and now where it does not."""
        with self._changed:
            if self._thread is not None and self._thread is not threading.current_thread():
                self._jobs.append(job)
                return
        job()

    async def done(self) -> None:
        """Wait until the player stands still; raise the error that stopped it. An interrupt here pauses it."""
        try:
            while self._thread is not None:
                await asyncio.sleep(0.02)
        except (asyncio.CancelledError, KeyboardInterrupt):
            self.pause()
            raise
        if self.error is not None:
            raise self.error

    @property
    def share(self) -> str:
        """Return in words how many of the machine's cores the pulling thread computes with."""
        cores = os.cpu_count() or 1
        return f"on {self.threads} of {cores} core{'s' if cores > 1 else ''}"

    @property
    def running(self) -> bool:
        """Whether the thread is at work."""
        return self.state is State.RUNNING

    def _play(self, budget: int | None) -> None:
        with self._changed:
            if self.state in (State.FINISHED, State.STOPPED, State.FAILED):
                return
            self._budget, self.state = budget, State.RUNNING
            if self._thread is None:
                if self._last is not None:
                    self._last.join()  # it is past its last line: never two threads, not for a moment
                self._thread = self._last = threading.Thread(target=self._work, name="simviz player", daemon=True)
                self._thread.start()
        self._tell()

    def _work(self) -> None:
        torch.set_num_threads(self.threads)  # of this thread alone
        told = False
        while True:
            with self._changed:
                jobs, self._jobs = self._jobs, []
                idle = not jobs and self._budget == 0
                if idle and told:
                    self._thread = None
                    return
            try:
                for job in jobs:
                    job()
                if not idle and self._budget != 0:
                    self._pull()
                if idle:
                    self._settle()
            except BaseException as error:  # kept and shown: an exception in a thread fails no cell
                self._fail(error)
            told = idle

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self.error, self.state, self._budget, self._jobs = error, State.FAILED, 0, []

    def _pull(self) -> None:
        try:
            item = next(self._iterator)
        except StopIteration:
            with self._changed:
                self._budget = 0
                if self.state is State.RUNNING:
                    self.state = State.FINISHED
            return
        with self._changed:
            if self._budget:
                self._budget -= 1
        for listener in self._listeners:
            listener(item)

    def _settle(self) -> None:
        with self._changed:
            if self._budget == 0 and self.state is State.RUNNING:
                self.state = State.PAUSED
        self._tell()

    def _tell(self) -> None:
        for watcher in self._watchers:
            watcher()


def all_players() -> list[Player]:
    """Return the players that are alive: a test asks them for their errors."""
    return list(_PLAYERS)


@atexit.register
def _pause_all() -> None:
    for player in all_players():
        player.pause()
        thread = player._thread
        if thread is not None:
            thread.join(timeout=2.0)
