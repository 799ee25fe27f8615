"""A stable invariant model is its parts, one after the other; time enters through the propagator alone."""

import copy
import pickle

import pytest
import torch
from torch import nn

from simviz.models import paper
from simviz.models.affine import Affine
from simviz.models.bases import FullyConnected
from simviz.models.config import build, describe
from simviz.models.propagators import LowRank, Modes, Projection
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


def trained(model, x):
    """The model with batch norms that have seen data and weights that are not where they began, in evaluation mode."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        for _ in range(5):
            model.train()(x + torch.randn_like(x))
    return model.eval()


IMAGES = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
SEQUENCES = torch.randn(3, 30, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
POINTS = torch.rand(9, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
PAPERS = {
    "classifier, one tier": (lambda: paper.image_classifier(1, 8, 1), IMAGES),
    "classifier, two tiers": (lambda: paper.image_classifier(2, 8, 1, bandwidth="median"), IMAGES),
    "copy memory, one tier": (lambda: paper.copy_memory(1), SEQUENCES),
    "copy memory, two tiers": (lambda: paper.copy_memory(2), SEQUENCES),
    "regressor": (lambda: paper.image_regressor(1), POINTS),
    "regressor, fourier": (lambda: paper.image_regressor(1, "fourier"), POINTS),
    "regressor, two tiers": (lambda: paper.image_regressor(2), POINTS),
}
every_paper = pytest.mark.parametrize(("make", "x"), PAPERS.values(), ids=PAPERS.keys())


@every_paper
def test_to_projection_computes_the_same_and_its_eigenvalues_are_one(make, x):
    sim = trained(make().double(), x)
    other = sim.to_projection()
    torch.testing.assert_close(other(x), sim(x), rtol=0, atol=1e-6)
    assert isinstance(other.propagator, Projection)
    assert (sim.spectrum().eigenvalues - 1).abs().max() > 0.1
    assert (other.spectrum().eigenvalues - 1).abs().max() < 1e-12
    assert build(describe(other)).propagator.options == sim.propagator.options


@pytest.mark.parametrize("lost", [1, 3])
def test_to_projection_holds_where_u_and_v_have_lost_rank(lost):
    sim = limit().double()
    with torch.no_grad():
        sim.propagator.V.weight[:lost] = 0
        sim.propagator.U.weight[:, -lost:] = 0
    other = sim.to_projection()
    torch.testing.assert_close(other(X.double()), sim(X.double()))
    assert (other.spectrum().eigenvalues - 1).abs().max() < 1e-12


def test_to_projection_leaves_the_model_as_it_was():
    sim = limit()
    before = {name: value.clone() for name, value in sim.state_dict().items()}
    other = sim.to_projection()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert all(torch.equal(value, before[name]) for name, value in sim.state_dict().items())
    assert other.training == sim.training


@every_paper
def test_the_folded_chain_computes_the_same_with_fewer_layers(make, x):
    sim = trained(make().double(), x)
    folded = sim.fold()
    torch.testing.assert_close(folded(x), sim(x), rtol=0, atol=1e-9)
    assert not any(p.requires_grad for p in folded.parameters())
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in folded.modules())
    linear = [layer for layer in folded if isinstance(layer, nn.Linear)]
    assert len(linear) < 6 + sum(isinstance(layer, nn.Linear) for layer in sim.basis.modules())
    assert not any(torch.nn.utils.parametrize.is_parametrized(layer) for layer in folded.modules())


def test_of_the_limit_the_fold_leaves_nothing_but_the_rank_of_a_matrix():
    """Two maps where one would hold more numbers: (width 7^2 -> 25 -> 32); one map where it holds fewer."""
    folded = paper.image_classifier(1, 28, 1).eval().fold()
    shapes = [tuple(layer.weight.shape) for layer in folded if isinstance(layer, nn.Linear)]
    assert shapes == [(25, 24 * 49), (32, 25), (32, 32), (10, 32)]
    wide = paper.image_classifier(2, 28, 1).eval().fold()
    shapes = [tuple(layer.weight.shape) for layer in wide if isinstance(layer, nn.Linear)]
    assert shapes == [(50, 21 * 49), (32, 104), (32, 32), (10, 32)]


def test_folding_a_clock_gives_the_shadow_at_time_nought_and_takes_units_along():
    torch.manual_seed(0)
    units = Affine([1.0, -2.0], [3.0, 0.5])
    modes = Modes(1, 4, 4, start=[0.3])
    basis = nn.Sequential(units, FullyConnected(2, modes.inputs))
    readout = nn.Sequential(nn.Linear(modes.outputs, 2), units.inverse())
    sim = SIM(basis, modes, nn.Identity(), readout).double().eval()
    folded = sim.fold()
    torch.testing.assert_close(folded(X.double()), sim(X.double()), rtol=0, atol=1e-12)
    assert sum(isinstance(layer, Affine) for layer in folded) == 1  # the readout's; the first stands before the check


def test_a_folded_chain_is_a_copy_and_still_checks_its_input():
    sim = trained(paper.copy_memory(1).double(), SEQUENCES)
    before = sim(SEQUENCES)
    folded = sim.fold()
    with torch.no_grad():
        for parameter in folded.parameters():
            parameter.zero_()
    assert torch.equal(sim(SEQUENCES), before)
    with pytest.raises(ValueError, match=r"x must be \(batch, time, 1\)"):
        folded(torch.zeros(3, 4, dtype=torch.float64))
    twin = pickle.loads(pickle.dumps(sim.fold()))
    torch.testing.assert_close(twin(SEQUENCES), before)


def test_a_part_that_is_replaced_is_described_as_it_is_now():
    sim = limit()
    sim.readout = nn.Linear(7, 2, bias=False)
    assert build(sim.config).readout.out_features == 2


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
        (lambda: clock().to_projection(), "needs a LowRank propagator, this one is a Modes"),
        (
            lambda: SIM(FullyConnected(2, 4), LowRank(4, 2), nn.ReLU(), nn.Linear(4, 1)).to_projection(),
            "needs a Linear behind the propagator, found ReLU",
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
