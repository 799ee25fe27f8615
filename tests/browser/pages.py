"""Pages without code: one Voila on a folder of notebooks, on this machine alone, and what a reader sees of a page."""

import functools
import os
import pathlib
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from tests.browser.server import end

OWN_FONTS = re.compile(r"/@fortawesome/fontawesome-free@[^/]+/css/[\w.-]+\.css$")  # of Voila's own template
NOT_FOR_PAGES = "['@jupyter-notebook/lab-extension']"
"""Notebook 7's extension wants what Voila does not share, and says so on the console as an error."""
FAULTS = """() => [...document.querySelectorAll('.jp-OutputArea-output')].filter(output =>
    ['application/vnd.jupyter.error', 'application/vnd.jupyter.stderr'].includes(output.dataset.mimeType)
    || /^(Error displaying|Loading) widget|Traceback \\(most recent/.test(output.innerText)).map(o => o.innerText)
  .concat([...document.querySelectorAll('.simviz-error')].map(e => e.innerText).filter(text => text))
  .concat([...document.querySelectorAll('.jp-InputArea-editor, .highlight, .jp-CodeMirrorEditor')]
    .filter(e => e.offsetParent).map(e => 'code is seen: ' + e.innerText))
  .concat([...document.images].filter(i => !i.naturalWidth).map(i => 'a picture is missing: ' + i.src.slice(0, 80)))"""


LATE = ("model not found", "Failed to initialize model")
"""What Voila's page says where a slow kernel's answer about a widget came after it had given up; a reader reloads."""


class Late(Exception):
    """A page whose widgets did not come in time."""


def patient(test):
    """Let a test begin once more where a page's widgets came too late."""

    @functools.wraps(test)
    def twice(*arguments, **options):
        try:
            return test(*arguments, **options)
        except Late:
            return test(*arguments, **options)

    return twice


class Pages:
    """A Voila of the tests' own; `address(name)` is where a notebook of the folder is a page."""

    def __init__(self, folder: pathlib.Path, home: pathlib.Path, env: dict[str, str] | None = None):
        self.folder, self.log = folder, home / "voila.log"
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.token = secrets.token_hex(16)
        self.url = f"http://127.0.0.1:{self.port}"
        options = [
            "--no-browser", "--Voila.ip=127.0.0.1", f"--port={self.port}", f"--Voila.token={self.token}",
            f"--Voila.root_dir={folder}", f"--VoilaConfiguration.extension_denylist={NOT_FOR_PAGES}",
            "--MappingKernelManager.cull_idle_timeout=30", "--MappingKernelManager.cull_interval=2",
        ]  # fmt: skip
        command = [sys.executable, "-m", "voila", str(folder), *options]
        own = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
        own |= {"IPYTHONDIR": str(home / "ipython"), "JUPYTER_CONFIG_DIR": str(home / "config"), **(env or {})}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=own, cwd=home, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self._wait()

    def _wait(self, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.url}/?token={self.token}", timeout=5).read()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.2)
        log = self.log.read_text(errors="replace")[-3000:]
        self.stop()
        raise RuntimeError(f"Voila did not come up:\n{log}")

    def address(self, name: str, dark: bool = False) -> str:
        theme = "&theme=dark" if dark else ""
        return f"{self.url}/voila/render/{name}?token={self.token}{theme}"

    def stop(self) -> None:
        """End Voila; it ends its kernels first."""
        end(self.process)


class Page:
    """One page open in the browser; what it fetched elsewhere and what went wrong in it."""

    def __init__(self, pages: Pages, browser, name: str, dark: bool = False, width: int = 1200, height: int = 900):
        self.offsite: list[str] = []
        self.wrong: list[str] = []
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        self.context.route(lambda url: not url.startswith((pages.url, "data:", "blob:")), self._refuse)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.on("console", self._heard)
        self.page.goto(pages.address(name, dark), wait_until="commit", timeout=90_000)

    def faults(self) -> list[str]:
        """What a reader should not see: errors, widgets and pictures that did not come, code; and what went wrong."""
        found = [*self.page.evaluate(FAULTS), *self.wrong, *self.offsite]
        if any(words in fault for fault in found for words in LATE):
            raise Late(found)
        return found

    def _refuse(self, route) -> None:
        if not OWN_FONTS.search(route.request.url):
            self.offsite.append(route.request.url)
        route.abort()

    def _heard(self, message) -> None:
        if message.type == "error" and not OWN_FONTS.search(message.location.get("url", "")):
            self.wrong.append(f"{message.text} {message.location.get('url', '')}".strip())

    def close(self) -> None:
        """Leave the page; Voila ends its kernel half a minute later."""
        if not self.page.is_closed():
            self.page.goto("about:blank")
            self.context.close()
