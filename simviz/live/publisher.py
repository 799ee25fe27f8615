"""When is a frame sent? At most fifteen a second, fewer to a slow page, two unanswered at most, the last one always.

Whoever changes something calls `wake`; one thread sends what has changed since. What a reader asks for (`post`) is done
at once in that thread, however many frames are unanswered. A page that does not answer (a hidden tab, a closed laptop)
is waited for, then taken as having answered: nothing here can stall.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

RATE = 15.0
BUSY = 0.3
"""Share of its time that a page may draw: a slow one gets fewer frames, and leaves the machine to the training."""
BESIDE = 0.03
"""Seconds that a frame costs the machine beside its drawing: the messages there and back, the server, the screen."""
UNANSWERED = 2
PATIENCE = 2.0
REST = 3.0


class Publisher:
    """Send frames for a widget.

    send(number): sends what is pending as frame `number`, returns False where nothing is; before(): called in the
    publisher's thread ahead of each frame, returns True where it wants another turn (an animation).
    """

    def __init__(self, send: Callable[[int], bool], before: Callable[[], bool] | None = None) -> None:
        self._send, self._before = send, before
        self.sent = self.answered = self.most_unanswered = 0
        self._sent_at = -PATIENCE
        self.interval = 1 / RATE
        """Seconds from frame to frame, as the page's drawing allows."""
        self._dirty = self._closed = False
        self._jobs: list[Callable[[], None]] = []
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Say that something has changed."""
        with self._changed:
            self._dirty = True
            self._begin()

    def post(self, job: Callable[[], None]) -> None:
        """Do `job()` in the publisher's thread, then send what it changed; job must not raise."""
        with self._changed:
            self._jobs.append(job)
            self._begin()

    def answer(self, number: int, took: float = 0.0) -> None:
        """Take in the page's word that it has drawn frame `number`, and in how many seconds."""
        with self._changed:
            self.answered = max(self.answered, min(number, self.sent))
            if took > 0:
                self.interval = max(1 / RATE, (self.interval + (BESIDE + min(took, PATIENCE)) / BUSY) / 2)
            self._changed.notify_all()

    def settle(self, seconds: float) -> None:
        """Wait until the page has drawn all that there is, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._dirty or self._jobs) and self.answered == self.sent, seconds)

    def forget(self) -> None:
        """Count every frame as answered: the page that should have is gone."""
        self.answer(self.sent)

    def close(self) -> None:
        """End the thread; nothing is sent any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _begin(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._work, name="simviz publisher", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _work(self) -> None:
        at_once = False  # an answer to a reader does not wait for its turn
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._closed or self._jobs or self._dirty, REST) or self._closed:
                    self._thread = None
                    return
                jobs, self._jobs = self._jobs, []
                if not jobs and (wait := self._too_early(at_once)) > 0:
                    self._changed.wait(wait)
                    continue
                if not jobs:
                    if self.sent - self.answered >= UNANSWERED:
                        self.answered = self.sent  # out of patience: the page sleeps, or is gone
                    self._dirty = False
            if jobs:
                for job in jobs:
                    job()
                at_once = True
                continue
            at_once = False
            self._frame()

    def _too_early(self, at_once: bool) -> float:
        """Seconds to wait for the next frame's turn, or for the page's answer; 0 where it is due."""
        since = time.monotonic() - self._sent_at
        if self.sent - self.answered >= UNANSWERED:
            return max(0.0, PATIENCE - since)
        return 0.0 if at_once else max(0.0, self.interval - since)

    def _frame(self) -> None:
        again = self._before() if self._before is not None else False
        with self._changed:
            self.sent += 1
            number = self.sent
            self._sent_at = time.monotonic()
            self.most_unanswered = max(self.most_unanswered, number - self.answered)
        if not self._send(number):
            self.answer(number)
        if again:
            with self._changed:
                self._dirty = True
