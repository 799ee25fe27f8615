"""How does the panel draw what it knows? Plane on the left, disc above a strip on the right, one sentence below."""

from __future__ import annotations

import math

import numpy as np
import torch

from simviz import figures
from simviz.dynamics.systems import Flow, Map
from simviz.figures import sets
from simviz.live.panels.sets.layer import Layer
from simviz.live.panels.sets.scene import Scene
from simviz.live.panels.sets.survey import Survey
from simviz.records import ColourBar, FigureSpec, Spectrum, Trace

SIZE = (980, 500)
RIGHT = ((0.62, 1.0, 0.46, 1.0), (0.64, 1.0, 0.0, 0.2))
"""Places of the disc and of the strip."""
CELLS = 64
"""Columns and rows of the density."""
_STAIRS = 120


def scene_spec(scene: Scene) -> FigureSpec:
    """Return the drawing of a scene."""
    ends = _ends(scene)
    if scene.view == "phase" and scene.layer is not None:
        left = _phase(scene, scene.layer)
    elif scene.view == "density" and scene.survey is not None and scene.system.dim > 1:
        left = _density(scene, ends)
    else:
        dots, labels = (scene.dots, scene.labels) if scene.view != "orbits" else (scene.dots[:0], scene.labels[:0])
        left = sets.cloud(
            scene.seen(dots), labels, ends, names=scene.names, title=_title(scene),
            marks=_ground(scene, ends), live=True,
        )  # fmt: skip
        left = _with(left, _clicked(scene))
    known = scene.spectrum or Spectrum(torch.empty(0, dtype=torch.complex128), kind="being measured")
    disc = figures.spectrum(known, residuals=False, live=True)
    gaps = None if scene.pair is None else scene.pair.gaps
    if scene.pair is not None and gaps is not None:
        strip = sets.apart(scene.pair.times, gaps, now=float(scene.pair.times[scene.moment]), live=True)
    else:
        late = None if scene.survey is None else scene.survey.ends[:, scene.columns[0]]
        strip = sets.shares(scene.dots[:, scene.columns[0]], ends[0], late=late, name=scene.names[0], live=True)
    barred = any(trace.mode == "image" for trace in left.traces)
    places = ((0.0, 0.47 if barred else 0.54, 0.0, 1.0), *RIGHT)
    parts = list(zip((left, disc, strip), places, strict=True))
    return figures.arrange(parts, size=SIZE, state=scene.sentence, alt=_alt(scene))


def _title(scene: Scene) -> str:
    if scene.view != "cloud":
        return scene.system.name
    return f"{scene.system.name}, after {scene.time:.3g}{' steps' if isinstance(scene.system, Map) else ''}"


def _ends(scene: Scene) -> sets.Ends:
    """Return the range of both axes: the box and what orbits come to, outwards in eighths, so that it seldom moves."""
    box = [scene.system.box[c] for c in scene.columns]
    late = None if scene.survey is None or not len(scene.survey.ends) else scene.survey.ends[:, list(scene.columns)]
    ends = []
    for number, (low, high) in enumerate(box):
        eighth = (high - low) / 8
        if late is not None:
            seen = late[:, number]
            low -= eighth * max(0, math.ceil((low - seen.min()) / eighth - 1e-6))
            high += eighth * max(0, math.ceil((seen.max() - high) / eighth - 1e-6))
        room = 0.04 * (high - low)
        ends.append((low - room, high + room))
    return ends[0], ends[1]


def _ground(scene: Scene, ends: sets.Ends) -> list[Trace]:
    """What lies under the dots: the graph of a map of one coordinate, orbits, the set, fixed points."""
    survey, system = scene.survey, scene.system
    traces: list[Trace] = []
    if system.dim == 1:
        at = np.linspace(*system.box[0], 201)[:, None]
        corners = np.array(ends[0])
        traces += sets.points_of(
            {"diagonal": ("guide", np.stack([corners, corners], 1)), "map": ("map", scene.seen(at))}
        )
    if survey is None:
        return traces
    marks: dict[str, tuple[str, np.ndarray]] = {}
    if scene.view == "orbits":
        marks |= _orbits(scene, survey)
    for number, (tail, found) in enumerate(zip(survey.tails, survey.sets, strict=True)):
        role, points = _limit(scene, tail, found.kind, found.period)
        if role:
            several = f" {number + 1}" if len(survey.sets) > 1 else ""
            marks[f"{'a set' if survey.own else 'the set'}{several}"] = (role, points)
    places = scene.seen(survey.fixed_points)
    for name, mask in (("stable point", survey.stable), ("unstable point", ~survey.stable)):
        marks[name] = (name.split()[0], places[mask])
    return traces + sets.points_of(marks, live=True)


def _limit(scene: Scene, tail: np.ndarray, kind: str, period: float | None) -> tuple[str, np.ndarray]:
    """Return how a set is drawn, and its points: loops dashed, a torus and chaos as a faint orbit, points elsewhere."""
    assert scene.survey is not None
    seen = scene.seen(tail)
    flow = isinstance(scene.system, Flow)
    if kind == "cycle" and flow and period:
        return "true", seen[-min(len(seen), math.ceil(period / scene.survey.dt) + 2) :]
    if kind == "closed curve" and tail.shape[1] == 2:
        angles = np.arctan2(*(seen - seen.mean(0)).T[::-1])
        order = np.argsort(angles)
        return "true", seen[np.append(order, order[0])]
    if kind == "cycle" and period:
        return "true points", seen[-round(period) :]
    if kind in ("torus", "chaos") and flow:
        return "flow", seen
    return "", seen[:0]


def _orbits(scene: Scene, survey: Survey) -> dict[str, tuple[str, np.ndarray]]:
    """A few whole orbits as lines, broken by NaN, and their starts; of a map of one coordinate, a cobweb."""
    if scene.system.dim == 1:
        orbit = survey.orbits[0, :_STAIRS, 0]
        stairs = np.stack([np.repeat(orbit, 2)[:-1], np.repeat(orbit, 2)[1:]], 1)
        return {"an orbit, step by step": ("cobweb", stairs)}
    few = survey.orbits
    gap = np.full((1, 2), np.nan)
    lines = np.concatenate([part for orbit in few for part in (scene.seen(orbit), gap)])
    role = "orbit" if isinstance(scene.system, Flow) else "basin 1"
    return {f"{len(few)} orbits": (role, lines), "their starts": ("orbit start", scene.seen(few[:, 0]))}


def _clicked(scene: Scene) -> list[Trace]:
    """The reader's start, its shadow and the gap between them, where they are now."""
    marks: dict[str, tuple[str, np.ndarray]] = dict.fromkeys(("gap",), ("gap", np.empty((0, 2))))
    marks |= {"your start": ("start", np.empty((0, 2))), "its shadow": ("shadow", np.empty((0, 2)))}
    if scene.pair is not None:
        dot = scene.seen(scene.pair.dots[scene.moment : scene.moment + 1])
        marks["your start"] = ("start", dot)
        if scene.pair.shadows is not None:
            shadow = scene.seen(scene.pair.shadows[scene.moment : scene.moment + 1])
            marks |= {"its shadow": ("shadow", shadow), "gap": ("gap", np.concatenate([dot, shadow]))}
    return sets.points_of(marks, live=True)


def _density(scene: Scene, ends: sets.Ends) -> FigureSpec:
    """Where orbits are in the long run: an image of the late states' density."""
    assert scene.survey is not None
    late = scene.seen(scene.survey.ends)
    edges = [np.linspace(low, high, CELLS + 1) for low, high in ends]
    counts = np.histogram2d(late[:, 1], late[:, 0], (edges[1], edges[0]))[0]
    masses = counts / max(1.0, counts.sum())
    bar = ColourBar("share of all states in a cell", (0.0, max(float(masses.max()), 1e-9)), "sqrt")
    image = Trace(
        "density", "mass", edges[0], edges[1], mode="image", legend=False, live="replace",
        z=np.where(masses > 0, masses, np.nan), bar=bar,
    )  # fmt: skip
    nobody = sets.cloud(scene.seen(scene.dots[:0]), scene.labels[:0], ends, names=scene.names, title=_title(scene))
    return _with(nobody, [image, *_clicked(scene)])


def _phase(scene: Scene, layer: Layer) -> FigureSpec:
    """The plane coloured by phase, the loop and the reader's start on it."""
    marks: dict[str, tuple[str, np.ndarray]] = {"unstable point": ("unstable", layer.centre[None])}
    if scene.survey is not None and scene.survey.tails and scene.survey.sets[0].period:
        _, points = _limit(scene, scene.survey.tails[0], "cycle", scene.survey.sets[0].period)
        marks["loop"] = ("orbit", points)
    words = {"exact": "phase, exact", "learned": "phase, learned", "polar": "polar angle"}[layer.source]
    return sets.phase_plane(
        layer.x, layer.y, layer.phase, exact=None if layer.source == "exact" else layer.exact, hole=layer.hole,
        names=scene.names, title=f"{scene.system.name}: {words}",
        marks=[*sets.points_of(marks, live=True), *_clicked(scene)], live=True,
    )  # fmt: skip


def _with(spec: FigureSpec, traces: list[Trace]) -> FigureSpec:
    return FigureSpec(spec.subplots, (*spec.traces, *traces), spec.state, spec.alt, spec.size)


def _alt(scene: Scene) -> str:
    shown = {
        "cloud": "dots on their way to the set they come to, coloured and shaped by it",
        "orbits": "a few whole orbits as lines",
        "density": "an image of where orbits are in the long run",
        "phase": "the plane coloured by phase, with lines of equal phase 45 degrees apart and the hole where they meet",
    }[scene.view]
    return (
        f"Left, the state plane of {scene.system.name}, {scene.names[0]} against {scene.names[1]}: {shown}. Right, "
        f"the eigenvalues with the unit circle, above a strip of shares over {scene.names[0]}, or of the distance "
        f"between a start and its shadow. {scene.sentence}."
    )
