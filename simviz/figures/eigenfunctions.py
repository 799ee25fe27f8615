"""What does an eigenfunction look like? Its modulus, and its phase with the lines on which all points keep time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from simviz import checks
from simviz.figures.arrays import complex_grid, increasing, real
from simviz.figures.contours import phase_line
from simviz.figures.images import cell_edges, rounded_up
from simviz.figures.spectra import short
from simviz.records import Axis, ColourBar, FigureSpec, Subplot, Trace

_SHOWN = 0.95
"""Share of the points whose modulus the colours tell apart; an eigenfunction often has a pole."""
_BORDER = 0.12
"""Share of the axes along their border where no label of a line stands."""


def eigenfunction(
    x: Any,
    y: Any,
    values: Any,
    *,
    eigenvalue: complex | None = None,
    residual: float | None = None,
    isochrons: int = 8,
    invariant_set: Any = None,
    orbit: Any = None,
    names: tuple[str, str] = ("s1", "s2"),
) -> FigureSpec:
    """Draw a complex function on a grid: modulus on the left, phase on the right with lines of equal phase.

    x: (columns,), y: (rows,), increasing; values: (rows, columns) complex, left blank where NaN; eigenvalue and
    residual: said in words; isochrons: lines, 360 degrees divided by that number apart, each with its angle;
    invariant_set, orbit: (points, 2), drawn in both.
    """
    across, up = increasing("x", x), increasing("y", y)
    h = complex_grid("values", values, finite=False)
    if h.shape != (len(up), len(across)):
        raise ValueError(f"values must be (len(y), len(x)) = {(len(up), len(across))}, got {h.shape}")
    edges = (cell_edges(across), cell_edges(up))
    phase = np.degrees(np.angle(h)) % 360
    turns = ColourBar("phase, degrees", (0.0, 360.0), "linear", (0, 90, 180, 270))
    traces = [
        Trace("modulus", "modulus", *edges, mode="image", legend=False, z=np.abs(h), bar=_modulus_bar(np.abs(h))),
        Trace("phase", "phase", *edges, 1, "image", legend=False, z=np.where(np.isfinite(h), phase, np.nan), bar=turns),
    ]
    count = checks.positive_int("isochrons", isochrons)
    traces += _isochrons(across, up, h, count)
    for number in (0, 1):
        traces += _overlays(invariant_set, orbit, number)
    axes = [Axis(n, range=(float(e[0]), float(e[-1])), grid=False) for n, e in zip(names, edges, strict=True)]
    places = ((0.0, 0.375, 0.0, 1.0), (0.55, 0.925, 0.0, 1.0))
    subplots = tuple(
        Subplot(title, axes[0], axes[1], place=place, equal=True)
        for title, place in zip(("modulus", "phase"), places, strict=True)
    )
    state = _sentence(eigenvalue, residual)
    alt = (
        f"Two pictures of an eigenfunction over {names[0]} and {names[1]}: modulus, and phase with {count} lines of "
        f"equal phase, {360 / count:g} degrees apart. {state}."
    )
    return FigureSpec(subplots, tuple(traces), state, alt, (1000, 540))


def _modulus_bar(modulus: np.ndarray) -> ColourBar:
    """From 0 to what most points stay below; the last tick says where more is not told apart."""
    finite = modulus[np.isfinite(modulus)]
    top, usual = float(finite.max()), float(np.quantile(finite, _SHOWN))
    if top <= 0:
        return ColourBar("modulus", (0.0, 1.0))
    high = rounded_up(top if top < 2 * usual else usual)
    ticks = tuple(high * share for share in (0, 0.25, 0.5, 0.75, 1))
    words = [f"{t:.3g}" for t in ticks]
    words[-1] = words[-1] if high >= top * (1 - 1e-6) else f"≥ {words[-1]}"
    return ColourBar("modulus", (0.0, high), "linear", ticks, tuple(words))


def _isochrons(x: np.ndarray, y: np.ndarray, h: np.ndarray, count: int) -> list[Trace]:
    traces, written = [], []
    at: list[np.ndarray] = []
    for k in range(count):
        line = phase_line(x, y, h, 2 * math.pi * k / count)
        degrees = f"{360 * k / count:g}°"
        traces.append(Trace(f"phase {degrees}", "level", *line, subplot=1, mode="line", legend=False))
        spot = _label_point(*line, (x[0], x[-1]), (y[0], y[-1]), at)
        if spot is not None:
            at.append(spot)
            written.append(degrees)
    spots = np.array(at).reshape(-1, 2)
    labels = Trace("phases", "label", spots[:, 0], spots[:, 1], 1, "text", legend=False, labels=written)
    return [*traces, labels]


def _label_point(
    x: np.ndarray, y: np.ndarray, across: tuple[float, float], up: tuple[float, float], taken: list[np.ndarray]
) -> np.ndarray | None:
    """Return the point of a line, off the border, farthest from the labels before it and from the middle, or None."""
    kept = np.isfinite(x)
    if not kept.any():
        return None
    points = np.stack([x[kept], y[kept]], 1)
    low, span = np.array([across[0], up[0]]), np.array([across[1] - across[0], up[1] - up[0]])
    shares = (points - low) / span
    room = np.linalg.norm(shares - 0.5, axis=1)
    for other in taken:
        room = np.minimum(room, np.linalg.norm(shares - (other - low) / span, axis=1))
    room[np.minimum(shares, 1 - shares).min(1) < _BORDER] -= 1
    return points[np.argmax(room)]


def _overlays(invariant_set: Any, orbit: Any, number: int) -> list[Trace]:
    traces = []
    for name, role, points in (("orbit", "orbit", orbit), ("invariant set", "true", invariant_set)):
        if points is not None:
            x, y = real(name.replace(" ", "_"), points, (None, 2), "(points, 2)").T
            traces.append(Trace(name, role, x, y, number, "line", legend=number == 0, key=f"{name} {number + 1}"))
    return traces


def _sentence(eigenvalue: complex | None, residual: float | None) -> str:
    if eigenvalue is None:
        return "eigenfunction: modulus and phase"
    value = complex(eigenvalue)
    turn = math.degrees(math.atan2(value.imag, value.real))
    state = f"eigenvalue {value.real:.3f} {'-' if value.imag < 0 else '+'} {abs(value.imag):.3f}i: each step "
    state += f"multiplies the modulus by {abs(value):.3f} and turns the phase by {turn:.1f} degrees"
    return state if residual is None else f"{state}; residual {short(float(residual))}"
