"""How is a round drawn? What is shown on the left, large; what may be picked on the right, each under its letter."""

from __future__ import annotations

import dataclasses

import numpy as np

from simviz import figures
from simviz.figures.tables import Table
from simviz.live.panels.game.questions import LETTERS, Option, Question
from simviz.live.panels.game.words import named, sentence
from simviz.live.panels.sets.spectra import counted
from simviz.records import Axis, FigureSpec, Subplot, Trace

SIZE = (980, 520)
_COLUMNS, _ROWS = ((0.42, 0.59), (0.625, 0.795), (0.83, 1.0)), ((0.56, 1.0), (0.0, 0.44))


def round_figure(asked: Question, seed: int, answers: tuple[str, ...]) -> FigureSpec:
    """Return the drawing of a round, the question or what is to be said of the answer as its state."""
    picked = answers[asked.number - 1] if len(answers) >= asked.number else ""
    left = _set(asked.shown, "the set", "shown") if asked.reverse else _disc(asked.shown, "the eigenvalues", "shown")
    parts = [(left, (0.0, 0.34, 0.0, 1.0))]
    wide = 2 if len(asked.options) == 4 else 3
    for number, (one, name) in enumerate(zip(asked.options, named(asked), strict=True)):
        title = name
        if picked:
            title += " (fits)" if number in asked.fitting else " (your pick)" if LETTERS[number] == picked else ""
        drawn = (_disc if asked.reverse else _set)(one, title, LETTERS[number])
        parts.append((drawn, (*_COLUMNS[number % wide], *_ROWS[number // wide])))
    state = sentence(asked, seed, answers)
    what = "a set" if asked.reverse else "eigenvalues in the unit disc"
    alt = f"Left: {what}. Right: {len(asked.options)} pictures to choose from, {', '.join(named(asked))}. {state}."
    return figures.arrange(parts, size=SIZE, state=state, alt=alt)


def round_table(asked: Question, seed: int, answers: tuple[str, ...]) -> Table:
    """Return the numbers that may be seen: the eigenvalues shown, or those of every disc."""
    discs = list(zip(LETTERS, asked.options, strict=False)) if asked.reverse else [("shown", asked.shown)]
    rows = [
        (letter, float(v.real), float(v.imag), float(abs(v)), float(np.degrees(np.angle(v))), counted(one.spectrum))
        for letter, one in discs
        for v in one.spectrum.eigenvalues.numpy()
    ]
    columns = ("disc", "real", "imaginary", "modulus", "angle (degrees)", "of this disc")
    return Table(columns, tuple(rows), sentence(asked, seed, answers))


def _disc(one: Option, title: str, key: str) -> FigureSpec:
    """A disc, small ones without ticks; that 1 is there twice nobody sees, so the title says it."""
    drawn = figures.spectrum(one.spectrum, residuals=False)
    ones = int(((one.spectrum.eigenvalues - 1).abs() < 1e-9).sum())
    subplot = dataclasses.replace(drawn.subplots[0], title=f"{title}: 1 twice" if ones > 1 else title)
    if key != "shown":
        bare = {side: dataclasses.replace(getattr(subplot, side), title="", ticks=()) for side in ("x", "y")}
        subplot = dataclasses.replace(subplot, **bare)
    return FigureSpec((subplot,), _keyed(drawn.traces, key))


def _set(one: Option, title: str, key: str) -> FigureSpec:
    few = len(one.ends) < 9
    mode = "points" if one.apart else "line"
    kept = "points" if few or one.apart else "line"
    (x, y), (u, v) = one.lines.T, one.ends.T
    traces = (
        Trace("orbits", "data" if one.apart else "flow", x, y, mode=mode, legend=False),
        Trace("what they come to", "stable" if few else "orbit", u, v, mode=kept, legend=False),
    )
    both = np.concatenate([one.lines, one.ends])
    both = both[np.isfinite(both).all(1)]
    low, high = both.min(0), both.max(0)
    half = 0.54 * float((high - low).max())
    ends = [(float(c - half), float(c + half)) for c in (low + high) / 2]
    across, up = (Axis("", range=end, ticks=(), grid=False) for end in ends)
    return FigureSpec((Subplot(title, across, up, equal=True),), _keyed(traces, key))


def _keyed(traces: tuple[Trace, ...], key: str) -> tuple[Trace, ...]:
    return tuple(dataclasses.replace(t, key=f"{t.channel}, {key}", legend=False, live="replace") for t in traces)
