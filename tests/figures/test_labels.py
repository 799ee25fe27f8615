"""No word is cut off, none lies on another, none covers a mark: measured on the boxes Matplotlib really drew."""

import itertools

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from simviz import figures
from simviz.dynamics.systems import Duffing, StuartLandau
from simviz.figures.labels import placed
from simviz.records import Axis, FigureSpec, Spectrum, Subplot, Trace
from tests.figures.test_densities import EDGES, arcsine
from tests.figures.test_eigenfunctions import PLANE, X
from tests.figures.test_spectra import LATTICE, lattice
from tests.figures.test_training import history

LONG = Spectrum(
    torch.tensor([0.99, 0.97, 0.9, 0.6 + 0.3j, 0.6 - 0.3j, 1.2]),
    torch.tensor([1e-15, 2e-15, 0.07, 0.2, 0.2, torch.nan]),
    kind="EDMD with monomials up to degree 3 and tanh(3 s2), on snapshots that were held out",
    advice="there are fewer snapshots than twice the observables: give more of both",
)
GRID = np.linspace(-1.3, 1.3, 81) + 1j * np.linspace(-1.3, 1.3, 81)[:, None]
DISTANCE = np.abs(GRID[..., None] - LATTICE).min(-1)
MAKERS = {
    "spectrum": lambda: figures.spectrum(lattice()),
    "spectrum in sample": lambda: figures.spectrum(lattice(in_sample=True)),
    "spectrum with long words": lambda: figures.spectrum(LONG),
    "pseudospectrum": lambda: figures.pseudospectrum(GRID, DISTANCE, lattice()),
    "portrait": lambda: figures.phase_portrait(StuartLandau(), invariant_set=StuartLandau().invariant_set()),
    "two wells": lambda: figures.phase_portrait(
        Duffing(), orbits=Duffing().orbit([[1.9, 1.5]], 50, 0.1), invariant_set=Duffing().invariant_set()
    ),
    "eigenfunction": lambda: figures.eigenfunction(
        X, X, PLANE**2, eigenvalue=0.95 + 0.29j, residual=2e-15, invariant_set=np.eye(2)
    ),
    "density": lambda: figures.density(EDGES, np.diff(EDGES), exact=arcsine, histogram=[0.5]),
    "density of two": lambda: figures.density((X, X * 1e-3), np.full((120, 120), 1 / 14400)),
    "matrix": lambda: figures.transfer_matrix(np.eye(50) / 50),
    "training": lambda: figures.training_curves(
        history(300, jump=0.5), goal="accuracy", reference=(0.7, "bilinear"), loss_reference=(0.04, "without memory")
    ),
    "training without a goal": lambda: figures.training_curves(history(5, every=9, validation=False)),
}


def drawn(spec):
    figure = figures.to_matplotlib(spec)
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    return figure, renderer


def words(axes):
    """Every text that belongs to axes: titles, tick labels within the range, labels; colour bars are axes too."""
    inner = [a for child in axes.child_axes for a in words(child)]
    ticks = []
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        at = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
        ticks += [label for place, label in at if low <= place <= high]
    others = [axes.title, axes.xaxis.label, axes.yaxis.label, axes.yaxis.offsetText, *axes.texts]
    shown = [t for t in [*ticks, *others] if t.get_visible()]
    return [t for t in shown if t.get_text()] + inner


def overlap(one, other, slack=1.0):
    return (
        min(one.x1, other.x1) - max(one.x0, other.x0) > slack and min(one.y1, other.y1) - max(one.y0, other.y0) > slack
    )


@pytest.mark.parametrize("name", MAKERS)
def test_no_word_is_cut_off_by_the_figure(name):
    figure, renderer = drawn(MAKERS[name]())
    texts = [t for axes in figure.axes for t in words(axes)] + list(figure.texts)
    boxes = [t.get_window_extent(renderer) for t in texts] + [one.get_window_extent(renderer) for one in figure.legends]
    assert len(boxes) > 5
    for box in boxes:
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1


@pytest.mark.parametrize("name", MAKERS)
def test_no_two_words_overlap_nor_the_legend(name):
    figure, renderer = drawn(MAKERS[name]())
    texts = [t for axes in figure.axes for t in words(axes)] + list(figure.texts)
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in texts]
    boxes += [("legend", one.get_window_extent(renderer)) for one in figure.legends]
    for (first, one), (second, other) in itertools.combinations(boxes, 2):
        assert not overlap(one, other), (first, second)


@pytest.mark.parametrize("name", MAKERS)
def test_legend_state_and_colour_bars_lie_off_the_axes(name):
    figure, renderer = drawn(MAKERS[name]())
    panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    bars = [child for axes in panels for child in axes.child_axes]
    outside = [a.get_window_extent(renderer) for a in (*figure.legends, *figure.texts, *bars)]
    for axes, box in itertools.product(panels, outside):
        assert not overlap(axes.get_window_extent(renderer), box)


def outside(box, points):
    """The distance of points, (n, 2), from a box, in pixels."""
    beyond = np.maximum(np.maximum([box.x0, box.y0] - points, points - [box.x1, box.y1]), 0)
    return np.hypot(*beyond.T)


@pytest.mark.parametrize("name", ["spectrum", "pseudospectrum"])
def test_no_number_covers_an_eigenvalue_or_a_ring(name):
    spec = MAKERS[name]()
    figure, renderer = drawn(spec)
    axes = figure.axes[0]
    boxes = [t.get_window_extent(renderer) for t in axes.texts]
    assert len(boxes) >= 5
    rings = [np.stack([t.x, t.y], 1) for t in spec.traces if t.role.startswith("ring")]
    points = np.concatenate([np.stack([LATTICE.real, LATTICE.imag], 1), *rings])
    pixels = axes.transData.transform(points[np.isfinite(points[:, 0])])
    for box in boxes:
        assert outside(box, pixels).min() > 0


def test_each_residual_stands_nearest_to_its_own_eigenvalue():
    spec = figures.spectrum(lattice())
    anchors = next(t for t in spec.traces if t.mode == "text beside")
    where = {text: (x, y) for text, x, y in zip(anchors.labels, anchors.x, anchors.y, strict=True)}
    figure, renderer = drawn(spec)
    (axes,) = figure.axes
    pixels = axes.transData.transform(np.stack([LATTICE.real, LATTICE.imag], 1))
    assert len(axes.texts) >= 10
    for text in axes.texts:
        box = text.get_window_extent(renderer)
        own = outside(box, axes.transData.transform([where[text.get_text()]]))[0]
        assert own <= outside(box, pixels).min() + 1


def crowd(points, labels, mode="text beside"):
    x, y = np.array(points, dtype=float).reshape(-1, 2).T
    box = Axis(range=(0.0, 1.0))
    traces = (Trace("m", "decaying", x, y), Trace("t", "label", x, y, mode=mode, labels=labels))
    return FigureSpec((Subplot("", box, box),), traces, size=(300, 300))


def test_labels_without_room_are_left_out_the_first_ones_stay():
    labels = placed(crowd(np.random.default_rng(0).random((60, 2)), [f"{i:04d}" for i in range(60)]))
    assert 3 < len(labels) < 50
    boxes = [(v.x - 0.06, v.x + 0.06, v.y - 0.04, v.y + 0.04) for v in labels]
    for a, b in itertools.combinations(boxes, 2):
        assert not (min(a[1], b[1]) - max(a[0], b[0]) > 0 and min(a[3], b[3]) - max(a[2], b[2]) > 0)
    assert placed(crowd([[0.5, 0.5]], ["alone"]))[0].text == "alone"
    assert placed(crowd([[0.5, 0.5]], ["a word too long for these axes, far too long"])) == []


def test_a_label_in_the_corner_is_nudged_inside():
    (label,) = placed(crowd([[0.99, 0.99]], ["0.003"]))
    assert 0 < label.x < 0.95
    assert 0 < label.y < 1


def test_both_renderers_write_the_same_words_in_the_same_places():
    for name in ("spectrum", "pseudospectrum", "eigenfunction"):
        spec = MAKERS[name]()
        notes = [a for a in figures.plotly_layout(spec, "dark")["annotations"] if a["xref"] != "paper"]
        texts = [t for axes in figures.to_matplotlib(spec).axes for t in axes.texts]
        assert len(texts) > 3
        assert [(n["text"], n["x"], n["y"]) for n in notes] == [(t.get_text(), *t.get_position()) for t in texts]
