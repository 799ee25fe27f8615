"""The loop: does it find fixed points, stop by its rule, and say truly how each sample went?"""

import itertools
import math

import pytest
import torch

from simviz.equilibria import Picard, iterate, solve
from simviz.records import Status

F64 = {"rtol": 1e-12, "atol": 1e-14, "max_steps": 2000}


def rotation(angle: float, radius: float = 1.0) -> torch.Tensor:
    c, s = math.cos(angle), math.sin(angle)
    return radius * torch.tensor([[c, -s], [s, c]], dtype=torch.float64)


def affine(n: int, radius: float, batch: int, seed: int = 0, dtype=torch.float64):
    """A, b and the fixed points (I - A)^-1 b of z -> A z + b, A of this spectral radius."""
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(n, n, generator=generator, dtype=torch.float64)
    a *= radius / torch.linalg.eigvals(a).abs().max()
    b = torch.randn(batch, n, generator=generator, dtype=torch.float64)
    return a.to(dtype), b.to(dtype), torch.linalg.solve(torch.eye(n, dtype=torch.float64) - a, b.T).T.to(dtype)


def test_the_fixed_point_of_the_cosine_comes_out_to_twelve_digits():
    z = solve(lambda z, x: z.cos(), torch.zeros(1, 1, dtype=torch.float64), None, **F64).z
    assert abs(z.item() - 0.7390851332151607) < 1e-12


@pytest.mark.parametrize("damping", [1.0, 0.5])
def test_an_affine_map_settles_where_linear_algebra_says(damping):
    a, b, expected = affine(8, 0.8, 16)
    solution = solve(lambda z, x: z @ a.T + x, torch.zeros_like(b), b, Picard(damping), **F64)
    assert solution.status == (Status.CONVERGED,) * 16
    torch.testing.assert_close(solution.z, expected, rtol=1e-10, atol=1e-10)


def test_a_fixed_point_at_zero_is_found_from_zero_and_from_afar():
    z0 = torch.tensor([[0.0, 0.0], [3.0, -4.0]], dtype=torch.float64)
    solution = solve(lambda z, x: 0.5 * z, z0, None)
    assert solution.status == (Status.CONVERGED, Status.CONVERGED)
    assert solution.evaluations[0] == 1
    assert solution.ratio[0] == 0


def test_picard_error_shrinks_by_the_spectral_radius():
    a = torch.block_diag(rotation(0.7, 0.9), rotation(2.0, 0.5))
    b = torch.ones(1, 4, dtype=torch.float64)
    steps = solve(lambda z, x: z @ a.T + x, torch.zeros_like(b), b, Picard(), rtol=1e-13, atol=0.0, max_steps=200).steps
    rate = (steps[150].residual / steps[100].residual).item() ** (1 / 50)
    assert rate == pytest.approx(0.9, rel=0.01)


def test_damping_turns_a_fixed_point_that_iteration_leaves_into_one_it_finds():
    # eigenvalue -1.5: plain Picard multiplies the error by -1.5, damping a by 1 - 2.5 a
    f = lambda z, x: -1.5 * z + x  # noqa: E731
    x = torch.ones(1, 1, dtype=torch.float64)
    assert solve(f, torch.zeros_like(x), x, Picard()).status[0] is not Status.CONVERGED
    damped = solve(f, torch.zeros_like(x), x, Picard(damping=0.4), max_steps=2, rtol=1e-10)
    assert damped.status == (Status.CONVERGED,)  # 1 - 2.5 * 0.4 = 0: exact after one step
    assert damped.z.item() == pytest.approx(0.4)


def test_past_a_neimark_sacker_bifurcation_the_residual_stops_at_the_chord_of_the_circle():
    omega, gain = 0.8, 1.2  # z -> gain R(omega) z / (1 + |z|^2): circle of radius r with gain = 1 + r^2
    turn = rotation(omega)
    z0 = torch.tensor([[0.3, 0.1]], dtype=torch.float64)
    solution = solve(
        lambda z, x: gain * z @ turn.T / (1 + z.square().sum(1, keepdim=True)), z0, None, Picard(), max_steps=300
    )
    assert solution.status == (Status.OUT_OF_STEPS,)
    assert solution.residual.item() == pytest.approx(2 * math.sqrt(gain - 1) * math.sin(omega / 2), rel=1e-6)


def test_status_residual_and_ratio_are_those_of_the_returned_point():
    a, b, _ = affine(6, 0.97, 40, seed=3)
    scale = torch.linspace(0.2, 1.05, 40, dtype=torch.float64)[:, None]

    def f(z, x):
        return x[1] * (z @ a.T) + x[0]

    solution = solve(f, torch.zeros_like(b), (b, scale), Picard(), rtol=1e-5, atol=1e-7, max_steps=60)
    fz = f(solution.z, (b, scale))
    residual = (fz - solution.z).norm(dim=1)
    ratio = residual / (1e-5 * fz.norm(dim=1) + 1e-7 * math.sqrt(6))
    torch.testing.assert_close(solution.residual, residual, rtol=1e-6, atol=1e-15)
    torch.testing.assert_close(solution.ratio, ratio, rtol=1e-6, atol=1e-12)
    assert 0 < solution.converged.sum() < 40
    assert torch.equal(solution.converged, ratio <= 1)


def test_picard_converges_exactly_where_the_spectral_radius_allows():
    for seed in range(40):
        radius = 0.5 + 0.45 * (seed % 20) / 19 if seed < 20 else 1.05 + 0.5 * (seed % 20) / 19
        a, b, expected = affine(5, radius, 3, seed)
        solution = solve(lambda z, x, a=a: z @ a.T + x, torch.zeros_like(b), b, Picard(), max_steps=2000)
        assert all((s is Status.CONVERGED) == (seed < 20) for s in solution.status)
        if seed < 20:
            bound = solution.residual * torch.linalg.matrix_norm((torch.eye(5) - a).inverse(), 2)
            assert ((solution.z - expected).norm(dim=1) <= bound * (1 + 1e-9)).all()


def test_a_runaway_sample_is_diverged_at_a_finite_point_and_a_non_finite_one_at_its_last_finite_point():
    x = torch.tensor([[2.0], [0.5], [1e300]], dtype=torch.float64)
    solution = solve(
        lambda z, x: x * z * z.abs() + 1, torch.ones(3, 1, dtype=torch.float64), x, Picard(), max_steps=100
    )
    assert solution.status[0] is Status.DIVERGED
    assert solution.status[2] is Status.DIVERGED
    assert torch.isfinite(solution.z).all()
    assert solution.residual[0] > 1e4 * 2  # |z0| = 1, first residual 2
    slow = solve(lambda z, x: torch.where(z > 3, torch.inf, z + 1), torch.zeros(1, 1), None, Picard())
    assert slow.status == (Status.DIVERGED,)
    assert slow.z.item() == 4.0
    assert slow.residual.isinf().all()


def test_a_relative_measure_would_miss_a_runaway_and_this_one_does_not():
    # z -> 1.00001 z: |f(z) - z| / |f(z)| is 1e-5 for ever, so with rtol 1e-6 it must not count as converged
    solution = solve(
        lambda z, x: 1.00001 * z, torch.ones(1, 1, dtype=torch.float64), None, Picard(), rtol=1e-6, atol=0.0
    )
    assert solution.status == (Status.OUT_OF_STEPS,)
    fast = solve(lambda z, x: 3 * z, torch.ones(1, 1, dtype=torch.float64), None, Picard(), max_steps=1000)
    assert fast.status == (Status.DIVERGED,)
    assert fast.z.item() == 3.0**9  # 2 * 3^9 is the first residual above 1e4 * 2


def test_one_diverging_sample_leaves_the_others_as_they_are():
    a, b, _ = affine(16, 0.9, 64, seed=1, dtype=torch.float32)
    poison = torch.zeros(64, 1)
    poison[17] = torch.finfo(torch.float32).max

    def f(z, x):
        return (z @ a.T + x[0]) * (1 + x[1])

    def run(poison, compact):
        return solve(f, torch.zeros_like(b), (b, poison), Picard(), max_steps=300, compact=compact)

    others = torch.arange(64) != 17
    healthy = run(torch.zeros(64, 1), compact=False)
    kept = run(poison, compact=False)
    assert kept.status[17] is Status.DIVERGED
    assert torch.equal(kept.z[others], healthy.z[others])
    left = run(poison, compact=True)
    assert left.status == kept.status
    assert torch.equal(left.evaluations, kept.evaluations)
    ulp = torch.nextafter(kept.z.abs(), torch.tensor(torch.inf)) - kept.z.abs()
    largest = kept.z.abs().amax(1, keepdim=True) * torch.finfo(torch.float32).eps
    assert ((left.z - kept.z).abs() <= 4 * torch.maximum(ulp, largest))[others].all()


def test_finished_samples_leave_the_batch_in_halves_with_their_inputs_and_come_back_in_place():
    rates = torch.tensor([0.0, 0.9, 0.1, 0.2, 0.3, 0.0, 0.0, 0.95, 0.5], dtype=torch.float64)[:, None]
    seen = []

    def f(z, x):
        seen.append((len(z), len(x["rate"]), len(x["b"])))
        return x["rate"] * z + x["b"]

    b = torch.arange(1.0, 10.0, dtype=torch.float64)[:, None]
    solution = solve(f, torch.zeros_like(b), {"rate": rates, "b": b}, Picard(), rtol=1e-10, max_steps=500)
    torch.testing.assert_close(solution.z, b / (1 - rates), rtol=1e-4, atol=0)
    sizes = [size for size, *_ in seen]
    assert all(len(set(row)) == 1 for row in seen)
    assert set(sizes) == {9, 5, 3, 2}
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == solution.evaluations.max()
    kept = solve(lambda z, x: x[0] * z + x[1], torch.zeros_like(b), (rates, b), Picard(), rtol=1e-10, max_steps=500)
    assert torch.equal(kept.evaluations, solution.evaluations)


def test_evaluations_count_the_calls_each_sample_took_part_in():
    z0 = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    solution = solve(lambda z, x: 0.5 * z, z0, None, Picard(), rtol=1e-30, atol=2.0**-5, max_steps=50)
    assert solution.evaluations.tolist() == [1, 5]  # residual 2^-(k+1) at step k, so 2^-5 at step 4


def test_steps_are_recorded_as_they_were_and_nothing_is_invented():
    z0 = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    steps = solve(lambda z, x: 0.5 * z, z0, None, Picard(), atol=2.0**-5, rtol=1e-30, keep=True).steps
    assert [s.step for s in steps] == [0, 1, 2, 3, 4]
    assert [s.active.tolist() for s in steps] == [[True, True], *[[False, True]] * 4]
    assert [s.z[1].item() for s in steps] == [1.0, 0.5, 0.25, 0.125, 0.0625]
    assert [s.residual[1].item() for s in steps] == [0.5, 0.25, 0.125, 0.0625, 0.03125]
    assert all(s.residual[0].isnan() and s.ratio[0].isnan() for s in steps[1:])
    assert solve(lambda z, x: 0.5 * z, z0, None, Picard()).steps[0].z is None


def test_the_steps_of_iterate_are_those_of_solve_and_go_on_past_convergence():
    a, b, expected = affine(4, 0.6, 5)

    def f(z, x):
        return z @ a.T + x

    solution = solve(f, torch.zeros_like(b), b, Picard(), compact=False, keep=True)
    steps = list(itertools.islice(iterate(f, torch.zeros_like(b), b, Picard()), 100))
    for one, other in zip(solution.steps, steps, strict=False):
        assert torch.equal(one.residual[one.active], other.residual[one.active])
        assert torch.equal(one.z[one.active], other.z[one.active])
    assert steps[-1].active.all()
    torch.testing.assert_close(steps[-1].z, expected, rtol=1e-13, atol=1e-13)


def test_iterate_ends_when_every_sample_has_diverged():
    steps = list(iterate(lambda z, x: 3 * z, torch.ones(2, 1), None, Picard()))
    assert steps[-1].step == 9
    assert steps[-1].z[0].item() == 3.0**9


def test_a_state_may_be_a_pytree_and_is_returned_as_one():
    a, b, expected = affine(5, 0.7, 3)

    def f(z, x):
        flat = torch.cat([z["left"], z["right"][0].flatten(1)], 1) @ a.T + x
        return {"left": flat[:, :1], "right": (flat[:, 1:].unflatten(1, (2, 2)),)}

    z0 = {"left": torch.zeros(3, 1, dtype=torch.float64), "right": (torch.zeros(3, 2, 2, dtype=torch.float64),)}
    solution = solve(f, z0, b, **F64)
    torch.testing.assert_close(solution.z["left"], expected[:, :1])
    torch.testing.assert_close(solution.z["right"][0].flatten(1), expected[:, 1:])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_the_state_keeps_its_dtype(dtype):
    solution = solve(lambda z, x: 0.5 * z + x, torch.zeros(3, 4, dtype=dtype), torch.ones(3, 4, dtype=dtype), rtol=1e-2)
    assert solution.z.dtype == dtype
    assert solution.converged.all()
    torch.testing.assert_close(solution.z.double(), torch.full((3, 4), 2.0).double(), rtol=0.03, atol=0)


def test_the_forward_solve_builds_no_graph_and_leaves_its_inputs_alone():
    z0 = torch.zeros(2, 2, requires_grad=True)
    x = torch.ones(2, 2, requires_grad=True)
    solution = solve(lambda z, x: 0.5 * z + x, z0, x)
    assert not solution.z.requires_grad
    assert torch.equal(z0.detach(), torch.zeros(2, 2))
    next(iterate(lambda z, x: 0.5 * z + x, z0, x, Picard()))
    assert torch.is_grad_enabled()


def test_max_steps_is_the_number_of_updates():
    solution = solve(
        lambda z, x: 0.5 * z, torch.ones(1, 1, dtype=torch.float64), None, Picard(), rtol=1e-9, atol=0.0, max_steps=3
    )
    assert solution.z.item() == 0.125
    assert solution.evaluations.item() == 4
    assert solution.status == (Status.OUT_OF_STEPS,)


def test_leaving_an_unstable_point_for_a_cycle_is_no_divergence():
    # the start is 1e-9 from the fixed point 0 in one coordinate and 1 in the other, which stays: |z0| sets the scale
    z0 = torch.tensor([[1e-9, 1.0]], dtype=torch.float64)
    f = lambda z, x: torch.stack([-2 * z[:, 0] / (1 + z[:, 0] ** 2), z[:, 1]], 1)  # noqa: E731
    solution = solve(f, z0, None, Picard(), rtol=1e-12, atol=0.0, max_steps=200)
    assert solution.status == (Status.OUT_OF_STEPS,)
    assert solution.z[0].abs().tolist() == pytest.approx([1.0, 1.0])  # the cycle 1, -1 of -2 z / (1 + z^2)


def test_a_state_too_large_for_its_norm_has_not_converged():
    z0 = torch.full((1, 4), 1e30)  # |z|^2 overflows in float32: an infinite tolerance would pass anything
    assert solve(lambda z, x: z + 1e10, z0, None, Picard()).status == (Status.DIVERGED,)


def test_a_method_is_never_handed_the_nan_of_a_finished_sample_and_its_own_is_caught():
    class Careful(Picard):
        def step(self, f, z, fz, state):
            assert torch.isfinite(fz).all()
            moved = fz.clone()
            moved[z > 2] = torch.nan
            return moved, state

    x = torch.tensor([[0.0], [torch.finfo(torch.float64).max], [1.5]], dtype=torch.float64)
    solution = solve(lambda z, x: z * 0.5 + x * (1 + x), torch.zeros_like(x), x, Careful(), compact=False)
    assert [s.name for s in solution.status] == ["CONVERGED", "DIVERGED", "DIVERGED"]
    assert solution.z[2].item() == 3.75  # the step from 3.75 was NaN
    assert solution.residual[2].item() == 1.875


Z, X = torch.zeros(4, 3), torch.ones(4, 3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: solve(lambda z, x: z, Z, X, max_steps=0), "max_steps must be at least 1, got 0"),
        (lambda: solve(lambda z, x: z, Z, X, rtol=0.0), "rtol must be finite and lie in"),
        (lambda: solve(lambda z, x: z, Z, X, atol=-1.0), "atol must be finite and lie in"),
        (lambda: Picard(damping=0.0), r"damping must be finite and lie in \(0, 1\], got 0"),
        (lambda: Picard(damping=1.5), "damping must be finite and lie in"),
        (lambda: solve(lambda z, x: z[:, :2], Z, X), r"f must return the shape of z, \(batch, 3\), got \(4, 2\)"),
        (lambda: solve(lambda z, x: z[:2], Z, X), "f must return as many samples as z has, 4, got 2"),
        (lambda: solve(lambda z, x: (z, z), Z, X), "f must return the shape of z"),
        (lambda: solve(lambda z, x: z, Z * torch.nan, X), "z0 holds 12 values that are NaN"),
        (lambda: solve(lambda z, x: z, Z, X / 0), "x holds 12 values that are NaN or infinite"),
        (lambda: solve(lambda z, x: z, Z, X[:3]), "x must have one row for each of the 4 samples"),
        (lambda: solve(lambda z, x: z, Z, "ones"), "x must be a tensor"),
        (lambda: solve(lambda z, x: z, torch.zeros(3), None), "z0 must be .* did you forget the batch axis"),
        (lambda: solve(lambda z, x: z, (Z, Z[:2]), None), "z0 must have one batch size in all its tensors, got 4, 2"),
        (lambda: solve(lambda z, x: z, None, X), "z0 must be a tensor"),
        (lambda: solve(lambda z, x: z, Z, X, "picard"), "solver must be a method such as Picard"),
        (lambda: solve(lambda z, x: z, Z, X, Picard), "solver must be a method such as Picard"),
        (lambda: iterate(lambda z, x: z, Z, X, Picard(), rtol=-1.0), "rtol must be finite"),
    ],
)
def test_bad_input_is_refused_in_a_sentence_that_names_it(call, words):
    with pytest.raises(ValueError, match=words):
        call()
