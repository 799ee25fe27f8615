"""What every panel shares: values that a reader may change, a picture computed from them alone, and a player.

A panel has three parts. Its controls hold `values`; `compute(**values)` is pure and returns a record; `drawing(record)`
is pure and returns a FigureSpec, whose state is the sentence that says how things stand. Everything else is here.
"""

from __future__ import annotations

import collections
import inspect
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from simviz import figures
from simviz.figures.tables import Table
from simviz.live.controls import Button, Control
from simviz.live.figure import LiveFigure
from simviz.live.panels.recipes import spelled
from simviz.live.player import Player, State
from simviz.live.publisher import PATIENCE
from simviz.records import FigureSpec

if TYPE_CHECKING:
    import plotly.graph_objects as go

BUTTONS = (Button("start", "Start"), Button("step", "Step"), Button("stop", "Stop"), Button("reset", "Reset"))
MARKS = (0.05, 0.15, 0.3, 0.6, 1.0)
"""A reader who asked for reduced motion gets the first pull and these shares of all pulls as six still pictures."""
FRAME = 1 / 15
"""Seconds between two drawn states, at the least; the iterator is pulled far more often."""
SENTENCE = 1.0
"""Seconds between two changes of the state line while things move."""


class Panel:
    """Controls, a picture, a sentence.

    A subclass sets what its `compute` needs, then calls this with controls (their values become `self.values`), a
    player where something moves by itself, what it was `given` (for `recipe`), and further values that compute wants
    (`state`). It overrides compute and drawing; and where it has use for them played, restarted, pressed, clicked,
    table and moving.
    """

    open_table = False
    """Whether the table stands under the figure from the beginning."""

    def __init__(
        self,
        controls: Sequence[Control] = (),
        player: Player | None = None,
        given: dict[str, Any] | None = None,
        **state: Any,
    ) -> None:
        self.controls = {control.name: control for control in controls}
        taken = {"click", *(button.name for button in BUTTONS)} & self.controls.keys()
        if taken:
            raise ValueError(f"controls must not be called {', '.join(taken)}: the panel itself has one")
        self.given = dict(given or {})
        self.values: dict[str, Any] = {
            **{name: control.value for name, control in self.controls.items() if hasattr(control, "value")},
            **state,
        }
        self.player = player
        self._guard = threading.RLock()
        self._drawn_at = self._said_at = 0.0
        self._seen = 0  # pulls taken in so far
        self._grown: collections.defaultdict[str, list[tuple[float, float]]] = collections.defaultdict(list)
        self.record = self.compute(**self.values)
        shown = [control.describe() for control in (*(BUTTONS if player is not None else ()), *controls)]
        drawn = self.drawing(self.record)
        self.figure_widget = LiveFigure(drawn, shown, self._event, self.moving, self.data, self.open_table)
        if player is not None:
            self._attach(player)

    # What a subclass says.

    def compute(self, *_: Any, **values: Any) -> Any:
        """Return the record for these values; pure: the same values give the same record, and nothing changes."""
        raise NotImplementedError

    def drawing(self, record: Any) -> FigureSpec:
        """Return what is drawn of a record, with the sentence as its state; pure."""
        raise NotImplementedError

    def played(self, item: Any) -> None:
        """Take in what the player pulled (into `values`, or with `grow`); in the player's thread, every time."""

    def restarted(self) -> None:
        """Take in that the player went back, to its beginning or to an earlier pull."""

    def pressed(self, name: str) -> None:
        """Answer a button of the panel's own."""

    def clicked(self, subplot: int, x: float, y: float) -> None:
        """Answer a click at (x, y) of a subplot's own numbers."""

    def changed(self, name: str) -> None:
        """Answer a control whose value has just been set, ahead of the next compute."""

    def moving(self) -> bool:
        """Move what moves by itself, at most fifteen times a second; True asks for another turn."""
        return False

    def length(self) -> int:
        """Return over how many pulls the six pictures are spread that a reader gets who asked for reduced motion."""
        return 100

    def table(self, record: Any) -> Table:
        """Return a record as a table; by default every point that is drawn."""
        return figures.table(self.spec())

    # What a user calls.

    def set(self, **values: Any) -> Self:
        """Set controls as a reader would, and redraw. Raises ValueError for a name or a value that there is not."""
        for name, value in values.items():
            if not hasattr(self.controls.get(name), "value"):
                known = [n for n, control in self.controls.items() if hasattr(control, "value")]
                raise ValueError(f"set() knows {', '.join(known) or 'no value'}, got {name!r}")
            self.controls[name].check(value)  # all of them before any is held
        for name, value in values.items():
            self.hold(name, value)
            self.changed(name)
        self.refresh(cue=True)
        return self

    def ahead(self, pulls: int) -> Self:
        """Let the player pull so many times at once, then draw: how `recipe` comes back to where things stood."""
        if self.player is None:
            raise ValueError(f"pulls mean nothing to a {type(self).__name__}: nothing plays in it")
        self.player.ahead(pulls)
        return self

    def spec(self) -> FigureSpec:
        """Return the present state as a FigureSpec."""
        return self.figure_widget.snapshot()

    def figure(self, theme: str | None = None) -> go.Figure:
        """Return a plain go.Figure of the present state: hover, zoom, save as a page; theme: the page's by default."""
        return figures.to_plotly(self.spec(), theme or self.figure_widget.theme)

    def still(self, path: str | Path, theme: str = "light") -> Path:
        """Write the present state as a PNG, SVG or PDF file with its alt text, and return the path."""
        return figures.still(self.spec(), path, theme)

    def data(self) -> Table:
        """Return the numbers behind the picture as a table."""
        with self._guard:
            return self.table(self.record)

    def recipe(self) -> str:
        """Return one line of Python that makes this panel in this state again.

        What cannot be written in a line (a run, a model, a function) is named as the parameter it was given for.
        """
        with self._guard:
            parts: list[str] = []
            for place, (name, parameter) in enumerate(inspect.signature(type(self)).parameters.items()):
                value = self.values.get(name, self.given.get(name, parameter.default))
                if value is not parameter.default and value != parameter.default:
                    bare = place == 0 and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
                    parts.append(spelled(value, name) if bare else f"{name}={spelled(value, name)}")
            line = f"live.{type(self).__name__}({', '.join(parts)})"
            pulls = self.player.pulls if self.player is not None else 0
            return f"{line}.ahead({pulls})" if pulls else line

    # What holds it together.

    def hold(self, name: str, value: Any) -> None:
        """Keep a control's value, checked, and show it on the page; nothing is drawn yet."""
        self.values[name] = self.controls[name].check(value)
        self.figure_widget.control(name, value=self.values[name])

    def grow(self, channel: str, x: float, y: float) -> None:
        """Add a point to a curve (a trace with live="append"); it is drawn with the next frame."""
        self._grown[channel].append((x, y))

    def refresh(self, cue: bool = False, say: bool = True, keep: bool = False) -> None:
        """Compute and draw the present values, as one frame.

        cue: the sentence is read out at once; say: it is shown at all; keep: the frame stays as a still picture.
        """
        with self._guard:
            self.record = self.compute(**self.values)
            spec = self.drawing(self.record)
            with self.figure_widget.together():
                for channel in list(self._grown):
                    self.figure_widget.append(channel, *np.array(self._grown.pop(channel), float).T)
                self.figure_widget.show(spec)
                if say:
                    self._said_at = time.monotonic()
                    self.figure_widget.say(spec.state, cue)
                if keep:
                    self.figure_widget.mark(spec.state)

    def _attach(self, player: Player) -> None:
        if self.player is not None and self.player is not player:
            self.player.leave(self)
        self.player, self._seen = player, 0
        with self._guard:
            self._grown.clear()
        player.join(self, lambda item: self._pulled(player, item), lambda: self._changed(player))
        if player.pulls == 0:
            self.restarted()
        self._changed(player)

    def _pulled(self, player: Player, item: Any) -> None:
        if player is not self.player:
            return
        with self._guard:
            self._seen = player.pulls
            try:
                self.played(item)
                now = time.monotonic()
                if self.figure_widget.still:
                    self._picture(player)
                elif now - self._drawn_at >= FRAME and player.running:
                    self._drawn_at = now
                    self.refresh(say=now - self._said_at >= SENTENCE)
            except Exception as error:  # what is drawn goes wrong; what is played goes on
                self.figure_widget.error = f"{type(error).__name__}: {error}"

    def _picture(self, player: Player) -> None:
        """Keep this moment as a still picture, if it is one of the six; the player waits until it has gone out."""
        length = self.length()
        at = (player.pulls - 1) % length + 1
        if at in {1, *(max(1, round(share * length)) for share in MARKS)}:
            self.refresh(keep=True)
            self.figure_widget.publisher.settle(PATIENCE)

    def _changed(self, player: Player) -> None:
        if player is not self.player:
            return
        over = player.state in (State.FINISHED, State.STOPPED, State.FAILED)
        label = "Pause" if player.running else "Resume" if player.state is State.PAUSED else "Start"
        self.figure_widget.control("start", label=label, disabled=over)
        self.figure_widget.control("step", disabled=over or player.running)
        self.figure_widget.control("stop", disabled=over or player.state is State.READY)
        self.figure_widget.error = "" if player.error is None else f"{type(player.error).__name__}: {player.error}"
        if player.pulls < self._seen:
            with self._guard:
                self._seen = player.pulls
                self._grown.clear()
                self.restarted()
        if not player.running:
            self.refresh(cue=True)

    def _event(self, name: str, value: Any) -> None:
        player = self.player
        if player is not None and name in ("start", "step", "stop", "reset"):
            getattr(player, "pause" if name == "start" and player.running else name)()
            return
        control = self.controls.get(name)
        if name == "click":
            subplot, x, y = value
            self.clicked(int(subplot), float(x), float(y))
        elif isinstance(control, Button):
            self.pressed(name)
        elif control is not None:
            self.hold(name, value)
            self.changed(name)
            self.refresh()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        if figures.stills() and self.player is not None and self.player.pulls == 0:
            self.ahead(self.length())  # a picture of what it comes to
        return self.figure_widget._repr_mimebundle_(**options)
