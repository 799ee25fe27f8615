"""Who turns the crank? A player pulls one iterator in one background thread: start, pause, step, stop, reset.

A cell returns at once and the page stays alive. Any number of panels may join a player: all show the same run, and
while one is there the thread leaves a core to the browser that draws.
"""

from __future__ import annotations

import asyncio
import atexit
import enum
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch

from simviz import checks
from simviz.live import interrupts

_PLAYERS: weakref.WeakSet[Player] = weakref.WeakSet()
_OF_SOURCE: weakref.WeakKeyDictionary[Any, Player] = weakref.WeakKeyDictionary()


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
    threads: PyTorch threads for the pulling thread (default: all cores, but one while a panel is there); pace: seconds
    from pull to pull, for the eye, or a function that returns them (`ahead` goes as fast as it can).
    An exception ends the thread, is kept in `error` and raised by `await player.done()`. A kernel's interrupt pauses
    the player, and so does the end of the interpreter.
    Raises ValueError for a source that is neither.
    """

    def __init__(self, source: Any, threads: int | None = None, pace: float | Callable[[], float] = 0.0) -> None:
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
        self._threads = None if threads is None else checks.positive_int("threads", threads)
        self._pace = pace if callable(pace) else checks.real("pace", pace, 0.0)
        self.state = State.READY
        self.error: BaseException | None = None
        self.pulls = 0
        """Pulls since the beginning."""
        self._budget: int | None = 0  # pulls still wanted; None: as many as there are
        self._changed = threading.Condition(threading.RLock())
        self._pulling = threading.Lock()  # held while an item is pulled, whoever pulls
        self._thread: threading.Thread | None = None
        self._last: threading.Thread | None = None
        self._panels: dict[int, tuple[Any, Callable[[Any], None], Callable[[], None]]] = {}
        _PLAYERS.add(self)
        interrupts.watch(pause_all)

    @classmethod
    def of(cls, source: Any) -> Player:
        """Return the one player of a Run or its like, made where there is none yet; a Player is returned as it is."""
        if isinstance(source, Player):
            return source
        if not hasattr(source, "__next__"):
            return cls(source)
        if source not in _OF_SOURCE:
            _OF_SOURCE[source] = cls(source)
        return _OF_SOURCE[source]

    def join(self, panel: Any, pulled: Callable[[Any], None], changed: Callable[[], None] = lambda: None) -> None:
        """Tell a panel of every pull, `pulled(item)` in the pulling thread, and of every change of state."""
        with self._changed:
            self._panels = {**self._panels, id(panel): (panel, pulled, changed)}

    def leave(self, panel: Any) -> None:
        """Tell a panel nothing any more."""
        with self._changed:
            self._panels = {key: kept for key, kept in self._panels.items() if key != id(panel)}

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
            self._changed.notify_all()
        self._settle()

    def stop(self) -> None:
        """Stand still for good; only `reset` and `rewind` go on from here."""
        with self._changed:
            self._budget = 0
            if self.state in (State.READY, State.RUNNING, State.PAUSED):
                self.state = State.STOPPED
            self._changed.notify_all()
        self._tell()

    def reset(self) -> None:
        """Go back to the beginning and stand still there."""
        self.rewind(0)

    def rewind(self, to: int) -> int:
        """Go back to where the source was after `to` pulls, or to the nearest earlier place it kept; return that.

        A source that cannot rewind but to its beginning (a function) goes there and is pulled again.
        """
        wanted = checks.positive_int("to", to, 0)
        self._stand()
        with self._pulling:
            if self._fresh is None:
                self.pulls = self.source.rewind(wanted) or 0
            else:
                self._iterator = iter(self._fresh())
                self.pulls = 0
        with self._changed:
            self.error, self.state = None, State.PAUSED if self.pulls else State.READY
        self._tell()
        if self._fresh is not None and wanted:
            self.ahead(wanted)
        return self.pulls

    def ahead(self, pulls: int) -> None:
        """Pull so many times in the calling thread, or to the end, and stand still there."""
        count = checks.positive_int("pulls", pulls, 0)
        self._stand()
        try:
            for _ in range(count):
                if not self._pull():
                    break
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            with self._changed:
                if self.state in (State.READY, State.STOPPED) and self.pulls:
                    self.state = State.PAUSED
            self._tell()

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
    def threads(self) -> int:
        """PyTorch threads that the pulling thread computes with."""
        cores = os.cpu_count() or 1
        return self._threads or (max(1, cores - 1) if self._panels else cores)

    @property
    def share(self) -> str:
        """Return in words how many of the machine's cores the pulling thread computes with."""
        cores = os.cpu_count() or 1
        rest = ", one left to the browser" if self.threads == cores - 1 and self._panels else ""
        return f"on {self.threads} of {cores} core{'s' if cores > 1 else ''}{rest}"

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
                if self._last is not None and self._last is not threading.current_thread():
                    self._last.join()  # it is past its last line: never two threads, not for a moment
                self._thread = self._last = threading.Thread(target=self._work, name="simviz player", daemon=True)
                self._thread.start()
        self._tell()

    def _stand(self) -> None:
        """Stand still, with no thread at work."""
        self.pause()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _work(self) -> None:
        threads = 0
        told = False
        while True:
            with self._changed:
                idle = self._budget == 0
                if idle and told:
                    self._thread = None
                    return
            if threads != self.threads:
                threads = self.threads
                torch.set_num_threads(threads)  # of this thread alone
            try:
                if idle:
                    self._settle()
                else:
                    due = time.monotonic() + (self._pace() if callable(self._pace) else self._pace)
                    self._pull()
                    self._rest(due)
            except BaseException as error:  # kept and shown: an exception in a thread fails no cell
                self._fail(error)
            told = idle

    def _rest(self, until: float) -> None:
        """Wait for the next pull's turn, unless a pause or a stop comes first."""
        if until > time.monotonic():
            with self._changed:
                self._changed.wait_for(lambda: self._budget == 0, max(0.0, until - time.monotonic()))

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self.error, self.state, self._budget = error, State.FAILED, 0

    def _pull(self) -> bool:
        """Pull once and tell the panels; return whether there was anything left to pull."""
        with self._pulling:
            try:
                item = next(self._iterator)
            except StopIteration:
                with self._changed:
                    self._budget = 0
                    if self.state is not State.STOPPED:
                        self.state = State.FINISHED
                return False
            self.pulls += 1
        with self._changed:
            if self._budget:
                self._budget -= 1
            panels = list(self._panels.values())
        for _, pulled, _ in panels:
            pulled(item)
        return True

    def _settle(self) -> None:
        with self._changed:
            if self._budget == 0 and self.state is State.RUNNING:
                self.state = State.PAUSED
        self._tell()

    def _tell(self) -> None:
        for _, _, changed in list(self._panels.values()):
            changed()


def all_players() -> list[Player]:
    """Return the players that are alive: a test asks them for their errors."""
    return list(_PLAYERS)


def pause_all() -> None:
    """Let every player stand still after the pull that is under way."""
    for player in all_players():
        if player.running:
            player.pause()


@atexit.register
def _end() -> None:
    for player in all_players():
        with player._changed:
            player._budget = 0
        thread = player._thread
        if thread is not None:
            thread.join(timeout=2.0)
