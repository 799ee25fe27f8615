"""What does the kernel's interrupt button reach? By itself only the cell that runs; here also what plays beside it.

An idle Jupyter kernel ignores the interrupt signal, and a running cell turns it into a KeyboardInterrupt in the main
thread alone. So the handler which the kernel puts back after each message is replaced by one that tells us, and a
cell that ended in a KeyboardInterrupt is told of by IPython.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

_watchers: list[Callable[[], None]] = []
_shells: set[int] = set()


def watch(watcher: Callable[[], None]) -> None:
    """Call `watcher()` whenever the kernel is interrupted, from now on; outside a kernel, nothing is changed."""
    if watcher not in _watchers:
        _watchers.append(watcher)
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None else None
    kernel = getattr(shell, "kernel", None)
    if shell is None or kernel is None or id(shell) in _shells:
        return
    _shells.add(id(shell))
    shell.events.register("post_run_cell", _after_cell)
    if threading.current_thread() is threading.main_thread() and hasattr(kernel, "saved_sigint_handler"):
        before = kernel.saved_sigint_handler

        def handler(number: int, frame: Any) -> None:
            _tell()
            if callable(before):
                before(number, frame)

        kernel.saved_sigint_handler = handler  # the kernel puts it in place when this cell ends
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, handler)


def _after_cell(result: Any) -> None:
    if isinstance(getattr(result, "error_in_exec", None), KeyboardInterrupt):
        _tell()


def _tell() -> None:
    # in a thread of its own: a signal handler must not wait for a lock that the code it interrupts may hold
    for watcher in _watchers:
        threading.Thread(target=watcher, name="simviz interrupt", daemon=True).start()
