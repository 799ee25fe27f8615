"""What crosses from one room of the library to another: frozen records, and nothing that computes or draws.

A solver, a training run or an analysis returns a record; a figure is drawn from a record. So the same numbers can be
tested, saved and drawn, and watching a computation never changes it.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

CIRCLE_TOLERANCE = 1e-6
"""An eigenvalue whose modulus is within this of 1 counts as persistent."""


class Status(enum.Enum):
    """How a solve ended for one sample. The value is a sentence of advice."""

    CONVERGED = "converged: the residual is below rtol |f(z)| + atol sqrt(n)"
    OUT_OF_STEPS = (
        "not converged after max_steps: raise max_steps, damp the solver, or look at the spectrum: "
        "a pair outside the circle means a cycle"
    )
    DIVERGED = (
        "diverged: the iterates ran away or became non-finite; z is the last finite one: "
        "damp the solver, or make the cell contract (smaller weights)"
    )


@dataclass(frozen=True)
class Step:
    """One step of a fixed-point iteration, per sample of the batch.

    residual: (batch,) |f(z) - z|; ratio: (batch,) residual / (rtol |f(z)| + atol sqrt(n)), 1 is just converged;
    both NaN where `active`, (batch,) bool, is False: that sample was done before this step.
    """

    step: int
    z: Any
    residual: torch.Tensor
    ratio: torch.Tensor
    active: torch.Tensor


@dataclass(frozen=True)
class Solution:
    """Where a solve ended, per sample. Not converging is data, not an exception: read `status`.

    status: a tuple of `Status`, one a sample; residual, ratio: (batch,) at the returned z; evaluations: (batch,) int,
    calls of f that each sample took part in; steps: the recorded `Step`s (without z unless it was asked to be kept);
    adjoint: the Solution of the backward solve, once a backward pass has run.
    """

    z: Any
    status: tuple[Status, ...]
    residual: torch.Tensor
    ratio: torch.Tensor
    evaluations: torch.Tensor
    steps: tuple[Step, ...] = ()
    adjoint: Solution | None = None

    @property
    def converged(self) -> torch.Tensor:
        """(batch,) bool: which samples converged."""
        return torch.tensor([s is Status.CONVERGED for s in self.status], device=self.residual.device)


@dataclass(frozen=True)
class GradientError:
    """How far a rule's gradient is from the exact one, and what it cost.

    rule: its name; angle: between the two, degrees (NaN where one of them is zero or not finite); length: of the rule's
    gradient over that of the exact one; seconds: of attaching it and going backward, the least of some repeats; bytes:
    the most memory its tensors took at once, beyond what was there before.
    """

    rule: str
    angle: float
    length: float
    seconds: float
    bytes: int


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues per step of dt, with what is known of them.

    eigenvalues: complex (..., n); residuals: float of the same shape, or None where none is defined; dt: time a step;
    names: one a mode; kind: one phrase that is drawn with the figure and says what these are the eigenvalues of;
    in_sample: True where the residuals were measured on the data of the fit; tolerance: how far from the circle an
    eigenvalue may stand and count as persistent, where residuals are known no further than its own residual (the data
    cannot tell), and always within `CIRCLE_TOLERANCE`; advice: what to do where residuals are NaN, in a sentence.

    Eigenvalues are per step, and `continuous` holds the rates: the two are never mixed.
    Raises ValueError where the shapes do not fit, dt is not positive or the tolerance is negative.

    >>> s = Spectrum(torch.tensor([1.0, 0.5, 1.2]), dt=0.1)
    >>> s.persistent.tolist(), s.decaying.tolist(), s.growing.tolist()
    ([True, False, False], [False, True, False], [False, False, True])
    """

    eigenvalues: torch.Tensor
    residuals: torch.Tensor | None = None
    dt: float = 1.0
    names: Sequence[str] | None = None
    kind: str = ""
    in_sample: bool = False
    tolerance: float = CIRCLE_TOLERANCE
    advice: str = ""

    def __post_init__(self) -> None:
        values = _tensor(self.eigenvalues)
        if not values.is_complex():
            values = values.to(torch.complex128 if values.dtype == torch.float64 else torch.complex64)
        object.__setattr__(self, "eigenvalues", values)
        if self.residuals is not None:
            residuals = _tensor(self.residuals)
            if residuals.shape != values.shape:
                raise ValueError(
                    f"residuals must have the eigenvalues' shape {tuple(values.shape)}, got {tuple(residuals.shape)}"
                )
            object.__setattr__(self, "residuals", residuals)
        if not self.dt > 0:
            raise ValueError(f"dt must be above 0, got {self.dt}")
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance must not be negative, got {self.tolerance}")
        if self.names is not None and len(self.names) != values.shape[-1]:
            raise ValueError(f"names must hold one word for each of {values.shape[-1]} modes, got {len(self.names)}")

    @property
    def decaying(self) -> torch.Tensor:
        """(..., n) bool: modulus below 1."""
        return self.eigenvalues.abs() - 1 < -self._reach()

    @property
    def persistent(self) -> torch.Tensor:
        """(..., n) bool: modulus 1, the eigenvalue 1 among them; the peripheral spectrum."""
        return (self.eigenvalues.abs() - 1).abs() <= self._reach()

    @property
    def growing(self) -> torch.Tensor:
        """(..., n) bool: modulus above 1."""
        return self.eigenvalues.abs() - 1 > self._reach()

    def _reach(self) -> torch.Tensor:
        """(..., n): within how much of the circle each eigenvalue counts as persistent."""
        if self.residuals is None:
            return self.eigenvalues.real.new_full(self.eigenvalues.shape, max(self.tolerance, CIRCLE_TOLERANCE))
        known = self.residuals.to(self.eigenvalues.real).nan_to_num(nan=0.0)
        return known.clamp(CIRCLE_TOLERANCE, max(self.tolerance, CIRCLE_TOLERANCE))

    @property
    def trusted_steps(self) -> torch.Tensor:
        """(..., n): for about how many steps each may be trusted, 1 / residual; NaN where nothing vouches for it.

        After t steps the forecast lambda^t h of an eigenfunction h is off by at most t residuals, the residual being
        the error of one step relative to h. In sample nothing vouches: the fit made these residuals small itself.
        """
        if self.residuals is None or self.in_sample:
            return self.eigenvalues.real.new_full(self.eigenvalues.shape, math.nan)
        return 1 / self.residuals

    def words(self) -> tuple[str, ...]:
        """Return one line an eigenvalue: the number, its name, its residual, and how many steps it may be trusted.

        >>> Spectrum(torch.tensor([0.5]), torch.tensor([0.02]), names=["s1"]).words()
        ('0.5000 (s1): residual 2e-02 on snapshots not used in the fit: may be trusted for about 50 steps',)
        """
        values = self.eigenvalues.reshape(-1).tolist()
        repeats = len(values) // max(1, self.eigenvalues.shape[-1])
        names = [""] * len(values) if self.names is None else [f" ({name})" for name in self.names] * repeats
        residuals = [math.nan] * len(values) if self.residuals is None else self.residuals.reshape(-1).tolist()
        return tuple(
            f"{v.real:.4f}{f'{v.imag:+.4f}i' if v.imag else ''}{name}: {self._trust(residual)}"
            for v, name, residual in zip(values, names, residuals, strict=True)
        )

    def _trust(self, residual: float) -> str:
        if math.isnan(residual):
            return "no residual, so nothing vouches for it"
        if self.in_sample:
            return f"residual {residual:.0e} on the snapshots of the fit, which proves nothing"
        steps = math.inf if residual == 0 else 1 / residual
        if steps < 1:
            trusted = "not to be trusted for a single step"
        elif steps < 1.5:
            trusted = "may be trusted for one step"
        elif steps > 1e6:
            trusted = "may be trusted for more than a million steps"
        else:
            trusted = f"may be trusted for about {float(f'{steps:.2g}'):,.0f} steps"
        return f"residual {residual:.0e} on snapshots not used in the fit: {trusted}"

    @property
    def continuous(self) -> torch.Tensor:
        """(..., n) complex: log(lambda) / dt, the rate, on the principal branch."""
        return torch.log(self.eigenvalues) / self.dt


def _tensor(values: Any) -> torch.Tensor:
    """Return a tensor as it is, on its device; anything else as a new one."""
    return values if isinstance(values, torch.Tensor) else torch.as_tensor(values)


@dataclass(frozen=True)
class TrainStep:
    """One step of training: what a curve, a table or a progress bar needs.

    step counts from 1; loss is of this step's minibatch; metrics hold what was measured at this step (empty where
    nothing was); lr is the learning rate used; seconds since the run began, pauses not counted; spectrum is present
    every so often, where the model has one; gradient is the gradient's norm before it was clipped, None where nothing
    clips. Of the equilibria solved for this minibatch, `solved`, so many did not converge, `missed`, and of these so
    many ran away, `diverged`; all 0 for a model that solves none.
    """

    step: int
    epoch: int
    loss: float
    metrics: dict[str, float] = field(default_factory=dict)
    lr: float = 0.0
    seconds: float = 0.0
    spectrum: Spectrum | None = None
    gradient: float | None = None
    solved: int = 0
    missed: int = 0
    diverged: int = 0


@dataclass(frozen=True)
class Axis:
    """One axis of a subplot: its title (with unit), scale, and range (None: from the data)."""

    title: str = ""
    scale: str = "linear"
    range: tuple[float, float] | None = None
    ticks: tuple[float, ...] | None = None
    grid: bool = True


@dataclass(frozen=True)
class ColourBar:
    """How an image's numbers become colours, and the bar beside it that says so (none where the title is empty).

    range: the numbers at its two ends, beyond which the colour stays; scale: "linear", "log" or "sqrt"; ticks: numbers
    marked on it, with their words where a number does not speak for itself.
    """

    title: str = ""
    range: tuple[float, float] = (0.0, 1.0)
    scale: str = "linear"
    ticks: tuple[float, ...] | None = None
    labels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Trace:
    """One thing drawn: where it stands (subplot), what it is (role: decides colour and shape) and its points.

    `name` is shown in the legend and names the live channel; `key` overrides the channel's name where two traces
    carry the same legend entry. `live` says how it changes: "append" grows, "replace" is sent whole, "" stays.
    mode: "points", "line", "line+points", "rays" (from the origin), "area" (a line, filled down to 0),
    "band" (a closed line, filled), "text" (`labels` on their points), "text beside" (near them) or "image": z (rows,
    columns) in cells whose edges are x (columns + 1) and y (rows + 1), coloured as `bar` says, blank where z is NaN.
    labels: what hovering shows, or the texts.
    """

    name: str
    role: str
    x: np.ndarray
    y: np.ndarray
    subplot: int = 0
    mode: str = "points"
    live: str = ""
    legend: bool = True
    key: str = ""
    labels: Sequence[str] | None = None
    z: np.ndarray | None = None
    bar: ColourBar | None = None

    @property
    def channel(self) -> str:
        """The name under which updates for this trace travel."""
        return self.key or self.name


@dataclass(frozen=True)
class Subplot:
    """One pair of axes: its title, and its place (left, right, bottom, top) as fractions of the figure.

    equal: a unit is as long on both; cursor: where on the x axis a line goes across from below to above.
    """

    title: str
    x: Axis
    y: Axis
    place: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0)
    equal: bool = False
    cursor: float | None = None


@dataclass(frozen=True)
class FigureSpec:
    """A drawing that nobody has drawn yet; three renderers draw it: plotly, matplotlib and the live channels.

    state: the figure's state in one sentence; alt: what a reader who cannot see it should know; size in CSS pixels.
    """

    subplots: tuple[Subplot, ...]
    traces: tuple[Trace, ...]
    state: str = ""
    alt: str = ""
    size: tuple[int, int] = (960, 520)
