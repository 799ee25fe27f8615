"""Which models can be asked for a time, and what clock have they got? Four that stand beside a SIM with modes.

All answer `orbit(x, times)` -> (batch, times, outputs), as a SIM does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.models.config import register


@register
class Timeless(nn.Module):
    """A model without a clock: the same answer at every time. model: x -> (batch, outputs)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.options: dict[str, Any] = {"model": model}
        self.model = model

    def orbit(self, x: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """(batch, ...), (T,) -> (batch, T, outputs)."""
        return self.model(x)[:, None].expand(-1, len(times), -1)


@register
class Told(nn.Module):
    """A model that is told the time: x is joined by cosine and sine of angle times t, for each of some angles.

    model: (rows, inputs + 2 angles) -> (rows, outputs); angles: of the clock's hands, radians a step.
    """

    def __init__(self, model: nn.Module, angles: Sequence[float]) -> None:
        super().__init__()
        self.options: dict[str, Any] = {"model": model, "angles": [checks.real("angles", a) for a in angles]}
        self.model = model
        self.register_buffer("angles", torch.tensor(self.options["angles"]), persistent=False)

    angles: torch.Tensor

    def orbit(self, x: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """(batch, inputs), (T,) -> (batch, T, outputs)."""
        turned = times.to(x)[:, None] * self.angles
        hands = torch.cat([turned.cos(), turned.sin()], 1)  # (T, 2 angles)
        rows = torch.cat([x[:, None].expand(-1, len(times), -1), hands.expand(len(x), -1, -1)], -1)
        return self.model(rows.flatten(0, 1)).unflatten(0, (len(x), len(times)))


@register
class Iterated(nn.Module):
    """A cell read at step t: its clock is how often it was applied. cell: f(z, x) with `initial`; readout: of z."""

    def __init__(self, cell: nn.Module, readout: nn.Module) -> None:
        super().__init__()
        self.options: dict[str, Any] = {"cell": cell, "readout": readout}
        self.cell, self.readout = cell, readout

    def orbit(self, x: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """(batch, inputs), (T,) whole steps -> (batch, T, outputs); z_1 is read at t = 0."""
        counted = _whole(times)
        z = self.cell.initial(x)  # type: ignore[operator]
        states = []
        for _ in range(int(counted.max()) + 1):
            z = self.cell(z, x)
            states.append(z)
        return self.readout(torch.stack(states, 1)[:, counted])


@register
class Recurrent(nn.Module):
    """A gated recurrent unit (Cho et al., arXiv 1406.1078) that hears a signal and goes on from its own answers.

    units: of its state. x: (batch, samples) of one signal, one sample a step.
    """

    def __init__(self, units: int = 64) -> None:
        super().__init__()
        self.options: dict[str, Any] = {"units": checks.positive_int("units", units)}
        self.cell = nn.GRUCell(1, units)
        self.readout = nn.Linear(units, 1)

    def orbit(self, x: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """(batch, samples), (T,) whole steps -> (batch, T, 1)."""
        counted = _whole(times)
        state = x.new_zeros(len(x), self.options["units"])
        for heard in x.T:
            state = self.cell(heard[:, None], state)
        said = self.readout(state)
        answers = [said]
        for _ in range(int(counted.max())):
            state = self.cell(said, state)
            said = self.readout(state)
            answers.append(said)
        return torch.stack(answers, 1)[:, counted]


def _whole(times: torch.Tensor) -> torch.Tensor:
    """The times as numbers of steps, long; they must be whole and from 0 on."""
    if times.is_floating_point() and not bool((times == times.round()).all()):
        raise ValueError("times must be whole steps for a model that counts them")
    last = float(times.max())
    if not math.isfinite(last) or float(times.min()) < 0:
        raise ValueError(f"times must be finite and at least 0, got {float(times.min()):g} to {last:g}")
    return times.long()
