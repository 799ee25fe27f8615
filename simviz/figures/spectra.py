"""Which eigenvalues are there, and which may be believed? The unit disc, and the residual over the plane round it.

Colbrook and Townsend 2021: an eigenvalue found in data comes with a residual on fresh data, its receipt.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from simviz import checks
from simviz.figures.arrays import complex_grid, real
from simviz.figures.contours import level_line
from simviz.figures.images import cell_edges
from simviz.records import Axis, ColourBar, FigureSpec, Spectrum, Subplot, Trace

BELIEVED = 0.05
"""An eigenvalue with a residual below this is drawn as one to believe."""
LABELLED = 12
"""Residuals that are written beside their eigenvalues, the smallest first."""
KINDS = ("persistent", "decaying", "growing")
_CLOUD_CELLS, _CLOUD_FULL = 60, 40
"""Cells a side of a cloud's shading, and how many eigenvalues in one make it as dark as it gets."""
_RING_RADII = (0.05, 0.11)
_RING_RESIDUALS = (1e-3, 1.0)
_WHOLE_DISC = 2.5
"""Width of the plane in which rings have these radii; they keep their size in pixels in any other."""


def spectrum(
    record: Spectrum,
    *,
    residuals: bool = True,
    true_angle: float | None = None,
    harmonics: int = 8,
    view: tuple[float, float, float, float] | None = None,
    live: bool = False,
) -> FigureSpec:
    """Draw eigenvalues on the unit disc: persistent ones as diamonds with rays, decaying discs, growing triangles.

    Where the record has residuals, each is a ring, the larger the worse: solid below 0.05; dotted from there on, and
    the eigenvalue hollow; the smallest are written beside theirs ("?" where one is NaN: there is no receipt).
    true_angle: radians a step; its multiples up to `harmonics` are drawn as strokes across the circle; view: what is
    shown of the plane, (left, right, bottom, top), where eigenvalues crowd.
    """
    traces = _guides()
    if true_angle is not None:
        strokes = angle_ticks(true_angle, harmonics)
        traces.append(Trace("true angles", "true angle", *strokes, mode="line", legend=False))
    reach = max(1.25, 1.1 * float(record.eigenvalues.abs().max()) if record.eigenvalues.numel() else 0.0)
    ends = _view(view) if view is not None else ((-reach, reach), (-reach, reach))
    traces += _eigenvalues(record, residuals, live, scale=max(high - low for low, high in ends) / _WHOLE_DISC)
    ticks = (-1.0, 0.0, 1.0) if view is None else None
    re, im = (Axis(t, range=end, ticks=ticks) for t, end in zip(("Re", "Im"), ends, strict=True))
    state = _sentence(record, residuals)
    title = f"eigenvalues: {record.kind}" if record.kind else "eigenvalues"
    alt = f"Eigenvalues in the complex plane with the unit circle. {record.kind}. {state}."
    return FigureSpec((Subplot(title, re, im, equal=True),), tuple(traces), state, alt, (520, 560))


def jacobian_cloud(record: Spectrum, *, live: bool = False) -> FigureSpec:
    """Draw the eigenvalues of many samples: their density as shading, the largest of each sample as a mark.

    record: (samples, n) eigenvalues, as `DEQ.spectrum` returns; a mark of one of a complex pair, the upper, stands for
    both.
    """
    values = record.eigenvalues.detach().cpu().numpy()
    if values.ndim != 2:
        raise ValueError(f"record must have eigenvalues (samples, n), got {values.shape}")
    rows = np.arange(len(values))
    largest = values[rows, np.abs(values).argmax(1)]
    upper = Spectrum(largest.real + 1j * np.abs(largest.imag), kind=record.kind)
    drawn = spectrum(upper, live=live)
    edges = np.linspace(*(drawn.subplots[0].x.range or (-1.0, 1.0)), _CLOUD_CELLS + 1)
    counts = np.histogram2d(values.imag.ravel(), values.real.ravel(), [edges, edges])[0]
    shown = np.where(counts > 0, counts, np.nan)
    bar = ColourBar("", (0.0, float(_CLOUD_FULL)), "sqrt")
    changes = "replace" if live else ""
    cloud = Trace("all eigenvalues", "mass", edges, edges, mode="image", live=changes, legend=False, z=shown, bar=bar)
    radii = np.abs(largest)
    state = (
        f"spectral radius of {len(values)} samples {np.median(radii):.2f} at the median, {radii.max():.2f} at the most"
    )
    title = f"{drawn.subplots[0].title}; marked: the largest of each sample"
    subplots = (dataclasses.replace(drawn.subplots[0], title=title),)
    alt = f"Eigenvalues of many samples in the complex plane as a density, the largest of each marked. {state}."
    return FigureSpec(subplots, (cloud, *drawn.traces), state, alt, drawn.size)


def pseudospectrum(
    grid: Any,
    residuals: Any,
    record: Spectrum | None = None,
    *,
    levels: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3),
) -> FigureSpec:
    """Draw the smallest residual of any observable for each number of the complex plane, with lines at some levels.

    grid: (rows, columns) complex, the real part growing along the columns and the imaginary part along the rows;
    residuals: (rows, columns) real, at least 0; record: eigenvalues to draw on top, with their own residuals.
    """
    points = complex_grid("grid", grid)
    x, y = points[0].real, points[:, 0].imag
    straight = np.allclose(points, x + 1j * y[:, None]) and min(len(x), len(y)) > 1
    if not straight or (np.diff(x) <= 0).any() or (np.diff(y) <= 0).any():
        raise ValueError(
            "grid must be a rectangle of numbers, x + 1j * y[:, None] with x and y increasing: see numpy.linspace"
        )
    shape, words = points.shape, f"(rows, columns) = {points.shape} as the grid"
    if np.isnan(real("residuals", residuals, shape, words, finite=False)).all():
        raise ValueError(
            "residuals are all NaN: a pseudospectrum needs at least twice as many checked snapshots as independent "
            "observables; the fit's notes say how many"
        )
    heights = real("residuals", residuals, shape, words)
    if (heights < 0).any():
        raise ValueError(f"residuals must be at least 0, got {heights.min():g}")
    marked = tuple(checks.positive("levels", level) for level in levels)
    low, high = min(marked, default=0.01), 2 * max(marked, default=0.5)
    bar = ColourBar("smallest residual", (low, high), "log", marked, tuple(f"{level:g}" for level in marked))
    edges = (cell_edges(x), cell_edges(y))
    traces = [Trace("residual", "residual", *edges, mode="image", legend=False, z=heights, bar=bar), *_guides()]
    at: list[tuple[float, float]] = []
    written: list[str] = []
    for level in marked:
        line = level_line(x, y, np.log(np.maximum(heights, 1e-3 * low)), math.log(level))
        traces.append(Trace(f"residual {level:g}", "level", *line, mode="line", legend=False))
        for point in _label_points(*line):
            at.append(point)
            written.append(f"{level:g}")
    traces.append(Trace("levels", "label", *_columns(at), mode="text", legend=False, labels=written))
    shown = ""
    if record is not None:
        traces += [t for t in _eigenvalues(record, True, False) if t.mode == "points"]
        shown = f"; {_sentence(record, True)}"
    share = float((heights < 0.1).mean())
    state = f"{100 * share:.0f} % of the plane drawn has a residual below 0.1 and is not ruled out{shown}"
    re, im = (Axis(t, range=(float(e[0]), float(e[-1])), grid=False) for t, e in zip(("Re", "Im"), edges, strict=True))
    subplot = Subplot("pseudospectrum", re, im, place=(0.0, 0.83, 0.0, 1.0), equal=True)
    alt = f"Smallest residual over the complex plane, lines at {', '.join(bar.labels or ())}. {state}."
    return FigureSpec((subplot,), tuple(traces), state, alt, (620, 620))


def eigenvalue_points(
    record: Spectrum, *, residuals: bool = True, scale: float = 1.0
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the points of everything `spectrum` draws of a record's eigenvalues, by the channel of their trace.

    scale: of the rings, the width of the plane drawn over 2.5.
    """
    values, receipts = _flat(record, residuals)
    doubted = np.zeros(len(values), bool) if receipts is None else ~(receipts < BELIEVED)
    points: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, mask in _kinds(record).items():
        points[name] = _pair(values[mask & ~doubted])
        points[f"{name} doubted"] = _pair(values[mask & doubted])
    points["rays"] = points["persistent"]
    measured = np.zeros(len(values), bool) if receipts is None else np.isfinite(receipts)
    for name, mask in (("ring believed", measured & ~doubted), ("ring doubted", measured & doubted)):
        points[name] = _rings(values[mask], receipts[mask] if receipts is not None else np.empty(0), scale)
    return points


def angle_ticks(angle: float, harmonics: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Return short strokes across the unit circle at the multiples of an angle, as lines broken by NaN."""
    turns = angle * np.arange(-harmonics, harmonics + 1)
    radii = np.array([0.93, 1.17, math.nan])
    return np.outer(np.cos(turns), radii).ravel(), np.outer(np.sin(turns), radii).ravel()


def _view(view: tuple[float, float, float, float]) -> tuple[tuple[float, float], tuple[float, float]]:
    left, right, bottom, top = real("view", view, (4,), "(left, right, bottom, top)").tolist()
    if not (left < right and bottom < top):
        raise ValueError(f"view must be (left, right, bottom, top) with left < right and bottom < top, got {view}")
    return (left, right), (bottom, top)


def _guides() -> list[Trace]:
    turn = np.linspace(0, 2 * np.pi, 181)
    return [
        Trace("unit circle", "guide", np.cos(turn), np.sin(turn), mode="line", legend=False),
        Trace("radius 0.9", "guide dotted", 0.9 * np.cos(turn), 0.9 * np.sin(turn), mode="line", legend=False),
    ]


def _eigenvalues(record: Spectrum, residuals: bool, live: bool, scale: float = 1.0) -> list[Trace]:
    """Marks, rays, rings and labels; live figures hold what a later frame may need, and no words."""
    points = eigenvalue_points(record, residuals=residuals, scale=scale)
    values, receipts = _flat(record, residuals)
    kinds = _kinds(record)
    doubted = np.zeros(len(values), bool) if receipts is None else ~(receipts < BELIEVED)
    changes = "replace" if live else ""
    hover = None if live else [line.replace(": ", "<br>") for line in record.words()]
    traces: list[Trace] = []
    if live or len(points["persistent"][0]):
        traces.append(Trace("rays", "ray", *points["rays"], mode="rays", live=changes, legend=False))
    if receipts is not None:
        for role, words in (
            ("ring believed", f"ring: residual below {BELIEVED}"),
            ("ring doubted", f"{BELIEVED} or more"),
        ):
            if live or len(points[role][0]):
                traces.append(Trace(words, role, *points[role], mode="line", live=changes, key=role))
    for name in KINDS:
        for role, mask in ((name, kinds[name] & ~doubted), (f"{name} doubted", kinds[name] & doubted)):
            kept = live and (role == name or receipts is not None)
            if mask.any() or kept:
                labels = None if hover is None else [hover[i] for i in np.flatnonzero(mask)]
                entry = role == name or (not live and not (kinds[name] & ~doubted).any())
                entry &= live or name != "growing" or bool(mask.any())  # rare: named only where it is there
                traces.append(Trace(name, role, *points[role], live=changes, legend=entry, key=role, labels=labels))
    if receipts is not None and not live:
        chosen = _labelled(values, receipts)
        written = ["?" if math.isnan(r) else short(r) for r in receipts[chosen]]
        traces.append(
            Trace("residuals", "label", *_pair(values[chosen]), mode="text beside", legend=False, labels=written)
        )
    return traces


def _flat(record: Spectrum, residuals: bool) -> tuple[np.ndarray, np.ndarray | None]:
    values = record.eigenvalues.detach().cpu().reshape(-1).numpy()
    if record.residuals is None or not residuals:
        return values, None
    return values, record.residuals.detach().cpu().double().reshape(-1).numpy()


def _kinds(record: Spectrum) -> dict[str, np.ndarray]:
    return {name: getattr(record, name).cpu().reshape(-1).numpy() for name in KINDS}


def _pair(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values.real, values.imag


def _columns(points: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    both = np.array(points, dtype=float).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _rings(values: np.ndarray, receipts: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a circle round each eigenvalue, its radius growing with the residual's logarithm, broken by NaN."""
    share = np.log(np.clip(receipts, *_RING_RESIDUALS) / _RING_RESIDUALS[0]) / math.log(
        _RING_RESIDUALS[1] / _RING_RESIDUALS[0]
    )
    radii = scale * (_RING_RADII[0] + (_RING_RADII[1] - _RING_RADII[0]) * share)
    turn = np.append(np.exp(1j * np.linspace(0, 2 * np.pi, 25)), complex(math.nan, math.nan))
    return _pair((values[:, None] + radii[:, None] * turn).ravel())


def _labelled(values: np.ndarray, receipts: np.ndarray) -> np.ndarray:
    """Return the eigenvalues that get a number: one of each pair, the smallest residuals first, those without last."""
    upper = np.flatnonzero(values.imag > -1e-9)
    return upper[np.argsort(receipts[upper], kind="stable")][:LABELLED]


def _sentence(record: Spectrum, residuals: bool) -> str:
    values, receipts = _flat(record, residuals)
    if receipts is None:
        counts = ", ".join(f"{int(mask.sum())} {name}" for name, mask in _kinds(record).items() if mask.any())
        return f"{len(values)} eigenvalues: {counts}"
    believed, missing = receipts < BELIEVED, int(np.isnan(receipts).sum())
    count = f"{int(believed.sum())} of {len(values)}"
    if record.in_sample:
        state = f"{count} have a residual below {BELIEVED}, but residuals in sample: measured on the data of the fit"
    else:
        state = f"{count} believed (residual below {BELIEVED}, fresh snapshots)"
        if believed.any():
            trusted = record.trusted_steps.detach().cpu().reshape(-1).numpy()[believed]
            state += f"; the weakest is trusted for {_steps(float(trusted.min()))}"
    if missing:
        state += f"; {missing} without a residual (?)"
    return f"{state}; {record.advice}" if record.advice else state


def short(residual: float) -> str:
    """Write a residual in few letters: 0.003, 0.12, 2e-15."""
    if residual == 0 or residual >= 5e-4:
        return f"{residual:.3f}".rstrip("0").rstrip(".") if residual < 10 else f"{residual:.0e}".replace("e+0", "e")
    figure, power = f"{residual:.0e}".split("e")
    return f"{figure}e{int(power)}"


def _steps(count: float) -> str:
    return "more than a million steps" if count > 1e6 else f"about {float(f'{count:.2g}'):.0f} steps"


def _label_points(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
    """Return where a level line may carry its number: twelve points of each piece, the longest piece first."""
    pieces = np.split(np.arange(len(x)), np.flatnonzero(np.isnan(x)))
    pieces.sort(key=len, reverse=True)
    chosen = [i for p in pieces if len(p) > 12 for i in p[1 + (np.arange(12) * (len(p) - 1)) // 12]]
    return [(float(x[i]), float(y[i])) for i in chosen]
