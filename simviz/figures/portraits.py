"""Where does a system go? Its state plane: the flow, orbits, fixed points, what orbits come to; its return map."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from simviz import checks
from simviz.dynamics.systems import Flow, Map, System
from simviz.figures.arrays import real
from simviz.figures.frame import frame
from simviz.figures.streams import displacements, streams
from simviz.records import Axis, FigureSpec, Subplot, Trace

_ROOM = 0.05
"""Of the range, left free beyond the box and the orbits."""
_SHOWN_STEPS = 60
"""Steps of a cobweb that are drawn."""


def phase_portrait(
    system: System,
    *,
    orbits: Any = None,
    invariant_set: Any = None,
    fixed_points: Any = None,
    stable: Any = None,
    columns: tuple[int, int] = (0, 1),
    held: Any = None,
    box: Sequence[tuple[float, float]] | None = None,
    spacing: float = 34.0,
) -> FigureSpec:
    """Draw two coordinates of a system: the flow as short strokes, orbits, fixed points, the invariant set dashed.

    orbits: (time, dim) or (batch, time, dim), lines for a flow, dots for a map; invariant_set: (points, dim);
    fixed_points: (n, dim), stable: (n,) bool, filled where True, hollow where False: those of `system.truth()` where
    neither is given; held: (dim,), the other coordinates at which the strokes are drawn (without it there are none
    where dim is above 2); box: (low, high) of both axes; spacing: pixels from stroke to stroke.
    """
    if system.dim < 2:
        raise ValueError(f"system must have at least two coordinates, {system!r} has one: see figures.return_map")
    chosen = _columns(columns, system.dim)
    if fixed_points is None and stable is None:
        known = system.truth()
        if known.fixed_points is not None and len(known.fixed_points):
            fixed_points, stable = known.fixed_points, known.stable
    paths = None if orbits is None else _paths(orbits, system.dim)[..., chosen]  # (batch, time, 2)
    limit = None if invariant_set is None else _states("invariant_set", invariant_set, system.dim)[:, chosen]
    points = None if fixed_points is None else _states("fixed_points", fixed_points, system.dim)[:, chosen]
    traces: list[Trace] = []
    if paths is not None:
        traces += _orbits(paths, isinstance(system, Flow))
    drawn_set = None if limit is None else _limit(limit, isinstance(system, Flow))
    if drawn_set is not None:
        traces.append(drawn_set)
    if points is not None:
        traces += _fixed(points, stable)
    ends = _ends(box if box is not None else [system.box[c] for c in chosen], [paths, limit])
    names = [system.coordinates[c] if system.coordinates else f"s{c + 1}" for c in chosen]
    across, up = (Axis(name, range=end) for name, end in zip(names, ends, strict=True))
    ratio = (ends[0][1] - ends[0][0]) / (ends[1][1] - ends[1][0])
    subplot = Subplot(system.name, across, up, equal=0.4 < ratio < 2.5)
    state = _sentence(system, paths, drawn_set, points, stable)
    spec = FigureSpec((subplot,), tuple(traces), state, "", (560, 620))
    strokes = None
    if system.dim == 2 or held is not None:
        follow = streams if isinstance(system, Flow) else displacements
        strokes = Trace("flow", "flow", *follow(_field(system, chosen, held), frame(spec, 0), spacing), mode="line")
        strokes = dataclasses.replace(strokes, name="flow" if isinstance(system, Flow) else "one step", legend=False)
    words = _words(system, names, strokes is not None, held)
    drawn = (strokes, *traces) if strokes is not None else tuple(traces)
    return dataclasses.replace(spec, traces=drawn, alt=f"{words} {state}.")


def return_map(
    system: Map,
    *,
    orbit: Any = None,
    fixed_points: Any = None,
    stable: Any = None,
    box: tuple[float, float] | None = None,
) -> FigureSpec:
    """Draw a map of one coordinate: the next state against this one, the diagonal, and an orbit as a cobweb.

    orbit: (time,) or (time, 1), its first steps are drawn; fixed_points, stable: as in `phase_portrait`.
    """
    if system.dim != 1 or not isinstance(system, Map):
        raise ValueError(f"system must be a map of one coordinate, got {system!r}: see figures.phase_portrait")
    if fixed_points is None and stable is None:
        known = system.truth()
        fixed_points, stable = known.fixed_points, known.stable
    low, high = box if box is not None else system.box[0]
    at = np.linspace(checks.real("box", low), checks.real("box", high), 401)
    after = system.step(torch.from_numpy(at)[:, None])[:, 0].numpy()
    traces = [
        Trace("diagonal", "guide", np.array([low, high]), np.array([low, high]), mode="line", legend=False),
        Trace("map", "map", at, after, mode="line"),
    ]
    state = f"{system.name}: the next state against this one"
    if orbit is not None:
        path = real("orbit", orbit).reshape(-1)[: _SHOWN_STEPS + 1]
        x, y = np.repeat(path, 2)[:-1], np.repeat(path, 2)[1:]
        y[0] = low
        traces.append(Trace("orbit", "cobweb", x, y, mode="line"))
        state += f", {len(path) - 1} steps of an orbit from {path[0]:.3g}"
    if fixed_points is not None:
        points = _states("fixed_points", fixed_points, 1)
        traces += _fixed(np.repeat(points, 2, axis=1), stable)
    ends = _ends([(low, high), (min(low, np.nanmin(after)), max(high, np.nanmax(after)))], [])
    name = system.coordinates[0] if system.coordinates else "s"
    subplot = Subplot(system.name, Axis(name, range=ends[0]), Axis(f"next {name}", range=ends[1]), equal=True)
    alt = f"Return map of {system.name} with the diagonal; an orbit is a staircase between the two. {state}."
    return FigureSpec((subplot,), tuple(traces), state, alt, (560, 620))


def _columns(columns: Sequence[int], dim: int) -> list[int]:
    chosen = [checks.positive_int("columns", c, 0) for c in columns]
    if len(chosen) != 2 or chosen[0] == chosen[1] or max(chosen) >= dim:
        raise ValueError(f"columns must be two different coordinates below {dim}, got {tuple(columns)}")
    return chosen


def _paths(orbits: Any, dim: int) -> np.ndarray:
    """(time, dim) or (batch, time, dim) -> (batch, time, dim)."""
    given = real("orbits", orbits, finite=False)
    if given.ndim not in (2, 3) or given.shape[-1] != dim:
        raise ValueError(f"orbits must be (time, {dim}) or (batch, time, {dim}), got {given.shape}")
    return np.where(np.isfinite(given), given, np.nan).reshape(-1, *given.shape[-2:])


def _states(name: str, value: Any, dim: int) -> np.ndarray:
    return real(name, value, (None, dim), f"(points, {dim})")


def _orbits(paths: np.ndarray, flow: bool) -> list[Trace]:
    if not flow:
        return [Trace("orbits", "orbit", paths[..., 0].ravel(), paths[..., 1].ravel(), legend=True)]
    gaps = np.concatenate([paths, np.full_like(paths[:, :1], np.nan)], 1).reshape(-1, 2)
    return [
        Trace("orbits", "orbit", gaps[:, 0], gaps[:, 1], mode="line"),
        Trace("starts", "orbit start", paths[:, 0, 0], paths[:, 0, 1]),
    ]


def _limit(points: np.ndarray, flow: bool) -> Trace:
    """A line, closed where its ends meet, through what is dense; marks for single points."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    dense = flow and len(points) > 16 and steps.max() < 0.3 * np.ptp(points, axis=0).max()
    if not dense:
        role = "data" if len(points) > 16 else "true points"
        return Trace("invariant set", role, points[:, 0], points[:, 1])
    if np.linalg.norm(points[-1] - points[0]) < 2 * steps.max():
        points = np.concatenate([points, points[:1]])
    return Trace("invariant set", "true", points[:, 0], points[:, 1], mode="line")


def _fixed(points: np.ndarray, stable: Any) -> list[Trace]:
    if stable is None:
        return [Trace("fixed point", "fixed point", points[:, 0], points[:, 1])]
    mask = np.asarray(stable)
    if mask.shape != (len(points),) or mask.dtype != bool:
        raise ValueError(f"stable must be ({len(points)},) bool, one a fixed point, got {mask.dtype} {mask.shape}")
    return [
        Trace(f"{role} fixed point", role, points[which, 0], points[which, 1])
        for role, which in (("stable", mask), ("unstable", ~mask))
        if which.any()
    ]


def _ends(
    box: Sequence[tuple[float, float]], drawn: Sequence[np.ndarray | None]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the range of both axes: the box and all that is drawn, with a little room."""
    if len(box) != 2:
        raise ValueError(f"box must be (low, high) for each of the two axes, got {len(box)} of them")
    ends = []
    for number, (low, high) in enumerate(box):
        if not checks.real("box", low) < checks.real("box", high):
            raise ValueError(f"box must be (low, high) with low below high, got {(low, high)}")
        seen = [d[..., number][np.isfinite(d[..., number])] for d in drawn if d is not None]
        low = min([low, *(float(s.min()) for s in seen if len(s))])
        high = max([high, *(float(s.max()) for s in seen if len(s))])
        ends.append((low - _ROOM * (high - low), high + _ROOM * (high - low)))
    return ends[0], ends[1]


def _field(system: System, chosen: list[int], held: Any) -> Any:
    """Return (n, 2) -> (n, 2): the rate, or a map's displacement, of the chosen coordinates with the others held."""
    rest = torch.zeros(system.dim, dtype=torch.float64)
    if held is not None:
        rest = torch.from_numpy(real("held", held, (system.dim,), f"({system.dim},)").copy())

    @torch.no_grad()
    def field(points: np.ndarray) -> np.ndarray:
        s = rest.repeat(len(points), 1)
        s[:, chosen] = torch.from_numpy(np.ascontiguousarray(points))
        after = system.rate(s) if isinstance(system, Flow) else system.step(s) - s  # type: ignore[attr-defined]
        return after[:, chosen].numpy()

    return field


def _sentence(system: System, paths: Any, limit: Trace | None, points: Any, stable: Any) -> str:
    parts = []
    if paths is not None:
        parts.append(f"{len(paths)} orbit{'' if len(paths) == 1 else 's'} of {paths.shape[1]} points")
    if limit is not None:
        parts.append("the invariant set " + {"true": "dashed", "data": "grey"}.get(limit.role, "in squares"))
    if points is not None:
        mask = None if stable is None else np.asarray(stable)
        kinds = {"": len(points)} if mask is None else {"stable ": int(mask.sum()), "unstable ": int((~mask).sum())}
        parts += [f"{n} {kind}fixed point{'' if n == 1 else 's'}" for kind, n in kinds.items() if n]
    return f"{system.name}: " + (", ".join(parts) if parts else "the flow alone")


def _words(system: System, names: list[str], strokes: bool, held: Any) -> str:
    words = f"State plane of {system.name}, {names[0]} against {names[1]}"
    if system.dim > 2:
        words += f", a projection from {system.dim} coordinates"
        words += ", the others held for the strokes" if held is not None else ", without strokes for the flow"
    if strokes and isinstance(system, Flow):
        words += "; strokes follow the flow"
    elif strokes:
        words += "; strokes point to the next state, long ones shortened"
    return words + "."
