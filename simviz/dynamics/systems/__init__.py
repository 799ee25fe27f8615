"""Where do known maps and flows go? Systems that carry their own truth, for everything else to be measured against."""

from simviz import checks
from simviz.dynamics.systems.base import Flow, Map, Parameter, System, Truth
from simviz.dynamics.systems.flows import AttractingTorus, Duffing, Lorenz, Pendulum, SlowManifold
from simviz.dynamics.systems.maps import CircleRotation, Henon, LinearMap, Logistic, NeimarkSacker, TorusRotation
from simviz.dynamics.systems.oscillators import Oscillator, StuartLandau, VanDerPol
from simviz.dynamics.systems.own import OwnFlow, OwnMap

SYSTEMS: dict[str, type[System]] = {
    system.name.lower().replace(" ", "-"): system
    for system in (
        LinearMap, SlowManifold, StuartLandau, VanDerPol, Duffing, Pendulum, CircleRotation, TorusRotation,
        AttractingTorus, Logistic, Henon, Lorenz, NeimarkSacker,
    )
}  # fmt: skip
"""Every known system by name, such as "stuart-landau" or "van-der-pol"."""


def named(name: str, **parameters: float) -> System:
    """Return the system of that name, such as "stuart-landau"; raises ValueError that lists the known ones."""
    return SYSTEMS[checks.one_of("name", name, tuple(SYSTEMS))](**parameters)


__all__ = [
    "SYSTEMS", "AttractingTorus", "CircleRotation", "Duffing", "Flow", "Henon", "LinearMap", "Logistic", "Lorenz",
    "Map", "NeimarkSacker", "Oscillator", "OwnFlow", "OwnMap", "Parameter", "Pendulum", "SlowManifold", "StuartLandau",
    "System", "TorusRotation", "Truth", "VanDerPol", "named",
]  # fmt: skip
