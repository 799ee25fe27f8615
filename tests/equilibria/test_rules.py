"""Every gradient rule against closed forms, autograd through many steps, finite differences, and each other."""

import pytest
import torch

from simviz.equilibria import Anderson, Broyden, Picard, solve
from simviz.equilibria.gradients import GMRES, Implicit, Neumann, Phantom, Unrolled, check
from simviz.records import Status

DOUBLE = torch.float64
EXACT = {
    "gmres": Implicit(GMRES(), 1e-12, 500),
    "gmres, restarted": Implicit(GMRES(3), 1e-12, 500),
    "picard": Implicit(Picard(), 1e-13, 2000),
    "anderson": Implicit(Anderson(), 1e-12, 500),
    "broyden": Implicit(Broyden(), 1e-12, 500),
    "unrolled": Unrolled(),
    "unrolled, told": Unrolled(300),
    "many terms": Neumann(200),
    "many damped steps": Phantom(400, 0.5),
}
RULES = [Implicit(), Neumann(3), Phantom(3), Phantom(2, 0.5), Unrolled()]


def settle(f, z0, x, **options):
    options = {"solver": Anderson(), "rtol": 1e-12, "atol": 1e-14, "max_steps": 500, "keep": True, **options}
    return solve(f, z0, x, **options)


def tanh_cell(units=6, batch=4, gain=0.8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    w = torch.randn(units, units, generator=generator, dtype=DOUBLE)
    w *= gain / torch.linalg.matrix_norm(w, 2)
    x = torch.randn(batch, units, generator=generator, dtype=DOUBLE)
    w.requires_grad_(), x.requires_grad_()
    return w, x, lambda z, x: torch.tanh(z @ w.T + x)


def affine(radius=0.7, units=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(units, units, generator=generator, dtype=DOUBLE)
    a *= radius / torch.linalg.eigvals(a).abs().max()
    x = torch.randn(3, units, generator=generator, dtype=DOUBLE, requires_grad=True)
    c = torch.randn(3, units, generator=generator, dtype=DOUBLE)
    return a, x, c, lambda z, x: z @ a.T + x


@pytest.mark.parametrize("rule", EXACT.values(), ids=EXACT.keys())
def test_every_exact_rule_gives_the_gradient_of_three_hundred_unrolled_steps(rule):
    w, x, f = tanh_cell()
    weights = torch.linspace(-1, 1, 24, dtype=DOUBLE).view(4, 6)
    z = torch.zeros(4, 6, dtype=DOUBLE)
    for _ in range(300):
        z = f(z, x)
    truth = torch.autograd.grad((z.sin() * weights).sum(), (w, x))
    solution = settle(f, torch.zeros(4, 6, dtype=DOUBLE), x)
    attached = rule.attach(f, solution, x)
    assert torch.equal(attached, solution.z)  # the rule never changes a value
    found = torch.autograd.grad((attached.sin() * weights).sum(), (w, x))
    for one, other in zip(found, truth, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("rule", [EXACT["gmres"], EXACT["unrolled"]], ids=["implicit", "unrolled"])
def test_an_exact_rule_has_the_gradient_of_finite_differences(rule):
    w, x, _ = tanh_cell(units=4, batch=2)

    def fixed_point(w, x):
        def f(z, x):
            return torch.tanh(z @ w.T + x)

        return rule.attach(f, settle(f, torch.zeros(2, 4, dtype=DOUBLE), x), x)

    assert torch.autograd.gradcheck(fixed_point, (w, x), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("damping", [1.0, 0.4])
def test_phantom_on_an_affine_cell_is_its_geometric_series(steps, damping):
    a, x, c, f = affine()
    z = Phantom(steps, damping).attach(f, settle(f, torch.zeros(3, 5, dtype=DOUBLE), x), x)
    (found,) = torch.autograd.grad((z * c).sum(), x)
    m = (1 - damping) * torch.eye(5, dtype=DOUBLE) + damping * a
    series = damping * sum(torch.linalg.matrix_power(m, i) for i in range(steps))
    torch.testing.assert_close(found, c @ series, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_neumann_on_an_affine_cell_is_its_geometric_series_and_equals_undamped_phantom(steps):
    a, x, c, f = affine()
    solution = settle(f, torch.zeros(3, 5, dtype=DOUBLE), x)
    (found,) = torch.autograd.grad((Neumann(steps).attach(f, solution, x) * c).sum(), x)
    series = sum(torch.linalg.matrix_power(a, i) for i in range(steps))
    torch.testing.assert_close(found, c @ series, rtol=1e-10, atol=1e-12)
    (phantom,) = torch.autograd.grad((Phantom(steps).attach(f, solution, x) * c).sum(), x)
    torch.testing.assert_close(found, phantom, rtol=1e-10, atol=1e-12)


def test_one_phantom_step_is_the_gradient_of_one_evaluation_with_the_state_held():
    w, x, f = tanh_cell()
    solution = settle(f, torch.zeros(4, 6, dtype=DOUBLE), x)
    found = torch.autograd.grad(Phantom(1).attach(f, solution, x).sum(), (w, x))
    truth = torch.autograd.grad(f(solution.z, x).sum(), (w, x))
    for one, other in zip(found, truth, strict=True):
        torch.testing.assert_close(one, other)


def test_unrolled_for_some_steps_is_autograd_through_exactly_those():
    w, x, f = tanh_cell()
    z0 = torch.full((4, 6), 0.5, dtype=DOUBLE)
    found = torch.autograd.grad(Unrolled(3).attach(f, settle(f, z0, x), x).sum(), (w, x))
    truth = torch.autograd.grad(f(f(f(z0, x), x), x).sum(), (w, x))
    for one, other in zip(found, truth, strict=True):
        torch.testing.assert_close(one, other)


# differentiated twice


@pytest.mark.parametrize(
    "rule",
    [EXACT["gmres"], EXACT["picard"], EXACT["unrolled"], Neumann(60), Phantom(60)],
    ids=["implicit", "implicit, picard", "unrolled", "neumann", "phantom"],
)
def test_the_gradient_can_be_differentiated_again(rule):
    w, x, _ = tanh_cell(units=3, batch=2, gain=0.5)

    def fixed_point(w, x):
        def f(z, x):
            return torch.tanh(z @ w.T + x)

        return rule.attach(f, settle(f, torch.zeros(2, 3, dtype=DOUBLE), x), x)

    assert torch.autograd.gradgradcheck(fixed_point, (w, x), atol=1e-6, rtol=1e-6)


def test_the_hessian_of_an_affine_fixed_point_is_the_closed_form():
    a, x, c, f = affine()
    z = EXACT["gmres"].attach(f, settle(f, torch.zeros(3, 5, dtype=DOUBLE), x), x)
    (first,) = torch.autograd.grad((z**2).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad((first * c).sum(), x)
    inverse = torch.linalg.inv(torch.eye(5, dtype=DOUBLE) - a)  # z = inverse x, so the Hessian is 2 inverse^T inverse
    torch.testing.assert_close(second, 2 * c @ inverse.T @ inverse, rtol=1e-9, atol=1e-10)


def test_a_third_derivative_is_right_too():
    x = torch.tensor([[0.7]], dtype=DOUBLE, requires_grad=True)

    def f(z, x):
        return 0.5 * torch.sin(z) + x  # dz/dx = 1 / (1 - cos(z) / 2)

    found = EXACT["gmres"].attach(f, settle(f, torch.zeros(1, 1, dtype=DOUBLE), x), x).sum()
    for _ in range(3):
        (found,) = torch.autograd.grad(found.sum(), x, create_graph=True)
    z = settle(f, torch.zeros(1, 1, dtype=DOUBLE), x).z.requires_grad_()
    truth = 1 / (1 - 0.5 * z.cos())
    slope = truth
    for _ in range(2):
        (truth,) = torch.autograd.grad(truth.sum(), z, create_graph=True)
        truth = truth * slope  # d/dx = dz/dx d/dz
    torch.testing.assert_close(found, truth, rtol=1e-8, atol=0)


def test_an_input_that_was_made_from_the_cells_own_weight_is_differentiated_twice_and_counted_once():
    """x = w y enters the fixed point z = sin(w z / 2) / 2 + x, which holds w too."""
    y = torch.tensor([[0.3], [-0.8]], dtype=DOUBLE)

    def total(w):
        def f(z, x):
            return 0.5 * torch.sin(w * z / 2) + x

        x = w * y
        return EXACT["gmres"].attach(f, settle(f, torch.zeros(2, 1, dtype=DOUBLE), x), x)

    w = torch.tensor(0.9, dtype=DOUBLE, requires_grad=True)
    assert torch.autograd.gradcheck(total, (w,), atol=1e-6, rtol=1e-6)
    assert torch.autograd.gradgradcheck(total, (w,), atol=1e-6, rtol=1e-6)


# samples that diverged, and what asks for no gradient


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_diverged_sample_leaves_the_gradients_of_the_others_as_they_were(rule):
    weight = torch.tensor(1.0, dtype=DOUBLE, requires_grad=True)
    x = torch.tensor([[0.5], [1e200], [0.25]], dtype=DOUBLE, requires_grad=True)

    def f(z, x):
        return weight * x * z**2 + 0.1

    def gradients(x):
        solution = settle(f, torch.ones(len(x), 1, dtype=DOUBLE), x, solver=Picard())
        return solution, torch.autograd.grad(rule.attach(f, solution, x).sum(), (x, weight))

    solution, (by_x, by_weight) = gradients(x)
    assert [s.name for s in solution.status] == ["CONVERGED", "DIVERGED", "CONVERGED"]
    _, (alone, alone_weight) = gradients(x[::2].detach().requires_grad_())
    torch.testing.assert_close(by_x[::2], alone, rtol=1e-12, atol=0)
    torch.testing.assert_close(by_weight, alone_weight, rtol=1e-12, atol=0)
    assert by_x[1] == 0


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_where_all_samples_diverged_the_gradient_is_there_and_zero(rule):
    weight = torch.nn.Parameter(torch.tensor(3.0))
    x = torch.ones(2, 1)
    asked = x.clone().requires_grad_()

    def f(z, x):
        return weight * z**2 + x

    for given in (x, asked, 2 * asked):
        solution = settle(f, torch.ones(2, 1), given, solver=Picard())
        assert solution.status == (Status.DIVERGED,) * 2
        z = rule.attach(f, solution, given)
        assert torch.equal(z, solution.z)
        weight.grad = asked.grad = None
        z.sum().backward()
        assert weight.grad == 0
        assert given is x or (asked.grad == 0).all()


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_no_gradient_is_attached_where_none_is_wanted(rule):
    x = torch.ones(1, 1, requires_grad=True)

    def f(z, x):
        return 0.5 * z + x

    solution = settle(f, torch.zeros(1, 1), x, rtol=1e-5)
    with torch.no_grad():
        assert not rule.attach(f, solution, x).requires_grad
    assert not rule.attach(f, solution, x.detach()).requires_grad
    assert rule.attach(f, solution, x).requires_grad


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_pytree_state_has_its_gradient_by_every_rule(rule):
    x = torch.rand(2, 1, dtype=DOUBLE, requires_grad=True)
    zero = torch.zeros(2, 1, dtype=DOUBLE)

    def f(z, x):
        return {"a": 0.1 * z["b"], "b": 0.1 * z["a"] + x}  # b = x / 0.99

    z = rule.attach(f, settle(f, {"a": zero, "b": zero}, x), x)
    (found,) = torch.autograd.grad(z["b"].sum(), x)
    if rule == Phantom(2, 0.5):  # half of f, then half of that plus half of f: 1/2 + 1/4, and a is 0.05 on the way
        torch.testing.assert_close(found, torch.full((2, 1), 0.75, dtype=DOUBLE))
    else:
        torch.testing.assert_close(found, torch.full((2, 1), 1 / 0.99, dtype=DOUBLE), rtol=2e-4, atol=0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Phantom(0), "steps must be at least 1"),
        (lambda: Phantom(2, 0.0), "damping must be finite and lie in"),
        (lambda: Phantom(2, 1.5), "damping must be finite and lie in"),
        (lambda: Neumann(0), "steps must be at least 1"),
        (lambda: Neumann(2.5), "steps must be a whole number"),
        (lambda: Unrolled(0), "steps must be at least 1"),
        (lambda: check("gradient", Implicit), r"gradient must be a rule such as Implicit\(\)"),
        (lambda: check("gradient", "implicit"), "gradient must be a rule"),
        (
            lambda: Unrolled().attach(
                lambda z, x: z / 2, solve(lambda z, x: z / 2, torch.ones(1, 1), None), torch.ones(1, 1)
            ),
            "solve with keep=True",
        ),
    ],
)
def test_bad_options_are_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
