"""The same notebook as a page without code, served by Voila."""

import os
import pathlib
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from tests.browser.panels import ALL_DRAWN

WELCOME = pathlib.Path(__file__).parents[2] / "notebooks" / "00_welcome.ipynb"
OWN_FONTS = re.compile(r"/@fortawesome/fontawesome-free@[^/]+/css/[\w.-]+\.css$")  # of Voila's own template


@pytest.fixture
def voila(tmp_path):
    """The address of a Voila of this test's own, on this machine alone."""
    folder = tmp_path / "served"
    folder.mkdir()
    shutil.copy(WELCOME, folder)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    token = secrets.token_hex(16)
    options = [
        "--no-browser", "--Voila.ip=127.0.0.1", f"--port={port}", "--token", f"--Voila.token={token}",
        f"--Voila.root_dir={folder}",
    ]  # fmt: skip
    with (tmp_path / "voila.log").open("wb") as log:
        command = [sys.executable, "-m", "voila", str(folder), *options]
        env = {**os.environ, "SIMVIZ_FAST": "1"}
        process = subprocess.Popen(command, env=env, cwd=tmp_path, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/?token={token}", timeout=5).read()
            break
        except urllib.error.HTTPError:
            break
        except OSError:
            time.sleep(0.2)
    else:
        pytest.fail(f"Voila did not come up:\n{(tmp_path / 'voila.log').read_text(errors='replace')[-3000:]}")
    yield f"{address}/voila/render/{WELCOME.name}?token={token}"
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def test_the_welcome_page_without_code(voila, browser):
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    offsite, wrong = [], []

    def refuse(route):
        offsite.append(route.request.url)
        route.abort()

    context.route(lambda url: not url.startswith(("http://127.0.0.1:", "data:", "blob:")), refuse)
    page = context.new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(voila, wait_until="domcontentloaded", timeout=90_000)
    page.wait_for_function(ALL_DRAWN, arg=1, timeout=90_000)
    assert page.locator(".jp-InputArea-editor:visible, .highlight:visible").count() == 0  # no code
    state = page.locator(".simviz-state")
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator(".simviz-state", has_text="% off").wait_for(timeout=30_000)
    page.get_by_role("button", name="Pause", exact=True).click()
    page.locator(".simviz-state", has_text="paused").wait_for(timeout=10_000)
    standing = state.inner_text()
    page.locator(".simviz").focus()
    page.keyboard.press(".")
    page.wait_for_function("old => document.querySelector('.simviz-state').innerText !== old", arg=standing)
    assert wrong == []
    assert [url for url in offsite if not OWN_FONTS.search(url)] == []
    context.close()
