"""How does a FigureSpec move? One widget: drawn by the page's own Plotly from binary updates, each one acknowledged.

To the page: `{f: number, c: [[channel, kind, ..], ..], l: {theme: layout}, h: {channel: texts}, s: state, d: cue,
u: {control: changes}, m: caption, t: table}` with one buffer, where all but f may be missing; `{plotly: true}` with
Plotly's source, where the page has none. From the page: `{ready, dark, still}` (wants everything; its theme, and
whether its reader asked for reduced motion), `{ack, took}` (seconds of drawing), `{event, value}` (a control or a
click), `{want}`: "plotly", "table" (now, and again as it changes) or "no table".
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import numpy as np
import rjsmin
import traitlets

from simviz.figures import Table, as_image, embedded, plotly_bar, plotly_layout, plotly_style, stills
from simviz.live.channels import Channel
from simviz.live.publisher import Publisher
from simviz.records import FigureSpec

PAGE = pathlib.Path(__file__).parent / "page"
PARTS = ("plotly", "controls", "table", "figure")
MODULE = rjsmin.jsmin("\n".join((PAGE / f"{part}.js").read_text(encoding="utf-8") for part in PARTS))
"""What draws in the page: the files of page/, one after the other, make one module. It travels with every figure,
without comments and spare white space."""
FRAME_BYTES = 950
"""Bytes of points in one update, beside some 700 of the protocol's own; a single channel may be larger."""
TABLE_ROWS, SHORT = 300, 12
"""Rows of a table that are shown in the page (`Panel.data()` has all); a table of so few follows while things move."""
THEMES = ("light", "dark")


class LiveFigure(anywidget.AnyWidget):
    """A figure that moves, with its controls.

    spec: what is drawn; controls: what `Control.describe` returns, in their order; on_event(name, value): called on
    the publisher's thread for every press, choice and click in the figure (name "click", value [subplot, x, y]), the
    last value of a slider alone where several wait; before_frame(): see Publisher; table(): what `t` shows, and what
    is there from the beginning with open_table.
    """

    _esm = MODULE
    _css = (PAGE / "figure.css").read_text(encoding="utf-8")

    drawing = traitlets.Dict().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        spec: FigureSpec,
        controls: list[dict[str, Any]] | None = None,
        on_event: Callable[[str, Any], None] | None = None,
        before_frame: Callable[[], bool] | None = None,
        table: Callable[[], Table] | None = None,
        open_table: bool = False,
    ) -> None:
        self._guard = threading.RLock()
        self._take_up(spec)
        self._events: list[tuple[str, Any]] = []
        self.theme, self.still = "light", False  # the page's, once it has said so
        self._on_event, self._before_frame, self._table = on_event, before_frame, table
        self._state, self._state_new, self._cue, self._mark = spec.state, False, "", ""
        self._controls = {c["name"]: dict(c) for c in controls or []}
        self._changes: dict[str, dict[str, Any]] = {}
        self._everything = self._table_open = self._table_due = False
        self._short = True  # whether the table is of few rows
        self._open_table = open_table
        self.publisher = Publisher(self._send_frame, self._turn)
        super().__init__(drawing=self._drawing(spec))
        self.on_msg(self._receive)

    def _take_up(self, spec: FigureSpec) -> None:
        channels = {trace.channel: Channel(trace, spec) for trace in spec.traces}
        if len(channels) < len(spec.traces):
            raise ValueError("spec must give each trace a channel of its own: set key where names repeat")
        for name, grown in getattr(self, "_channels", {}).items():  # what has grown stays
            if name in channels and grown.trace.live == channels[name].trace.live == "append":
                channels[name] = grown
        self._spec, self._channels = spec, channels
        self._numbers = {name: number for number, name in enumerate(self._channels)}
        self._queue = list(self._channels)
        self._layouts: dict[str, dict[str, Any]] = {}  # by theme: what of the layout the page does not know
        self._laid: dict[str, dict[str, Any]] = {}  # by theme: the layout as the page will know it
        self._moved = False  # whether the layout is another than that of `drawing`
        self._texts: dict[int, list[str]] = {}  # by channel: hover texts it does not know

    def show(self, spec: FigureSpec) -> None:
        """Draw another state: what is new of points, words and axes travels; another set of traces is drawn anew.

        Traces with live="append" keep their points: they grow by `append`.
        """
        with self._guard:
            if _shape(spec) != _shape(self._spec):
                self.redraw(spec)
                return
            for trace, old in zip(spec.traces, self._spec.traces, strict=True):
                if trace.live != "append":
                    self._channels[trace.channel].follow(trace, spec)
                if trace.labels is not None and not trace.mode.startswith("text") and trace.labels != old.labels:
                    self._texts[self._numbers[trace.channel]] = list(trace.labels)
            if spec.subplots != self._spec.subplots or _words(spec) != _words(self._spec):
                for theme in THEMES:
                    before = self._laid.get(theme) or plotly_layout(self._spec, theme)
                    after = self._laid[theme] = plotly_layout(spec, theme)
                    new = {key: value for key, value in after.items() if before.get(key) != value}
                    self._layouts.setdefault(theme, {}).update(new)
                self._moved = True
            self._spec = spec
        self.publisher.wake()

    def redraw(self, spec: FigureSpec) -> None:
        """Take up another drawing with the same controls; the page draws it anew."""
        with self._guard:
            self._take_up(spec)
            self._everything = True
            self.drawing = self._drawing(spec)
        self.publisher.wake()

    def snapshot(self) -> FigureSpec:
        """Return the drawing with the points and the state line it has now."""
        with self._guard:
            traces = [self._channels[trace.channel].current() for trace in self._spec.traces]
            kept = [t for t in traces if t.live == "" or len(t.x)]
            alt = self._spec.alt if self._state in self._spec.alt else f"{self._spec.alt} {self._state}"
            return dataclasses.replace(self._spec, traces=tuple(kept), state=self._state, alt=alt)

    def together(self) -> contextlib.AbstractContextManager[Any]:
        """Return a lock: what is changed while it is held goes out as one frame."""
        return self._guard

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
            self._table_due = self._table_due or (self._table_open and (cue or self._short))
        self.publisher.wake()

    def mark(self, caption: str) -> None:
        """Keep the next frame as a small still picture under the figure, for a reader who asked for reduced motion."""
        with self._guard:
            self._mark = caption
        self.publisher.wake()

    def control(self, name: str, force: bool = False, **changes: Any) -> None:
        """Change a control: label=, disabled=, value=, high=; force: tell the page even what it should know."""
        with self._guard:
            known = self._controls[name]
            new = {key: value for key, value in changes.items() if force or known.get(key) != value}
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

    def _repr_mimebundle_(self, **options: Any) -> Any:
        if stills():
            spec = self.snapshot()
            return {"text/html": embedded(spec), "text/plain": spec.alt}
        shown = super()._repr_mimebundle_(**options)
        data, about = shown if isinstance(shown, tuple) else (shown, {})
        spec = self.snapshot()  # for whoever opens the saved notebook where nothing moves
        return {**(data or {}), "text/html": as_image(spec), "text/plain": spec.alt}, about

    def _turn(self) -> bool:
        try:
            return self._before_frame() if self._before_frame is not None else False
        except Exception as error:  # shown in red; an exception in a thread would be lost
            self.error = f"{type(error).__name__}: {error}"
            return False

    def _answer(self) -> None:
        """Answer what the reader did since the last time, in order."""
        with self._guard:
            events, self._events = self._events, []
        for name, value in events:
            try:
                if self._on_event is not None:
                    self._on_event(name, value)
                self.error = ""
            except ValueError as error:  # a value that cannot be: the old one stands
                self.error = str(error)
                if "value" in self._controls.get(name, {}):
                    self.control(name, force=True, value=self._controls[name]["value"])
            except Exception as error:
                self.error = f"{type(error).__name__}: {error}"
        self.publisher.wake()

    def _send_frame(self, number: int) -> bool:
        try:
            content, parts = self._frame(number)
        except Exception as error:  # shown in red: the publisher's thread must outlive it
            self.error = f"{type(error).__name__}: {error}"
            return False
        if len(content) == 1:
            return False
        try:
            self.send(content, [b"".join(parts)])
        except Exception:  # the comm is closed: the kernel goes down, or the widget was closed
            return False
        return True

    def _frame(self, number: int) -> tuple[dict[str, Any], list[bytes]]:
        """Return what the page does not know yet, and count it as sent."""
        table = self._tabled()  # before the guard: a panel draws under its own, and then wants ours
        with self._guard:
            everything, self._everything = self._everything, False
            content: dict[str, Any] = {"f": number}
            updates, parts = self._updates(everything)
            if updates:
                content["c"] = updates
            if everything:  # `drawing` says how things stood when it was set
                self._layouts = {theme: plotly_layout(self._spec, theme) for theme in THEMES if self._moved}
                self._texts = {
                    self._numbers[t.channel]: list(t.labels)
                    for t in self._spec.traces
                    if t.labels is not None and not t.mode.startswith("text")
                }
            if self._layouts:
                content["l"] = self._layouts
            if self._texts:
                content["h"] = self._texts
            self._layouts, self._texts = {}, {}
            if self._state_new or everything:
                content["s"], self._state_new = self._state, False
            if self._cue:
                content["d"], self._cue = self._cue, ""
            changes = self._controls if everything else self._changes
            if changes:
                content["u"] = {name: dict(values) for name, values in changes.items()}
            self._changes = {}
            if self._mark:
                content["m"], self._mark = self._mark, ""
        if table is not None:
            content["t"] = table
        return content, parts

    def _updates(self, everything: bool) -> tuple[list[list[float]], list[bytes]]:
        """Return what changed, as headers and bytes. What is over the budget of a frame waits for the next one."""
        updates: list[list[float]] = []
        parts: list[bytes] = []
        room = FRAME_BYTES
        for name in list(self._queue):
            channel = self._channels[name]
            if not everything and not self._mark and channel.pending() > room and parts:
                self.publisher.wake()
                continue
            for header, raw in channel.take(everything):
                updates.append([self._numbers[name], *header])
                parts.append(raw + b"\0" * (-len(raw) % 4))
                room -= len(parts[-1])
                if self._queue[-1] != name:
                    self._queue.remove(name)  # to the end: a busy channel does not starve the others
                    self._queue.append(name)
        return updates, parts

    def _receive(self, widget: Any, content: Mapping[str, Any], buffers: Any) -> None:
        if "ack" in content:
            self.publisher.answer(int(content["ack"]), float(content.get("took", 0.0)))
        elif "ready" in content:
            self.theme = "dark" if content.get("dark") else "light"
            self.still = bool(content.get("still"))
            with self._guard:
                self._everything = True
            self.publisher.forget()
            self.publisher.wake()
        elif "event" in content:
            self._take_event(str(content["event"]), content.get("value"))
        elif content.get("want") == "plotly":
            self.send({"plotly": True}, [plotly_source()])
        elif content.get("want") in ("table", "no table"):
            self._want_table(content["want"] == "table")

    def _take_event(self, name: str, value: Any) -> None:
        with self._guard:
            last = self._events[-1][0] if self._events else ""
            if last == name and value is not None and name != "click":
                self._events[-1] = (name, value)
            else:
                self._events.append((name, value))
        self.publisher.post(self._answer)

    def _want_table(self, wanted: bool) -> None:
        with self._guard:
            self._table_open = self._table_due = wanted
        self.publisher.wake()

    def _tabled(self) -> dict[str, Any] | None:
        """Return the table as the page wants it, if it is due."""
        if not self._table_due or self._table is None:
            return None
        self._table_due = False
        try:
            made = self._table()
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"
            return None
        self._short = len(made) <= SHORT
        whole = dataclasses.replace(made, rows=made.rows[:TABLE_ROWS])
        more = f" The first {TABLE_ROWS} of {len(made)} rows; panel.data() has all." if len(made) > TABLE_ROWS else ""
        caption = (made.caption + "." + more if made.caption else more).strip()
        return {"caption": caption, "columns": list(whole.columns), "rows": whole.words()}

    def _drawing(self, spec: FigureSpec) -> dict[str, Any]:
        """All that the page needs to draw the empty figure: styles and layouts by theme; the points come as updates."""
        themes = {}
        for theme in THEMES:
            styles = [plotly_style(t, theme) for t in spec.traces]
            for trace, style in zip(spec.traces, styles, strict=True):
                if trace.bar is not None and trace.bar.title:
                    style |= {"showscale": True, "colorbar": plotly_bar(spec, trace, theme)}
            themes[theme] = {"traces": styles, "layout": plotly_layout(spec, theme)}
        colours: dict[str, str] = {}
        if _pair_colours(themes["light"], themes["dark"], colours):  # the same drawing in other colours: half the bytes
            themes["dark"] = {"colours": {one: other for one, other in colours.items() if one != other}}
        modes = [trace.mode for trace in spec.traces]
        scales = [trace.bar.scale if trace.bar is not None else "linear" for trace in spec.traces]
        return {
            **themes, "modes": modes, "scales": scales, "controls": list(self._controls.values()),
            "height": spec.size[1], "alt": spec.alt, "state": spec.state, "table": self._open_table,
        }  # fmt: skip


def plotly_source() -> bytes:
    """Return the source of the plotly.js that the installed plotly package carries."""
    from plotly.offline import get_plotlyjs

    return get_plotlyjs().encode()


def _pair_colours(light: Any, dark: Any, pairs: dict[str, str]) -> bool:
    """Collect which string of one drawing stands for which of another; False where that is no function, or not all."""
    if isinstance(light, dict) and isinstance(dark, dict) and light.keys() == dark.keys():
        return all(_pair_colours(light[key], dark[key], pairs) for key in light)
    if isinstance(light, (list, tuple)) and isinstance(dark, (list, tuple)) and len(light) == len(dark):
        return all(_pair_colours(a, b, pairs) for a, b in zip(light, dark, strict=True))
    if isinstance(light, str) and isinstance(dark, str):
        return pairs.setdefault(light, dark) == dark
    return bool(np.array_equal(light, dark))


def _shape(spec: FigureSpec) -> tuple[Any, ...]:
    """What must be the same for two drawings to be frames of one film."""
    traces = tuple((t.channel, t.name, t.role, t.subplot, t.mode, t.live, t.legend, t.bar) for t in spec.traces)
    return len(spec.subplots), spec.size, traces


def _words(spec: FigureSpec) -> list[Any]:
    return [(t.subplot, t.labels, t.x.tolist(), t.y.tolist()) for t in spec.traces if t.mode.startswith("text")]
