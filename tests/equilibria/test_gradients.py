"""The implicit gradient against the closed form, finite differences and autograd through many steps."""

import pytest
import torch

from simviz.equilibria import Implicit, NewtonKrylov, PeacemanRachford, Picard, solve
from simviz.records import Status

TIGHT = Implicit(Picard(), rtol=1e-12, max_steps=2000)


def settle(f, z0, x, rule=TIGHT, **options):
    solution = solve(f, z0, x, Picard(), **{"rtol": 1e-13, "atol": 1e-15, "max_steps": 2000, **options})
    return rule.attach(f, solution, x), solution


def tanh_cell(units=6, inputs=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    w_z = torch.randn(units, units, generator=generator, dtype=torch.float64)
    w_z *= 0.8 / torch.linalg.matrix_norm(w_z, 2)
    w_x = torch.randn(units, inputs, generator=generator, dtype=torch.float64)
    b = torch.randn(units, generator=generator, dtype=torch.float64)
    x = torch.randn(4, inputs, generator=generator, dtype=torch.float64)
    return w_z, w_x, b, x


def test_the_gradient_of_an_affine_fixed_point_is_the_closed_form():
    torch.manual_seed(0)
    a = torch.randn(5, 5, dtype=torch.float64)
    a = (0.7 * a / torch.linalg.matrix_norm(a, 2)).requires_grad_()
    b = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    c = torch.randn(3, 5, dtype=torch.float64)
    z, solution = settle(lambda z, x: z @ a.T + x, torch.zeros(3, 5, dtype=torch.float64), b)
    (z * c).sum().backward()
    # z = (I - A)^-1 b; dL/db = (I - A)^-T c =: v; dL/dA = sum over samples of v z^T
    v = torch.linalg.solve((torch.eye(5) - a.detach()).T, c.T).T
    torch.testing.assert_close(b.grad, v, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(a.grad, v.T @ solution.z, rtol=1e-9, atol=1e-10)
    torch.testing.assert_close(solution.adjoint.z, v, rtol=1e-9, atol=1e-10)


def test_the_attached_value_is_the_fixed_point_itself():
    w_z, w_x, b, x = tanh_cell()
    z, solution = settle(
        lambda z, x: (z @ w_z.T + x @ w_x.T + b).tanh(), torch.zeros(4, 6).double(), x.requires_grad_(), rtol=1e-2
    )
    assert torch.equal(z.detach(), solution.z)
    assert z.requires_grad


def test_implicit_equals_autograd_through_many_steps_and_finite_differences():
    w_z, w_x, b, x = (t.requires_grad_() for t in tanh_cell())
    c = torch.linspace(-1, 1, 24, dtype=torch.float64).view(4, 6)

    def f(z, x):
        return (z @ w_z.T + x @ w_x.T + b).tanh()

    z, _ = settle(f, torch.zeros(4, 6, dtype=torch.float64), x)
    implicit = torch.autograd.grad((z * c).sum(), (w_z, w_x, b, x))
    z = torch.zeros(4, 6, dtype=torch.float64)
    for _ in range(300):
        z = f(z, x)
    unrolled = torch.autograd.grad((z * c).sum(), (w_z, w_x, b, x))
    for one, other in zip(implicit, unrolled, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-10)

    def fixed_point(w_z, w_x, b, x):
        return settle(lambda z, x: (z @ w_z.T + x @ w_x.T + b).tanh(), torch.zeros(4, 6, dtype=torch.float64), x)[0]

    assert torch.autograd.gradcheck(fixed_point, (w_z, w_x, b, x), atol=1e-6, rtol=1e-6)


def test_a_pytree_state_and_a_pytree_input_get_their_gradients():
    x = {"a": torch.rand(2, 1, dtype=torch.float64, requires_grad=True), "n": None}
    zero = torch.zeros(2, 1, dtype=torch.float64)

    def f(z, x):
        return (0.5 * z[1], 0.5 * z[0] + x["a"])  # z0 = z1 / 2, z1 = z0 / 2 + a: z1 = 4 a / 3, z0 = 2 a / 3

    z, _ = settle(f, (zero, zero), x)
    (z[0].sum() + 10 * z[1].sum()).backward()
    torch.testing.assert_close(x["a"].grad, torch.full((2, 1), 2 / 3 + 40 / 3, dtype=torch.float64))


def test_a_small_loss_keeps_its_gradient_to_the_relative_tolerance():
    x = torch.ones(1, 2, dtype=torch.float64, requires_grad=True)
    z, _ = settle(
        lambda z, x: 0.9 * z + x, torch.zeros(1, 2, dtype=torch.float64), x, Implicit(rtol=1e-8, max_steps=999)
    )
    (1e-20 * z.sum()).backward()
    torch.testing.assert_close(x.grad, torch.full((1, 2), 1e-19, dtype=torch.float64), rtol=1e-6, atol=0)


def test_a_sample_without_gradient_is_solved_at_once():
    x = torch.ones(2, 1, dtype=torch.float64, requires_grad=True)
    z, solution = settle(lambda z, x: 0.5 * z + x, torch.zeros(2, 1, dtype=torch.float64), x)
    z[1].sum().backward()
    assert solution.adjoint.status == (Status.CONVERGED, Status.CONVERGED)
    assert solution.adjoint.evaluations[0] == 1
    torch.testing.assert_close(x.grad, torch.tensor([[0.0], [2.0]], dtype=torch.float64))


def test_a_diverged_sample_passes_no_gradient_and_spoils_no_other():
    weight = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    x = torch.tensor([[0.5], [1e200], [0.25]], dtype=torch.float64, requires_grad=True)
    z0 = torch.ones(3, 1, dtype=torch.float64)
    solution = solve(lambda z, x: weight * x * z**2 + 0.1, z0, x, Picard(), rtol=1e-12)
    assert [s.name for s in solution.status] == ["CONVERGED", "DIVERGED", "CONVERGED"]
    z = TIGHT.attach(lambda z, x: weight * x * z**2 + 0.1, solution, x)
    z.sum().backward()
    # z = x z^2 + 0.1: dz/dx = z^2 / (1 - 2 x z)
    x0, z0 = x.detach(), solution.z
    expected = z0**2 / (1 - 2 * x0 * z0)
    expected[1] = 0
    torch.testing.assert_close(x.grad, expected, rtol=1e-5, atol=0)
    torch.testing.assert_close(weight.grad, (expected * x0).sum(), rtol=1e-5, atol=0)
    assert solution.adjoint.status[1] is Status.DIVERGED
    assert solution.adjoint.z[1] == 0
    assert solution.adjoint.residual[1].isnan()


def test_a_diverging_adjoint_gives_zero_and_an_unfinished_one_is_reported():
    x = torch.ones(1, 1, dtype=torch.float64, requires_grad=True)

    def f(z, x):
        return -3.0 * z + x  # the fixed point x / 4 exists; plain iteration of the adjoint leaves its own

    solution = solve(f, torch.zeros_like(x.detach()), x, Picard(0.25), rtol=1e-10)
    assert solution.status == (Status.CONVERGED,)
    Implicit(Picard(), max_steps=200).attach(f, solution, x).sum().backward()
    assert solution.adjoint.status == (Status.DIVERGED,)
    assert x.grad.item() == 0
    x.grad = None
    Implicit(Picard(), max_steps=3).attach(f, solution, x).sum().backward()
    assert solution.adjoint.status == (Status.OUT_OF_STEPS,)
    x.grad = None
    Implicit(Picard(0.25), rtol=1e-10).attach(f, solution, x).sum().backward()
    assert solution.adjoint.status == (Status.CONVERGED,)
    assert x.grad.item() == pytest.approx(0.25)


def test_a_cell_that_forgets_its_state_has_the_gradient_of_a_plain_layer():
    weight = torch.full((1,), 2.0, dtype=torch.float64, requires_grad=True)
    x = torch.ones(2, 1, dtype=torch.float64)
    z, _ = settle(lambda z, x: weight * x, torch.zeros(2, 1, dtype=torch.float64), x)
    z.sum().backward()
    assert weight.grad.item() == 2.0


def test_no_gradient_is_attached_where_none_is_wanted():
    x = torch.ones(1, 1, requires_grad=True)
    solution = solve(lambda z, x: 0.5 * z + x, torch.zeros(1, 1), x)
    with torch.no_grad():
        assert not Implicit().attach(lambda z, x: 0.5 * z + x, solution, x).requires_grad
    assert not Implicit().attach(lambda z, x: 0.5 * z + x, solution, x.detach()).requires_grad


def test_a_gradient_that_is_not_finite_is_handed_on_and_not_hidden():
    x = torch.ones(2, 1, dtype=torch.float64, requires_grad=True)
    z, _ = settle(lambda z, x: 0.5 * z + x, torch.zeros(2, 1, dtype=torch.float64), x)
    (z * torch.tensor([[torch.nan], [1.0]])).sum().backward()
    assert x.grad[0].isnan()
    assert x.grad[1].item() == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Implicit(rtol=0.0), "rtol must be finite"),
        (lambda: Implicit(max_steps=0), "max_steps must be at least 1"),
        (lambda: Implicit(solver="gmres"), "solver must be a method"),
        (lambda: Implicit(PeacemanRachford()), "the adjoint offers no splitting"),
        (lambda: Implicit(NewtonKrylov()), "solver must not be NewtonKrylov"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
