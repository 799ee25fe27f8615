"""A model becomes JSON and comes back the same function; what cannot is refused, never saved wrongly."""

import json

import pytest
import torch
from torch import nn

from simviz.models import paper
from simviz.models.affine import Affine
from simviz.models.bases import FullyConnected
from simviz.models.config import build, describe
from simviz.models.deq import DEQ, Tanh
from simviz.models.propagators import Modes
from simviz.models.sim import SIM

IMAGE = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
POINT = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))


def clock(**options):
    modes = Modes(2, 2, 4, dt=0.1, **options)
    units = Affine([1.0, -2.0], [3.0, 0.5])
    basis = nn.Sequential(units, FullyConnected(2, modes.inputs, activation=nn.GELU))
    return SIM(basis, modes, nn.Identity(), nn.Sequential(nn.Linear(modes.outputs, 2), units.inverse()))


MODELS = {
    "one tier": (lambda: paper.image_classifier(1, 8, 1), IMAGE),
    "two tiers": (lambda: paper.image_classifier(2, 8, 1, bandwidth=4.5), IMAGE),
    "torus": (clock, POINT),
    "free": (lambda: clock(lattice=False, unit_phases=False), POINT),
    "deq": (lambda: DEQ(Tanh(2, 4), nn.Linear(4, 3)), POINT),
    "layers": (
        lambda: nn.Sequential(
            nn.Linear(2, 4),
            nn.Softplus(beta=3.0),
            nn.ELU(0.3),
            nn.GELU("tanh"),
            nn.Tanh(),
            nn.ReLU(inplace=True),
            nn.Linear(4, 6),
        ),
        POINT,
    ),
    "flatten": (lambda: nn.Sequential(nn.Flatten(start_dim=2), nn.Linear(64, 2, bias=False)), IMAGE),
}


@pytest.mark.parametrize(("make", "x"), MODELS.values(), ids=MODELS.keys())
def test_description_and_weights_give_the_same_outputs(make, x):
    torch.manual_seed(0)
    model = make().eval()
    text = json.dumps(describe(model), allow_nan=False)
    torch.manual_seed(1)
    again = build(json.loads(text)).eval()
    again.load_state_dict(model.state_dict())
    assert torch.equal(again(x), model(x))
    assert describe(again) == describe(model)


def test_an_affine_map_gives_zero_mean_and_unit_scale_and_its_inverse_undoes_it():
    units = Affine([1.0, -2.0], [2.0, 0.5])
    assert units(torch.tensor([3.0, -1.0])).tolist() == [1.0, 2.0]
    torch.testing.assert_close(units.inverse()(units(POINT)), POINT)
    assert not list(units.parameters())


class Doubled(nn.Sequential):
    def forward(self, x):
        return 2 * super().forward(x)


@pytest.mark.parametrize(
    "thing",
    [
        nn.Conv2d(1, 1, 3),
        Doubled(nn.Linear(2, 2)),
        nn.LazyLinear(3),
        object(),
        nn.Sequential(nn.Linear(2, 2), nn.Dropout()),
    ],
    ids=lambda t: type(t).__name__,
)
def test_what_would_not_come_back_the_same_is_refused(thing):
    with pytest.raises(ValueError, match=r"^(Conv2d|Doubled|LazyLinear|object|Dropout) cannot be saved as data"):
        describe(thing)


def test_a_sequence_with_names_of_its_own_is_refused_since_its_weights_would_not_fit():
    named = nn.Sequential()
    named.add_module("first", nn.Linear(2, 2))
    with pytest.raises(ValueError, match="Sequential cannot be saved as data"):
        describe(named)


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ({"type": "os.system"}, "unknown class 'os.system'"),
        ({"class": "Linear"}, "unknown class 'Linear'"),
        ({"type": "LowRank", "d": 4}, "description of a LowRank does not fit"),
        ({"type": "LowRank", "d": 4, "rank": 9}, "rank must be at most"),
    ],
)
def test_a_description_that_is_not_ours_is_refused(description, words):
    with pytest.raises(ValueError, match=words):
        build(description)


@pytest.mark.parametrize(("shift", "scale"), [([0.0], [1.0, 2.0]), ([0.0, 1.0], [1.0, 0.0])])
def test_an_affine_map_needs_one_non_zero_scale_an_entry(shift, scale):
    with pytest.raises(ValueError, match="shift and scale must be equally long, scale without a zero"):
        Affine(shift, scale)
