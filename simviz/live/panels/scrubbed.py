"""What do panels share whose state is a number of steps? A slider that the player moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simviz.live.controls import Control, Slider
from simviz.live.panels.panel import Panel
from simviz.live.player import Player, State


class Scrubbed(Panel):
    """A panel whose record is pure in `steps`: a slider, the player and `length` say how many.

    A subclass gives the controls beside the slider; the number that the slider stands at is `values["steps"]`.
    """

    def __init__(self, label: str, steps: float, most: int, controls: list[Control], pace: float, **state: Any) -> None:
        slider = Slider("steps", label, 0, most, 1, steps, scrub=True)
        self._most, self._back = most, int(slider.value)
        super().__init__([*controls, slider], Player(self._beats, pace=pace), **state)

    def played(self, item: int) -> None:
        """Show how things are after so many steps."""
        self.hold("steps", item)

    def restarted(self) -> None:
        """Go back to the steps that the panel was made with, or to those at hand where only the player begins anew."""
        self.hold("steps", self._back)

    def length(self) -> int:
        """Return how many steps there are at the most."""
        return self._most

    def changed(self, name: str) -> None:
        """Let a player that is done play again from where things are."""
        player = self.player
        if player is not None and player.state is State.FINISHED:
            kept, self._back = self._back, self.values["steps"]
            player.rewind(0)
            self._back = kept

    def recipe(self) -> str:
        """Return the line that makes this panel again; `steps` stands there, whoever made them."""
        return super().recipe().partition(".ahead(")[0]

    def _beats(self) -> Iterator[int]:
        """Yield one step more each time, from the slider's on; from the last one, begin anew."""
        if self.values["steps"] >= self._most:
            yield 0
        while self.values["steps"] < self._most:
            yield int(self.values["steps"]) + 1
