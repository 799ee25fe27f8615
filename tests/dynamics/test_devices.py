"""Everything stays on the device of the data: a factory call that forgot its device would land on the default one."""

import pytest
import torch

from simviz.dynamics.features import RandomFourier
from simviz.dynamics.orbits import classify, lyapunov, return_map, rotation_number, set_distance, simulate
from simviz.dynamics.systems import SYSTEMS, Flow, LinearMap, Logistic, NeimarkSacker, OwnMap, VanDerPol
from simviz.dynamics.transfer import evolve, random_features, ulam


@pytest.mark.parametrize("name", SYSTEMS)
def test_orbits_are_the_same_whatever_the_default_device(name):
    system = SYSTEMS[name]()
    dt = 0.1 if isinstance(system, Flow) else 1.0
    here = system.orbit(system.initial(4), 5, dt)
    with torch.device("meta"):
        drawn = system.initial(4)
        assert torch.equal(system.orbit(drawn, 5, dt), here)


def test_what_is_measured_of_orbits_does_not_look_at_the_default_device():
    circle, cycle = NeimarkSacker(), VanDerPol()
    curve = simulate(circle, steps=400, transient=200, orbits=2)
    closed = simulate(cycle, steps=400, dt=0.15, transient=200, orbits=1)
    plain = [one.kind for one in classify(curve, system=circle)]
    with torch.device("meta"):
        assert [one.kind for one in classify(curve, system=circle)] == plain
        assert return_map(closed[0], 0.15).returns == 1
        assert rotation_number(curve[0]) == pytest.approx(circle.truth().rotation_number, abs=1e-6)
        assert lyapunov(circle, curve[:, 0], time=50).values.isfinite().all()
        assert set_distance(curve[0], curve[1]).mean < 0.1


def test_densities_do_not_look_at_the_default_device():
    before = Logistic().initial(500)
    plain = ulam(Logistic(), (0, 1), 20)
    learned = random_features(before, Logistic().step(before), RandomFourier(1, 40, 0.2))
    with torch.device("meta"):
        assert torch.equal(ulam(Logistic(), (0, 1), 20).masses, plain.masses)
        assert torch.equal(evolve(Logistic(), before, 2, plain.cells).masses[0], plain.cells.masses(before))
        again = random_features(before, Logistic().step(before), RandomFourier(1, 40, 0.2))
        assert torch.equal(again.matrix, learned.matrix)
        assert OwnMap(lambda s: s / 2, [(0, 1)]).initial(2).device.type == "cpu"
        assert LinearMap().initial(2).device.type == "cpu"


@pytest.mark.gpu
@pytest.mark.parametrize("name", SYSTEMS)
def test_an_accelerator_follows_the_same_orbits(name):
    if not torch.cuda.is_available():
        pytest.skip("no accelerator")
    system = SYSTEMS[name]()
    dt = 0.1 if isinstance(system, Flow) else 1.0
    z0 = system.initial(8).double()
    there = system.orbit(z0.cuda(), 20, dt)
    assert there.is_cuda
    assert torch.allclose(there.cpu(), system.orbit(z0, 20, dt), atol=1e-6)
