"""What every panel shares: a player behind buttons, a live figure, and one sentence that says how things stand."""

from __future__ import annotations

import collections
import time
from typing import TYPE_CHECKING, Any

from simviz.live.figure import LiveFigure
from simviz.live.player import Player, State
from simviz.records import FigureSpec

if TYPE_CHECKING:
    import plotly.graph_objects as go

BUTTONS = [
    {"name": "start", "kind": "button", "label": "Start"},
    {"name": "step", "kind": "button", "label": "Step"},
    {"name": "stop", "kind": "button", "label": "Stop"},
    {"name": "reset", "kind": "button", "label": "Reset"},
]
FRAME = 1 / 15
"""Seconds between two drawn states, at the least; the iterator is pulled far more often."""
SENTENCE = 1.0
"""Seconds between two changes of the state line while things move."""


class Panel:
    """Play something and show it.

    A subclass makes a spec, and overrides `draw()` (the current state into the figure), `sentence()` and, where it
    has further controls, `event()`.
    """

    def __init__(self, player: Player, spec: FigureSpec, controls: list[dict[str, Any]] | None = None) -> None:
        self._drawn_at = self._said_at = 0.0
        self._new: collections.deque[Any] = collections.deque()  # pulled, not yet drawn
        self.figure_widget = LiveFigure(spec, [*BUTTONS, *(controls or [])], self._event, self.before_frame)
        self._attach(player)

    def _attach(self, player: Player) -> None:
        self.player = player
        player.listen(lambda item: self._pulled(player, item))
        player.watch(lambda: self._changed(player))
        self._changed(player)

    def item(self, item: Any) -> None:
        """Take in what was pulled; in the player's thread, every time."""

    def take_new(self) -> list[Any]:
        """Return what was kept since the last frame; what another thread keeps meanwhile comes with the next."""
        return [self._new.popleft() for _ in range(len(self._new))]

    def draw(self) -> None:
        """Bring the figure up to date; between two pulls."""

    def sentence(self) -> str:
        """Return the state in one sentence."""
        return self.player.state.value

    def event(self, name: str, value: Any) -> None:
        """Answer a control of the subclass's own, or a click; in the publisher's thread."""

    def before_frame(self) -> bool:
        """Move what moves by itself; in the publisher's thread. True asks for another frame."""
        return False

    def refresh(self, cue: bool = False) -> None:
        """Draw and say the present state, now, between two pulls."""
        self.draw()
        self.figure_widget.say(self.sentence(), cue)

    def _pulled(self, player: Player, item: Any) -> None:
        if player is not self.player:
            return
        self.item(item)
        now = time.monotonic()
        if now - self._drawn_at >= FRAME or player.state is not State.RUNNING:
            self._drawn_at = now
            self.draw()
        if now - self._said_at >= SENTENCE:
            self._said_at = now
            self.figure_widget.say(self.sentence())

    def _changed(self, player: Player) -> None:
        if player is not self.player:
            return
        over = player.state in (State.FINISHED, State.STOPPED, State.FAILED)
        running = player.state is State.RUNNING
        label = "Pause" if running else "Resume" if player.state is State.PAUSED else "Start"
        self.figure_widget.control("start", label=label, disabled=over)
        self.figure_widget.control("step", disabled=over or running)
        self.figure_widget.control("stop", disabled=over or player.state is State.READY)
        if player.error is not None:
            self.figure_widget.error = f"{type(player.error).__name__}: {player.error}"
        elif self.figure_widget.error:
            self.figure_widget.error = ""
        if not running:
            self.refresh(cue=True)

    def _event(self, name: str, value: Any) -> None:
        if name == "start":
            (self.player.pause if self.player.running else self.player.start)()
        elif name in ("step", "stop", "reset"):
            getattr(self.player, name)()
        else:
            self.event(name, value)

    def spec(self) -> FigureSpec:
        """Return the present state as a FigureSpec: the panel's drawing with the points it has now."""
        return self.figure_widget.snapshot()

    def figure(self, theme: str | None = None) -> go.Figure:
        """Return a plain go.Figure of the present state: hover, zoom, save as a page; theme: the page's by default."""
        from simviz.figures import to_plotly

        return to_plotly(self.spec(), theme or self.figure_widget.theme)

    def still(self, path: str, theme: str = "light") -> Any:
        """Write the present state as a PNG, SVG or PDF file and return its path."""
        from simviz.figures import still

        return still(self.spec(), path, theme)

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.figure_widget._repr_mimebundle_(**options)
