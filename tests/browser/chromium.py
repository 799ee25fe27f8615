"""Which browser do the tests drive, and what do they say where there is none?"""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
MISSING = (
    "no Chromium or Chrome was found, so the browser tests cannot run "
    "(Debian: apt-get install chromium; otherwise install Chrome, or set SIMVIZ_BROWSER to the program's path)"
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    # no name but this machine's own can be looked up, whatever asks: page, worker or the browser itself
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]


def find() -> str | None:
    """The path of a Chromium or Chrome, or None."""
    candidates = [os.environ.get("SIMVIZ_BROWSER", ""), *NAMES, MAC]
    return next((path for name in candidates if name and (path := shutil.which(name))), None)


if __name__ == "__main__" and find() is None:
    print(MISSING)
