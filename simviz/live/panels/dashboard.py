"""How does a lecturer show one thing after another? Tabs over panels, each made when it is first chosen."""

from __future__ import annotations

import pathlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import ipywidgets
import rjsmin
import traitlets

from simviz import figures
from simviz.live.panels.panel import Panel

PAGE = pathlib.Path(__file__).parents[1] / "page"


class Tabs(anywidget.AnyWidget):
    """The row of tabs, with the title and the sentence of the one that is chosen."""

    _esm = rjsmin.jsmin((PAGE / "dashboard.js").read_text(encoding="utf-8"))
    _css = (PAGE / "dashboard.css").read_text(encoding="utf-8")

    titles = traitlets.List(traitlets.Unicode()).tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    chosen = traitlets.Int().tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    busy = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)


class Dashboard:
    """One row of tabs, one panel at a time.

    tabs: {title: (factory, what to notice)}; factory(): makes the panel, and is called when its tab is first chosen,
    the first one's at once; what to notice: one sentence, shown in large type. What plays in a tab that is left is
    paused, and stands as it stood when it is chosen again. label: what the row is called for whoever cannot see it.

    `panels` holds what has been made so far, by title. Raises ValueError that names the argument.

    >>> from simviz import live
    >>> talk = live.Dashboard({"Solvers": (live.SolverPanel, "One of three arrives."),
    ...                        "A game": (live.GamePanel, "Count the marks on the circle.")})
    >>> list(talk.panels), talk.chosen
    (['Solvers'], 'Solvers')
    """

    def __init__(self, tabs: Mapping[str, tuple[Callable[[], Panel], str]], *, label: str = "What is shown") -> None:
        self._tabs = _checked(tabs)
        self.titles = tuple(self._tabs)
        self.panels: dict[str, Panel] = {}
        self._making = threading.RLock()  # held while a panel is made: one after the other
        self._wanted = 0  # the tab that was pressed last
        self.bar = Tabs(titles=list(self.titles), label=label)
        self.bar.on_msg(self._pressed)
        self.pane = ipywidgets.VBox()
        self.pane.add_class("simviz-pane")
        self.box = ipywidgets.VBox([self.bar, self.pane])
        self.box.add_class("simviz-talk")
        self.choose(self.titles[0])

    @property
    def chosen(self) -> str:
        """The title of the tab that is shown."""
        return self.titles[self.bar.chosen]

    def choose(self, title: str) -> Panel:
        """Show a tab and return its panel, made now if it has not been; what plays in the one that is left is paused.

        Raises ValueError for a title that there is not, and for a factory that returns no panel.
        """
        if title not in self._tabs:
            raise ValueError(f"title must be one of {', '.join(map(repr, self.titles))}, got {title!r}")
        with self._making:
            self._wanted = self.titles.index(title)
            return self._show(title)

    def _show(self, title: str) -> Panel:
        number, bar = self.titles.index(title), self.bar
        factory, notice = self._tabs[title]
        for other, panel in self.panels.items():
            if other != title and panel.player is not None:
                panel.player.pause()
        fresh = title not in self.panels
        if fresh or bar.chosen != number:
            self.pane.children = ()
        with bar.hold_sync():
            bar.chosen, bar.note, bar.error = number, notice, ""
            bar.busy = "One moment, it is being made ..." if fresh else ""
        try:
            if fresh:
                made = factory()
                if not isinstance(made, Panel):
                    raise ValueError(f"the factory of tab {title!r} must return a panel, got {type(made).__name__}")
                self.panels[title] = made
            self.pane.children = (self.panels[title].figure_widget,)
        finally:
            bar.busy = ""
        return self.panels[title]

    def _pressed(self, widget: Any, content: Mapping[str, Any], buffers: Any) -> None:
        number = content.get("choose")
        if isinstance(number, int) and 0 <= number < len(self.titles):
            self._wanted = number
            threading.Thread(target=self._follow, args=(number,), name="simviz dashboard", daemon=True).start()

    def _follow(self, number: int) -> None:
        """Show the tab that was pressed, unless another has been since; what goes wrong is said in red."""
        with self._making:
            if number != self._wanted:
                return
            try:
                self._show(self.titles[number])
            except Exception as error:  # in a thread it would be lost; choosing the tab again tries again
                self.bar.error = f"{type(error).__name__}: {error}"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        if figures.stills():
            return self.panels[self.chosen]._repr_mimebundle_(**options)
        return self.box._repr_mimebundle_(**options)


def _checked(tabs: Any) -> dict[str, tuple[Callable[[], Panel], str]]:
    if not isinstance(tabs, Mapping) or not tabs:
        raise ValueError(
            f"tabs must be a mapping {{title: (factory, what to notice)}} with one tab or more, got {tabs!r}"
        )
    for title, tab in tabs.items():
        if not isinstance(title, str) or not title.strip():
            raise ValueError(f"tabs must have words as titles, got {title!r}")
        if not isinstance(tab, tuple) or len(tab) != 2 or not callable(tab[0]) or not isinstance(tab[1], str):
            raise ValueError(
                f"tabs[{title!r}] must be a pair (factory, what to notice), a function and a sentence, got {tab!r}"
            )
    return dict(tabs)
