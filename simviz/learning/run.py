"""How does a model learn? An iterator of TrainStep: pull it with a for loop, a play button or a test; it is one object.

A run draws its minibatches from generators of its own, so the same seed gives the same run whatever else is computed
beside it; it can be paused by not pulling, saved and rewound between two steps, and resumed bit for bit on a CPU.
"""

from __future__ import annotations

import copy
import math
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.learning.resume import Saved, load_run, save_run
from simviz.learning.task import Task
from simviz.records import Spectrum, TrainStep

SCHEDULES = ("constant", "one_cycle")


def learning_rate(schedule: str, peak: float, step: int, total: int) -> float:
    """Return the rate of step 1 .. total: constant, or one cycle (up over 30 % of the run, then down; Smith 2018)."""
    if schedule == "constant":
        return peak
    rise = max(1.0, 0.3 * total)
    if step <= rise:
        return peak * (0.04 + 0.96 * 0.5 * (1 - math.cos(math.pi * step / rise)))
    fall = (step - rise) / max(1.0, total - rise)
    return peak * (1e-3 + (1 - 1e-3) * 0.5 * (1 + math.cos(math.pi * fall)))


class Run:
    """Train `model` on `task` with AdamW, one TrainStep a pull.

    epochs, batch_size: passes over the training part and samples a step; max_steps: stop after so many steps instead;
    lr: the peak learning rate; schedule: "constant" or "one_cycle"; weight_decay: AdamW's (0 is plain Adam);
    device: "auto" takes CUDA or MPS where there is one, else the CPU; spectrum_every: steps between two spectra, for
    models whose spectrum() needs no input; penalty: this many times the model's own penalty is added to what is
    minimised (a DEQ's: how far its cell is from contracting; 0 is off), while `loss` stays the task's. Raises
    ValueError for bad options, ArithmeticError where training diverges, with the last good state brought back.

    >>> from torch import nn
    >>> task = Task.from_arrays(torch.randn(64, 2), torch.randn(64, 1))
    >>> run = Run(nn.Linear(2, 1), task, epochs=2, batch_size=26)
    >>> [step.step for step in run]
    [1, 2, 3, 4]
    """

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        epochs: int = 10,
        batch_size: int = 128,
        lr: float = 1e-3,
        schedule: str = "one_cycle",
        seed: int = 0,
        device: str | torch.device = "auto",
        *,
        max_steps: int | None = None,
        weight_decay: float = 0.0,
        spectrum_every: int = 10,
        snapshots: int = 20,
        penalty: float = 0.0,
    ) -> None:
        self.options: dict[str, Any] = {
            "epochs": checks.positive_int("epochs", epochs),
            "batch_size": checks.positive_int("batch_size", batch_size),
            "lr": checks.positive("lr", lr),
            "schedule": checks.one_of("schedule", schedule, SCHEDULES),
            "seed": checks.positive_int("seed", seed, 0),
            "max_steps": None if max_steps is None else checks.positive_int("max_steps", max_steps),
            "weight_decay": checks.real("weight_decay", weight_decay, 0.0),
            "spectrum_every": checks.positive_int("spectrum_every", spectrum_every),
            "snapshots": checks.positive_int("snapshots", snapshots),
            "penalty": checks.real("penalty", penalty, 0.0),
        }
        if penalty and not callable(getattr(model, "penalty", None)):
            raise ValueError(f"penalty must be 0 for a {type(model).__name__}: it has no penalty() as a DEQ has")
        if not isinstance(task, Task):
            raise ValueError(f"task must be a simviz.Task, got {type(task).__name__}; see Task.from_arrays")
        self.asked_device = str(device)
        self.device = torch.device(best_device() if device == "auto" else device)
        self.model = model.to(self.device)
        self.task = task
        self._train = tuple(t.to(self.device) for t in task.train)
        self._test = tuple(t.to(self.device) for t in task.test)
        self.steps_per_epoch = math.ceil(len(self._train[0]) / batch_size)
        self.total_steps = max_steps or epochs * self.steps_per_epoch
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=lr, weight_decay=weight_decay)
        self.lock = threading.RLock()
        self.history: list[TrainStep] = []
        self._order: tuple[int, torch.Tensor] | None = None
        self._snapshots: dict[int, dict[str, Any]] = {0: self.state()}

    @property
    def step(self) -> int:
        """Steps done so far."""
        return self.history[-1].step if self.history else 0

    def __iter__(self) -> Iterator[TrainStep]:
        return self

    def __next__(self) -> TrainStep:
        with self.lock:
            if self.step >= self.total_steps:
                raise StopIteration
            began = time.perf_counter()
            number = self.step + 1
            epoch = (number - 1) // self.steps_per_epoch
            lr = learning_rate(self.options["schedule"], self.options["lr"], number, self.total_steps)
            loss = self._descend(self._minibatch(number, epoch), lr, number)
            last = number == self.total_steps
            metrics = self.measure() if last or number % self.steps_per_epoch == 0 else {}
            spectrum = self.current_spectrum() if last or number % self.options["spectrum_every"] == 0 else None
            spent = (self.history[-1].seconds if self.history else 0.0) + time.perf_counter() - began
            self.history.append(TrainStep(number, epoch, loss, metrics, lr, spent, spectrum))
            due = number % max(1, self.total_steps // self.options["snapshots"]) == 0 or last
            if due and self._finite():  # the loss can be finite and the weights after it not
                self._snapshots[number] = self.state()
            return self.history[-1]

    def _minibatch(self, number: int, epoch: int) -> tuple[torch.Tensor, ...]:
        if self._order is None or self._order[0] != epoch:
            generator = torch.Generator().manual_seed(self.options["seed"] * 1_000_003 + epoch)
            self._order = (epoch, torch.randperm(len(self._train[0]), generator=generator).to(self.device))
        size = self.options["batch_size"]
        begin = (number - 1) % self.steps_per_epoch * size
        rows = self._order[1][begin : begin + size]
        return tuple(t[rows] for t in self._train)

    def _descend(self, batch: tuple[torch.Tensor, ...], lr: float, number: int) -> float:
        model: Any = self.model
        model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.task.loss(model, *batch)
        value = float(loss.detach())
        if not math.isfinite(value):
            reached, back = self.step, self.rewind(self.step)
            raise ArithmeticError(
                f"training diverged after step {reached}: the loss is {value}; the state of step {back} is back. "
                f"Lower lr (now {self.options['lr']:g}), or look for very large values in the data"
            )
        if self.options["penalty"]:  # its directions are the seed's and the step's, so that a resumed run repeats them
            generator = torch.Generator().manual_seed(self.options["seed"] * 1_000_003 + number)
            loss = loss + self.options["penalty"] * model.penalty(generator)
        loss.backward()
        self.optimizer.step()
        return value

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """Return the task's metrics on its test part, between two steps."""
        with self.lock:
            self.model.eval()
            return self.task.metrics(self.model, *self._test)

    @torch.no_grad()
    def current_spectrum(self) -> Spectrum | None:
        """Return the model's spectrum now, or None for a model that has none without an input."""
        propagator = getattr(self.model, "propagator", None)
        return None if propagator is None else propagator.spectrum()

    def _finite(self) -> bool:
        return all(bool(torch.isfinite(p).all()) for p in self.model.parameters())

    def state(self) -> dict[str, Any]:
        """Return copies of the model's and the optimiser's state; nothing in it changes as training goes on."""
        with self.lock:
            return copy.deepcopy({"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()})

    def rewind(self, step: int = 0) -> int:
        """Bring back the nearest snapshot at or before `step`, forget what came after it, return its number."""
        step = checks.positive_int("step", step, 0)
        with self.lock:
            nearest = max(s for s in self._snapshots if s <= step)
            state = copy.deepcopy(self._snapshots[nearest])
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            del self.history[nearest:]
            self._snapshots = {s: kept for s, kept in self._snapshots.items() if s <= nearest}
            return nearest

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the run into a folder, between two steps, and return its path; `load_model` reads the model from it.

        A saved run or model that stood there is replaced. Raises ValueError for a model that is not made of known
        classes, and for a place that holds anything else, which stays as it is.
        """
        with self.lock:
            moments, start = self.optimizer.state_dict()["state"], self._snapshots[0]["model"]
            saved = Saved(self.model, self.options, self.asked_device, self.history, moments, start)
            return save_run(folder, saved, self.task)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], task: Task) -> Run:
        """Return the run that `save` wrote, ready for its next step; on a CPU it goes on bit for bit.

        It can be rewound to the step it was saved at and to step 0. It runs on the device it ran on, or on the best
        there is where this machine lacks that. Raises ValueError for a folder that holds no run or a damaged one, and
        for a task whose tensors have other shapes than those it was trained on.
        """
        saved = load_run(folder, task)
        try:
            device = torch.empty(0, device=saved.device).device if saved.device != "auto" else "auto"
        except (RuntimeError, AssertionError):
            device = "auto"
        try:
            run = cls(saved.model, task, device=device, **saved.options)
        except (TypeError, ValueError) as error:
            raise ValueError(f"folder {folder} holds a damaged run: its options do not fit, {error}") from None
        run.asked_device = saved.device
        run._snapshots[0]["model"] = saved.start
        run.optimizer.load_state_dict({**run.optimizer.state_dict(), "state": saved.optimizer})
        run.history = saved.history
        run._snapshots[run.step] = run.state()
        return run


def best_device() -> str:
    """Return "cuda" or "mps" where there is one, else "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
