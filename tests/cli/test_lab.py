"""`simviz lab`: a copy of the course and a server on it; whatever stands in the way is one sentence and a code of 2."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import nbformat
import pytest

from simviz import cli
from simviz.cli import lab
from tests.cli.command import command

SERVED = re.compile(r"http://127\.0\.0\.1:\d+/\S*\?token=\w+")


@pytest.fixture
def refused(capsys):
    """Call the command, which must fail; return its sentence."""

    def call(*arguments):
        code, out, err = command("lab", *arguments, capsys=capsys)
        assert (code, out) == (2, "")
        assert err.startswith("simviz: ")
        assert err.count("\n") == 1
        return err

    return call


@pytest.fixture
def busy():
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_in_use_is_named_before_anything_is_written(refused, busy, tmp_path):
    said = refused(tmp_path / "course", "--no-browser", "--port", busy)
    assert f"--port {busy} cannot be used" in said
    assert "choose another" in said
    assert not (tmp_path / "course").exists()


def test_a_port_that_cannot_be_is_named(refused, tmp_path):
    assert "--port must lie between 1 and 65535, got 70000" in refused(tmp_path, "--no-browser", "--port", 70000)


def test_no_browser_is_said_with_what_to_do(refused, tmp_path, monkeypatch):
    monkeypatch.setattr(lab.webbrowser, "get", lambda: (_ for _ in ()).throw(lab.webbrowser.Error("none")))
    assert "say --no-browser" in refused(tmp_path / "course")
    assert not (tmp_path / "course").exists()


def test_a_missing_package_is_said_with_what_to_do(refused, tmp_path, monkeypatch):
    monkeypatch.setattr(lab.doctor, "lacking", lambda: ["torch: MISSING: python -m pip install torch"])
    assert "python -m pip install torch" in refused(tmp_path / "course", "--no-browser")
    assert not (tmp_path / "course").exists()


def test_pages_without_voila_say_how_to_get_it(refused, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "voila", None)
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda name: None)
    assert "python -m pip install voila" in refused(tmp_path / "course", "--pages", "--no-browser")


def test_a_folder_that_cannot_be_written_is_named(refused, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "file cannot be written" in refused(tmp_path / "file", "--no-browser")


def test_a_python_too_old_is_said_by_every_command(monkeypatch, capsys):
    monkeypatch.setattr(cli.sys, "version_info", (3, 10, 4))
    for arguments in (["lab"], ["doctor"], ["train", "classify"]):
        assert cli.main(arguments) == 2
        assert "install 3.11 or newer" in capsys.readouterr().err


def test_without_torch_every_command_says_so_in_a_sentence(tmp_path):
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from simviz import cli\n"
        "for a in (['train', 'classify', '--out', 'x'], ['spectrum', 'x']):\n"
        "    assert cli.main(a) == 2\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("the module torch is not installed; `simviz doctor` says what to do") == 2


def serve(folder, *arguments):
    """Start the command as a reader would, wait for its address; return both, and the list of its lines so far."""
    run = [sys.executable, "-m", "simviz", "lab", "--no-browser", *map(str, arguments)]
    env = os.environ | {"JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    process = subprocess.Popen(run, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if found := SERVED.search(line):
            return process, found[0], lines
    raise AssertionError("".join(lines))


def ask(address, path, token=""):
    """What the server answers to a path: the status and the body; tried until it listens."""
    root = re.match(r"http://[^/]+", address)[0]
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"{root}/{path}{token}", timeout=20) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, b""
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


def end(process):
    """End the command as a terminal does that is closed; return what it printed since the address."""
    process.send_signal(signal.SIGTERM)
    said = process.stdout.read()
    process.wait(30)
    process.stdout.close()
    return said


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="ends the server by a signal")
def test_a_reader_gets_a_folder_and_a_server_on_it_that_asks_for_its_token(tmp_path):
    process, address, lines = serve(tmp_path)
    try:
        token = "?" + address.partition("?")[2]
        assert "/lab/tree/00_welcome.ipynb?" in address
        status, body = ask(address, "api/contents", token)
        assert status == 200
        names = {entry["name"] for entry in json.loads(body)["content"]}
        assert names == {p.name for p in (tmp_path / "simviz-course").iterdir()}
        assert "09_paper.ipynb" in names
        assert ask(address, "api/contents")[0] == 403
    finally:
        end(process)
    assert "The course lies in simviz-course" in lines[0]


def write(path, source):
    """Write a notebook of one cell."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)], metadata=kernel)
    nbformat.write(notebook, path)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="ends the server by a signal")
def test_pages_come_from_the_short_path_with_their_pictures_and_ask_for_the_token(tmp_path):
    process, address, _ = serve(tmp_path, "--pages")
    try:
        token = "?" + address.partition("?")[2]
        assert ask(address, "", token)[0] == 200
        status, picture = ask(address, "voila/files/stills/00_welcome.png", token)
        assert status == 200
        assert picture == (pathlib.Path(__file__).parents[2] / "notebooks/stills/00_welcome.png").read_bytes()
        assert b'name="password"' in ask(address, "voila/render/00_welcome.ipynb")[1]  # the page that asks for it
        assert ask(address, "voila/files/00_welcome.ipynb")[0] == 403  # of the files, pictures alone
        write(tmp_path / "simviz-short/mine.ipynb", "print(6 * 7)")
        assert ask(address, "voila/render/mine.ipynb", token)[0] == 200  # a page, with a kernel
    finally:
        said = end(process)
    assert f"Culling kernels with idle durations > {lab.IDLE} seconds" in said  # those of pages that were left
    about = json.loads((tmp_path / "simviz-short/03_koopman.ipynb").read_text())["metadata"]
    assert about["simviz"] == {"path": "short"}
