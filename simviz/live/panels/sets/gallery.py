"""Which systems are worth a look, and what may a reader turn in them? One parameter each, past its bifurcation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simviz import checks
from simviz.dynamics.systems import (
    AttractingTorus,
    CircleRotation,
    Duffing,
    Henon,
    LinearMap,
    Logistic,
    Lorenz,
    NeimarkSacker,
    Pendulum,
    SlowManifold,
    StuartLandau,
    System,
    TorusRotation,
    VanDerPol,
)  # fmt: skip


@dataclass(frozen=True)
class Knob:
    """The one parameter of a system that a slider moves: its ends and step, and one thing to try with it."""

    name: str
    low: float
    high: float
    step: float
    task: str


KNOBS: dict[type[System], Knob] = {
    NeimarkSacker: Knob("radius", 0.7, 1.3, 0.01, "drag radius past 1"),
    LinearMap: Knob("modulus", 0.5, 1.1, 0.01, "drag modulus past 1"),
    SlowManifold: Knob("mu", -0.5, -0.01, 0.01, "drag mu towards 0"),
    Duffing: Knob("damping", 0.05, 2.0, 0.01, "drag damping down and see the basins wind up"),
    Pendulum: Knob("damping", 0.0, 1.0, 0.01, "drag damping away from 0"),
    StuartLandau: Knob("mu", 0.05, 3.0, 0.05, "drag mu down: the loop stays, the way to it gets long"),
    VanDerPol: Knob("mu", 0.2, 3.0, 0.05, "drag mu up and watch the loop lose its round shape"),
    AttractingTorus: Knob("second", 0.5, 3.0, 0.01, "set second to 2: the torus falls apart into loops"),
    CircleRotation: Knob("turn", 0.05, 3.14, 0.01, "drag turn"),
    TorusRotation: Knob("second", 0.05, 3.14, 0.01, "drag second to 1"),
    Logistic: Knob("growth", 0.5, 4.0, 0.01, "drag growth from 2.8 past 3, 3.45 and 3.57"),
    Henon: Knob("a", 0.1, 1.4, 0.01, "drag a down to 1: from chaos to a loop of few points"),
    Lorenz: Knob("rho", 0.5, 60.0, 0.5, "drag rho below 24: two points instead of chaos"),
}
"""By class of system; one that is not here has no slider."""
COLUMNS: dict[type[System], tuple[int, int]] = {Lorenz: (0, 2)}
"""The two coordinates drawn, where they are not the first two."""


def gallery() -> dict[str, System]:
    """Return five systems, one for each thing that orbits can end in."""
    return {
        "a point": NeimarkSacker(0.95, 0.2),
        "two basins": Duffing(),
        "a loop": VanDerPol(),
        "a torus": AttractingTorus(),
        "chaos": Lorenz(),
    }


def listed(systems: Any) -> dict[str, System]:
    """Return systems by the name they are chosen by; raises ValueError for anything else."""
    if systems is None:
        return gallery()
    if isinstance(systems, System):
        return {systems.name: systems}
    if isinstance(systems, Mapping):
        named = {str(name): system for name, system in systems.items()}
    elif isinstance(systems, Sequence) and not isinstance(systems, str):
        named = {}
        for system in systems:
            name = getattr(system, "name", "")
            named[name if name not in named else repr(system)] = system
    else:
        named = {}
    if not named or not all(isinstance(system, System) for system in named.values()):
        raise ValueError(
            f"systems must be one system of simviz.dynamics.systems, several, or several by name, got {systems!r}"
        )
    return named


def knob(system: System) -> Knob | None:
    """Return what the slider turns in a system, None where it has nothing to turn."""
    if isinstance(system, LinearMap) and "matrix" in repr(system):
        return None
    return KNOBS.get(type(system))


def turned(system: System, value: float) -> System:
    """Return the system with its knob at another value; the other parameters stay."""
    found = knob(system)
    if found is None:
        raise ValueError(f"parameter must be None for {system!r}, which has nothing to turn, got {value}")
    given = {name: getattr(system, name) for name in system.parameters} | {found.name: value}
    return type(system)(**given)


def columns(system: System, given: Sequence[int] | None = None) -> tuple[int, int]:
    """Return the two coordinates that are drawn; (0, 0) where there is but one. Raises ValueError naming `columns`."""
    if system.dim == 1:
        return 0, 0
    chosen = COLUMNS.get(type(system), (0, 1)) if given is None else tuple(given)
    pair = [checks.positive_int("columns", c, 0) for c in chosen]
    if len(pair) != 2 or pair[0] == pair[1] or max(pair) >= system.dim:
        raise ValueError(f"columns must be two different coordinates below {system.dim}, got {tuple(chosen)}")
    return pair[0], pair[1]
