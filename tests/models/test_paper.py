"""The paper's configurations: the published parameter counts, the formula, and the control that is the same net."""

import pytest
import torch
from torch import nn

from simviz.models import paper
from simviz.models.bases import Convolutional, RandomFourier
from simviz.models.paper import parts


def trainable(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize(
    ("tiers", "side", "channels", "count"),
    [
        (1, 28, 1, 81_480),
        (2, 28, 1, 80_466),
        (1, 8, 1, 27_480),
        (2, 8, 1, 33_216),
        (1, 32, 3, 168_694),
        (2, 32, 3, 168_264),
    ],
)
def test_an_image_classifier_has_exactly_the_papers_trainable_parameters(tiers, side, channels, count):
    model = paper.image_classifier(tiers, side, channels)
    assert trainable(model) == count
    assert model(torch.randn(2, channels, side, side)).shape == (2, 10)
    frozen = model.second_tier.directions.numel() if tiers == 2 else 0
    assert frozen == (2_600 if tiers == 2 else 0)  # one matrix for cosine and sine: half of the published 5,200
    # one (d, 32) matrix and its bias where the SIM has U, V (d, d / 2) besides
    d = {1: 50, 2: 104}[tiers]
    assert trainable(paper.plain_image_classifier(tiers, side, channels)) == count - 2 * d * (d // 2)


CONTROLS = {
    "digits": (
        lambda t: paper.image_classifier(t, 8, 1),
        lambda t, w: paper.plain_image_classifier(t, 8, 1, widened=w),
    ),
    "mnist": (
        lambda t: paper.image_classifier(t, 28, 1),
        lambda t, w: paper.plain_image_classifier(t, 28, 1, widened=w),
    ),
    "colour": (
        lambda t: paper.image_classifier(t, 32, 3),
        lambda t, w: paper.plain_image_classifier(t, 32, 3, widened=w),
    ),
    "copy": (paper.copy_memory, lambda t, w: paper.plain_copy_memory(t, widened=w)),
    "image": (paper.image_regressor, lambda t, w: paper.plain_image_regressor(t, widened=w)),
}


@pytest.mark.parametrize("tiers", [1, 2])
def test_a_model_of_copy_memory_has_exactly_the_papers_trainable_parameters(tiers):
    model = paper.copy_memory(tiers)
    assert trainable(model) == 17_294
    assert model(torch.randn(2, 30, 1)).shape == (2, 30, 10)
    assert 2 * (model.second_tier.directions.numel() if tiers == 2 else 0) == (1_024 if tiers == 2 else 0)


@pytest.mark.parametrize(
    ("tiers", "basis", "count", "frozen"),
    [(1, "network", 396_035, 0), (1, "fourier", 263_683, 512), (2, "network", 396_035, 65_536)],
)
def test_an_image_regressor_has_exactly_the_papers_trainable_parameters(tiers, basis, count, frozen):
    model = paper.image_regressor(tiers, basis)
    assert trainable(model) == count
    assert model(torch.randn(4, 2)).shape == (4, 3)
    # published: a cosine and a sine matrix, which are equal
    assert 2 * sum(b.numel() for name, b in model.named_buffers() if name.endswith("directions")) == frozen


@pytest.mark.parametrize("tiers", [1, 2])
@pytest.mark.parametrize("name", CONTROLS)
def test_the_widened_control_has_as_many_parameters_as_the_sim(name, tiers):
    sim, plain = CONTROLS[name]
    want = trainable(sim(tiers))
    assert trainable(plain(tiers, False)) < want
    assert trainable(plain(tiers, True)) == pytest.approx(want, rel=0.01)


def test_what_is_built_to_be_counted_does_not_move_the_generator_of_the_weights():
    """The widened net has 512 features: its weights are those of that net drawn alone from the same seed."""
    torch.manual_seed(0)
    widened = paper.plain_image_regressor(1, "fourier", widened=True)
    torch.manual_seed(0)
    alone = parts.plain(RandomFourier(2, 512, 0.1), None, 512, 256, 3)
    paper.keep_variance(alone)
    assert trainable(widened) == trainable(paper.image_regressor(1, "fourier"))
    assert all(torch.equal(a, b) for a, b in zip(widened.parameters(), alone.parameters(), strict=True))


@pytest.mark.parametrize("tiers", [1, 2])
def test_the_model_of_copy_memory_is_its_formula_at_every_moment(tiers):
    torch.manual_seed(0)
    sim = paper.copy_memory(tiers, levels=2, kernel=3).double()
    x = torch.randn(3, 9, 1, dtype=torch.float64)
    sim(x)
    for moment in (0, 4, 8):
        phi = sim.basis(x)[:, moment]
        if tiers == 2:
            angles = phi @ sim.second_tier.directions.T
            phi = torch.cat([angles.cos(), angles.sin()], 1) / 16**0.5
        h = phi @ sim.propagator.V.weight.T @ sim.propagator.U.weight.T
        for layer in (sim.decoder[0], sim.decoder[2]):
            h = (h @ layer.weight.T + layer.bias).relu()
        h = h @ sim.decoder[4].weight.T + sim.decoder[4].bias
        torch.testing.assert_close(sim(x)[:, moment], h @ sim.readout.weight.T + sim.readout.bias)


@pytest.mark.parametrize(("tiers", "basis"), [(1, "network"), (1, "fourier"), (2, "network")])
def test_the_image_regressor_is_its_formula(tiers, basis):
    torch.manual_seed(0)
    sim = paper.image_regressor(tiers, basis, bandwidth=0.7).double()
    phi = x = torch.rand(5, 2, dtype=torch.float64)
    if basis == "network":
        layers = [part for part in sim.basis.layers if isinstance(part, nn.Linear)]
        for layer in layers[:2]:
            phi = (phi @ layer.weight.T + layer.bias).relu()
        phi = phi @ layers[2].weight.T + layers[2].bias
    random = sim.second_tier if tiers == 2 else sim.basis
    if tiers == 2 or basis == "fourier":
        angles = phi @ random.directions.T
        phi = torch.cat([angles.cos(), angles.sin()], 1) / 128**0.5
    h = phi @ sim.propagator.V.weight.T @ sim.propagator.U.weight.T
    for layer in (sim.decoder[0], sim.decoder[2]):
        h = (h @ layer.weight.T + layer.bias).relu()
    h = h @ sim.decoder[4].weight.T + sim.decoder[4].bias
    torch.testing.assert_close(sim(x), h @ sim.readout.weight.T + sim.readout.bias)


@pytest.mark.parametrize("tiers", [1, 2])
def test_the_output_is_the_published_formula(tiers):
    torch.manual_seed(1)
    sim = paper.image_classifier(tiers, 8, 1, bandwidth=3.0).double().eval()
    x = torch.randn(5, 1, 8, 8, dtype=torch.float64)
    phi = sim.basis(x)
    if tiers == 2:
        angles = phi @ sim.second_tier.directions.T
        phi = torch.cat([angles.cos(), angles.sin()], 1) / 52**0.5
    u, v = sim.propagator.U.weight, sim.propagator.V.weight.T  # both (d, r): y = U V^T phi
    h = phi @ v @ u.T
    first, _, second, _, third = sim.decoder
    for layer in (first, second):
        h = (h @ layer.weight.T + layer.bias).relu()
    h = h @ third.weight.T + third.bias
    torch.testing.assert_close(sim(x), h @ sim.readout.weight.T + sim.readout.bias)


@pytest.mark.parametrize("tiers", [1, 2])
def test_the_control_is_the_sim_with_one_matrix_in_place_of_three(tiers):
    sim = paper.image_classifier(tiers, 8, 1, bandwidth=3.0).double().eval()
    plain = paper.plain_image_classifier(tiers, 8, 1, bandwidth=3.0).double().eval()
    pieces = [part for part in plain if isinstance(part, (Convolutional, RandomFourier))]
    pieces[0].load_state_dict(sim.basis.state_dict())
    ours = [part for part in plain if isinstance(part, nn.Linear)]
    theirs = [part for part in sim.decoder if isinstance(part, nn.Linear)] + [sim.readout]
    for one, other in zip(ours[1:], theirs[1:], strict=True):
        one.load_state_dict(other.state_dict())
    with torch.no_grad():
        ours[0].weight.copy_(theirs[0].weight @ sim.propagator.U.weight @ sim.propagator.V.weight)
        ours[0].bias.copy_(theirs[0].bias)
    x = torch.randn(4, 1, 8, 8, dtype=torch.float64)
    torch.testing.assert_close(plain(x), sim(x))


def test_the_start_keeps_the_variance_of_the_signal_where_pytorchs_own_loses_it():
    torch.manual_seed(0)
    x = torch.randn(256, 1, 8, 8)
    spread = {
        init: paper.image_classifier(1, 8, 1, init=init)(x).std(dim=0).mean().item() for init in ("variance", "torch")
    }
    assert 0.3 < spread["variance"] < 3
    assert spread["torch"] < 0.05


def test_twenty_relu_layers_leave_the_variance_where_it_was():
    torch.manual_seed(0)
    net = nn.Sequential(*(part for _ in range(20) for part in (nn.Linear(512, 512), nn.ReLU())), nn.Linear(512, 512))
    paper.keep_variance(net)
    assert 0.3 < net(torch.randn(256, 512)).var().item() < 3  # twenty halvings would be 1e-6


def test_a_temporal_basis_starts_with_a_signal_of_size_one_as_deep_as_it_is():
    torch.manual_seed(0)
    x = torch.randn(8, 400, 1)
    spread = {init: paper.copy_memory(1, init=init)(x).std().item() for init in ("variance", "torch")}
    assert 0.3 < spread["variance"] < 30
    assert spread["torch"] < 0.2


def test_the_equilibrium_models_of_large_images_are_about_as_large_as_the_sim():
    x = torch.randn(3, 1, 28, 28)
    for model in (paper.image_deq(28, 1), paper.image_monotone(28, 1)):
        assert trainable(model) == pytest.approx(81_480, rel=0.05)
        assert model(x).shape == (3, 10)
        assert all(model.last_solution.converged)


def test_the_image_deq_answers_for_images():
    deq = paper.image_deq(8, 1, units=32)
    assert deq(torch.randn(3, 1, 8, 8)).shape == (3, 10)
    assert trainable(deq) == 32 * 32 + 64 * 32 + 32 + 32 * 10 + 10


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: paper.image_classifier(3, 8, 1), "tiers must be 1 or 2, got 3"),
        (lambda: paper.image_classifier(1, 8, 2), "width must be given for 2 channels"),
        (lambda: paper.image_classifier(1, 2, 1), "side must be at least 4"),
        (lambda: paper.image_classifier(1, 8, 1, width=0), "width must be at least 1"),
        (lambda: paper.image_classifier(2, 8, 1, bandwidth=-1.0), "bandwidth must be finite"),
        (lambda: paper.image_classifier(1, 8, 1, init="he"), "init must be one of"),
        (lambda: paper.plain_image_classifier(0, 8, 1), "tiers must be 1 or 2"),
        (lambda: paper.image_classifier(True, 8, 1), "tiers must be 1 or 2, got True"),
        (lambda: paper.copy_memory(3), "tiers must be 1 or 2"),
        (lambda: paper.copy_memory(1, kernel=0), "kernel must be at least 1"),
        (lambda: paper.image_regressor(2, "fourier"), 'basis="fourier" has one tier'),
        (lambda: paper.image_regressor(1, "wavelet"), "basis must be one of"),
        (lambda: paper.image_deq(28, 0), "channels must be at least 1"),
        (lambda: paper.image_monotone(2, 1), "side must be at least 4"),
    ],
)
def test_bad_sizes_are_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
