"""Which method arrives, and where? Several solves of one equation: their paths, their residuals, the Jacobian at z*."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from simviz import checks
from simviz.dynamics.systems import Map
from simviz.figures.arrays import real
from simviz.figures.convergence import METHODS
from simviz.figures.draw import arrange
from simviz.figures.spectra import spectrum
from simviz.records import Axis, FigureSpec, Spectrum, Subplot, Trace

RESIDUALS = (1e-9, 10.0)
"""Residuals that are drawn: smaller ones stand at the lower end, larger ones have left."""
_AXIS = (4e-10, 20.0)
_JOINED = 12, 3
"""Moves at a path's beginning and at its end that are always drawn as lines."""
_SETTLED = 0.02
"""A residual this near to the last one, as a share of it, belongs to a path that has settled into its rhythm."""
_AHEAD = 400
"""Evaluations over which the dotted lines are drawn, unless they leave the axis before."""
_MARKS = 10
"""Marks along a line of residuals, so that its shape can be told; all evaluations stand on the line."""
_CURVE_POINTS = 241
_NONE = np.empty(0)


@dataclass(frozen=True)
class Lap:
    """One method's part in a race, as far as it is drawn.

    path: (n, dim) iterates; residuals: (n,) |f(z) - z| there; first: the number of its first evaluation.
    """

    path: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    residuals: np.ndarray = field(default_factory=lambda: np.empty(0))
    first: int = 1


def race(
    system: Map,
    laps: Mapping[str, Lap],
    jacobian: Spectrum,
    *,
    fixed_points: Any,
    stable: Any,
    expected: Any = None,
    closed: bool = False,
    evaluations: int = 80,
    box: tuple[float, float] | None = None,
    size: tuple[int, int] = (980, 560),
) -> FigureSpec:
    """Draw a race of methods: where the iterates go, the eigenvalues at z*, and |f(z) - z| against evaluations.

    system: a map of one or two coordinates; of one coordinate the return map is drawn instead of the plane, with the
    first method as a cobweb; laps: up to five by name, an empty one where a method does not take part, so that every
    state is a frame of one film; jacobian: its largest modulus is the slope of the dotted line; fixed_points: (n, dim),
    stable: (n,) bool, filled where True, hollow where False; expected: (m, dim) where plain iteration is known to end,
    dashed where `closed`, squares where not; evaluations: of the axis; box: (low, high) of each coordinate, else the
    system's.
    """
    if not laps or len(laps) > METHODS or not all(isinstance(lap, Lap) for lap in laps.values()):
        raise ValueError(f"laps must be one to {METHODS} of figures.Lap, got {len(laps)}")
    if system.dim not in (1, 2):
        raise ValueError(f"system must have one or two coordinates, {system!r} has {system.dim}")
    points = real("fixed_points", fixed_points, (None, system.dim), f"(n, {system.dim})")
    mask = np.asarray(stable)
    if mask.shape != (len(points),) or mask.dtype != bool:
        raise ValueError(f"stable must be ({len(points)},) bool, one a fixed point, got {mask.dtype} {mask.shape}")
    ends = box if box is not None else system.box[0]
    known = None if expected is None else np.asarray(expected, float).reshape(-1, system.dim)
    plane = (_plane if system.dim == 2 else _cobweb)(system, laps, points, mask, known, closed, ends)
    rho = float(jacobian.eigenvalues.abs().max())
    strip = _strip(laps, rho, checks.positive_int("evaluations", evaluations, 2))
    parts = [(plane, (0.0, 0.52, 0.0, 1.0)), (_disc(jacobian), (0.6, 1.0, 0.53, 1.0)), (strip, (0.63, 1.0, 0.0, 0.35))]
    return arrange(parts, size=size, alt=f"{plane.alt} {_WORDS}")


_WORDS = "Right: the Jacobian's eigenvalues at z* in the unit disc; below, the residuals on a logarithmic axis."


def _plane(
    system: Map,
    laps: Mapping[str, Lap],
    points: np.ndarray,
    stable: np.ndarray,
    expected: np.ndarray | None,
    closed: bool,
    ends: tuple[float, float],
) -> FigureSpec:
    traces = []
    if expected is not None:
        role, mode = ("true", "line") if closed else ("true points", "points")
        rows = np.concatenate([expected, expected[:1]]) if closed and len(expected) else expected
        traces.append(
            _replaced("predicted circle" if closed else "predicted points", role, rows[:, 0], rows[:, 1], mode=mode)
        )
    for number, (name, lap) in enumerate(laps.items(), 1):
        traces.append(_replaced(name, f"path {number}", *_columns(_joined(lap)), mode="line+points"))
    traces += _marked(laps, points, stable)
    axes = Axis("z1", range=ends), Axis("z2", range=ends)
    alt = "State plane with the path of each method's iterates, filled points stable, hollow ones unstable."
    return FigureSpec((Subplot("iterates", *axes, equal=True),), tuple(traces), "", alt)


def _cobweb(
    system: Map,
    laps: Mapping[str, Lap],
    points: np.ndarray,
    stable: np.ndarray,
    expected: np.ndarray | None,
    closed: bool,
    ends: tuple[float, float],
) -> FigureSpec:
    low, high = ends
    at = np.linspace(low, high, _CURVE_POINTS)
    after = system.step(torch.from_numpy(at)[:, None])[:, 0].numpy()
    line = np.array([low, high])
    traces = [
        Trace("diagonal", "guide", line, line, mode="line", legend=False),
        _replaced("f", "map", at, after, mode="line", legend=False),
    ]
    for number, (name, lap) in enumerate(laps.items(), 1):
        z = lap.path[:, 0] if len(lap.path) else _NONE
        fz = system.step(torch.from_numpy(z.copy())[:, None])[:, 0].numpy() if len(z) else _NONE
        if number == 1 or name == "nudged":
            across, up = np.repeat(z, 2), np.stack([z, fz], 1).ravel()  # the diagonal, the curve, the diagonal ..
            traces.append(_replaced(name, f"path {number}", across, up, mode="line+points"))
        else:
            traces.append(_replaced(name, f"path {number}", z, fz))
    on_diagonal = np.repeat(points, 2, axis=1)
    laps = {name: Lap(np.repeat(lap.path, 2, axis=1)) if len(lap.path) else Lap() for name, lap in laps.items()}
    traces += _marked(laps, on_diagonal, stable)
    axes = Axis("z", range=ends), Axis("f(z)", range=ends)
    alt = "Return map: f(z) against z with the diagonal; the first method's iterates as a staircase between the two."
    return FigureSpec((Subplot("f(z) and the diagonal", *axes, equal=True),), tuple(traces), "", alt)


def _joined(lap: Lap) -> np.ndarray:
    """Return the path (n, 2), with gaps where it goes round and round: there the points show more than lines."""
    first, last = _JOINED
    if len(lap.path) <= first + last:
        return lap.path
    settled = np.abs(lap.residuals - lap.residuals[-1]) < _SETTLED * lap.residuals[-1]
    apart = [i for i in range(first + 1, len(lap.path) - last) if settled[i - 1] and settled[i]]
    return np.insert(lap.path, apart, np.nan, axis=0) if apart else lap.path


def _marked(laps: Mapping[str, Lap], points: np.ndarray, stable: np.ndarray) -> list[Trace]:
    """Return the fixed points and the start, (n, 2)."""
    first = _earliest(laps)
    start = np.empty((0, 2)) if first is None else first.path[:1]
    return [
        _replaced("start", "orbit start", *_columns(start)),
        _replaced("stable z*", "stable", *_columns(points[stable])),
        _replaced("unstable z*", "unstable", *_columns(points[~stable])),
    ]


def _disc(jacobian: Spectrum) -> FigureSpec:
    """Return the eigenvalues on the unit disc, its marks explained by the words beside them."""
    drawn = spectrum(jacobian, residuals=False, live=True)
    traces = [dataclasses.replace(t, legend=False) for t in drawn.traces]
    values = jacobian.eigenvalues.detach().cpu().reshape(-1).numpy()
    upper = values[values.imag >= 0]
    words = [f"{abs(v):.2f}, {np.degrees(np.angle(v)):.0f}°" if v.imag > 1e-9 else f"{v.real:.2f}" for v in upper]
    traces.append(Trace("moduli", "label", upper.real, upper.imag, mode="text beside", legend=False, labels=words))
    reach = 1.45
    re, im = (Axis(t, range=(-reach, reach), ticks=(-1.0, 0.0, 1.0)) for t in ("Re", "Im"))
    return FigureSpec((Subplot("eigenvalues of the Jacobian at z*", re, im, equal=True),), tuple(traces))


def _strip(laps: Mapping[str, Lap], rho: float, evaluations: int) -> FigureSpec:
    pieces = [piece for lap in laps.values() if lap.first > 1 or lap is _earliest(laps) for piece in _falls(lap, rho)]
    at, slope = np.concatenate([np.empty((2, 0)), *pieces], axis=1)
    traces = [_replaced("slope log10(rho)", "guide dotted", at, slope, mode="line")]
    for number, (name, lap) in enumerate(laps.items(), 1):
        role, x = f"method {number}", lap.first + np.arange(len(lap.residuals), dtype=float)
        drawn = _shown(lap.residuals)
        traces.append(_replaced(name, role, x, drawn, mode="line", legend=False, key=f"{name}: residual"))
        every = max(1, evaluations // _MARKS)
        kept = np.union1d(np.arange((number - 1) * every // METHODS, len(x), every), [len(x) - 1] if len(x) else [])
        kept = kept.astype(int)
        traces.append(_replaced(name, role, x[kept], drawn[kept], legend=False, key=f"{name}: marks"))
    axes = Axis("evaluations", range=(0.0, evaluations + 1.0)), Axis("", scale="log", range=_AXIS, ticks=_TICKS)
    return FigureSpec((Subplot("residual |f(z) - z|", *axes),), tuple(traces))


def _earliest(laps: Mapping[str, Lap]) -> Lap | None:
    return next((lap for lap in laps.values() if len(lap.path)), None)


def _falls(lap: Lap, rho: float) -> list[np.ndarray]:
    """Return how a lap's residual would fall by rho an evaluation from its first one, (2, n), and a gap."""
    if not len(lap.residuals):
        return []
    ahead = np.arange(_AHEAD + 0.0)
    line = np.stack([lap.first + ahead, lap.residuals[0] * rho**ahead])
    inside = (line[1] >= RESIDUALS[0]) & (line[1] <= RESIDUALS[1])
    return [line[:, inside], np.full((2, 1), np.nan)]


_TICKS = (1e-9, 1e-6, 1e-3, 1.0)


def _shown(residuals: np.ndarray) -> np.ndarray:
    """Return residuals as they are drawn: held at the axis' lower end, NaN beyond its upper one."""
    values = np.asarray(residuals, float)
    with np.errstate(invalid="ignore"):
        return np.where(values <= RESIDUALS[1], np.maximum(values, RESIDUALS[0]), np.nan)


def _columns(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (rows[:, 0], rows[:, 1]) if len(rows) else (_NONE, _NONE)


def _replaced(name: str, role: str, x: np.ndarray, y: np.ndarray, **more: Any) -> Trace:
    return Trace(name, role, x, y, live="replace", **{"mode": "points", **more})
