"""How are the two pages drawn? Errors against rank; the plane of the turn, three spectra on a disc, two residuals."""

from __future__ import annotations

import numpy as np
import torch

from simviz import figures
from simviz.figures.tables import Table
from simviz.live.panels.distil.answers import KINDS, Answers
from simviz.live.panels.distil.orbits import ANDERSON_STEPS, PICARD_STEPS, Orbits
from simviz.live.panels.distil.words import answers_sentence, orbits_sentence
from simviz.records import Axis, FigureSpec, Solution, Spectrum, Subplot, Trace

SIZE = (980, 560)
ROLES = {"SIM": "method 2", "plain net": "method 1"}
AIM = 0.1
"""The relative error at which a line is drawn."""
EDMD_SHOWN = 0.05
"""EDMD eigenvalues nearer to 0 than this are left out."""


def answers_figure(record: Answers) -> FigureSpec:
    """Return the errors against the rank, logarithmic, each seed a faint line and the means over them."""
    traces = [_line("aim", "guide dotted", np.array([0.5, 2.0 * max(record.ranks)]), np.full(2, AIM))]
    for kind in KINDS:
        for seed in range(record.seeds):
            at = _columns(record.errors(kind, seed))
            traces.append(_line(f"{kind}, seed {seed}", "sample", *at))
    for kind in KINDS:
        at = _columns(record.means(kind))
        traces.append(Trace(f"{kind}, mean", ROLES[kind], *at, mode="line+points", live="replace"))
    ticks = tuple(float(rank) for rank in record.ranks)
    across = Axis("rank of U V^T", scale="log", range=(0.8 * ticks[0], 1.25 * ticks[-1]), ticks=ticks)
    up = Axis("relative error", scale="log", range=(0.03, 2.0), ticks=(0.05, 0.1, 0.2, 0.5, 1.0))
    subplot = Subplot("error on held-out inputs", across, up)
    state = answers_sentence(record)
    alt = f"Relative error of students against the rank, SIMs and plain nets, each seed a faint line. {state}."
    return FigureSpec((subplot,), tuple(traces), state, alt, SIZE)


def orbits_figure(record: Orbits) -> FigureSpec:
    """Return the plane of the turn on the left, the disc above the residuals on the right."""
    state = orbits_sentence(record)
    parts = [
        (_plane(record), (0.0, 0.5, 0.0, 1.0)),
        (_disc(record), (0.6, 1.0, 0.42, 1.0)),
        (_residuals(record), (0.63, 1.0, 0.0, 0.24)),
    ]
    alt = (
        "Left: iterates of the cell in the plane in which they turn, its fixed point, what Anderson returns, and the "
        "SIM's orbit. Right: eigenvalues of the Jacobian, of EDMD and of the SIM in the unit disc, above the residuals "
        f"of Picard and Anderson. {state}."
    )
    return figures.arrange(parts, size=SIZE, state=state, alt=alt)


def answers_table(record: Answers) -> Table:
    """Return a row for each student that is done."""
    rows = [(s.kind, s.rank, s.seed, s.error) for s in record.students if s.error is not None]
    return Table(("student", "rank", "seed", "relative error"), tuple(rows), answers_sentence(record))


def orbits_table(record: Orbits) -> Table:
    """Return a row for each eigenvalue of the three, with its residual where there is one."""
    known = record.situation
    rows: list[tuple[object, ...]] = []
    for name, spectrum in (("Jacobian", known.jacobian), ("EDMD", known.edmd), ("SIM", record.spectrum)):
        if spectrum is None:
            continue
        receipts = None if spectrum.residuals is None else spectrum.residuals.tolist()
        for i, value in enumerate(spectrum.eigenvalues.tolist()):
            rows.append((name, value.real, value.imag, abs(value), "" if receipts is None else receipts[i]))
    return Table(("of", "Re", "Im", "modulus", "residual"), tuple(rows), orbits_sentence(record))


def _plane(record: Orbits) -> FigureSpec:
    known = record.situation
    path = known.seen(known.path)
    said = np.empty((0, 2)) if record.orbit is None else known.seen(record.orbit)
    settled = known.anderson.z if bool(known.anderson.converged[0]) else known.anderson.z[:0]
    stable = known.teacher.radius < 1
    origin = np.zeros((1, 2))
    traces = (
        _points("iterates", "orbit", path, "line+points"),
        _points("first iterate", "orbit start", path[:1]),
        _points("the SIM's orbit" if stable else "the SIM's loop", "learned", said, "line", key="SIM's orbit"),
        _points("stable z*", "stable", origin if stable else origin[:0]),
        _points("unstable z*", "unstable", origin[:0] if stable else origin),
        _points("Anderson's answer", "point", known.seen(settled)),
    )
    reach = 1.15 * float(np.abs(path).max())
    across, up = (Axis(name, range=(-reach, reach)) for name in ("first direction", "second direction"))
    return FigureSpec((Subplot("plane of the turn, counted from z*", across, up, equal=True),), traces)


def _disc(record: Orbits) -> FigureSpec:
    known = record.situation
    guides = figures.spectrum(Spectrum(torch.empty(0)), live=True)
    kept = [t for t in guides.traces if t.role.startswith("guide")]
    reach = 1.3
    values = [known.jacobian, known.edmd, record.spectrum]
    shown = [np.empty(0, complex) if s is None else s.eigenvalues.numpy() for s in values]
    shown[1] = shown[1][np.abs(shown[1]) > EDMD_SHOWN]
    names = (("Jacobian at z*", "decaying doubted"), ("EDMD", "method 3"), ("SIM", "method 5"))
    marks = [
        Trace(name, role, v.real, v.imag, live="replace")
        for (name, role), v in zip(names, shown, strict=True)
    ]  # fmt: skip
    re, im = (Axis(t, range=(-reach, reach), ticks=(-1.0, 0.0, 1.0)) for t in ("Re", "Im"))
    return FigureSpec((Subplot("three spectra", re, im, equal=True),), (*kept, *marks))


def _residuals(record: Orbits) -> FigureSpec:
    traces = []
    for name, role, solution in (
        ("Picard", "method 4", record.situation.picard),
        ("Anderson", "method 1", record.situation.anderson),
    ):
        traces.append(_line(name, role, *_falls(solution), legend=True))
    across = Axis("evaluations", range=(0.0, float(max(PICARD_STEPS, ANDERSON_STEPS))))
    up = Axis("", scale="log", range=(1e-8, 10.0), ticks=(1e-8, 1e-4, 1.0))
    return FigureSpec((Subplot("|f(z) - z|", across, up),), tuple(traces))


def _falls(solution: Solution) -> tuple[np.ndarray, np.ndarray]:
    residuals = np.array([float(step.residual[0]) for step in solution.steps])
    known = np.isfinite(residuals) & (residuals > 0)
    return np.arange(1.0, len(residuals) + 1)[known], residuals[known]


def _columns(pairs: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
    both = np.array(pairs, float).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _line(name: str, role: str, x: np.ndarray, y: np.ndarray, legend: bool = False) -> Trace:
    return Trace(name, role, x, y, mode="line", live="replace", legend=legend)


def _points(name: str, role: str, at: np.ndarray, mode: str = "points", key: str = "") -> Trace:
    return Trace(name, role, at[:, 0], at[:, 1], mode=mode, live="replace", key=key)
