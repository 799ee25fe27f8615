"""Reliability: on 200 random maps every method says CONVERGED exactly where it is so, and the truth is then near."""

import pytest
import torch

from simviz.equilibria import Anderson, Broyden, NewtonKrylov, Picard, solve
from simviz.records import Status
from tests.equilibria.test_solvers import affine

RTOL, ATOL = 1e-6, 1e-8


def maps():
    """200 affine maps with radius 0.3 to 1.6, none within 0.05 of 1, of 2 to 30 dimensions."""
    for seed in range(200):
        below = seed % 2 == 0
        radius = 0.3 + 0.65 * seed / 198 if below else 1.05 + 0.55 * (seed - 1) / 198
        yield radius, affine(2 + seed % 29, radius, 3, seed)


@pytest.mark.slow
@pytest.mark.parametrize("method", [Picard(), Anderson(), Broyden(), NewtonKrylov()], ids=lambda m: type(m).__name__)
def test_converged_means_what_it_says_on_200_random_maps(method):
    steps = {Picard: 2000, NewtonKrylov: 50}.get(type(method), 200)
    counts = dict.fromkeys(Status, 0)
    for radius, (a, b, expected) in maps():
        f = lambda z, x, a=a: z @ a.T + x  # noqa: E731
        solution = solve(f, torch.zeros_like(b), b, method, rtol=RTOL, atol=ATOL, max_steps=steps)
        n = b.shape[1]
        fz = f(solution.z, b)
        residual = (fz - solution.z).norm(dim=1)
        ratio = residual / (RTOL * fz.norm(dim=1) + ATOL * n**0.5)
        inverse = torch.linalg.matrix_norm(torch.linalg.inv(torch.eye(n, dtype=torch.float64) - a), 2)
        assert torch.isfinite(solution.z).all()
        for i, status in enumerate(solution.status):
            counts[status] += 1
            if status is not Status.DIVERGED:
                assert torch.isfinite(solution.residual[i])
                assert (status is Status.CONVERGED) == (ratio[i] <= 1 + 1e-6)
            if status is Status.CONVERGED:
                assert (solution.z[i] - expected[i]).norm() <= residual[i] * inverse * (1 + 1e-6) + 1e-12
            if isinstance(method, Picard):
                assert (status is Status.CONVERGED) == (radius < 1)
    if not isinstance(method, Picard):
        assert counts[Status.CONVERGED] >= 500  # of 600: most of what plain iteration leaves is found, too
