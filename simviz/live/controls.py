"""What may a reader change? Buttons, switches, sliders, points that can be dragged: each with what it may be set to.

A control is a description: the page draws it (figure.js), a panel keeps its value, and `check` is the one door through
which a value comes in, whether from the page or from Python.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from simviz import checks


@dataclass(frozen=True)
class Control:
    """name: of the value, and of the event; label: what the reader sees; tip: one more sentence, on hovering."""

    name: str
    label: str
    tip: str = dataclasses.field(default="", kw_only=True)
    kind: ClassVar[str] = ""

    def check(self, value: Any) -> Any:
        """Return the value as it is kept; raises ValueError that names the control."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """Return what the page needs to draw it."""
        return {"kind": self.kind, **dataclasses.asdict(self)}


@dataclass(frozen=True)
class Button(Control):
    """Something to press; it holds no value."""

    kind: ClassVar[str] = "button"

    def check(self, value: Any) -> Any:
        raise ValueError(f"{self.name} is a button and holds no value, got {value!r}")


@dataclass(frozen=True)
class Toggle(Control):
    """A switch, on or off."""

    value: bool = False
    kind: ClassVar[str] = "toggle"

    def __post_init__(self) -> None:
        self.check(self.value)

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(f"{self.name} must be True or False, got {value!r}")
        return value


@dataclass(frozen=True)
class Select(Control):
    """One of several words."""

    options: tuple[str, ...] = ()
    value: str = ""
    kind: ClassVar[str] = "select"

    def __post_init__(self) -> None:
        self.check(self.value)

    def check(self, value: Any) -> str:
        return checks.one_of(self.name, value, self.options)


@dataclass(frozen=True)
class Choices(Control):
    """Any number of several words, as boxes to tick; the value keeps the options' order."""

    options: tuple[str, ...] = ()
    value: tuple[str, ...] = ()
    kind: ClassVar[str] = "choices"

    def __post_init__(self) -> None:
        self.check(self.value)

    def check(self, value: Any) -> tuple[str, ...]:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise ValueError(f"{self.name} must be a list of {', '.join(self.options)}, got {value!r}")
        given = [checks.one_of(self.name, one, self.options) for one in value]
        return tuple(option for option in self.options if option in given)


@dataclass(frozen=True)
class Slider(Control):
    """A number between two ends, to drag or to type; it settles on low + k step. A step of 1 makes it a whole number.

    log: dragging moves the logarithm; unit: written behind the number; scrub: the arrow keys move it from anywhere in
    the figure.
    """

    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    value: float = 0.0
    log: bool = False
    unit: str = ""
    scrub: bool = False
    kind: ClassVar[str] = "slider"

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", self.check(self.value))

    def check(self, value: Any) -> float:
        number = checks.real(self.name, value)
        slack = 1e-9 * max(1.0, abs(self.high))
        if not self.low - slack <= number <= self.high + slack:
            raise ValueError(f"{self.name} must lie between {self.low:g} and {self.high:g}, got {number:g}")
        number = min(max(number, self.low), self.high)
        if self.step == 1 and not self.log:
            return round(number)
        return float(f"{number:.6g}")


@dataclass(frozen=True)
class Handle(Control):
    """A point of the figure that can be dragged, and moved by the arrow keys.

    value: (x, y) in the numbers of its subplot; step: of an arrow key, ten times it with Shift; box: (left, right,
    bottom, top) that it is held in.
    """

    subplot: int = 0
    value: tuple[float, float] = (0.0, 0.0)
    step: float = 0.01
    box: tuple[float, float, float, float] = (-1.0, 1.0, -1.0, 1.0)
    kind: ClassVar[str] = "handle"

    def __post_init__(self) -> None:
        self.check(self.value)

    def check(self, value: Any) -> tuple[float, float]:
        try:
            x, y = (float(v) for v in value)
        except (TypeError, ValueError):
            raise ValueError(f"{self.name} must be a pair of numbers, got {value!r}") from None
        if not (math.isfinite(x) and math.isfinite(y)):
            raise ValueError(f"{self.name} must be a pair of finite numbers, got {value!r}")
        left, right, bottom, top = self.box
        return min(max(x, left), right), min(max(y, bottom), top)
