"""A JupyterLab of the tests' own: on this machine alone, with a token, apart from the user's own folders."""

import json
import os
import pathlib
import secrets
import socket
import subprocess
import sys
import time
import urllib.request


class Server:
    """One JupyterLab for all browser tests; `folder` is what it serves, `home` everything else that it writes."""

    def __init__(self, home: pathlib.Path):
        self.home, self.folder = home, home / "served"
        self.folder.mkdir(parents=True)
        self.token = secrets.token_hex(16)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        # JupyterLab's news would be asked for over the network
        disabled = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        self._write("config/labconfig/page_config.json", disabled)
        # every cell is drawn, not only those on the screen
        self.set("notebook-extension/tracker", windowingMode="none")
        self.process = self._start()
        self._wait()

    def _write(self, name: str, content: dict) -> None:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))

    def set(self, plugin: str, **settings) -> None:
        """Settings of a plugin of JupyterLab, read when a page is next loaded."""
        self._write(f"settings/@jupyterlab/{plugin}.jupyterlab-settings", settings)

    def set_kernel_environment(self, env: dict[str, str]) -> None:
        """Environment variables of the kernels started from now on."""
        startup = self.home / "ipython/profile_default/startup/00-environment.py"
        startup.parent.mkdir(parents=True, exist_ok=True)
        startup.write_text(f"__import__('os').environ.update({env!r})\n")

    def _start(self) -> subprocess.Popen:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON"))}
        folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
        folders |= {"JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces"}
        env |= {name: str(self.home / path) for name, path in (folders | {"IPYTHONDIR": "ipython"}).items()}
        options = [
            "--no-browser",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.folder}",
            f"--IdentityProvider.token={self.token}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",  # Notebook 7, where it is installed
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.append("--allow-root")
        with (self.home / "server.log").open("wb") as log:
            command = [sys.executable, "-m", "jupyterlab", *options]
            return subprocess.Popen(command, env=env, cwd=self.home, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def _wait(self, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                return self.ask("GET", "status")
            except OSError:
                time.sleep(0.1)
        log = (self.home / "server.log").read_text(errors="replace")[-3000:]
        self.stop()
        raise RuntimeError(f"JupyterLab did not come up:\n{log}")

    def ask(self, method: str, what: str):
        """A call of the server's REST interface."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}/api/{what}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as reply:
            body = reply.read()
        return json.loads(body) if body else None

    def end_kernels(self) -> None:
        for session in self.ask("GET", "sessions"):
            self.ask("DELETE", f"sessions/{session['id']}")
        for kernel in self.ask("GET", "kernels"):
            self.ask("DELETE", f"kernels/{kernel['id']}")

    def stop(self) -> None:
        """End the server; it ends its kernels first."""
        end(self.process)


def end(process: subprocess.Popen) -> None:
    """Ask a server to end, and end it by force when it does not."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
