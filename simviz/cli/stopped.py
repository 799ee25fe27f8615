"""How does a training end that was told to stop? With its last whole step on the disk, and a code of its own."""

from __future__ import annotations


class Stopped(Exception):
    """A training was interrupted; the words say what was kept, `code` is what the command returns."""

    def __init__(self, words: str, code: int) -> None:
        super().__init__(words)
        self.code = code
