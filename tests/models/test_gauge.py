"""Any inner coordinates: the limit's eigenvalues become what one asks for, and outputs move by rounding."""

import numpy as np
import pytest
import torch
from torch import nn

from simviz.models import paper
from simviz.models.bases import FullyConnected
from simviz.models.gauge import regauge
from simviz.models.propagators import LowRank, Modes, Projection
from simviz.models.sim import SIM

D, R = 50, 25
X = torch.randn(200, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def sim(d=D, rank=R, seed=0):
    torch.manual_seed(seed)
    decoder = nn.Sequential(nn.Linear(d, 32), nn.ReLU(), nn.Linear(32, 32))
    return SIM(FullyConnected(3, d), LowRank(d, rank), decoder, nn.Linear(32, 10)).double()


def spiral(rank=R):
    """A block diagonal matrix and its eigenvalues."""
    target, values = np.zeros((rank, rank)), []
    for k in range(rank // 2):
        value = 0.2 * (k + 1) * np.exp(0.4j * (k + 1))
        target[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = [[value.real, -value.imag], [value.imag, value.real]]
        values += [value, value.conjugate()]
    return target, np.array([*values, *[0.0] * (rank % 2)])


def random(scale=1.0):
    target = scale * np.random.default_rng(0).standard_normal((R, R))
    return target, np.linalg.eigvals(target)


def low(rank):
    values = np.array([*range(1, rank + 1), *[0.0] * (R - rank)])
    return np.diag(values), values


TARGETS = {
    "identity": lambda: (np.eye(R), np.ones(R)),
    "zero": lambda: (np.zeros((R, R)), np.zeros(R)),
    "spiral": spiral,
    "random": random,
    "huge": lambda: random(1e6),
    "tiny": lambda: random(1e-6),
    "of rank 5": lambda: low(5),
    "badly conditioned": lambda: (np.diag(10.0 ** -np.arange(R)), 10.0 ** -np.arange(R)),
}


def apart(found, wanted):
    """The largest distance of an eigenvalue from the nearest of the others, both ways."""
    table = np.abs(found[:, None] - wanted[None])
    return max(table.min(0).max(), table.min(1).max())


def moved(now, before):
    """The largest change of an output, as a share of the largest output."""
    return float((now - before).detach().abs().max() / before.detach().abs().max())


@pytest.mark.parametrize("name", TARGETS)
def test_the_eigenvalues_are_the_targets_and_no_output_moves(name):
    target, values = TARGETS[name]()
    published = sim()
    other = regauge(published, target)
    U, V = (factor.detach().numpy() for factor in other.propagator.factors())
    size = np.abs(values).max() or 1.0
    assert np.abs(V.T @ U - target).max() < 1e-13 * size
    assert apart(np.linalg.eigvals(V.T @ U), values) < 1e-12 * size
    assert apart(other.spectrum().eigenvalues.numpy(), values) < 1e-12 * size
    assert torch.equal(other.propagator.factors()[1], published.propagator.factors()[1])
    before = published(X)
    assert moved(other(X), before) < 1e-13
    if name != "badly conditioned":
        assert apart(published.spectrum().eigenvalues.numpy(), values) > 0.1


@pytest.mark.parametrize("name", TARGETS)
def test_single_precision_is_kept_and_outputs_move_by_its_rounding(name):
    published = sim().float()
    other = regauge(published, TARGETS[name]()[0])
    assert all(parameter.dtype == torch.float32 for parameter in other.parameters())
    before = published(X.float())
    assert moved(other(X.float()), before) < 1e-5


def test_the_matrix_behind_is_undone_by_an_invertible_change():
    published = sim()
    other = regauge(published, random()[0])
    W1, behind = (model.decoder[0].weight.detach().numpy() for model in (published, other))
    U, turned = (model.propagator.factors()[0].detach().numpy() for model in (published, other))
    assert behind @ turned == pytest.approx(W1 @ U)
    assert np.linalg.matrix_rank(behind) == np.linalg.matrix_rank(W1) == 32
    assert np.linalg.cond(turned) < 1.5  # N makes the columns about equally long


def test_a_paper_classifier_of_two_tiers_is_regauged_and_left_as_it_was():
    torch.manual_seed(0)
    published = paper.image_classifier(2, 8, 1, bandwidth="median").double().eval()
    x = torch.randn(40, 1, 8, 8, dtype=torch.float64)
    published(x)
    before = {name: value.clone() for name, value in published.state_dict().items()}
    other = regauge(published, torch.zeros(52, 52))
    assert (other(x) - published(x)).abs().max() < 1e-12
    assert other.spectrum().eigenvalues.abs().max() < 1e-12
    assert not other.training
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert all(torch.equal(value, before[name]) for name, value in published.state_dict().items())


def test_with_fewer_than_twice_the_observables_the_target_needs_rank():
    narrow = sim(d=8, rank=5)
    other = regauge(narrow, np.diag([1.0, 2.0, 0.0, 0.0, 0.0]))  # rank 2 is 2 x 5 - 8
    assert (other(X) - narrow(X)).abs().max() < 1e-12
    with pytest.raises(ValueError, match=r"target must have rank 2 at least .* got 1; with d >= 2 rank any"):
        regauge(narrow, np.diag([1.0, 0.0, 0.0, 0.0, 0.0]))


def test_wrong_arguments_are_named():
    lost = sim()
    with torch.no_grad():
        lost.propagator.V.weight[0] = 0
    decoded = SIM(FullyConnected(3, 8), LowRank(8, 3), nn.ReLU(), nn.Linear(8, 1))
    modes = Modes()
    clock = SIM(FullyConnected(3, modes.inputs), modes, nn.Linear(modes.outputs, 2), nn.Identity())
    cases = [
        (clock, np.eye(3), "regauge needs a LowRank propagator, this one is a Modes"),
        (sim(), np.eye(4), "target must be"),
        (sim(), np.full((R, R), np.nan), "target holds"),
        (sim(), np.eye(R) * 1j, "target must be real"),
        (lost, np.eye(R), "sim must have independent columns of V"),
        (decoded, np.eye(3), "regauge needs a Linear behind the propagator, found ReLU"),
        (SIM(FullyConnected(3, 8), Projection(8, 3), nn.Linear(8, 2), nn.Identity()), np.eye(3), "a Projection"),
    ]
    for model, target, words in cases:
        with pytest.raises(ValueError, match=words):
            regauge(model, target)
