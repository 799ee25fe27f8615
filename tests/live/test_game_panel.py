"""The game without a browser: its answers against simulated orbits, its discs against closed forms."""

import cmath
import math

import numpy as np
import pytest

from simviz import live
from simviz.dynamics.orbits import classify
from simviz.dynamics.systems import Flow
from simviz.live.panels.game.questions import CIRCLE, DT, ELLIPSE, KINDS, LETTERS, ROUNDS, option, question
from simviz.live.panels.sets.follow import path

ENDS = {"a point": "fixed point", "two basins": "fixed point", "a loop": ("cycle", "closed curve"), "a torus": "torus"}


@pytest.fixture
def game(mounted):
    """Make a panel whose page is absent, given up when the test ends."""
    return lambda *given, **named: mounted(live.GamePanel(*given, **named))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_orbits_of_a_kind_are_classified_as_that_kind(kind):
    for system in KINDS[kind]:
        flow = isinstance(system, Flow)
        orbits = path(system, system.initial(4, seed=2).double(), 0.1 if flow else 1.0, 2000)
        found = [classify(orbit, 0.1 if flow else None)[0] for orbit in orbits]
        wanted = ENDS.get(kind, "chaos")
        assert all(one.kind in wanted for one in found)
        if "point" in wanted:
            ends = np.unique(orbits[:, -1].numpy().round(3), axis=0)
            assert len(ends) == (2 if kind == "two basins" else 1)


def persistent(kind, variant=0):
    values = option(kind, variant).spectrum.eigenvalues.numpy()
    return values[np.abs(np.abs(values) - 1) < 1e-9]


def test_discs_hold_the_eigenvalues_of_the_closed_forms():
    assert persistent("a point") == pytest.approx([1])
    assert persistent("two basins") == pytest.approx([1, 1])
    assert persistent("chaos") == pytest.approx([1])
    assert len(option("chaos", 0).spectrum.eigenvalues) == 1
    clock = sorted(np.exp(1j * DT * np.arange(-8, 9)), key=cmath.phase)
    assert sorted(persistent("a loop"), key=cmath.phase) == pytest.approx(clock)
    two = [np.exp(1j * DT * (a + math.sqrt(3) * b)) for a in range(-3, 4) for b in range(-3, 4)]
    assert sorted(persistent("a torus"), key=cmath.phase) == pytest.approx(sorted(two, key=cmath.phase))
    values = option("a loop", 0).spectrum.eigenvalues.numpy()
    assert np.abs(values - math.exp(-2 * 0.4 * DT)).min() < 1e-12
    values, pair = option("a point", 0).spectrum.eigenvalues.numpy(), 0.92 * cmath.exp(0.6j)
    for known in (pair, pair.conjugate(), pair**2, abs(pair) ** 2):
        assert np.abs(values - known).min() < 1e-12


@pytest.mark.parametrize("seed", [0, 1, 5])
def test_every_round_has_one_right_answer_and_the_last_one_two(seed):
    asked = [question(seed, number) for number in range(1, ROUNDS + 1)]
    assert {one.shown.kind for one in asked[:5]} == set(KINDS)
    for one in asked[:-1]:
        assert len({o.kind for o in one.options}) == len(one.options) == (4 if one.reverse else 5)
        assert [one.options[i] for i in one.fitting] == [one.shown]
    last = asked[-1]
    assert {last.options[i].kind for i in last.fitting} == {CIRCLE, ELLIPSE}
    circle, ellipse = (last.options[i] for i in last.fitting)
    assert circle.spectrum.eigenvalues.tolist() == ellipse.spectrum.eigenvalues.tolist()
    assert not np.array_equal(circle.ends, ellipse.ends)


def test_ellipse_and_circle_both_fit_their_disc_by_their_own_orbits():
    for one in (o for o in question(0, ROUNDS).options if o.kind in (CIRCLE, ELLIPSE)):
        x, y = one.ends.T
        h = x / np.abs(x).max() + 1j * y / np.abs(y).max()  # an eigenfunction of either
        assert h[1:] / h[:-1] == pytest.approx(np.full(len(h) - 1, np.exp(0.35j)), abs=1e-3)


def test_a_game_is_played_to_its_end(game, mounted):
    panel = game(seed=3)
    assert panel.spec().state.startswith("Round 1 of 7. Whose eigenvalues are these?")
    for number in range(1, ROUNDS + 1):
        asked = panel.record.question
        wrong = next(i for i in range(len(asked.options)) if i not in asked.fitting)
        place = wrong if number == 2 else asked.fitting[0]
        panel.clicked(place + 1, 0.0, 0.0)
        state = panel.spec().state
        assert state.startswith("Not " if number == 2 else "Right")
        assert f"round {number} of 7" in state
        panel.pressed(LETTERS[asked.fitting[0]].lower())  # too late
        assert panel.spec().state == state
        assert mounted(eval(panel.recipe(), {"live": live})).spec().state == state
        panel.pressed("next")
    assert panel.record.right == ROUNDS - 1
    assert "the spectrum gives the clock, not the shape" in panel.spec().state
    panel.pressed("again")
    assert panel.values == {"seed": 4, "answers": (), "round": 1}


def test_before_the_answer_nothing_gives_it_away(game):
    panel = game(seed=1)
    asked = panel.record.question
    spec = panel.spec()
    assert "fits" not in " ".join(s.title for s in spec.subplots)
    assert spec.subplots[0].title in ("the eigenvalues", "the eigenvalues: 1 twice")
    assert not asked.reverse


def test_wrong_arguments_are_named(game):
    for given in ({"answers": "CF"}, {"round": 4}, {"seed": -1}, {"answers": "A" * 8}):
        with pytest.raises(ValueError, match=next(iter(given))):
            game(**given)
