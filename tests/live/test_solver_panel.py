"""The race of solvers without a browser: what becomes of a fixed point, against closed forms."""

import cmath
import math
import random
import threading
import time

import numpy as np
import pytest
import torch

from simviz import figures, live
from simviz.live.panels.doors import MAPS, door
from simviz.live.panels.solver_panel import race_figure, race_table
from simviz.live.panels.solver_race import METHODS, NUDGED, run_race
from simviz.live.panels.solver_words import fate, pattern, sentence
from simviz.records import Spectrum, Status

RADIAN = math.degrees(1)


def raced(map="pair", modulus=0.9, angle=RADIAN, growth=3.3, solvers=("Picard",), **more):
    return run_race(map=map, modulus=modulus, angle=angle, growth=growth, solvers=solvers, **more)


def circle(rho):
    return math.sqrt((1 - 1 / rho) / 0.1)


@pytest.mark.parametrize(("rho", "angle"), [(0.5, 40.0), (0.8, 100.0), (0.95, RADIAN)])
def test_the_pair_is_the_map_in_complex_numbers(rho, angle):
    """z' = rho e^{i omega} z (1 - 0.1 |z|^2)"""
    z = 0.7 - 1.1j
    exact = rho * cmath.exp(1j * math.radians(angle)) * z * (1 - 0.1 * abs(z) ** 2)
    after = door("pair", rho, angle, 3.3).system.step(torch.tensor([[z.real, z.imag]], dtype=torch.float64))
    assert complex(*after[0].tolist()) == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize(("rho", "angle"), [(0.5, 40.0), (0.8, 100.0), (0.95, RADIAN)])
def test_picards_residual_falls_by_rho_a_step(rho, angle):
    run = raced(modulus=rho, angle=angle, evaluations=200).runs["Picard"]
    late = run.residuals[-10:]
    assert late[1:] / late[:-1] == pytest.approx(np.full(9, rho), rel=1e-3)


def test_past_one_picard_winds_onto_the_circle_and_the_plateau_tells_the_angle():
    race = raced(modulus=1.2)
    run = race.runs["Picard"]
    assert np.linalg.norm(run.path[-1]) == pytest.approx(1.2909944, abs=1e-6)
    assert run.residuals[-1] == pytest.approx(1.2378, abs=1e-4)
    assert run.residuals[-1] / circle(1.2) == pytest.approx(2 * math.sin(0.5), rel=1e-6)
    assert run.status is Status.OUT_OF_STEPS
    assert fate(race, "Picard") == "circles, each step 0.96 of the radius"
    assert race.door.expected.norm(dim=1).numpy() == pytest.approx(np.full(120, circle(1.2)), rel=1e-12)


def test_anderson_still_finds_the_unstable_point_in_eleven_evaluations_and_a_nudge_destroys_it():
    race = raced(modulus=1.2, solvers=("Picard", "Anderson"), nudges=1)
    run, nudged = race.runs["Anderson"], race.runs[NUDGED]
    assert len(run.path) == 11
    assert run.residuals[-1] < 1e-8
    assert np.abs(run.path[-1]).max() < 1e-8
    assert run.radius == pytest.approx(1.2, rel=1e-6)
    assert race.nudged == "Anderson"
    assert np.linalg.norm(nudged.path[0]) == pytest.approx(1e-3, rel=1e-4)
    early = np.linalg.norm(nudged.path[:10], axis=1)
    assert early[1:] / early[:-1] == pytest.approx(np.full(9, 1.2), rel=1e-3)
    assert np.linalg.norm(nudged.path[-1]) == pytest.approx(circle(1.2), rel=1e-4)
    assert "Anderson returned a point that a nudge destroys, after 11 evaluations" in sentence(race)
    assert "nudged by 0.001 from Anderson's end, it left: 1.29 away" in sentence(race)


def test_a_nudge_at_a_stable_point_comes_back():
    race = raced(modulus=0.6, solvers=("Anderson",), nudges=1)
    assert race.runs[NUDGED].status is Status.CONVERGED
    assert "it comes back" in sentence(race)


def test_the_method_that_is_nudged_is_one_that_arrived_at_the_point_that_is_watched():
    """Broyden is quicker, but at 0; z* = 1 - 1 / growth."""
    race = raced("logistic", growth=3.3, solvers=("Picard", "damped Picard", "Broyden"), nudges=1)
    assert len(race.runs["Broyden"].path) < len(race.runs["damped Picard"].path)
    assert race.nudged == "damped Picard"
    assert race.runs[NUDGED].path[0] == pytest.approx(1 - 1 / 3.3 + 1e-3, abs=1e-8)


def test_only_what_arrived_is_nudged():
    race = raced(modulus=1.2, angle=20.0, solvers=("Picard", "Anderson"), nudges=1)
    assert [run.status for run in race.runs.values()] == [Status.OUT_OF_STEPS, Status.DIVERGED]
    assert fate(race, "Anderson") == "ran away: DIVERGED"
    assert sentence(race).endswith("no method arrived, so there is nothing to nudge")


def test_where_the_cubic_term_alone_pulls_a_small_residual_is_still_at_z_star():
    """At modulus 1 the residual is |z1|^3 / 10: 1e-9 is reached where |z1| is 0.002."""
    run = raced("real +1", 1.0, solvers=("Broyden",)).runs["Broyden"]
    assert run.residuals[-1] == pytest.approx(abs(run.path[-1, 0]) ** 3 / 10, rel=0.1)
    assert fate(raced("real +1", 1.0, solvers=("Broyden",)), "Broyden").startswith("arrives after")


@pytest.mark.parametrize(("start", "end"), [((0.3, 0.8), 1.2909944), ((-0.3, 0.8), -1.2909944)])
def test_through_plus_one_picard_arrives_at_one_of_two_new_points_by_its_start(start, end):
    race = raced("real +1", 1.2, start=start)
    run = race.runs["Picard"]
    assert run.status is Status.CONVERGED
    assert run.path[-1] == pytest.approx([end, 0.0], abs=1e-6)
    assert run.radius == pytest.approx(3 - 2 * 1.2, abs=1e-6)
    assert fate(race, "Picard").startswith(f"arrives elsewhere, at ({end:.2f}, 0.00)")


def test_through_minus_one_picard_alternates_and_its_residual_stops_at_the_diameter():
    race = raced("real -1", 1.2)
    run = race.runs["Picard"]
    assert run.residuals[-1] == pytest.approx(2 * circle(1.2), rel=1e-6)
    assert run.path[-1] == pytest.approx(run.path[-3], abs=1e-6)
    assert run.path[-1] == pytest.approx(-run.path[-2], abs=1e-6)
    assert fate(race, "Picard") == "alternates between two points 2.58 apart"


def test_the_maps_of_one_number_are_those_of_the_books():
    cosine = raced("cos z").runs["Picard"]
    assert cosine.path[-1] == pytest.approx(0.7390851332, abs=1e-9)
    assert cosine.residuals[30] / cosine.residuals[29] == pytest.approx(math.sin(0.7390851332), rel=1e-4)
    two = raced("logistic", growth=3.3).runs["Picard"].path[-2:, 0]
    pair = [(4.3 + sign * math.sqrt(4.3 * 0.3)) / 6.6 for sign in (1, -1)]  # of period 2: May 1976
    assert sorted(two) == pytest.approx(sorted(pair), abs=1e-6)
    assert fate(raced("logistic", growth=3.5, evaluations=200), "Picard") == "repeats 4 points for ever"


@pytest.mark.parametrize("map", MAPS)
@pytest.mark.parametrize("modulus", [0.4, 0.9, 1.2])
def test_every_fixed_point_stands_still_and_is_stable_where_its_jacobian_says(map, modulus):
    here = door(map, modulus, 100.0, 3.3)
    step = here.system.step
    assert torch.allclose(step(here.fixed_points), here.fixed_points, atol=1e-12)
    for point, stable in zip(here.fixed_points, here.stable.tolist(), strict=True):
        slopes = torch.autograd.functional.jacobian(lambda z: step(z[None])[0], point)
        assert (torch.linalg.eigvals(slopes).abs().max() < 1).item() == stable
    slopes = torch.autograd.functional.jacobian(lambda z: step(z[None])[0], here.z_star)
    assert (torch.linalg.eigvals(slopes) - here.eigenvalue).abs().min() < 1e-12


def test_words_are_given_only_to_what_has_settled():
    turn = 0.7 * np.arange(40.0)
    round_and_round = np.stack([np.cos(turn), np.sin(turn)], 1)
    steps = np.full(40, 2 * math.sin(0.35))
    assert pattern(round_and_round, steps, np.zeros(2)) == "circles, each step 0.69 of the radius"
    inward = 0.97 ** np.arange(40.0)
    assert pattern(inward[:, None] * round_and_round, inward * steps, np.zeros(2)) == ""
    assert pattern(round_and_round[:10], steps[:10], np.zeros(2)) == ""
    creeping = (-1.0) ** np.arange(40)[:, None] * 0.995 ** np.arange(40)[:, None]
    assert pattern(creeping, 2 * 0.995 ** np.arange(40), np.zeros(1)) == ""
    wandering = np.random.default_rng(0).random((40, 1))
    assert pattern(wandering, np.ones(40), np.zeros(1)) == ""


def test_a_race_that_is_shown_in_part_says_and_draws_no_more_than_that():
    race = raced(modulus=1.2, solvers=("Picard", "Anderson"), nudges=1, shown=5)
    assert "returned" not in sentence(race)
    assert "nudged" not in sentence(race)
    spec = race_figure(race)
    drawn = {t.channel: t for t in spec.traces}
    assert np.stack([drawn["Anderson"].x, drawn["Anderson"].y], 1) == pytest.approx(race.runs["Anderson"].path[:5])
    assert drawn["Anderson: residual"].y == pytest.approx(race.runs["Anderson"].residuals[:5])
    assert len(drawn["nudged"].x) == len(drawn["Broyden"].x) == 0
    table = race_table(race)
    assert table.columns == ("solver", "evaluation", "z1", "z2", "residual")
    assert len(table) == 10
    z1, z2, residual = (np.array(table.column(name)) for name in ("z1", "z2", "residual"))
    after = np.stack([z1[1:5], z2[1:5]], 1) - np.stack([z1[:4], z2[:4]], 1)  # Picard's step is its residual
    assert np.linalg.norm(after, axis=1) == pytest.approx(residual[:4])


def test_every_state_of_a_map_is_a_frame_of_one_film_and_all_renderers_draw_it():
    shapes = set()
    for modulus, shown, solvers in ((0.9, None, ("Picard",)), (1.0, 3, ("Anderson", "Broyden")), (1.3, None, ())):
        spec = race_figure(raced(modulus=modulus, shown=shown, solvers=solvers, nudges=1))
        shapes.add(tuple((t.channel, t.role, t.mode, t.legend) for t in spec.traces))
        figures.to_plotly(spec, "dark")
        figures.to_matplotlib(spec)
    assert len(shapes) == 1
    slope = next(t for t in race_figure(raced(modulus=0.8)).traces if t.name == "slope log10(rho)")
    heights = slope.y[np.isfinite(slope.y)]
    assert heights[1:] / heights[:-1] == pytest.approx(np.full(len(heights) - 1, 0.8))


def test_a_cobweb_goes_from_the_diagonal_to_the_curve_and_back():
    spec = race_figure(raced("logistic", growth=2.7, solvers=("Picard", "Anderson")))
    drawn = {t.channel: t for t in spec.traces}
    x, y = drawn["Picard"].x, drawn["Picard"].y
    assert x[0::2] == pytest.approx(y[0::2])  # on the diagonal
    assert y[1::2] == pytest.approx(2.7 * x[1::2] * (1 - x[1::2]))
    assert x[2::2] == pytest.approx(y[1:-1:2])  # across
    x, y = drawn["Anderson"].x, drawn["Anderson"].y
    assert y == pytest.approx(2.7 * x * (1 - x))
    assert drawn["stable z*"].x.tolist() == pytest.approx([1 - 1 / 2.7])


@pytest.fixture
def panel(mounted):
    return mounted(live.SolverPanel())


def test_a_panel_opens_with_something_said_and_one_thing_to_try(panel):
    assert panel.spec().state.startswith("radius 0.90: Picard is out of steps, residual 2e-4, falling by 0.90 a step")
    assert panel.spec().state.endswith("Try: drag the eigenvalue out of the circle")
    panel.set(modulus=1.2)
    assert panel.spec().state.endswith("Try: Nudge")


def test_a_dragged_eigenvalue_moves_the_sliders_and_they_move_it(panel):
    panel._event("eigenvalue", [0.0, -1.1])
    assert (panel.values["modulus"], panel.values["angle"]) == (1.1, 90)
    assert panel.values["eigenvalue"] == pytest.approx((0.0, 1.1), abs=1e-9)
    panel.set(modulus=0.5, angle=60)
    assert panel.values["eigenvalue"] == pytest.approx((0.25, 0.5 * math.sqrt(0.75)))
    panel.set(map="real -1")
    panel._event("eigenvalue", [-0.7, 0.9])
    assert panel.values["modulus"] == 0.7
    assert panel.values["eigenvalue"] == (-0.7, 0.0)
    panel.set(map="logistic")
    panel._event("eigenvalue", [-1.4, 0.3])
    assert panel.values["growth"] == 3.4
    assert panel.values["eigenvalue"] == pytest.approx((-1.4, 0.0))


def test_a_slider_takes_the_map_it_belongs_to(panel):
    panel.set(growth=3.5)
    assert panel.values["map"] == "logistic"
    panel.set(angle=90)
    assert panel.values["map"] == "pair"
    panel.set(map="real +1").set(modulus=1.1)
    assert panel.values["map"] == "real +1"


def test_a_click_in_the_plane_is_the_new_start_and_one_on_the_disc_is_not(panel):
    panel._event("click", [0, -1.25, 0.5])
    assert panel.record.runs["Picard"].path[0].tolist() == [-1.25, 0.5]
    panel._event("click", [1, 0.1, 0.1])
    assert panel.values["start"] == (-1.25, 0.5)
    panel.set(map="logistic")
    panel._event("click", [0, 1.04, 0.2])
    assert panel.record.runs["Picard"].path[0].tolist() == [0.999]


def test_the_player_shows_one_evaluation_more_at_each_pull_and_ends_with_all(panel):
    panel.ahead(7)
    assert panel.values["shown"] == 7
    assert len(panel.data()) == 21
    panel.ahead(1000)
    assert panel.player.pulls == panel.record.length == 80
    assert panel.values["shown"] is None
    panel.player.reset()
    assert panel.player.pulls == 0
    assert panel.values["shown"] is None


def test_the_recipe_makes_the_same_state_again(panel):
    panel.set(map="real -1", modulus=1.15, solvers=["Broyden", "Picard"])
    panel._event("click", [0, 0.4, 1.5])
    panel.ahead(12)
    again = eval(panel.recipe(), {"live": live})
    assert again.spec().state == panel.spec().state
    assert again.data().rows == panel.data().rows
    again.figure_widget.publisher.close()


def test_nudge_goes_on_from_where_a_method_ended_and_reset_takes_it_back(panel):
    panel.set(modulus=1.2)
    panel._event("nudge", None)
    panel.player.pause()
    deadline = time.monotonic() + 10
    while panel.player._thread is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert panel.player.pulls >= 11
    assert panel.record.nudged == "Anderson"
    panel.ahead(1000)
    assert "it left: 1.29 away" in panel.spec().state
    first = panel.record.runs[NUDGED].path[0]
    panel.nudge()
    panel.player.pause()
    assert panel.record.runs[NUDGED].path[0] @ first < 0  # the other way
    panel.player.reset()
    assert NUDGED not in panel.record.runs


def test_presses_in_any_order_leave_one_thread_and_no_error(panel):
    chance = random.Random(0)
    values = {
        "map": lambda: chance.choice(MAPS),
        "modulus": lambda: chance.uniform(0.2, 1.3),
        "angle": lambda: chance.uniform(5, 175),
        "growth": lambda: chance.uniform(1.2, 4),
        "solvers": lambda: chance.sample(list(METHODS), chance.randrange(5)),
        "eigenvalue": lambda: [chance.uniform(-2, 2), chance.uniform(-2, 2)],
        "click": lambda: [chance.randrange(3), chance.uniform(-2, 2), chance.uniform(-2, 2)],
    }
    for _ in range(150):
        name = chance.choice(["start", "step", "reset", "nudge", *values])
        panel._event(name, values.get(name, lambda: None)())
        assert panel.player.error is None
        assert panel.figure_widget.error == ""
        assert sum(t.name == "simviz player" for t in threading.enumerate()) <= 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"map": "circle"}, "map must be one of 'pair'"),
        ({"modulus": 1.4}, "modulus must lie between 0.2 and 1.3, got 1.4"),
        ({"angle": 0}, "angle must lie between 5 and 175, got 0"),
        ({"growth": 5}, "growth must lie between 1.2 and 4, got 5"),
        ({"solvers": ("Newton",)}, "solvers must be one of 'Picard'"),
        ({"solvers": "Picard"}, "solvers must be a list of Picard"),
        ({"start": (1.0,)}, "start must be a pair of numbers in a tuple for this map"),
        ({"start": (9.0, 0.0)}, "start must be finite and lie in"),
        ({"start": 0.5}, "start must be a tuple of numbers or None, got 0.5"),
        ({"map": "logistic", "start": (0.2, 0.2)}, "start must be one number in a tuple"),
        ({"nudges": -1}, "nudges must be at least 0"),
        ({"evaluations": 10}, "evaluations must be at least 20"),
        ({"evaluations": 500}, "evaluations must be at most 400"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        live.SolverPanel(**options)


def test_a_race_wants_laps_and_a_map_that_can_be_drawn():
    here, jacobian = door("pair", 0.9, 57.0, 3.3), Spectrum(torch.tensor([0.5]))
    with pytest.raises(ValueError, match=r"laps must be one to 5 of figures\.Lap, got 0"):
        figures.race(here.system, {}, jacobian, fixed_points=here.fixed_points, stable=[True])
    with pytest.raises(ValueError, match=r"stable must be \(1,\) bool"):
        figures.race(here.system, {"a": figures.Lap()}, jacobian, fixed_points=here.fixed_points, stable=[1.0])
