"""What orbits come to, against other integrators, closed forms and the literature."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from simviz.dynamics.systems import (
    AttractingTorus,
    Duffing,
    Flow,
    LinearMap,
    Logistic,
    Lorenz,
    NeimarkSacker,
    Pendulum,
    StuartLandau,
    VanDerPol,
)
from simviz.live.panels.sets import follow
from simviz.live.panels.sets.spectra import counted, spectrum
from simviz.live.panels.sets.survey import survey


def look(system, count=40):
    return survey(system, system.initial(count).double().numpy(), follow.pace(system))


def test_each_start_of_the_ball_is_given_the_well_in_which_scipy_finds_it():
    found = look(Duffing(0.3))
    starts = Duffing(0.3).initial(40).double().numpy()

    def rate(t, s):
        return [s[1], s[0] - s[0] ** 3 - 0.3 * s[1]]

    side = [solve_ivp(rate, (0, 80), s, rtol=1e-9, atol=1e-10).y[0, -1] > 0 for s in starts]
    wells = [found.tails[label][-1, 0] > 0 for label in found.labels]
    assert found.kind == "fixed point"
    assert wells == side
    assert 0 < sum(side) < 40
    assert sum(found.counts) == 40


def test_the_period_of_van_der_pol_is_the_one_of_the_literature():
    found = look(VanDerPol(1.0))
    assert found.sets[0].period == pytest.approx(6.66328686, rel=1e-3)
    assert found.words() == "loop, period 6.663"


def test_the_logistic_map_doubles_as_may_found():
    words = [look(Logistic(g)).words() for g in (2.8, 3.2, 3.5, 4.0)]
    assert words == ["point", "loop of 2 points", "loop of 4 points", "chaos"]


def test_past_1_the_point_is_a_loop_that_turns_by_the_known_angle():
    assert look(NeimarkSacker(0.9, 0.2)).words() == "point"
    assert look(NeimarkSacker(1.1, 0.2)).words() == "loop, 0.2 radians a step"


def test_lorenz_below_and_above_its_critical_number():
    assert look(Lorenz(rho=10.0)).words().startswith("two points, for ")
    assert look(Lorenz(), 16).kind == "chaos"


def test_what_keeps_its_energy_has_a_set_for_every_orbit_and_what_grows_has_none():
    assert look(Pendulum()).own
    gone = look(LinearMap(1.1))
    assert gone.words() == "all orbits escape"
    assert gone.escaped == 40
    assert (gone.labels == -1).all()


def nearest(found, known):
    return np.abs(found[:, None] - known[None]).min(1).max()


@pytest.mark.parametrize("system", [Duffing(0.5), StuartLandau(0.5), NeimarkSacker(1.1, 0.2), AttractingTorus()])
def test_eigenvalues_are_those_of_the_closed_form(system):
    dt = 0.3 if isinstance(system, Flow) else 1.0
    found = spectrum(look(system), dt)
    known = system.eigenvalues(dt, harmonics=8, order=2)
    assert nearest(found.eigenvalues.numpy(), known.numpy()) < 2e-3


def test_a_loop_of_four_points_has_the_fourth_roots_of_1():
    found = spectrum(look(Logistic(3.5)), 1.0)
    kept = found.eigenvalues[found.persistent].numpy()
    assert nearest(np.array([1, 1j, -1, -1j]), kept) < 1e-9
    assert len(kept) == 4
    assert counted(found) == "persistent: 1 and -1 and 1 pair"


def test_counts_of_persistent_eigenvalues():
    assert counted(spectrum(look(VanDerPol()), 0.3)) == "persistent: 1 and 8 pairs"
    assert counted(spectrum(look(Duffing()), 0.3)) == "persistent: 1 twice"
    assert counted(spectrum(look(LinearMap(1.1)), 1.0)) == "no eigenvalue persists"
