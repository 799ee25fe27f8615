"""State planes: strokes follow the rate, fixed points say whether they attract, nothing is drawn that is not there."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from simviz import figures
from simviz.dynamics.systems import AttractingTorus, Duffing, LinearMap, Logistic, Lorenz, StuartLandau, VanDerPol
from simviz.records import FigureSpec


def named(spec: FigureSpec, name: str):
    return next(t for t in spec.traces if t.name == name)


def strokes(trace, points):
    """The strokes of a trace, (n, points, 2), and their heads: left barb, tip, right barb, (n, 3, 2)."""
    rows = np.stack([trace.x, trace.y], 1).reshape(-1, points + 5, 2)
    assert np.isnan(rows[:, [points, -1]]).all()
    return rows[:, :points], rows[:, points + 1 : points + 4]


@pytest.mark.parametrize("system", [StuartLandau(), VanDerPol(), Duffing()])
def test_strokes_point_along_the_rate(system):
    spec = figures.phase_portrait(system)
    paths, _ = strokes(named(spec, "flow"), 13)
    assert len(paths) > 100
    along = paths[:, 1:] - paths[:, :-1]
    middle = torch.from_numpy((paths[:, 1:] + paths[:, :-1]) / 2)
    rate = system.rate(middle).numpy()
    cosine = (along * rate).sum(-1) / np.linalg.norm(along, axis=-1) / np.linalg.norm(rate, axis=-1)
    assert np.quantile(cosine, 0.05) > 0.999
    assert cosine.min() > 0.9


def test_strokes_are_pieces_of_orbits():
    paths, _ = strokes(named(figures.phase_portrait(StuartLandau()), "flow"), 13)
    s = paths[..., 0] + 1j * paths[..., 1]
    radius, angle = np.abs(s), np.unwrap(np.angle(s), axis=1)
    clear = (np.abs(radius - 1) > 0.15).all(1) & (radius > 0.3).all(1)
    # dr/dangle = r (1 - r^2), so that (1 - r^2) / r^2 e^(2 angle) stays what it is along an orbit
    kept = np.log(np.abs(1 - radius**2) / radius**2) + 2 * angle
    assert clear.sum() > 50
    assert np.ptp(kept[clear], axis=1).max() < 0.03


def test_a_strokes_head_is_at_its_end_and_opens_backwards():
    paths, heads = strokes(named(figures.phase_portrait(Duffing()), "flow"), 13)
    assert np.allclose(heads[:, 1], paths[:, -1])
    ways = paths[:, -1] - paths[:, -2]
    for barb in (0, 2):
        back = heads[:, barb] - heads[:, 1]
        cosine = (back * ways).sum(-1) / np.linalg.norm(back, axis=-1) / np.linalg.norm(ways, axis=-1)
        assert np.allclose(cosine, -math.cos(math.pi / 6), atol=0.03)


def test_a_maps_strokes_point_to_the_next_state_and_none_goes_beyond_it():
    system = LinearMap()
    paths, _ = strokes(named(figures.phase_portrait(system), "one step"), 2)
    start, end = paths[:, 0], paths[:, 1]
    true = system.step(torch.from_numpy(start)).numpy() - start
    drawn = end - start
    cosine = (drawn * true).sum(-1) / np.linalg.norm(drawn, axis=-1) / np.linalg.norm(true, axis=-1)
    assert cosine.min() > 1 - 1e-9
    assert (np.linalg.norm(drawn, axis=-1) <= np.linalg.norm(true, axis=-1) * (1 + 1e-9)).all()


def test_no_stroke_leaves_the_axes():
    spec = figures.phase_portrait(StuartLandau())
    flow, subplot = named(spec, "flow"), spec.subplots[0]
    for values, (low, high) in ((flow.x, subplot.x.range), (flow.y, subplot.y.range)):
        assert np.nanmin(values) >= low
        assert np.nanmax(values) <= high


def test_fixed_points_are_filled_where_they_attract_and_hollow_where_not():
    spec = figures.phase_portrait(Duffing())
    assert sorted(named(spec, "stable fixed point").x) == [-1, 1]
    assert list(named(spec, "unstable fixed point").x) == [0]
    assert "2 stable fixed points, 1 unstable fixed point" in spec.state
    given = figures.phase_portrait(Duffing(), fixed_points=[[0.0, 0.0]], stable=np.array([True]))
    assert list(named(given, "stable fixed point").x) == [0]


def test_a_system_without_fixed_points_has_a_portrait_without_them():
    spec = figures.phase_portrait(AttractingTorus(), orbits=AttractingTorus().trajectories(2, 20, 0.1))
    assert not any("fixed point" in t.name for t in spec.traces)


def test_orbits_are_lines_of_a_flow_and_dots_of_a_map():
    flow = StuartLandau()
    orbits = flow.orbit(flow.initial(3).double(), 10, 0.1)
    drawn = named(figures.phase_portrait(flow, orbits=orbits), "orbits")
    assert drawn.mode == "line"
    lines = np.stack([drawn.x, drawn.y], -1).reshape(3, 12, 2)
    assert np.allclose(lines[:, :11], orbits.numpy())
    assert np.isnan(lines[:, 11]).all()
    turn = LinearMap()
    dots = named(figures.phase_portrait(turn, orbits=turn.orbit([[1.0, 0.0]], 5)[0]), "orbits")
    assert (dots.mode, len(dots.x)) == ("points", 6)


def test_a_cycle_is_a_closed_line_and_single_points_are_squares():
    system = StuartLandau()
    cycle = named(figures.phase_portrait(system, invariant_set=system.invariant_set()), "invariant set")
    assert (cycle.mode, cycle.role) == ("line", "true")
    assert (cycle.x[0], cycle.y[0]) == (cycle.x[-1], cycle.y[-1])
    spec = figures.phase_portrait(Duffing(), invariant_set=Duffing().invariant_set())
    assert (named(spec, "invariant set").mode, len(named(spec, "invariant set").x)) == ("points", 2)
    assert "in squares" in spec.state


def test_a_projection_has_no_strokes_unless_the_others_are_held_and_says_so():
    system = Lorenz()
    orbit = system.orbit(torch.tensor([[1.0, 1.0, 20.0]], dtype=torch.float64), 50, 0.02)
    spec = figures.phase_portrait(system, orbits=orbit, columns=(0, 2))
    assert "projection from 3 coordinates" in spec.alt
    assert "without strokes" in spec.alt
    assert "flow" not in [t.name for t in spec.traces]
    assert np.allclose(named(spec, "orbits").y[:51], orbit[0, :, 2])
    held = figures.phase_portrait(system, columns=(0, 2), held=[0.0, 5.0, 0.0])
    paths, _ = strokes(named(held, "flow"), 13)
    at = np.stack([paths[:, 6, 0], np.full(len(paths), 5.0), paths[:, 6, 1]], 1)
    rate = system.rate(torch.from_numpy(at)).numpy()[:, [0, 2]]
    along = paths[:, 7] - paths[:, 5]
    cosine = (along * rate).sum(-1) / np.linalg.norm(along, axis=-1) / np.linalg.norm(rate, axis=-1)
    assert np.quantile(cosine, 0.1) > 0.99


def test_an_escaped_orbit_leaves_a_gap_not_an_infinite_axis():
    orbit = np.array([[0.0, 0.0], [1.0, 1.0], [np.inf, np.inf]])
    spec = figures.phase_portrait(StuartLandau(), orbits=orbit)
    assert np.isfinite([*spec.subplots[0].x.range, *spec.subplots[0].y.range]).all()
    figures.to_matplotlib(spec)


def test_a_cobweb_goes_up_to_the_map_and_across_to_the_diagonal():
    system = Logistic(3.6)
    path = system.orbit(torch.tensor([[0.2]], dtype=torch.float64), 10)[0]
    spec = figures.return_map(system, orbit=path)
    curve, web = named(spec, "map"), named(spec, "orbit")
    assert np.allclose(curve.y, 3.6 * curve.x * (1 - curve.x))
    corners = np.stack([web.x, web.y], 1)[1:]
    assert np.allclose(corners[0::2, 1], 3.6 * corners[0::2, 0] * (1 - corners[0::2, 0]))
    assert np.allclose(corners[1::2, 0], corners[1::2, 1])
    assert len(corners) == 20


@dataclasses.dataclass
class Case:
    options: dict
    words: str


@pytest.mark.parametrize(
    "case",
    [
        Case({"orbits": np.ones((5, 3))}, r"orbits must be \(time, 2\) or \(batch, time, 2\), got \(5, 3\)"),
        Case({"orbits": np.empty((0, 2))}, "orbits is empty"),
        Case({"invariant_set": np.ones(4)}, r"invariant_set must be \(points, 2\)"),
        Case({"invariant_set": np.full((4, 2), np.nan)}, "invariant_set holds 8 values that are NaN"),
        Case({"fixed_points": [[0.0, 0.0]], "stable": [True, False]}, r"stable must be \(1,\) bool"),
        Case({"columns": (0, 0)}, r"columns must be two different coordinates below 2, got \(0, 0\)"),
        Case({"columns": (0, 2)}, "columns must be two different"),
        Case({"held": [0.0]}, r"held must be \(2,\)"),
        Case({"box": ((1.0, -1.0), (0.0, 1.0))}, "box must be .* with low below high"),
        Case({"box": ((0.0, 1.0),)}, "box must be .* for each of the two axes"),
    ],
    ids=lambda case: "-".join(case.options),
)
def test_a_portrait_without_sense_is_refused_by_name(case):
    with pytest.raises(ValueError, match=case.words):
        figures.phase_portrait(StuartLandau(), **case.options)


def test_one_coordinate_and_two_have_their_own_figures():
    with pytest.raises(ValueError, match=r"figures\.return_map"):
        figures.phase_portrait(Logistic())
    with pytest.raises(ValueError, match=r"figures\.phase_portrait"):
        figures.return_map(LinearMap())
