"""Cells: right shapes, a contraction at the start, and the gradient of finite differences through the equilibrium."""

import copy

import pytest
import torch
from torch import nn

from simviz.equilibria import Anderson, jacobian, solve
from simviz.equilibria.gradients import GMRES, Implicit
from simviz.models import cells
from simviz.models import monotone as cells_monotone
from simviz.models.config import build, describe
from simviz.models.deq import DEQ

EXACT = Implicit(GMRES(), 1e-12, 500)


def convolutional(side=4, **options):
    torch.manual_seed(0)
    return cells.Convolutional(2, 4, side, groups=2, **options)


class Gated(nn.Module):
    """A cell's function of one's own."""

    def __init__(self):
        super().__init__()
        self.inner, self.gate = nn.Linear(3, 3), nn.Linear(2, 3)

    def forward(self, z, x):
        return torch.tanh(0.3 * self.inner(z)) * torch.sigmoid(self.gate(x))


def own():
    torch.manual_seed(0)
    return cells.Own(Gated(), 3)


def tanh():
    torch.manual_seed(0)
    return cells.Tanh(2, 3)


def monotone():
    torch.manual_seed(0)
    return cells_monotone.Monotone(2, 3, m=0.5)


CELLS = {
    "monotone": (monotone, (2, 2)),
    "tanh": (tanh, (2, 2)),
    "convolutional": (convolutional, (2, 2, 4, 4)),
    "own": (own, (2, 2)),
}


@pytest.mark.parametrize(("make", "shape"), CELLS.values(), ids=CELLS.keys())
def test_every_cell_has_the_gradient_of_finite_differences(make, shape):
    cell = make().double()
    names, parameters = zip(*cell.named_parameters(), strict=True)
    x = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()

    def fixed_point(x, *parameters):
        def f(z, x):
            return torch.func.functional_call(cell, dict(zip(names, parameters, strict=True)), (z, x))

        solution = solve(f, cell.initial(x), x, Anderson(), rtol=1e-13, atol=1e-15, max_steps=500)
        return EXACT.attach(f, solution, x)

    given = (x, *(p.detach().clone().requires_grad_() for p in parameters))
    assert torch.autograd.gradcheck(fixed_point, given, atol=1e-6, rtol=1e-5, fast_mode=True)


@pytest.mark.parametrize("side", [4, 8])
def test_the_convolutional_cell_contracts_at_its_start_and_treats_samples_apart(side):
    cell = convolutional(side)
    x = torch.randn(6, 2, side, side, generator=torch.Generator().manual_seed(1))
    solution = solve(cell, cell.initial(x), x, rtol=1e-5)
    assert solution.converged.all()
    assert solution.z.shape == (6, 4, side, side)
    assert (jacobian.spectral_radius(cell, solution.z, x) < 0.9).all()
    alone = cell(solution.z[2:3], x[2:3])
    torch.testing.assert_close(cell(solution.z, x)[2:3], alone, rtol=1e-5, atol=1e-6)


def test_the_convolutional_cells_gain_is_the_product_of_its_two_norms():
    cell = convolutional(gain=0.5)
    product = 1.0
    for layer in (cell.W_1, cell.W_2):
        weight = layer.weight.detach()

        def linear(v, weight=weight):
            return nn.functional.conv2d(v.view(1, 4, 4, 4), weight, padding=1).flatten()

        matrix = torch.func.jacrev(linear)(torch.zeros(64))
        product *= torch.linalg.matrix_norm(matrix, 2).item()
    assert product == pytest.approx(0.5, rel=1e-3)


def test_the_convolutional_cells_equilibrium_depends_on_where_the_input_is():
    cell = convolutional(8)
    x = torch.zeros(1, 2, 8, 8)
    x[0, 0, 2, 3] = 3.0
    moved = x.roll((1, 1), (2, 3))
    z, other = (solve(cell, cell.initial(v), v, rtol=1e-6).z for v in (x, moved))
    torch.testing.assert_close(
        other[..., 3:6, 3:6], z.roll((1, 1), (2, 3))[..., 3:6, 3:6], rtol=0, atol=0.05
    )  # the edges differ
    assert (other - z).abs().max() > 0.1


@pytest.mark.parametrize(("make", "shape"), CELLS.values(), ids=CELLS.keys())
def test_every_cell_makes_a_deq_that_can_be_copied(make, shape):
    deq = DEQ(make(), nn.Flatten())
    x = torch.randn(shape)
    assert torch.equal(copy.deepcopy(deq)(x), deq(x))


@pytest.mark.parametrize("make", [tanh, convolutional, monotone])
def test_the_librarys_cells_are_saved_as_data(make):
    deq = DEQ(make(), nn.Flatten())
    again = build(describe(deq))
    again.load_state_dict(deq.state_dict())
    assert type(again.cell) is type(deq.cell)
    assert again.config == deq.config


def test_a_basis_and_a_cell_of_one_name_are_not_mistaken_for_each_other():
    from simviz.models import bases

    basis = bases.Convolutional(8, 1, 5, 4)
    assert type(build(describe(basis))) is bases.Convolutional
    assert describe(convolutional())["type"] == "ConvolutionalCell"


def test_your_own_function_is_a_cell_with_the_closed_form_as_its_equilibrium():
    deq = DEQ(cells.Own(lambda z, x: 0.5 * z + x, (2, 2)), nn.Identity(), rtol=1e-10, atol=0.0)
    x = torch.randn(3, 2, 2, dtype=torch.float64)
    torch.testing.assert_close(deq(x), 2 * x)
    with pytest.raises(ValueError, match="function cannot be saved as data"):
        describe(deq)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cells.Convolutional(0, 4, 8), "channels_in must be at least 1"),
        (lambda: cells.Convolutional(1, 4, 0), "side must be at least 1"),
        (lambda: cells.Convolutional(1, 4, 8, groups=3), "groups must divide channels, 4, got 3"),
        (lambda: cells.Convolutional(1, 4, 8, gain=0.0), "gain must be finite"),
        (lambda: convolutional().initial(torch.ones(3, 2, 5, 5)), r"x must be \(batch, 2, 4, 4\) for this cell"),
        (lambda: convolutional().initial(torch.ones(2, 4, 4)), "did you forget the batch axis"),
        (lambda: cells.Own(3, 3), r"function must be a function f\(z, x\)"),
        (lambda: cells.Own(nn.Linear, 3), r"function must be a function f\(z, x\)"),
        (lambda: cells.Own(lambda z, x: z, 0), "shape must be at least 1"),
        (lambda: cells.Own(lambda z, x: z, ()), "shape must hold at least one size"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_convolutional_cell_without_channels_in_adds_x_as_it_is():
    torch.manual_seed(0)
    cell = cells.Convolutional(None, 4, 6, groups=2).double()
    z, x = torch.randn(2, 3, 4, 6, 6, dtype=torch.float64)
    h = nn.functional.conv2d(z, cell.W_1.weight, padding=1) + x
    h = nn.functional.group_norm(h, 2, cell.norm.weight, cell.norm.bias).relu()
    torch.testing.assert_close(cell(z, x), nn.functional.conv2d(h, cell.W_2.weight, cell.W_2.bias, padding=1).tanh())
    assert build(describe(cell)).options["channels_in"] is None
    with pytest.raises(ValueError, match=r"x must be \(batch, 4, 6, 6\)"):
        cell.initial(torch.zeros(1, 3, 6, 6))
