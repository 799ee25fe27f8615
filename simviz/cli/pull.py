"""How is a run trained from the command line? Behind a progress bar, until its end or until a signal asks to stop."""

from __future__ import annotations

import math
import signal
import sys
import threading
from typing import Any

from simviz.learning.best import validated
from simviz.learning.report import said
from simviz.learning.run import Run
from simviz.records import TrainStep

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Asked:
    """Within `with`: the first Ctrl-C or SIGTERM is noted in `signal`, so that a step is finished; a second one stops.

    In another thread than the main one signals stay as they are.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Asked:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: object) -> None:
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = number


def pull(run: Run, seen: list[TrainStep], words: str = "") -> int | None:
    """Train to the end and return None, or the signal that ended it before, after a whole step.

    seen: is given every step, and keeps those that a divergence takes out of the run's history; words: before the bar.
    """
    from tqdm import tqdm

    told: dict[str, str] = {}
    with (
        Asked() as asked,
        tqdm(total=run.total_steps, initial=run.step, unit="step", desc=words or None, file=sys.stderr) as bar,
    ):
        for step in run:
            seen.append(step)
            told |= _told(run.task.goal, step)
            bar.set_postfix({"loss": f"{step.loss:.3g}", **told}, refresh=False)
            bar.update()
            if asked.signal is not None and run.step < run.total_steps:
                return asked.signal
    return None


def _told(goal: str, step: TrainStep) -> dict[str, str]:
    names = {goal: "test", validated(goal): "validation"}
    found = {short: step.metrics[name] for name, short in names.items() if name in step.metrics}
    return {short: said(goal, value) for short, value in found.items() if math.isfinite(value)}
