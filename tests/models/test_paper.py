"""The paper's configurations: the published parameter counts, the formula, and the control that is the same net."""

import pytest
import torch
from torch import nn

from simviz.models import paper
from simviz.models.bases import Convolutional, RandomFourier


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
    parts = [part for part in plain if isinstance(part, (Convolutional, RandomFourier))]
    parts[0].load_state_dict(sim.basis.state_dict())
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
    ],
)
def test_bad_sizes_are_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
