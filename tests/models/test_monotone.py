"""The monotone cell: one equilibrium whatever the weights, found by splitting, come back from its description."""

import copy
import itertools

import pytest
import torch

from simviz.equilibria import Anderson, ForwardBackward, NewtonKrylov, PeacemanRachford, Picard, solve
from simviz.models.config import build, describe
from simviz.models.deq import DEQ
from simviz.models.monotone import Monotone
from simviz.records import Status


def cell_and_input(seed=0, units=24, m=0.1, batch=4, inputs=5):
    torch.manual_seed(seed)
    return Monotone(inputs, units, m).double(), torch.randn(batch, inputs, dtype=torch.float64)


def by_hand(cell, z, x):
    """relu(W z + W_x x + b), written out."""
    c, n = cell.C.detach(), cell.N.detach()
    w = (1 - cell.m) * torch.eye(cell.units, dtype=c.dtype) - c.T @ c + n - n.T
    return (z @ w.T + x @ cell.W_x.weight.detach().T + cell.W_x.bias.detach()).clamp(min=0)


def test_the_cell_is_the_equation_written_out_and_w_its_matrix():
    cell, x = cell_and_input()
    z = torch.randn(4, 24, dtype=torch.float64)
    torch.testing.assert_close(cell(z, x), by_hand(cell, z, x))
    torch.testing.assert_close(torch.relu(z @ cell.W.T + cell.W_x(x)), by_hand(cell, z, x))


@pytest.mark.parametrize("m", [0.1, 1.0])
def test_i_minus_w_is_strongly_monotone_with_m(m):
    cell, _ = cell_and_input(m=m)
    cell.C.data.normal_(std=3.0)
    cell.N.data.normal_(std=3.0)
    gap = torch.eye(24, dtype=torch.float64) - cell.W.detach()
    assert torch.linalg.eigvalsh((gap + gap.T) / 2).min() >= m - 1e-9


def test_its_parts_put_together_are_the_cell():
    cell, x = cell_and_input()
    parts = cell.splitting(x)
    z = torch.randn(4, 24, dtype=torch.float64)
    torch.testing.assert_close(parts.prox(parts.linear(z) + parts.bias), cell(z, x).detach())
    gap = torch.eye(24, dtype=torch.float64) - cell.W.detach()
    solved = parts.resolvent(0.7)(z)
    torch.testing.assert_close(solved + 0.7 * solved @ gap.T, z)
    assert parts.lipschitz == pytest.approx(torch.linalg.svdvals(gap)[0].item())
    assert parts.strong == 0.1


@pytest.mark.parametrize(
    "method", [ForwardBackward(), PeacemanRachford(), PeacemanRachford(1.0), NewtonKrylov(), Anderson(10)], ids=repr
)
def test_all_methods_and_all_starts_come_to_the_one_equilibrium(method):
    cell, x = cell_and_input(m=1.0)
    expected = solve(cell, cell.initial(x), x, PeacemanRachford(), rtol=1e-13, atol=1e-14, max_steps=1000)
    assert expected.converged.all()
    torch.testing.assert_close(by_hand(cell, expected.z, x), expected.z, rtol=1e-11, atol=1e-11)
    for start in (cell.initial(x), 5 * torch.randn(4, 24, dtype=torch.float64)):
        found = solve(cell, start, x, method, rtol=1e-9, atol=1e-10, max_steps=5000)
        assert found.converged.all()
        torch.testing.assert_close(found.z, expected.z, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("m", [0.1, 1.0])
def test_peaceman_rachford_finds_it_within_100_steps_for_200_draws(m):
    for seed in range(200):
        cell, x = cell_and_input(seed, units=16 + seed % 33, m=m, batch=2)
        solution = solve(cell, cell.initial(x), x, PeacemanRachford(), max_steps=100)
        assert solution.status == (Status.CONVERGED,) * 2


def test_plain_iteration_does_not_find_it():
    cell, x = cell_and_input()
    assert not solve(cell, cell.initial(x), x, Picard(), max_steps=500).converged.any()


def test_forward_backward_shrinks_the_error_as_fast_as_promised():
    cell, x = cell_and_input(m=1.0)
    parts = cell.splitting(x)
    rate = (1 - (parts.strong / parts.lipschitz) ** 2) ** 0.5
    exact = solve(cell, cell.initial(x), x, PeacemanRachford(), rtol=1e-14, atol=1e-15, max_steps=500).z
    steps = solve(cell, cell.initial(x), x, ForwardBackward(), rtol=1e-9, atol=0.0, max_steps=60, keep=True).steps
    errors = [(step.z - exact).norm(dim=1) for step in steps if step.active.all()]
    for before, after in itertools.pairwise(errors):
        assert (after <= rate * before + 1e-13).all()


def test_a_start_at_the_equilibrium_stays_there():
    cell, x = cell_and_input()
    z = solve(cell, cell.initial(x), x, PeacemanRachford(), rtol=1e-13, atol=1e-15, max_steps=500).z
    for method in (PeacemanRachford(), ForwardBackward()):
        steps = solve(cell, z, x, method, rtol=1e-16, atol=1e-30, max_steps=3, keep=True).steps
        torch.testing.assert_close(steps[-1].z, z, rtol=1e-10, atol=1e-10)
        assert (solve(cell, z, x, method).evaluations == 1).all()


@pytest.mark.parametrize("method", [PeacemanRachford(), ForwardBackward()], ids=repr)
def test_samples_leave_the_batch_with_their_part_of_the_splitting(method):
    cell, x = cell_and_input(batch=33, m=1.0)
    x = x * torch.linspace(0.0, 5.0, 33, dtype=torch.float64)[:, None]
    warm = solve(cell, cell.initial(x), x, PeacemanRachford(), rtol=1e-12, max_steps=500).z
    start = torch.where(torch.arange(33)[:, None] % 3 > 0, warm, 0.0)
    sizes = []

    class Watched(torch.nn.Module):
        splitting = staticmethod(cell.splitting)

        def forward(self, z, x):
            sizes.append(len(z))
            return cell(z, x)

    left = solve(Watched(), start, x, method, rtol=1e-8, atol=1e-10, max_steps=3000)
    kept = solve(cell, start, x, method, rtol=1e-8, atol=1e-10, max_steps=3000, compact=False)
    assert min(sizes) < 33
    assert left.converged.all()
    torch.testing.assert_close(left.z, kept.z, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(by_hand(cell, left.z, x), left.z, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_dtypes_settle_at_the_same_point(dtype):
    cell, x = cell_and_input(m=1.0)
    exact = solve(cell, cell.initial(x), x, PeacemanRachford(), rtol=1e-10, max_steps=500).z
    low = copy.deepcopy(cell).to(dtype)
    rtol = 4 * torch.finfo(dtype).eps
    found = solve(low, low.initial(x.to(dtype)), x.to(dtype), PeacemanRachford(), rtol=rtol, max_steps=200)
    assert found.z.dtype == dtype
    assert ((found.z.double() - exact).norm(dim=1) / exact.norm(dim=1)).max() < 40 * torch.finfo(dtype).eps


def test_a_compiled_cell_still_offers_its_parts():
    cell, x = cell_and_input()
    compiled = torch.compile(cell, backend="eager")
    found = solve(compiled, cell.initial(x), x, PeacemanRachford(), max_steps=100)
    assert found.converged.all()


def test_it_comes_back_from_its_description():
    cell, x = cell_and_input()
    again = build(describe(cell)).double()
    again.load_state_dict(cell.state_dict())
    z = torch.randn(4, 24, dtype=torch.float64)
    assert torch.equal(again(z, x), cell(z, x))
    deq = DEQ(cell, torch.nn.Linear(24, 2), PeacemanRachford(0.5))
    assert build(describe(deq)).options["solver"] == PeacemanRachford(0.5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Monotone(0, 4), "inputs must be at least 1, got 0"),
        (lambda: Monotone(4, 0), "units must be at least 1, got 0"),
        (lambda: Monotone(4, 4, m=0.0), "m must be finite and lie in"),
        (lambda: Monotone(4, 4).initial(torch.zeros(4)), "x must be .* did you forget the batch axis"),
        (lambda: Monotone(4, 4).initial(torch.zeros(2, 3)), r"x must be \(batch, 4\) for this cell, got \(2, 3\)"),
    ],
)
def test_bad_input_is_refused_in_a_sentence_that_names_it(call, words):
    with pytest.raises(ValueError, match=words):
        call()
