"""A page that is no Jupyter's: an empty document with live figures in it, and the kernel's end in this process.

What VS Code, Colab and other front ends have in common, and nothing that only JupyterLab has: a model with `get`,
`send`, `on` and `off`, and the figure's module loaded as anywidget loads it.
"""

import base64
import queue

from simviz.live.figure import LiveFigure

ADDRESS = "http://front.end/"
SHOW = """async ([number, state]) => {
  const address = URL.createObjectURL(new Blob([state._esm], { type: "text/javascript" }));
  const module = await import(address);
  const heard = {};
  const model = {
    get: (name) => state[name],
    send: (content) => window.simvizSend(number, content),
    on: (event, take) => (heard[event] ||= new Set()).add(take),
    off: (event, take) => (heard[event] ||= new Set()).delete(take),
  };
  const el = document.body.appendChild(document.createElement("div"));
  el.id = `figure-${number}`;
  (window.simvizLeave ||= {})[number] = module.default.render({ model, el });
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  setInterval(async () => {
    for (const [content, buffers] of await window.simvizTake(number)) {
      const views = buffers.map(bytes);
      for (const take of [...(heard["msg:custom"] || [])]) take(content, views);
    }
  }, 50);
}"""


class Bare:
    """The page; head: what stands in its head, body: the attributes of its body."""

    def __init__(self, browser, head: str = "", body: str = ""):
        self.figures: list[LiveFigure] = []
        self.waiting: list[queue.Queue] = []  # from the kernel to the page, by figure
        self.wanted: list[object] = []  # what the page asked for, in order
        self.sources = 0  # how often Plotly's source travelled
        self.wrong: list[str] = []
        self.offsite: list[str] = []
        self.deaf = False  # whether the kernel has gone: nothing is answered
        self.context = browser.new_context(viewport={"width": 1000, "height": 900})
        self.context.route("**/*", self._answer)
        self.document = f"<!doctype html><html><head><title>bare</title>{head}</head><body {body}></body></html>"
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self.wrong.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.expose_function("simvizSend", self._send)
        self.page.expose_function("simvizTake", self._take)
        self.page.goto(ADDRESS)

    def _answer(self, route) -> None:
        if route.request.url == ADDRESS:
            route.fulfill(content_type="text/html", body=self.document)
        else:
            self.offsite.append(route.request.url)
            route.abort()

    def _send(self, number: int, content: dict) -> None:
        if "want" in content:
            self.wanted.append(content["want"])
        if not self.deaf:
            self.figures[number]._receive(None, content, [])

    def _take(self, number: int) -> list:
        waiting, found = self.waiting[number], []
        while not waiting.empty():
            content, buffers = waiting.get_nowait()
            self.sources += "plotly" in content
            found.append([content, [base64.b64encode(part).decode() for part in buffers]])
        return found

    def show(self, figure: LiveFigure) -> int:
        """Put a figure at the end of the page; return its number."""
        number, waiting = len(self.figures), queue.Queue()
        self.figures.append(figure)
        self.waiting.append(waiting)
        figure.send = lambda content, buffers=None: waiting.put((content, buffers or []))
        state = {"_esm": figure._esm, "drawing": figure.drawing, "error": figure.error}
        self.page.evaluate(SHOW, [number, state])
        return number

    def take_off(self, number: int) -> None:
        """Take a figure off the page, as a cell does that is run again."""
        self.page.evaluate("number => { window.simvizLeave[number](); }", number)
        self.page.evaluate("number => document.getElementById(`figure-${number}`).remove()", number)

    def drawn(self, number: int) -> None:
        """Wait until a figure is drawn and has its points."""
        script = (
            "number => document.querySelectorAll(`#figure-${number} .simviz-plot .scatterlayer .point`).length >= 3"
        )
        self.page.wait_for_function(script, arg=number, timeout=30_000)

    def close(self) -> None:
        """End the page and what the figures send."""
        self.context.close()
        for figure in self.figures:
            figure.publisher.close()
