"""How does a FigureSpec move? One widget: drawn by the page's own Plotly from binary updates, each one acknowledged.

To the page: `{f: number, c: [[channel, kind, points], ..], s: state, u: {control: changes}, d: cue}` with one buffer;
`{plotly: true}` with Plotly's source, where the page has none. From the page: `{ready, dark}` (wants everything; the
page's theme), `{ack}`, `{event, value}` (a control or a click), `{want: "plotly"}`, `{still}` (reduced motion).
"""

from __future__ import annotations

import dataclasses
import pathlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import traitlets

from simviz.figures import plotly_layout, plotly_style
from simviz.live.channels import Channel
from simviz.live.publisher import RATE, Publisher
from simviz.records import FigureSpec

HERE = pathlib.Path(__file__).parent
FRAME_BYTES = 1100
"""Bytes of points in one update, beside some 700 of the protocol's own; a single channel may be larger."""
STILL_RATE = 0.7
"""Frames a second for a reader who asked for reduced motion."""


class LiveFigure(anywidget.AnyWidget):
    """A figure that moves, with its controls.

    spec: what is drawn; controls: a list of dicts with `name`, `kind` ("button", "select", "toggle"), `label`, and
    `options`/`value` where they apply; on_event(name, value): called on the publisher's thread for every press,
    choice and click in the figure (name "click", value [subplot, x, y]); before_frame(): see Publisher.
    """

    _esm = HERE / "figure.js"
    _css = HERE / "figure.css"

    drawing = traitlets.Dict().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        spec: FigureSpec,
        controls: list[dict[str, Any]] | None = None,
        on_event: Callable[[str, Any], None] | None = None,
        before_frame: Callable[[], bool] | None = None,
    ) -> None:
        self._take_up(spec)
        self._guard = threading.RLock()
        self._events: list[tuple[str, Any]] = []
        self.theme = "light"  # the page's, once it has said so
        self._on_event, self._before_frame = on_event, before_frame
        self._state, self._state_new, self._cue = spec.state, False, ""
        self._controls = {c["name"]: dict(c) for c in controls or []}
        self._changes: dict[str, dict[str, Any]] = {}
        self._everything = False
        self.publisher = Publisher(self._send_frame, self._turn)
        super().__init__(drawing=_drawing(spec, list(self._controls.values())))
        self.on_msg(self._receive)

    def _take_up(self, spec: FigureSpec) -> None:
        self._spec = spec
        self._channels = {trace.channel: Channel(trace, spec) for trace in spec.traces}
        self._numbers = {name: number for number, name in enumerate(self._channels)}
        self._queue = list(self._channels)

    def redraw(self, spec: FigureSpec) -> None:
        """Take up another drawing with the same controls; the page draws it anew."""
        with self._guard:
            self._take_up(spec)
            self._everything = True
            self.drawing = _drawing(spec, list(self._controls.values()))
        self.publisher.wake()

    def snapshot(self) -> FigureSpec:
        """Return the drawing with the points and the state line it has now."""
        with self._guard:
            traces = []
            for trace in self._spec.traces:
                x, y = self._channels[trace.channel].points
                if trace.live == "" or len(x):
                    traces.append(dataclasses.replace(trace, x=x, y=y))
            alt = f"{self._spec.alt} {self._state}"
            return dataclasses.replace(self._spec, traces=tuple(traces), state=self._state, alt=alt)

    def replace(self, channel: str, x: Any, y: Any) -> None:
        """Set all points of a trace."""
        with self._guard:
            self._channels[channel].replace(x, y)
        self.publisher.wake()

    def append(self, channel: str, x: Any, y: Any) -> None:
        """Add points to the end of a trace."""
        with self._guard:
            self._channels[channel].append(x, y)
        self.publisher.wake()

    def say(self, state: str, cue: bool = False) -> None:
        """Set the state line; a cue is read out at once, anything else at most every five seconds."""
        with self._guard:
            self._state_new = self._state_new or state != self._state
            self._state = state
            self._cue = state if cue and self._state_new else self._cue
        self.publisher.wake()

    def control(self, name: str, **changes: Any) -> None:
        """Change a control: label=, disabled=, value=, options=."""
        with self._guard:
            known = self._controls[name]
            new = {key: value for key, value in changes.items() if known.get(key) != value}
            known.update(new)
            if not new:
                return
            self._changes.setdefault(name, {}).update(new)
        self.publisher.wake()

    def has(self, channel: str) -> bool:
        """Return whether the drawing has a trace of this name."""
        return channel in self._channels

    def points(self, channel: str) -> Any:
        """Return a copy of a trace's points, (2, n)."""
        with self._guard:
            return self._channels[channel].points.copy()

    @property
    def state(self) -> str:
        """The state line."""
        return self._state

    def _turn(self) -> bool:
        with self._guard:
            events, self._events = self._events, []
        try:
            for name, value in events:
                if self._on_event is not None:
                    self._on_event(name, value)
            return self._before_frame() if self._before_frame is not None else False
        except Exception as error:  # shown in red; an exception in a thread would be lost
            self.error = f"{type(error).__name__}: {error}"
            return False

    def _send_frame(self, number: int) -> bool:
        with self._guard:
            everything, self._everything = self._everything, False
            content: dict[str, Any] = {"f": number}
            updates, parts = self._updates(everything)
            if updates:
                content["c"] = updates
            if self._state_new or everything:
                content["s"], self._state_new = self._state, False
            if self._cue:
                content["d"], self._cue = self._cue, ""
            changes = self._controls if everything else self._changes
            if changes:
                content["u"] = {name: dict(values) for name, values in changes.items()}
            self._changes = {}
        if len(content) == 1:
            return False
        self.send(content, [b"".join(parts)])
        return True

    def _updates(self, everything: bool) -> tuple[list[list[int]], list[bytes]]:
        """Return what changed, as headers and bytes. What is over the budget of a frame waits for the next one."""
        updates: list[list[int]] = []
        parts: list[bytes] = []
        room = FRAME_BYTES
        for name in list(self._queue):
            channel = self._channels[name]
            if not everything and channel.pending() > room and parts:
                self.publisher.wake()
                continue
            update = channel.take(everything)
            if update is not None:
                updates.append([self._numbers[name], update[0], update[1]])
                parts.append(update[2] + b"\0" * (-len(update[2]) % 4))
                room -= len(parts[-1])
                self._queue.remove(name)  # to the end: a busy channel does not starve the others
                self._queue.append(name)
        return updates, parts

    def _receive(self, widget: Any, content: Mapping[str, Any], buffers: Any) -> None:
        if "ack" in content:
            self.publisher.answer(int(content["ack"]))
        elif "ready" in content:
            self.theme = "dark" if content.get("dark") else "light"
            with self._guard:
                self._everything = True
            self.publisher.forget()
            self.publisher.wake()
        elif "event" in content:
            with self._guard:
                self._events.append((str(content["event"]), content.get("value")))
            self.publisher.wake()
        elif content.get("want") == "plotly":
            self.send({"plotly": True}, [plotly_source()])
        elif "still" in content:
            self.publisher.rate = STILL_RATE if content["still"] else RATE


def plotly_source() -> bytes:
    """Return the source of the plotly.js that the installed plotly package carries."""
    from plotly.offline import get_plotlyjs

    return get_plotlyjs().encode()


def _drawing(spec: FigureSpec, controls: list[dict[str, Any]]) -> dict[str, Any]:
    """All that the page needs to draw the empty figure: styles and layouts by theme; the points come as updates."""
    themes = {
        theme: {"traces": [plotly_style(t, theme) for t in spec.traces], "layout": plotly_layout(spec, theme)}
        for theme in ("light", "dark")
    }
    ranges = []
    for trace in spec.traces:
        subplot = spec.subplots[trace.subplot]
        ranges.append([subplot.x.range, subplot.y.range])
    modes = [trace.mode for trace in spec.traces]
    return {
        **themes, "modes": modes, "ranges": ranges, "controls": controls, "height": spec.size[1],
        "alt": spec.alt, "state": spec.state,
    }  # fmt: skip
