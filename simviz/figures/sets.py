"""What do many states come to, and which of them keep time? Clouds, sets, phases with their isochrons, shares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simviz import checks
from simviz.figures.arrays import increasing, real
from simviz.figures.contours import phase_line
from simviz.figures.images import cell_edges, rounded_up
from simviz.records import Axis, ColourBar, FigureSpec, Subplot, Trace

BASINS = ("basin 1", "basin 2", "basin 3", "basin 4")
"""Roles of the dots of different basins; of what ends nowhere known, "data"."""
BINS = 60
Ends = tuple[tuple[float, float], tuple[float, float]]


def cloud(
    points: Any,
    labels: Any,
    ends: Ends,
    *,
    names: tuple[str, str] = ("s1", "s2"),
    title: str = "state plane",
    marks: Sequence[Trace] = (),
    live: bool = False,
) -> FigureSpec:
    """Draw states as dots, coloured and shaped by the set they come to, over what else is drawn there.

    points: (n, 2), not drawn where NaN; labels: (n,) whole numbers, 0 to 3, -1 where it is not known; ends: (low, high)
    of both axes; marks: traces that lie under the dots.
    """
    states = _pairs("points", points)
    numbers = np.asarray(labels)
    if numbers.shape != (len(states),) or numbers.dtype.kind not in "iu" or not (numbers < len(BASINS)).all():
        raise ValueError(f"labels must be ({len(states)},) whole numbers from -1 to 3, got {numbers.dtype} {numbers}")
    several = int(numbers.max(initial=-1)) > 0
    traces = list(marks)
    for number, role in ((-1, "data"), *enumerate(BASINS)):
        mine = states[numbers == number]
        if live or len(mine):
            name = "dots" if number < 0 else f"dots of basin {number + 1}" if several else "dots, their end known"
            shown = len(mine) > 0
            traces.append(
                Trace(name, role, mine[:, 0], mine[:, 1], live="replace" if live else "", legend=shown, key=role)
            )
    subplot = Subplot(title, *_axes(names, ends), equal=_equal(ends))
    counts = ", ".join(f"{int((numbers == n).sum())} of basin {n + 1}" for n in range(int(numbers.max(initial=-1)) + 1))
    state = f"{len(states)} dots" + (f": {counts}" if several else "")
    alt = f"State plane, {names[0]} against {names[1]}. {state}."
    return FigureSpec((subplot,), tuple(traces), state, alt, (560, 620))


def phase_plane(
    x: Any,
    y: Any,
    phase: Any,
    *,
    exact: Any = None,
    isochrons: int = 8,
    hole: Any = None,
    names: tuple[str, str] = ("s1", "s2"),
    title: str = "phase",
    marks: Sequence[Trace] = (),
    live: bool = False,
) -> FigureSpec:
    """Colour the plane by a phase and draw its lines, and those of the exact one dashed.

    x: (columns,), y: (rows,), increasing; phase: (rows, columns) radians, blank where NaN; exact: the same, whose lines
    are to be met; without it those of `phase` itself are dashed, and no others are drawn. isochrons: lines, 360
    degrees divided by that number apart; hole: (n, 2), where all phases meet; marks: traces on top.
    """
    across, up = increasing("x", x), increasing("y", y)
    shape, words = (len(up), len(across)), f"(rows, columns) = {(len(up), len(across))}"
    shown = real("phase", phase, shape, words, finite=False)
    truth = shown if exact is None else real("exact", exact, shape, words, finite=False)
    count = checks.positive_int("isochrons", isochrons)
    edges = (cell_edges(across), cell_edges(up))
    changes = "replace" if live else ""
    turns = ColourBar("phase, degrees", (0.0, 360.0), "linear", (0, 90, 180, 270, 360))
    degrees = np.where(np.isfinite(shown), np.degrees(shown) % 360, np.nan)
    traces = [Trace("phase", "phase", *edges, mode="image", legend=False, live=changes, z=degrees, bar=turns)]
    drawn = [("exact isochrons", "true", truth)]
    if exact is not None:
        drawn.insert(0, ("lines of this phase", "level", shown))
    for name, role, angles in drawn:
        traces.append(Trace(name, role, *_lines(across, up, angles, count), mode="line", live=changes))
    traces += marks
    found = _pairs("hole", () if hole is None else hole)
    if live or len(found):
        traces.append(Trace("hole", "point", found[:, 0], found[:, 1], live=changes))
    ends = tuple((float(e[0]), float(e[-1])) for e in edges)
    subplot = Subplot(title, *_axes(names, ends, grid=False), equal=_equal(ends))  # type: ignore[arg-type]
    state = f"phase with {count} lines, {360 / count:g} degrees apart"
    alt = f"The plane coloured by phase, with {count} lines of equal phase, {360 / count:g} degrees apart."
    return FigureSpec((subplot,), tuple(traces), state, alt, (620, 600))


def shares(
    values: Any, ends: tuple[float, float], *, late: Any = None, name: str = "s1", live: bool = False
) -> FigureSpec:
    """Draw which share of states falls into each of 60 bins of a coordinate: now as bars, in the long run as a line.

    values, late: (n,); those that are NaN or outside the ends are left out of the picture, and count.
    """
    low, high = (checks.real("ends", end) for end in ends)
    edges = np.linspace(low, high, BINS + 1)
    changes = "replace" if live else ""
    traces, top = [], 0.0
    for label, role, mode, given in (
        ("now", "histogram", "area", values),
        ("in the long run", "density", "line", late),
    ):
        if given is None:
            continue
        states = real("values" if role == "histogram" else "late", given, finite=False).ravel()
        counts = 100 * np.histogram(states[np.isfinite(states)], edges)[0] / max(1, len(states))
        top = max(top, float(counts.max()))
        at, heights = np.repeat(edges, 2), np.pad(np.repeat(counts, 2), 1)
        traces.append(Trace(label, role, at, heights, mode=mode, live=changes))
    height = min(100.0, rounded_up(1.05 * top)) if top else 100.0
    axes = Axis(name, range=(low, high)), Axis("%", range=(0.0, height), ticks=(0.0, height / 2, height))
    state = f"shares of {BINS} bins, the largest {top:.2g} %"
    subplot = Subplot(f"where in {name}", axes[0], axes[1])
    return FigureSpec((subplot,), tuple(traces), state, f"Histogram over {name}: {state}.", (560, 300))


def apart(times: Any, distances: Any, *, now: float | None = None, unit: str = "t", live: bool = False) -> FigureSpec:
    """Draw a distance that shrinks against time, on a logarithmic axis; now: the time up to which it is known.

    times: (n,), increasing; distances: (n,), at least 0, drawn no lower than a hundred-thousandth of the largest.
    """
    at = increasing("times", times)
    gaps = real("distances", distances, (len(at),), f"({len(at)},), one a time")
    top = 10.0 ** math.ceil(math.log10(max(float(gaps.max()), 1e-9)))
    low = 1e-5 * top
    known = at <= (at[-1] if now is None else now) + 1e-12
    changes = "replace" if live else ""
    traces = (
        Trace("distance", "orbit", at[known], np.maximum(gaps[known], low), mode="line", live=changes, legend=False),
        Trace("distance now", "start", at[known][-1:], np.maximum(gaps[known], low)[-1:], live=changes, legend=False),
    )
    ticks = (low, 1e-3 * top, 1e-1 * top)
    axes = Axis(unit, range=(0.0, float(at[-1]))), Axis("", scale="log", range=(low / 2, top), ticks=ticks)
    state = f"distance {gaps[known][-1]:.2g}"
    return FigureSpec((Subplot("your start to its shadow", *axes),), traces, state, f"Distance: {state}.", (560, 300))


def _pairs(name: str, value: Any) -> np.ndarray:
    """(n, 2), or nothing at all -> (n, 2)."""
    return real(name, value, (None, 2), "(n, 2)", finite=False) if len(value) else np.empty((0, 2))


def _lines(x: np.ndarray, y: np.ndarray, phase: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """All level lines of a phase as one line, broken by NaN."""
    pieces = [np.stack(phase_line(x, y, np.exp(1j * phase), 2 * math.pi * k / count)) for k in range(count)]
    gap = np.full((2, 1), np.nan)
    whole = np.concatenate([part for piece in pieces for part in (piece, gap)], 1)
    return whole[0], whole[1]


def _axes(names: tuple[str, str], ends: Ends, grid: bool = True) -> tuple[Axis, Axis]:
    across, up = (Axis(name, range=end, grid=grid) for name, end in zip(names, ends, strict=True))
    return across, up


def _equal(ends: Ends) -> bool:
    (left, right), (bottom, top) = ends
    return 0.4 < (right - left) / (top - bottom) < 2.5


def points_of(marks: Mapping[str, tuple[str, Any]], *, live: bool = False) -> list[Trace]:
    """Return a trace for each mark, by name: its role and its points, (n, 2), a line where the role is one."""
    traces = []
    for name, (role, given) in marks.items():
        points = _pairs("marks", given)
        if live or len(points):
            mode = "line" if role in ("true", "flow", "gap", "orbit", "guide", "map", "cobweb") else "points"
            traces.append(
                Trace(name, role, points[:, 0], points[:, 1], mode=mode, live="replace" if live else "",
                      legend=role not in ("gap", "guide", "flow"))
            )  # fmt: skip
    return traces
