"""GMRES against a direct solve, whatever the spectrum."""

import math

import pytest
import torch

from simviz.equilibria.gradients import GMRES
from simviz.records import Status


def systems(batch=5, n=12, scale=0.9, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(batch, n, n, generator=generator, dtype=torch.float64) * scale / math.sqrt(n)
    g = torch.randn(batch, n, generator=generator, dtype=torch.float64)
    return a.to(dtype), g.to(dtype)


def times(a):
    return lambda v, rows=None: ((a if rows is None else a[rows]) @ v[:, :, None])[:, :, 0]


def direct(a, g):
    return torch.linalg.solve(torch.eye(g.shape[1], dtype=g.dtype) - a, g)


@pytest.mark.parametrize("scale", [0.0, 0.5, 0.99, 3.0])
def test_it_is_the_direct_solution_whether_or_not_iteration_would_converge(scale):
    a, g = systems(scale=scale)
    found = GMRES().solve(times(a), g, rtol=1e-12, max_steps=40)
    assert found.status == (Status.CONVERGED,) * 5
    torch.testing.assert_close(found.z, direct(a, g), rtol=1e-9, atol=1e-10)
    assert int(found.evaluations.max()) <= 2 * (12 + 1)


def test_a_restarted_one_gets_there_too_in_more_steps():
    a, g = systems(scale=0.7)
    short = GMRES(restart=3).solve(times(a), g, rtol=1e-10, max_steps=300)
    long = GMRES(restart=12).solve(times(a), g, rtol=1e-10, max_steps=300)
    assert short.converged.all()
    torch.testing.assert_close(short.z, direct(a, g), rtol=1e-8, atol=1e-9)
    assert len(short.steps) > len(long.steps)


def test_the_residuals_it_records_are_the_least_that_its_space_allows():
    a, g = systems(batch=2)
    found = GMRES().solve(times(a), g, rtol=1e-12, max_steps=12)
    eye = torch.eye(12, dtype=torch.float64)
    for k in (1, 2, 5):
        for row in range(2):
            krylov = torch.stack([torch.linalg.matrix_power(a[row], i) @ g[row] for i in range(k)], 1)  # (n, k)
            image = (eye - a[row]) @ krylov
            least = g[row] - image @ torch.linalg.lstsq(image, g[row, :, None]).solution[:, 0]
            assert found.steps[k].residual[row].item() == pytest.approx(least.norm().item(), rel=1e-6)


def test_the_residual_it_returns_is_that_of_what_it_returns():
    a, g = systems()
    found = GMRES().solve(times(a), g, rtol=1e-3)
    residual = (g - found.z + times(a)(found.z)).norm(dim=1)
    torch.testing.assert_close(found.residual, residual, rtol=1e-6, atol=0)
    torch.testing.assert_close(found.ratio, residual / (1e-3 * g.norm(dim=1)), rtol=1e-6, atol=0)
    assert (found.ratio <= 1).all()


def test_each_sample_is_solved_by_itself_and_easy_ones_are_done_first():
    a, g = systems(batch=3)
    a[0], g[2] = 0.0, 0.0
    found = GMRES().solve(times(a), g, rtol=1e-10)
    assert found.evaluations[0] < found.evaluations[1]
    torch.testing.assert_close(found.z[0], g[0], rtol=1e-14, atol=0)
    assert found.evaluations[2] == 0
    assert (found.z[2] == 0).all()
    assert found.converged.all()
    alone = GMRES().solve(times(a[1:2]), g[1:2], rtol=1e-10)
    torch.testing.assert_close(found.z[1:2], alone.z, rtol=1e-12, atol=1e-13)
    assert found.steps[-1].residual[0].isnan()


def test_finished_samples_leave_the_batch_and_no_other_notices():
    a, g = systems(batch=9, n=20)
    a[:6] = 0.01 * a[:6]
    rows_asked = []

    def product(v, rows):
        rows_asked.append(len(v))
        return times(a)(v, rows)

    found = GMRES(restart=8).solve(product, g, rtol=1e-9, max_steps=400)
    torch.testing.assert_close(found.z, direct(a, g), rtol=1e-7, atol=1e-8)
    assert min(rows_asked) <= 3
    for row in (0, 7):
        alone = GMRES(restart=8).solve(times(a[row : row + 1]), g[row : row + 1], rtol=1e-9, max_steps=400)
        torch.testing.assert_close(found.z[row : row + 1], alone.z, rtol=1e-9, atol=1e-10)
        assert found.evaluations[row] == alone.evaluations[0]


def test_too_few_steps_are_reported_and_a_product_that_is_not_finite_spoils_no_other_sample():
    a, g = systems(scale=0.9)
    assert GMRES().solve(times(a), g, rtol=1e-12, max_steps=3).status == (Status.OUT_OF_STEPS,) * 5
    a[1, 0, 0] = math.inf
    found = GMRES().solve(times(a), g, rtol=1e-10)
    assert [s is Status.DIVERGED for s in found.status] == [False, True, False, False, False]
    keep = [0, 2, 3, 4]
    torch.testing.assert_close(found.z[keep], direct(a[keep], g[keep]), rtol=1e-7, atol=1e-8)
    assert (found.z[1] == 0).all()


def test_a_singular_equation_is_not_said_to_be_solved():
    a = torch.eye(3, dtype=torch.float64)[None]
    found = GMRES().solve(times(a), torch.ones(1, 3, dtype=torch.float64))
    assert found.status[0] is not Status.CONVERGED
    assert found.z.isfinite().all()


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_size_does_not_matter(size):
    a, g = systems()
    found = GMRES().solve(times(a), size * g, rtol=1e-10)
    torch.testing.assert_close(found.z / size, direct(a, g), rtol=1e-7, atol=1e-8)


def test_it_works_in_single_and_in_half_precision():
    a, g = systems(dtype=torch.float32, scale=0.4)
    found = GMRES().solve(times(a), g, rtol=1e-5)
    assert found.z.dtype == torch.float32
    assert found.converged.all()
    half = GMRES().solve(times(a.bfloat16()), g.bfloat16(), rtol=3e-2)
    assert half.z.dtype == torch.bfloat16
    assert (half.z.float() - found.z).norm() < 0.1 * found.z.norm()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda a, g: GMRES(0), "restart must be at least 1"),
        (lambda a, g: GMRES().solve(times(a), g, rtol=0.0), "rtol must be finite"),
        (lambda a, g: GMRES().solve(times(a), g, max_steps=0), "max_steps must be at least 1"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call(*systems())
