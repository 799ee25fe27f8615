"""How does a model learn? An iterator of TrainStep: pull it with a for loop, a play button or a test; it is one object.

A run draws its minibatches from generators of its own, so the same seed gives the same run whatever else is computed
beside it; it can be paused by not pulling, saved and rewound between two steps, and resumed bit for bit on a CPU.
"""

from __future__ import annotations

import copy
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.learning import options
from simviz.learning.batches import Batches
from simviz.learning.best import Best, judged, validated
from simviz.learning.checkpoints import Keeper, is_folder_of_checkpoints, load_newest
from simviz.learning.descent import Descended, Descent, NotFinite
from simviz.learning.resume import Saved, load_run, save_run
from simviz.learning.schedules import learning_rate
from simviz.learning.task import Task
from simviz.records import Spectrum, TrainStep


class Run:
    """Train `model` on `task`, one TrainStep a pull.

    epochs, batch_size: passes over the training part and samples a step (one left over joins the minibatch before it);
    max_steps: stop after so many steps instead; lr: the peak learning rate; schedule: "constant", "one_cycle", or
    "step": times `drop` every `drop_every` epochs; optimizer: "adamw" or "adam", with betas, eps, weight_decay (AdamW's
    is apart from the gradient, Adam's a part of it); clip: the longest gradient, in the Euclidean norm, that reaches
    the optimiser; autocast: "bfloat16", or on CUDA "float16", for the loss of a training step (never for metrics);
    device: "auto" takes CUDA or MPS where there is one, else the CPU; measure_every: steps between two measurements,
    None for every epoch's end; spectrum_every: steps between two spectra, for models whose spectrum() needs no input;
    penalty: this many times the model's own penalty is added to what is minimised (a DEQ's: how far its cell is from
    contracting; 0 is off), while `loss` stays the task's.

    What dropout and its like draw (`learning.draws`) is a function of seed and step: PyTorch's own generators serve
    during such a model's step and go on afterwards where they were. Raises ValueError for bad options, ArithmeticError
    where training diverges, with the last good state brought back.

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
        measure_every: int | None = None,
        weight_decay: float = 0.0,
        spectrum_every: int = 10,
        snapshots: int = 20,
        penalty: float = 0.0,
        optimizer: str = "adamw",
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        drop_every: int | None = None,
        drop: float = 0.1,
        clip: float | None = None,
        autocast: str | None = None,
    ) -> None:
        given = {name: value for name, value in locals().items() if name not in ("self", "model", "task", "device")}
        self.options: dict[str, Any] = options.checked(given)
        if penalty and not callable(getattr(model, "penalty", None)):
            raise ValueError(f"penalty must be 0 for a {type(model).__name__}: it has no penalty() as a DEQ has")
        if not isinstance(task, Task):
            raise ValueError(f"task must be a simviz.Task, got {type(task).__name__}; see Task.from_arrays")
        self.asked_device = str(device)
        self.device = torch.device(best_device() if device == "auto" else device)
        self.model = model.to(self.device)
        self.task = task
        parts = {"train": task.train, "test": task.test, "validation": task.validation}
        self._parts = {name: tuple(t.to(self.device) for t in some) for name, some in parts.items() if some is not None}
        self._batches = Batches(len(task.train[0]), self.options["batch_size"], self.options["seed"], self.device)
        _check_batch_norm(model, self._batches)
        self.steps_per_epoch = self._batches.per_epoch
        self.total_steps = max_steps or epochs * self.steps_per_epoch
        self.measured_every: int = self.options["measure_every"] or self.steps_per_epoch
        self._descent = Descent(self.model, self.options, self.device)
        self.optimizer = self._descent.optimizer
        self.lock = threading.RLock()
        self.history: list[TrainStep] = []
        self._lines: list[str] = []
        self._keeper: Keeper | None = None
        self._best: tuple[Best, dict[str, Any]] | None = None
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
            epoch = self._batches.epoch(number)
            done = self._descend(number)
            last = number == self.total_steps
            judge = last or number % self.measured_every == 0
            metrics = self._measured(last) if judge else {}
            spectrum = self.current_spectrum() if last or number % self.options["spectrum_every"] == 0 else None
            spent = (self.history[-1].seconds if self.history else 0.0) + time.perf_counter() - began
            lr = self.optimizer.param_groups[0]["lr"]
            counts = (done.gradient, done.solved, done.missed, done.diverged)
            self.history.append(TrainStep(number, epoch, done.loss, metrics, lr, spent, spectrum, *counts))
            self._keep_state(number, judge, last)
            return self.history[-1]

    def _descend(self, number: int) -> Descended:
        rows = self._batches.rows(number)
        peak, drop_every = self.options["lr"], self.options["drop_every"]
        every = None if drop_every is None else drop_every * self.steps_per_epoch
        lr = learning_rate(self.options["schedule"], peak, number, self.total_steps, every, self.options["drop"])
        try:
            return self._descent.step(self.task, tuple(t[rows] for t in self._parts["train"]), lr, number)
        except NotFinite as error:
            reached, back = self.step, self.rewind(self.step)
            raise ArithmeticError(
                f"training diverged after step {reached}: the loss is {error.value}; the state of step {back} is back. "
                f"Lower lr (now {peak:g}), or look for very large values in the data"
            ) from None

    def _measured(self, last: bool) -> dict[str, float]:
        """Metrics of the validation part where there is one; of the test part where there is none, and at the end."""
        metrics = {}
        if self.task.validation is not None:
            metrics = {validated(name): value for name, value in self.measure("validation").items()}
        return {**metrics, **self.measure()} if last or not metrics else metrics

    def _keep_state(self, number: int, judge: bool, last: bool) -> None:
        """Take the snapshots and write the checkpoints that are due after a step, but none that is not finite."""
        kept = self._keeper
        due = number % max(1, self.total_steps // self.options["snapshots"]) == 0 or last
        write = kept is not None and (number % kept.every == 0 or last)
        # The loss can be finite and the weights after it not.
        if not (due or write or judge) or not self._descent.finite():
            return
        now = judged(self.task, self.history, self.measured_every) if judge else None
        better = now is not None and now.beats(self.best, self.task)
        state = self.state() if due or better else {}
        if due:
            self._snapshots[number] = state
        if better:
            assert now is not None
            self._best = (now, state)
        if kept is not None and better and kept.wants(self.best):
            kept.write_best(self._saved())
        if kept is not None and write:
            kept.write(self._saved())

    @property
    def best(self) -> Best | None:
        """The best step so far, `run.rewind(run.best.step)` brings it back; None before the first measurement.

        Measured whenever the run measures, by the task's goal on the validation part. Without one, or without a goal,
        the mean training loss decides and never the test part, which would then measure nothing.
        """
        return None if self._best is None else self._best[0]

    @torch.no_grad()
    def measure(self, part: str = "test") -> dict[str, float]:
        """Return the task's metrics on its "test", "validation" or "train" part, between two steps."""
        checks.one_of("part", part, list(self._parts))
        with self.lock:
            self.model.eval()
            return self.task.metrics(self.model, *self._parts[part])

    @torch.no_grad()
    def current_spectrum(self) -> Spectrum | None:
        """Return the model's spectrum now, or None for a model that has none without an input."""
        propagator = getattr(self.model, "propagator", None)
        return None if propagator is None else propagator.spectrum()

    @property
    def kept(self) -> tuple[int, ...]:
        """The steps that `rewind` can bring back."""
        best = set() if self._best is None else {self._best[0].step}
        return tuple(sorted({*self._snapshots, *best}))

    def state(self) -> dict[str, Any]:
        """Return copies of the model's and the optimiser's state; nothing in it changes as training goes on."""
        with self.lock:
            return copy.deepcopy(self._descent.state())

    def rewind(self, step: int = 0) -> int:
        """Bring back the nearest snapshot at or before `step`, forget what came after it, return its number.

        The best step is always among the snapshots; once forgotten, it is found again when the run comes there.
        """
        step = checks.positive_int("step", step, 0)
        with self.lock:
            states = dict(self._snapshots)
            if self._best is not None:
                states[self._best[0].step] = self._best[1]
            nearest = max(s for s in states if s <= step)
            self._descent.load_state(copy.deepcopy(states[nearest]))
            del self.history[nearest:]
            del self._lines[nearest:]
            self._snapshots = {s: kept for s, kept in self._snapshots.items() if s <= nearest}
            if self._best is not None and self._best[0].step > nearest:
                self._best = None
            return nearest

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the run into a folder, between two steps, and return its path; `load_model` reads the model from it.

        A saved run or model that stood there is replaced. Raises ValueError for a model that is not made of known
        classes, and for a place that holds anything else, which stays as it is.
        """
        with self.lock:
            return save_run(folder, self._saved(), self.task)

    def keep(self, folder: str | os.PathLike[str], every: int = 100, last: int = 3) -> Path:
        """From now on write the whole run into folder/step-000100 and so on; return the folder's path.

        every: steps between two checkpoints, and there is one at the end; last: how many stay; folder/best is the run
        at its best step. `Run.load(folder, task)` goes on from the newest; a run that was loaded keeps checkpoints when
        it is asked anew. Other files in the folder are left alone. Raises ValueError where the folder is a saved run,
        holds checkpoints of another run, or of steps that this one has not reached; nothing is overwritten then.
        """
        with self.lock:
            keeper = Keeper(folder, every, last, self.task, self._saved())
            if keeper.wants(self.best):
                keeper.write_best(self._saved(at_best=True))
            self._keeper = keeper
            return keeper.place

    def _saved(self, at_best: bool = False) -> Saved:
        """The run as it is, or as it was at its best step, for `save_run`."""
        best, state = self._best or (None, {})
        kept = None if best is None else (best, state["model"], state["optimizer"]["state"])
        now = state if at_best else self._descent.state()
        reached = best.step if at_best and best is not None else self.step
        return Saved(
            self.model,
            now["model"],
            self.options,
            self.asked_device,
            self.history[:reached],
            now["optimizer"]["state"],
            self._snapshots[0]["model"],
            kept,
            now["scaler"],
            self._lines,
        )

    @classmethod
    def load(cls, folder: str | os.PathLike[str], task: Task) -> Run:
        """Return the run that `save` wrote, or the newest checkpoint of `keep`; on a CPU it goes on bit for bit.

        It can be rewound to the step it was saved at, to its best step and to step 0. It runs on the device it ran on,
        or on the best there is where this machine lacks that. A damaged newest checkpoint is passed over for the one
        before, with a UserWarning that says so. Raises ValueError for a folder that holds no run or a damaged one, and
        for a task whose tensors have other shapes than those it was trained on.
        """
        saved = load_newest(folder, task) if is_folder_of_checkpoints(folder) else load_run(folder, task)
        try:
            device = torch.empty(0, device=saved.device).device if saved.device != "auto" else "auto"
        except (RuntimeError, AssertionError):
            device = "auto"
        try:
            run = cls(saved.model, task, device=device, **saved.options)
        except (TypeError, ValueError) as error:
            raise ValueError(f"folder {folder} holds a damaged run: its options do not fit, {error}") from None
        run.asked_device = saved.device
        run._take(saved)
        return run

    def _take(self, saved: Saved) -> None:
        """Be at the step, and know the start and the best state, of a saved run."""
        first = self._snapshots[0]
        first["model"] = saved.start
        if saved.best is not None:
            best, weights, moments = saved.best
            state = {"model": weights, "optimizer": {**first["optimizer"], "state": moments}}
            self._best = (best, {**state, "scaler": saved.scaler})
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": saved.optimizer})
        if self._descent.scaler is not None and saved.scaler:
            self._descent.scaler.load_state_dict(saved.scaler)
        self.history = list(saved.history)
        if self._descent.finite():
            self._snapshots[self.step] = self.state()


def _check_batch_norm(model: nn.Module, batches: Batches) -> None:
    if batches.smallest == 1 and any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in model.modules()):
        raise ValueError(
            f"batch_size must be at least 2, and the training part too, for a {type(model).__name__} with batch "
            f"normalisation, which has no variance of one sample: got {batches.size}, and {batches.samples} samples"
        )


def best_device() -> str:
    """Return "cuda" or "mps" where there is one, else "cpu"."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
