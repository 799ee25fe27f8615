"""Every model is an ordinary module: compiled, vectorised, called with other weights, in half precision, elsewhere."""

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from simviz.models import paper
from simviz.models.bases import FullyConnected
from simviz.models.propagators import Modes, Projection
from simviz.models.sim import SIM


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def clock():
    modes = Modes(1, 4, 4, start=[0.3])
    return SIM(FullyConnected(2, modes.inputs), modes, nn.Identity(), nn.Linear(modes.outputs, 2))


def projection():
    return SIM(FullyConnected(2, 6), Projection(6, 3), nn.Identity(), nn.Linear(6, 2))


SIMS = {
    "one tier": (lambda: paper.image_classifier(1, 8, 1), drawn(6, 1, 8, 8)),
    "two tiers": (lambda: paper.image_classifier(2, 8, 1, bandwidth=3.0), drawn(6, 1, 8, 8)),
    "copy memory": (lambda: paper.copy_memory(2, bandwidth=3.0, levels=3), drawn(3, 20, 1)),
    "regressor": (lambda: paper.image_regressor(1, "fourier"), drawn(5, 2)),
    "projection": (projection, drawn(5, 2)),
    "clock": (clock, drawn(5, 2)),
    "plain": (lambda: paper.plain_image_classifier(1, 8, 1), drawn(6, 1, 8, 8)),
    "folded": (lambda: paper.image_classifier(1, 8, 1).eval().fold(), drawn(6, 1, 8, 8)),
}
DEQS = {
    "deq": (lambda: paper.image_deq(8, 1), drawn(4, 1, 8, 8)),
    "convolutional deq": (lambda: paper.image_deq(16, 1, units=4), drawn(4, 1, 16, 16)),
    "monotone deq": (lambda: paper.image_monotone(16, 1, units=8), drawn(4, 1, 16, 16)),
}
EVERY = {**SIMS, **DEQS}


def made(make):
    torch.manual_seed(0)
    return make().eval()


every_model = pytest.mark.parametrize(("make", "x"), EVERY.values(), ids=EVERY.keys())
every_sim = pytest.mark.parametrize(("make", "x"), SIMS.values(), ids=SIMS.keys())


@pytest.mark.filterwarnings("ignore")
@every_model
def test_a_compiled_model_gives_the_same_outputs_and_gradients(make, x):
    """The graph is captured and run by PyTorch itself: no compiler is needed for that."""
    model = made(make)
    torch._dynamo.reset()
    compiled = torch.compile(model, backend="eager", fullgraph=(make, x) in [SIMS["one tier"], SIMS["two tiers"]])
    torch.testing.assert_close(compiled(x), model(x))
    if not any(p.requires_grad for p in model.parameters()):
        return
    compiled(x).square().sum().backward()
    ours = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    model(x).square().sum().backward()
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-3, atol=1e-5)


@every_model
def test_autocast_to_bfloat16_changes_digits_and_not_the_answer(make, x):
    model = made(make)
    with torch.no_grad():
        plain = model(x)
        with torch.autocast("cpu", torch.bfloat16):
            half = model(x)
    assert half.isfinite().all()
    assert 0 < (half.float() - plain).norm() / plain.norm() < 0.1


@every_sim
def test_functional_call_with_other_weights_is_the_model_that_has_them(make, x):
    model = made(make)
    torch.manual_seed(5)
    other = {name: value + 0.1 * torch.randn_like(value) for name, value in model.named_parameters()}
    called = torch.func.functional_call(model, other, (x,))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(other[name])
    torch.testing.assert_close(called, model(x))


@every_sim
def test_vmap_over_samples_is_the_batch(make, x):
    model = made(make)
    torch.testing.assert_close(torch.vmap(lambda one: model(one[None])[0])(x), model(x), rtol=1e-4, atol=1e-5)


@every_sim
def test_gradients_of_every_sample_by_vmap_add_up_to_that_of_the_batch(make, x):
    model = made(make)
    weights = {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}
    if not weights:
        return

    def loss(values, one):
        return torch.func.functional_call(model, values, (one[None],)).square().sum()

    each = torch.vmap(torch.func.grad(loss), in_dims=(None, 0))(weights, x)
    model(x).square().sum().backward()
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(each[name].sum(0), parameter.grad, rtol=1e-3, atol=1e-3)


@every_model
def test_copies_pickles_and_states_give_the_same(make, x):
    model = made(make)
    before = model(x)
    other = made(make)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(1.0)
    other.load_state_dict(model.state_dict())
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), other):
        assert torch.equal(twin(x), before)


class NothingOnMeta(TorchDispatchMode):
    """Fails on any operation whose result lies on the default device of the test, where no data are."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for leaf in tree_flatten(result)[0]:
            if isinstance(leaf, torch.Tensor) and leaf.device.type == "meta":
                raise AssertionError(f"{function} made a tensor on the default device")
        return result


@every_model
def test_everything_stays_on_the_device_of_the_data(make, x):
    model = made(make)
    plain = model(x)
    with torch.device("meta"), NothingOnMeta():
        there = model(x)
        if isinstance(model, SIM):
            model.spectrum()
            model.orbit(x, [0, 1])
        if any(p.requires_grad for p in model.parameters()):
            model.train()(x).square().sum().backward()
    torch.testing.assert_close(there, plain)


@pytest.mark.parametrize("name", ["one tier", "regressor"])
def test_projecting_and_folding_stay_on_the_device_of_the_model(name):
    make, x = SIMS[name]
    model = made(make)
    plain = model(x)
    with torch.device("meta"), NothingOnMeta():
        torch.testing.assert_close(model.to_projection()(x), plain, rtol=1e-3, atol=1e-4)
    with torch.device("meta"):
        torch.testing.assert_close(model.fold()(x), plain, rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@every_model
def test_an_accelerator_gives_the_same_outputs(make, x, dtype):
    if not torch.cuda.is_available():
        pytest.skip("no accelerator")
    model = made(make)
    plain = model(x)
    there = copy.deepcopy(model).cuda()
    with torch.autocast("cuda", dtype, enabled=dtype is torch.bfloat16):
        out = there(x.cuda())
    tolerance = 1e-2 if dtype is torch.float32 else 0.1
    assert (out.float().cpu() - plain).norm() < tolerance * plain.norm()
