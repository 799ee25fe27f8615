"""Teaching a SIM what a DEQ knows, without a browser: every number on both pages is the solver's or the run's."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from simviz import live
from simviz.learning.teachers import teacher
from simviz.live.panels.distil.orbits import orbits, run_of, situation
from simviz.models.deq import DEQ, Tanh
from simviz.records import Status

torch.manual_seed(0)
TEACHER, X = DEQ(Tanh(2, 3, gain=0.5), nn.Identity()), torch.randn(64, 2)
SMALL = {"ranks": (1, 2), "seeds": 1, "training": 60, "pairs": 256}


@pytest.fixture
def answers(mounted):
    """Make a panel with a teacher whose page is absent, given up when the test ends."""
    return lambda **named: mounted(live.DistilPanel(TEACHER, X, **{**SMALL, **named}))


@pytest.fixture
def turning(mounted):
    """Make a panel of the orbits' page alone."""
    return lambda **named: mounted(live.DistilPanel(**named))


def drawn(panel, key):
    return next(t for t in panel.spec().traces if t.key == key or (not t.key and t.name == key))


def test_students_are_taught_one_after_the_other_and_their_errors_drawn_listed_and_said(answers):
    one = answers()
    assert "press Start" in one.spec().state
    one.ahead(1)
    assert "SIM of rank 1, seed 0: step 50 of 60" in one.spec().state
    one.ahead(one.length() - 1)
    taught = one.record.students
    assert [(s.kind, s.rank) for s in taught] == [("SIM", 1), ("plain net", 1), ("SIM", 2), ("plain net", 2)]
    table, spec = one.data(), one.spec()
    assert table.column("relative error") == [s.error for s in taught]
    for kind in ("SIM", "plain net"):
        errors = [s.error for s in taught if s.kind == kind]
        assert drawn(one, f"{kind}, mean").y == pytest.approx(errors)
        assert drawn(one, f"{kind}, mean").x.tolist() == [1, 2]
        assert f"{kind} {100 * errors[-1]:.1f} %" in spec.state
    assert spec.state.startswith("rank 2: ")
    assert spec.state.endswith("mean over 1 seed")
    assert spec.state in spec.alt


def test_another_page_forgets_what_was_taught(answers):
    one = answers().ahead(4)
    assert one.record.students
    one.set(page="orbits").ahead(1)
    assert one.record.spectrum is not None
    one.set(page="answers")
    assert one.record.students == ()
    assert one.player.pulls == 0


@pytest.mark.parametrize("other", [{"radius": 0.6}, {"cell": 2}])
def test_another_radius_or_cell_forgets_the_sim(turning, other):
    one = turning(radius=0.7).ahead(2)
    assert one.record.spectrum is not None
    assert one.record.share == pytest.approx(20 / 800)
    one.set(**other)
    assert (one.record.spectrum, one.record.orbit, one.record.share) == (None, None, 0.0)
    assert one.player.pulls == 0
    assert "press Start" in one.spec().state


@pytest.mark.parametrize(("begun", "then"), [(0.7, 1.1), (1.1, 0.7), (0.7, 0.8)])
def test_a_frame_drawn_between_two_situations_does_not_show_the_sim_of_the_one_before(turning, begun, then):
    """The player draws in its own thread: it may do so when a slider is set and the player not yet reset."""
    one = turning(radius=begun).ahead(1)
    one.hold("radius", then)
    one.refresh()
    assert one.record.spectrum is None
    assert one.record.situation.teacher.radius == pytest.approx(then)


@pytest.mark.parametrize("cell", [1, 4])
@pytest.mark.parametrize("radius", [0.6, 0.97, 1.1, 1.2])
def test_the_sentence_says_how_picard_and_anderson_end_as_their_statuses_do(turning, radius, cell):
    one = turning(radius=radius, cell=cell)
    known, state = one.record.situation, one.spec().state
    assert known.teacher.radius == pytest.approx(radius)
    assert state.startswith(f"radius {radius:.2f}: ")
    picard, anderson = known.picard, known.anderson
    assert ("Picard arrives" in state) == (picard.status[0] is Status.CONVERGED)
    assert ("Picard circles" in state) == (radius > 1)
    if picard.status[0] is Status.CONVERGED:
        assert f"arrives after {int(picard.evaluations[0])} evaluations" in state
    elif radius < 1:
        assert "Picard is still on its way after" in state
    else:
        assert f"stays at {float(picard.residual[0]):.2g}" in state
    settled = anderson.status[0] is Status.CONVERGED
    assert ("Anderson runs out of steps" in state) != settled
    assert (f"after {int(anderson.evaluations[0])}" in state) or not settled
    assert ("returns the unstable point" in state) == (settled and radius > 1)
    if settled:
        assert float((anderson.z - known.teacher.z_star).abs().max()) < 1e-4
    assert radius < 1 or picard.status[0] is not Status.CONVERGED


def test_the_disc_shows_the_jacobians_own_eigenvalues_and_edmd_agrees_on_the_leading_pair(turning):
    one = turning(radius=0.9)
    found = teacher(0.9, 1)
    values = np.linalg.eigvals(np.diag(1 - found.z_star[0].numpy() ** 2) @ found.cell.W_z.weight.numpy())
    at = drawn(one, "Jacobian at z*")
    assert np.abs((at.x + 1j * at.y)[:, None] - values).min(0).max() < 1e-8
    leading = values[np.abs(values).argmax()]
    edmd = drawn(one, "EDMD")
    assert np.abs(edmd.x + 1j * edmd.y - leading).min() < 0.05
    table = one.data()
    assert table.column("of").count("Jacobian") == 16
    assert max(m for m, of in zip(table.column("modulus"), table.column("of"), strict=True) if of == "Jacobian") == (
        pytest.approx(0.9, abs=1e-6)
    )


def test_the_plane_is_the_one_in_which_iterates_turn_about_the_fixed_point(turning):
    """Close to z* a step turns by the leading eigenvalue's angle and shrinks by its modulus, in some oval metric."""
    one = turning(radius=0.95)
    seen = np.stack([drawn(one, "iterates").x, drawn(one, "iterates").y], 1)
    known = one.record.situation
    whole = np.linalg.norm((known.path - known.teacher.z_star).numpy(), axis=1)
    assert np.linalg.norm(seen, axis=1)[:30] == pytest.approx(whole[:30], rel=0.02)  # nothing leaves the plane
    path = seen[5:40]
    step = np.linalg.lstsq(path[:-1], path[1:], rcond=None)[0]
    values = np.linalg.eigvals(step)
    assert np.abs(values) == pytest.approx([0.95, 0.95], abs=0.02)
    assert np.abs(np.angle(values)) == pytest.approx([known.teacher.angle] * 2, abs=0.02)


@pytest.mark.parametrize("radius", [0.8, 1.1])
def test_what_is_drawn_and_said_of_the_sim_is_the_runs_models(turning, radius):
    one = turning(radius=radius).ahead(3)
    record, state = one.record, one.spec().state
    values = record.spectrum.eigenvalues.numpy()
    at = drawn(one, "SIM")
    assert at.x + 1j * at.y == pytest.approx(values)
    leading = record.situation.jacobian.eigenvalues[0].numpy()
    assert abs(leading) == pytest.approx(radius)
    assert record.nearest == pytest.approx(np.abs(values - leading).min())
    said = (
        f"{record.nearest:.2g} from the Jacobian's leading one" if radius < 1 else f"at most {record.defect:.2g} from"
    )
    assert said in state
    assert f"{100 * record.share:.0f} % trained" in state
    spec = one.spec()
    assert spec.state in spec.alt
    assert all(
        np.isfinite(t.y).all() for t in spec.traces if t.name in ("SIM's orbit", "iterates", "Picard", "Anderson")
    )
    assert len(drawn(one, "SIM's orbit").x) > 10
    assert one.data().column("of").count("SIM") == len(values)


def test_the_residuals_fall_as_the_solves_did(turning):
    one = turning(radius=0.8)
    solution = one.record.situation.picard
    line = drawn(one, "Picard")
    assert line.y == pytest.approx([float(step.residual[0]) for step in solution.steps])
    slope = np.polyfit(line.x[5:25], np.log(line.y[5:25]), 1)[0]
    assert np.exp(slope) == pytest.approx(0.8, abs=0.03)  # Picard's rate is the spectral radius


@pytest.mark.parametrize("cell", [2, 7])
def test_at_radius_1_itself_a_sim_is_taught_the_fixed_point(turning, cell):
    """Whether the root that is found lies a rounding error above 1 or below must not matter."""
    one = turning(radius=1.0, cell=cell).ahead(1)
    assert one.record.defect is None
    assert "radius 1.00: Picard is still on its way" in one.spec().state
    assert one.length() == 80


def test_computing_changes_nothing(answers):
    one = answers(page="orbits", radius=0.7).ahead(2)
    first, second = (one.compute(**one.values) for _ in range(2))
    assert first.situation is second.situation
    assert torch.equal(first.spectrum.eigenvalues, second.spectrum.eigenvalues)
    assert torch.equal(first.orbit, second.orbit)
    run = run_of(situation(0.7, 1), 0)
    assert orbits(situation(0.7, 1), run).spectrum is None
    assert orbits(situation(0.7, 1), None).spectrum is None


def test_the_recipes_make_the_same_pages_again(answers, turning, mounted):
    one = turning(radius=0.7, cell=3).ahead(3)
    assert one.recipe() == "live.DistilPanel(page='orbits', radius=0.7, cell=3).ahead(3)"
    again = mounted(eval(one.recipe(), {"live": live}))
    assert again.spec().state == one.spec().state
    two = answers().ahead(4)
    recipe = two.recipe()
    assert re.match(r"live.DistilPanel\(teacher, x=x, page='answers', .*pairs=256\).ahead\(4\)", recipe)
    again = mounted(eval(recipe, {"live": live, "teacher": TEACHER, "x": X}))
    assert again.record.students == two.record.students


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"teacher": TEACHER}, "teacher and x belong together"),
        ({"x": X}, "teacher and x belong together"),
        ({"teacher": nn.Linear(2, 2), "x": X}, "teacher must be a DEQ"),
        ({"page": "answers"}, "page must be one of 'orbits'"),
        ({"radius": 0.2}, "radius must"),
        ({"cell": 20}, "cell must"),
        ({"ranks": ()}, "ranks must hold at least one number"),
        ({"ranks": (0,)}, "ranks must be at least 1"),
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"training": 0}, "training must be at least 1"),
        ({"pairs": 0}, "pairs must be at least 1"),
    ],
)
def test_wrong_arguments_are_named(given, words):
    with pytest.raises(ValueError, match=words):
        live.DistilPanel(**given)
