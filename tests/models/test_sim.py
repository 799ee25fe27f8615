"""A stable invariant model is its parts, one after the other; time enters through the propagator alone."""

import copy
import pickle

import pytest
import torch
from torch import nn

from simviz.models import paper
from simviz.models.bases import FullyConnected
from simviz.models.propagators import LowRank, Modes
from simviz.models.sim import SIM

X = torch.randn(6, 2, generator=torch.Generator().manual_seed(0))


def clock(**options):
    torch.manual_seed(0)
    modes = Modes(1, 4, 4, start=[0.3], dt=0.5, **options)
    return SIM(FullyConnected(2, modes.inputs), modes, nn.Identity(), nn.Linear(modes.outputs, 2))


def limit():
    torch.manual_seed(0)
    return SIM(FullyConnected(2, 5), LowRank(5, 2), nn.Sequential(nn.Linear(5, 7), nn.ReLU()), nn.Linear(7, 3))


def test_a_low_rank_model_computes_its_equation():
    sim = limit()
    phi = sim.basis(X)
    hidden = torch.relu(sim.decoder[0](phi @ sim.propagator.V.weight.T @ sim.propagator.U.weight.T))
    torch.testing.assert_close(sim(X), sim.readout(hidden))


def test_a_low_rank_orbit_is_the_decoded_start_and_from_one_on_the_limit():
    sim = limit()
    orbit = sim.orbit(X, [0, 1, 2, 50])
    assert orbit.shape == (6, 4, 3)
    torch.testing.assert_close(orbit[:, 0], sim.readout(sim.decoder(sim.basis(X))))
    for j in (1, 2, 3):
        torch.testing.assert_close(orbit[:, j], sim(X))
    with pytest.raises(ValueError, match="times must be whole steps"):
        sim.orbit(X, [0.5])
    with pytest.raises(ValueError, match="needs a Modes propagator"):
        sim.shadow(X, [0])


def test_the_shadows_of_all_starts_run_along_one_closed_curve():
    """A start at phase p, seen at time t, is where a start at phase q is at time t + (p - q) / theta."""
    sim = clock()
    with torch.no_grad():
        phase = sim.propagator.phases(sim.basis(X))[:, 0]
        later = (phase[1:] - phase[0]) / 0.3
        later = later + 2 * torch.pi / 0.3 * (later < 0)
        torch.testing.assert_close(sim.shadow(X[1:], [0.0])[:, 0], sim.shadow(X[:1], later)[0], atol=1e-4, rtol=0)
        closed = sim.shadow(X, [0.0, 2 * torch.pi / 0.3])
    torch.testing.assert_close(closed[:, 0], closed[:, 1], atol=1e-5, rtol=0)


def test_the_shadow_at_time_nought_is_the_models_output_and_the_orbit_meets_it_late():
    sim = clock()
    torch.testing.assert_close(sim(X), sim.shadow(X, [0.0])[:, 0])
    assert (sim.orbit(X, [0.0]) - sim.shadow(X, [0.0])).abs().max() > 1e-3
    torch.testing.assert_close(sim.orbit(X, [200.0]), sim.shadow(X, [200.0]), atol=1e-6, rtol=0)


def test_the_spectrum_knows_the_time_of_a_step():
    spectrum = clock().spectrum()
    assert spectrum.dt == 0.5
    assert float(spectrum.continuous[1].imag) == pytest.approx(0.6)


def test_a_second_tier_stands_between_basis_and_propagator():
    torch.manual_seed(0)
    sim = paper.image_classifier(2, 8, 1, bandwidth=4.5).eval()
    x = torch.randn(3, 1, 8, 8)
    seen = sim.second_tier(sim.basis(x))
    torch.testing.assert_close(sim(x), sim.decode(sim.propagator.limit(seen)))


@pytest.mark.parametrize("make", [limit, clock])
def test_copies_and_pickles_give_the_same_outputs_and_stand_apart(make):
    sim = make()
    for other in (copy.deepcopy(sim), pickle.loads(pickle.dumps(sim))):
        assert torch.equal(other(X), sim(X))
        assert other.config == sim.config
        with torch.no_grad():
            other.readout.bias += 1
        assert not torch.equal(other(X), sim(X))


def test_an_orbit_is_computed_in_the_models_own_precision():
    sim = clock().double()
    assert sim.orbit(X.double(), [0.5]).dtype == torch.float64


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: SIM(FullyConnected(2, 4), LowRank(5, 2), nn.Identity(), nn.Identity()),
            "takes 5 observables, the basis",
        ),
        (lambda: clock().orbit(X, [-1.0]), "times must be at least 0, got -1"),
        (lambda: clock().orbit(X, [float("nan")]), "times holds 1 values"),
        (lambda: clock().orbit(X, torch.zeros(2, 2)), r"times must be \(T,\)"),
        (lambda: clock().shadow(X, []), "times is empty"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, words):
    with pytest.raises(ValueError, match=words):
        call()
