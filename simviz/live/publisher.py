"""When is a frame sent? At most fifteen a second, at most two unanswered, and the last one always.

Whoever changes something calls `wake`; one thread makes the frame from whatever has changed since. A page that does
not answer (a hidden tab, a closed laptop) is waited for, then taken as having answered: nothing here can stall.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

RATE = 15.0
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
        self.rate = RATE
        self.sent = self.answered = 0
        self._dirty = self._closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Say that something has changed."""
        with self._changed:
            self._dirty = True
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="simviz publisher", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def answer(self, number: int) -> None:
        """Take in the page's word that it has drawn frame `number`."""
        with self._changed:
            self.answered = max(self.answered, min(number, self.sent))
            self._changed.notify_all()

    def forget(self) -> None:
        """Count every frame as answered: the page that should have is gone."""
        self.answer(self.sent)

    def close(self) -> None:
        """End the thread; nothing is sent any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            began = time.monotonic()
            with self._changed:
                if not self._changed.wait_for(lambda: self._dirty or self._closed, REST) or self._closed:
                    self._thread = None
                    return
                self._changed.wait_for(lambda: self.sent - self.answered < UNANSWERED or self._closed, PATIENCE)
                if self.sent - self.answered >= UNANSWERED:
                    self.answered = self.sent  # out of patience: the page sleeps, or is gone
                self._dirty = False
            again = self._before() if self._before is not None else False
            with self._changed:
                self.sent += 1
                number = self.sent
            if not self._send(number):
                self.answer(number)
            with self._changed:
                self._dirty = self._dirty or again
                pause = 1 / self.rate - (time.monotonic() - began)
            if pause > 0:
                time.sleep(pause)
