"""What is one step down? Loss, backward, clipping, the optimiser's step, and a count of the equilibria on the way."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from simviz.learning.batches import mixed
from simviz.learning.draws import drawn, draws
from simviz.learning.optimisers import optimiser
from simviz.learning.task import Task
from simviz.records import Status


@dataclass(frozen=True)
class Descended:
    """What came of one step: the task's loss before it, the gradient's norm, and the count of equilibria."""

    loss: float
    gradient: float | None
    solved: int
    missed: int
    diverged: int


class NotFinite(ArithmeticError):
    """The loss is NaN or infinite; nothing was changed. `value` is the loss."""

    def __init__(self, value: float) -> None:
        super().__init__(f"the loss is {value}")
        self.value = value


class Descent:
    """A model, its optimiser, and how a step is taken with them; `options` are a run's (`options.checked`)."""

    def __init__(self, model: nn.Module, options: dict[str, Any], device: torch.device) -> None:
        self.model: Any = model
        self.device = device
        self.seed, self.clip, self.penalty = options["seed"], options["clip"], options["penalty"]
        named = ("lr", "weight_decay", "betas", "eps")
        self.optimizer = optimiser(options["optimizer"], model, **{name: options[name] for name in named})
        self.dtype = None if options["autocast"] is None else getattr(torch, options["autocast"])
        if self.dtype is torch.float16 and device.type != "cuda":
            raise ValueError(f'autocast must be None or "bfloat16" on device {device.type}: "float16" wants CUDA')
        self.scaler = torch.amp.GradScaler("cuda") if self.dtype is torch.float16 else None
        self._draws = draws(model)
        self._solving: list[Any] = [part for part in model.modules() if hasattr(part, "last_solution")]

    def step(self, task: Task, batch: tuple[torch.Tensor, ...], lr: float, number: int) -> Descended:
        """Take step `number` at this learning rate; raises NotFinite, before anything has changed."""
        self.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.zero_grad(set_to_none=True)
        before = [part.last_solution for part in self._solving]
        with drawn(mixed(self.seed, number), self.device) if self._draws else nullcontext():
            with torch.autocast(self.device.type, self.dtype) if self.dtype else nullcontext():
                loss = task.loss(self.model, *batch)
                value = float(loss.detach())
                if not math.isfinite(value):
                    raise NotFinite(value)
                if self.penalty:  # its directions are the seed's and the step's, so that a resumed run repeats them
                    generator = torch.Generator().manual_seed(mixed(self.seed, number))
                    loss = loss + self.penalty * self.model.penalty(generator)
            (loss if self.scaler is None else self.scaler.scale(loss)).backward()
        gradient = self._clipped()
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        return Descended(value, gradient, *self._count(before))

    def _clipped(self) -> float | None:
        """Scale the gradient to norm `clip` where it is longer; return its norm before, None where nothing is asked."""
        if self.clip is None:
            return None
        if self.scaler is not None:
            self.scaler.unscale_(self.optimizer)
        return float(nn.utils.clip_grad_norm_(self.model.parameters(), self.clip))

    def _count(self, before: list[Any]) -> tuple[int, int, int]:
        """Equilibria solved since `before`, how many of them did not converge, how many of those ran away."""
        solved = missed = diverged = 0
        for part, old in zip(self._solving, before, strict=True):
            if part.last_solution is not None and part.last_solution is not old:
                status = part.last_solution.status
                solved += len(status)
                missed += len(status) - status.count(Status.CONVERGED)
                diverged += status.count(Status.DIVERGED)
        return solved, missed, diverged

    def finite(self) -> bool:
        """Say whether every weight and every buffer is finite."""
        return all(bool(torch.isfinite(value).all()) for value in self.model.state_dict().values())

    def state(self) -> dict[str, Any]:
        """Return the states of model, optimiser and gradient scaler; they change as training goes on."""
        scaler = None if self.scaler is None else self.scaler.state_dict()
        return {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "scaler": scaler}

    def load_state(self, state: dict[str, Any]) -> None:
        """Bring back what `state` returned."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scaler is not None and state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])
