"""The methods: does each find the fixed points that calculus and linear algebra know, and say truly how it went?"""

import dataclasses
import itertools
import math

import pytest
import torch

from simviz.dynamics.systems import NeimarkSacker
from simviz.equilibria import Anderson, Broyden, ForwardBackward, NewtonKrylov, PeacemanRachford, Picard, solve
from simviz.equilibria.gmres import GMRES
from simviz.records import Status

METHODS = [
    Picard(),
    Picard(0.7),
    Anderson(),
    Anderson(1),
    Anderson(3, mixing=0.8),
    Broyden(),
    Broyden(3),
    NewtonKrylov(),
]
NAMES = [repr(method) for method in METHODS]
F64 = {"rtol": 1e-13, "atol": 1e-15, "max_steps": 500}


def affine(n: int, radius: float, batch: int, seed: int, dtype=torch.float64):
    """A, b and the fixed points (I - A)^-1 b of z -> A z + b, A of this spectral radius."""
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(n, n, generator=generator, dtype=torch.float64)
    a *= radius / torch.linalg.eigvals(a).abs().max()
    b = torch.randn(batch, n, generator=generator, dtype=torch.float64)
    return a.to(dtype), b.to(dtype), torch.linalg.solve(torch.eye(n, dtype=torch.float64) - a, b.T).T.to(dtype)


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_the_fixed_point_of_the_cosine_comes_out_to_twelve_digits(method):
    z0 = torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64)
    solution = solve(lambda z, x: z.cos(), z0, None, method, **F64)
    assert solution.converged.all()
    assert (solution.z - 0.7390851332151607).abs().max() < 1e-12


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_an_affine_map_settles_where_linear_algebra_says(method):
    a, b, expected = affine(8, 0.8, 16, seed=0)
    solution = solve(lambda z, x: z @ a.T + x, torch.zeros_like(b), b, method, **F64)
    assert solution.status == (Status.CONVERGED,) * 16
    torch.testing.assert_close(solution.z, expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_a_fixed_point_at_zero_is_found_from_zero_from_near_and_from_afar(method, dtype):
    z0 = torch.tensor([[0.0, 0.0], [1e-7, -1e-8], [3.0, -4.0]], dtype=dtype)
    turn = torch.tensor([[0.0, 0.5], [-0.5, 0.3]], dtype=dtype)
    solution = solve(lambda z, x: torch.sin(z) @ turn, z0, None, method, rtol=1e-3, max_steps=100)
    assert solution.converged.all()
    assert solution.evaluations[0] == 1
    assert solution.z.abs().max() < 1e-5


@pytest.mark.parametrize("method", METHODS[2:], ids=NAMES[2:])
def test_differences_that_vanish_and_samples_that_are_there_already_do_no_harm(method):
    # f is constant in the first coordinate and moves nothing in the last; the second sample starts where it ends
    def f(z, x):
        return torch.stack([torch.ones_like(z[:, 0]), 0.9 * z[:, 1] + x[:, 0], z[:, 2]], 1)

    z0 = torch.tensor([[0.0, 0.0, 5.0], [1.0, 20.0, 5.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    x = torch.tensor([[1.0], [2.0], [3.0]], dtype=torch.float64)
    solution = solve(f, z0, x, method, rtol=1e-12, atol=0.0, max_steps=300, compact=False)
    assert solution.converged.all()
    expected = torch.tensor([[1.0, 10.0, 5.0], [1.0, 20.0, 5.0], [1.0, 30.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(solution.z, expected, rtol=1e-9, atol=1e-9)


def test_anderson_with_enough_memory_is_done_in_one_step_more_than_the_affine_map_has_dimensions():
    # Walker and Ni 2011: on an affine map it is GMRES in disguise, which is exact after n products
    a, b, expected = affine(6, 0.9, 4, seed=2)
    solution = solve(lambda z, x: z @ a.T + x, torch.zeros_like(b), b, Anderson(6, ridge=0.0), rtol=1e-9, atol=0.0)
    assert solution.evaluations.max() <= 6 + 2
    torch.testing.assert_close(solution.z, expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("mixing", [1.0, 0.4])
def test_anderson_is_the_formula_of_walker_and_ni(mixing):
    # z + a r - (dZ + a dR) gamma, gamma the least-squares solution of dR gamma = r over the last two differences
    a, b, _ = affine(6, 0.9, 1, seed=8)
    f = lambda z: torch.tanh(z @ a.T) + b  # noqa: E731
    method = Anderson(2, mixing, ridge=0.0)
    steps = solve(lambda z, x: f(z), torch.zeros_like(b), None, method, rtol=1e-12, atol=0.0, keep=True).steps
    z = [torch.zeros(6, dtype=torch.float64)]
    for step in steps[:7]:
        torch.testing.assert_close(step.z[0], z[-1], rtol=1e-9, atol=1e-10)
        r = [(f(point[None]) - point)[0] for point in z[-3:]]
        change, move = [y - x for x, y in itertools.pairwise(r)], [y - x for x, y in itertools.pairwise(z[-3:])]
        following = z[-1] + mixing * r[-1]
        if change:
            gamma = torch.linalg.lstsq(torch.stack(change, 1), r[-1][:, None]).solution[:, 0]
            following = following - (torch.stack(move, 1) + mixing * torch.stack(change, 1)) @ gamma
        z.append(following)


def test_anderson_and_gmres_have_the_same_residuals_on_an_affine_map():
    # the residual of Anderson's least-squares problem at step k is that of GMRES after k products
    a, b, _ = affine(12, 0.95, 1, seed=3)
    eye = torch.eye(12, dtype=torch.float64)
    steps = solve(
        lambda z, x: z @ a.T + x, torch.zeros_like(b), b, Anderson(12, ridge=0.0), rtol=1e-12, atol=0.0, keep=True
    ).steps
    for k in range(1, 6):
        found = GMRES(k).solve(lambda v, rows: v @ a.T, b, rtol=1e-14, max_steps=k)
        best = (eye - a) @ found.z[0] - b[0]
        # Anderson's iterate is f of the minimiser, whose residual is A times the minimal one
        assert steps[k + 1].residual.item() == pytest.approx((a @ best).norm().item(), rel=1e-5)


def test_broyden_is_the_textbook_recursion_of_rank_one_updates():
    # B_{k+1} = B_k + (y - B_k s) s^T / s^T s, with the n x n matrix that the method never forms
    a, b, _ = affine(5, 0.9, 1, seed=4)
    f = lambda z: torch.tanh(z @ a.T) + b  # noqa: E731
    steps = solve(lambda z, x: f(z), torch.zeros_like(b), None, Broyden(20), rtol=1e-12, atol=0.0, keep=True).steps
    z, matrix = torch.zeros(1, 5, dtype=torch.float64), -torch.eye(5, dtype=torch.float64)
    for step in steps[1:9]:
        s = torch.linalg.solve(matrix, -(f(z) - z)[0])
        y = (f(z + s) - (z + s) - f(z) + z)[0]
        matrix = matrix + torch.outer(y - matrix @ s, s) / (s @ s)
        z = z + s
        torch.testing.assert_close(step.z, z, rtol=1e-7, atol=1e-9)


def test_newton_halves_its_distance_in_digits():
    # a scalar problem: each linear system is solved exactly, and z -> z - (z - cos z) / (1 + sin z) is quadratic
    z0 = torch.tensor([[1.0]], dtype=torch.float64)
    steps = solve(lambda z, x: z.cos(), z0, None, NewtonKrylov(), rtol=1e-14, atol=0.0, keep=True).steps
    z = 1.0
    for step in steps[:4]:
        assert step.z.item() == pytest.approx(z, abs=1e-14)
        z -= (z - math.cos(z)) / (1 + math.sin(z))


def test_newton_goes_back_and_tries_half_where_a_full_step_makes_things_worse():
    # r = arctan(z) - z + z: Newton's method on arctan from beyond 1.39 overshoots ever further
    z0 = torch.tensor([[0.5], [3.0], [8.0]], dtype=torch.float64)
    solution = solve(lambda z, x: z - torch.atan(z), z0, None, NewtonKrylov(), rtol=1e-9, atol=1e-12)
    assert solution.converged.all()
    assert solution.z.abs().max() < 1e-9


def test_the_products_of_newton_are_counted_as_evaluations():
    calls = []

    def f(z, x):
        calls.append(len(z))
        return torch.tanh(z) * 0.9 + x

    x = torch.randn(6, 4, dtype=torch.float64)
    solution = solve(f, torch.zeros_like(x), x, NewtonKrylov(), rtol=1e-10, compact=False)
    assert solution.evaluations.max() == len(calls)
    assert len(calls) > len(solution.steps)


@pytest.mark.parametrize("radius", [1.05, 1.2, 1.4])
def test_past_the_neimark_sacker_bifurcation_picard_circles_and_the_others_find_the_hollow_point(radius):
    turn = 1.0
    if radius <= 1.3:
        system = NeimarkSacker(radius, turn)
        f = lambda z, x: system.step(z)  # noqa: E731
    else:  # the same map, beyond the range that the system offers
        rotation = torch.tensor(
            [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]], dtype=torch.float64
        )
        f = lambda z, x: radius * (z @ rotation.T) * (1 - z.square().sum(1, keepdim=True) / 10)  # noqa: E731
    z0 = torch.tensor([[0.5, 0.3]], dtype=torch.float64)
    circles = solve(f, z0, None, Picard(), max_steps=500)
    assert circles.status == (Status.OUT_OF_STEPS,)
    chord = 2 * math.sqrt((1 - 1 / radius) / 0.1) * math.sin(turn / 2)
    assert circles.residual.item() == pytest.approx(chord, rel=1e-6)
    for method in (Anderson(5), Broyden(), NewtonKrylov()):
        found = solve(f, z0, None, method, rtol=1e-6, atol=1e-8)
        assert found.converged.all()
        assert found.z.norm() < 1e-7
        assert found.evaluations.item() <= 14


def test_the_default_of_solve_is_anderson():
    a, b, _ = affine(8, 0.9, 4, seed=6)
    f = lambda z, x: z @ a.T + x  # noqa: E731
    assert torch.equal(solve(f, torch.zeros_like(b), b).z, solve(f, torch.zeros_like(b), b, Anderson()).z)


def test_the_ridge_means_the_same_however_large_the_residuals_are():
    a, b, _ = affine(10, 0.95, 3, seed=7)
    spent = []
    for scale in (1e-9, 1.0, 1e9):
        found = solve(lambda z, x: z @ a.T + x, torch.zeros_like(b), scale * b, Anderson(), rtol=1e-8, atol=0.0)
        assert found.converged.all()
        spent.append(found.evaluations)
    assert torch.equal(spent[0], spent[1])
    assert torch.equal(spent[1], spent[2])


@pytest.mark.parametrize("method", [*METHODS, PeacemanRachford(), ForwardBackward(0.5)], ids=repr)
def test_a_method_is_made_anew_from_its_options(method):
    assert type(method)(**method.options) == method
    assert set(method.options) == {field.name for field in dataclasses.fields(method)}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Anderson(memory=0), "memory must be at least 1, got 0"),
        (lambda: Anderson(memory=2.5), "memory must be a whole number, got 2.5"),
        (lambda: Anderson(mixing=0.0), "mixing must be finite and lie in"),
        (lambda: Anderson(ridge=-1e-9), "ridge must be finite and lie in"),
        (lambda: Broyden(memory=0), "memory must be at least 1, got 0"),
        (lambda: NewtonKrylov(inner_steps=0), "inner_steps must be at least 1, got 0"),
        (lambda: NewtonKrylov(inner_rtol=1.0), r"inner_rtol must be finite and lie in \(0, 1\), got 1"),
        (lambda: PeacemanRachford(alpha=0.0), "alpha must be finite and lie in"),
        (lambda: ForwardBackward(alpha=-1.0), "alpha must be finite and lie in"),
        (lambda: PeacemanRachford().init(torch.zeros(1, 1)), "splitting must be given"),
    ],
)
def test_bad_options_are_refused_in_a_sentence_that_names_them(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("kind", [Picard, Anderson, Broyden, NewtonKrylov, PeacemanRachford, ForwardBackward])
def test_an_unknown_option_is_pythons_own_error(kind):
    with pytest.raises(TypeError, match="unexpected keyword argument 'tolerance'"):
        kind(tolerance=1e-3)


@pytest.mark.parametrize("method", [PeacemanRachford(), ForwardBackward()])
def test_a_splitting_method_refuses_a_cell_that_has_none(method):
    with pytest.raises(ValueError, match=r"needs a cell with splitting\(x\), such as Monotone, got <lambda>"):
        solve(lambda z, x: 0.5 * z, torch.zeros(2, 2), None, method)
    with pytest.raises(ValueError, match="got Linear"):
        solve(torch.nn.Linear(2, 2), torch.zeros(2, 2), None, method)
