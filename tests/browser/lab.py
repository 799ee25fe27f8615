"""A notebook open in a real JupyterLab in a real browser: open, run, ask, reload, count."""

import pathlib
import shutil
import time
import uuid

from tests.browser.relay import Relay
from tests.browser.server import Server
from tests.browser.wire import Frame, Wire

KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
IDLE = """() => { const widget = window.jupyterapp && window.jupyterapp.shell.currentWidget;
  const kernel = widget && widget.sessionContext && widget.sessionContext.session
    && widget.sessionContext.session.kernel;
  return kernel && kernel.connectionStatus === 'connected' && kernel.status === 'idle'; }"""
COMMAND = "name => window.jupyterapp.commands.execute(name).then(() => null)"
RUN_ALL = """() => { window.simvizRan = null; window.jupyterapp.commands.execute('notebook:run-all-cells')
  .then(() => { window.simvizRan = 'ran' }, e => { window.simvizRan = 'failed: ' + e }); }"""
UNANSWERED = "the kernel did not answer"
ASK = f"""async ([expression, seconds]) => {{
  const asked = {KERNEL}.requestExecute({{ code: '', silent: true, store_history: false,
    user_expressions: {{ value: expression }} }});
  const late = new Promise(done => setTimeout(done, 1000 * seconds, null));
  const reply = await Promise.race([asked.done, late]);
  if (reply === null) return '! {UNANSWERED}: in ' + seconds + ' s';
  const value = reply.content.user_expressions.value;
  return value.status === 'ok' ? value.data['text/plain'] : '! ' + value.ename + ': ' + value.evalue; }}"""
NOTEBOOKS_OWN = (
    "Cannot read properties of undefined (reading 'schema')",  # its shortcuts, asked before their settings have come
    "Command 'filebrowser:open-path' not registered.",  # of a file browser that its page of one notebook lacks
)
"""Errors of Notebook 7's own code as it loads, whatever is in the notebook."""
WRONG = """() => [...document.querySelectorAll('.jp-OutputArea-output')].filter(output =>
  ['application/vnd.jupyter.error', 'application/vnd.jupyter.stderr'].includes(output.dataset.mimeType)
  || /^(Error displaying|Loading) widget/.test(output.innerText)).map(output => output.innerText)"""


class Lab:
    """What a browser test holds in its hand; made by the fixture `lab`, one a test."""

    def __init__(self, server: Server, browser):
        self.server, self.browser = server, browser
        self.console: list[str] = []  # every console message, as "type: text"
        self.offsite: list[str] = []  # every address off this server that was asked for; all are refused
        self._page_errors: list[str] = []
        self.context = self.page = self.wire = None
        self.url = server.url

    def open(
        self,
        notebook,
        dark: bool = False,
        env: dict[str, str] | None = None,
        width: int = 1400,
        height: int = 1000,
        reduced_motion: bool = False,
        relay: Relay | None = None,
        front: str = "lab",
    ) -> "Lab":
        """Open a copy of the notebook (and of what lies beside it) in a new workspace with a new kernel.

        front: "lab", JupyterLab; "notebook", Notebook 7 of the same server.
        """
        if self.context is not None:
            raise RuntimeError("this lab has a notebook open already: one test, one notebook")
        notebook, name = pathlib.Path(notebook), uuid.uuid4().hex[:8]
        ignore = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
        shutil.copytree(notebook.resolve().parent, self.server.folder / name, ignore=ignore)
        self.server.set("apputils-extension/themes", theme="JupyterLab Dark" if dark else "JupyterLab Light")
        self.server.set_kernel_environment(env or {})
        self.url = self.server.url if relay is None else f"http://127.0.0.1:{relay.port}"
        self.context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce" if reduced_motion else "no-preference",
        )
        self.context.route(lambda url: not self._ours(url), self._refuse)
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self.console.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", self._page_error)
        self.page.on("dialog", lambda d: d.accept())  # "leave the page?"
        self.page.on("websocket", lambda ws: None if self._ours(ws.url) else self.offsite.append(ws.url))
        self.wire = Wire(self.context.new_cdp_session(self.page))
        path = {"lab": f"lab/workspaces/{name}/tree", "notebook": "notebooks"}[front]
        address = f"{self.url}/{path}/{name}/{notebook.name}?token={self.server.token}"
        self.page.goto(address, wait_until="domcontentloaded")
        self._ready()
        if front == "lab":
            self.command("application:toggle-left-area")
        return self

    def _ours(self, url: str) -> bool:
        own = self.url + "/"
        return url.startswith((own, own.replace("http", "ws", 1), "data:", "blob:", "about:"))

    def _refuse(self, route) -> None:
        self.offsite.append(route.request.url)
        route.abort()

    def _page_error(self, error) -> None:
        if not (error.message in NOTEBOOKS_OWN and "/static/notebook/" in (error.stack or "")):
            self._page_errors.append(f"page error: {error}")

    def _ready(self) -> None:
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        self.page.wait_for_function(IDLE, timeout=90_000)

    def command(self, name: str) -> None:
        """Carry out a command of JupyterLab, such as `docmanager:save`, and wait for it."""
        self.page.evaluate(COMMAND, name)

    def run_all(self, timeout: float = 120) -> "Lab":
        """Run all cells and wait until the last has ended; what a cell raised is in `errors()`."""
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function("() => window.simvizRan !== null", timeout=1000 * timeout)
        self.wait_idle(timeout)
        return self

    def wait_idle(self, timeout: float = 60) -> None:
        """Wait until the kernel is connected and not busy; a background thread does not make it busy."""
        self.page.wait_for_function(IDLE, timeout=1000 * timeout)

    def ask(self, expression: str, timeout: float = 120, tries: int = 1) -> str:
        """The repr of a Python expression in the notebook's kernel; in line with the cells that are running.

        tries: how often to ask; a kernel that is just being restarted may lose a question.
        """
        for _ in range(tries):
            answer = self.page.evaluate(ASK, [expression, timeout])
            if UNANSWERED not in answer:
                break
        if answer.startswith("! "):
            raise RuntimeError(f"{expression} in the kernel: {answer[2:]}")
        return answer

    def reload(self, save: bool = True) -> "Lab":
        """Reload the page in the middle; the kernel lives on and the page finds it again. Unsaved outputs are lost."""
        if save:
            self.command("docmanager:save")
        self.page.reload(wait_until="domcontentloaded")
        self._ready()
        return self

    def wait(self, seconds: float) -> None:
        """Let time pass with the page alive (`time.sleep` would hold up what the page reports)."""
        self.page.wait_for_timeout(1000 * seconds)

    def now(self) -> float:
        """Seconds on the clock of the frames, once all that the page has reported so far has been taken in."""
        self.page.evaluate("0")
        return time.monotonic()

    def frames(self, since: float = 0, until: float = float("inf"), kind: str | None = None) -> list[Frame]:
        """The frames of the kernel's websocket in a stretch of time, of one message type or of all."""
        self.page.evaluate("0")
        return [f for f in self.wire.frames if since <= f.at <= until and kind in (None, f.kind)]

    def received(self, since: float = 0, until: float = float("inf"), kind: str | None = None) -> int:
        """Bytes from the kernel to the page."""
        return sum(f.bytes for f in self.frames(since, until, kind) if f.inbound)

    def sent(self, since: float = 0, until: float = float("inf"), kind: str | None = None) -> int:
        """Bytes from the page to the kernel."""
        return sum(f.bytes for f in self.frames(since, until, kind) if not f.inbound)

    def largest(self, since: float = 0, until: float = float("inf"), kind: str | None = None) -> int:
        """Bytes of the largest frame from the kernel to the page."""
        return max((f.bytes for f in self.frames(since, until, kind) if f.inbound), default=0)

    def errors(self) -> list[str]:
        """What went wrong: tracebacks, stderr and undrawn widgets in cells; errors on the console and in the page."""
        shown = self.page.evaluate(WRONG)
        return [*shown, *self._page_errors, *(m for m in self.console if m.startswith("error:"))]

    def close(self) -> None:
        """End the page, then its kernel, so that no reconnection is tried."""
        if self.context is not None:
            self.context.close()
        self.server.end_kernels()
