"""The loop around every method: batches that shrink, samples that fail, dtypes, autocast, compiled cells, pytrees."""

import math
import warnings

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from simviz.equilibria import Anderson, Broyden, ForwardBackward, NewtonKrylov, PeacemanRachford, Picard, iterate, solve
from simviz.models.monotone import Monotone
from simviz.records import Status
from tests.equilibria.test_solvers import affine

METHODS = [Picard(), Anderson(), Broyden(), NewtonKrylov()]
NAMES = [type(method).__name__ for method in METHODS]


def mixed(dtype=torch.float32, batch=64):
    """A tanh cell whose samples need very different numbers of steps, and its start and input."""
    generator = torch.Generator().manual_seed(0)
    w = (0.9 * torch.randn(16, 16, generator=generator) / 4).to(dtype)
    x = torch.randn(batch, 16, generator=generator) * torch.randn(batch, 1, generator=generator).exp()
    return (lambda z, x: torch.tanh(z @ w.T + x)), torch.zeros(batch, 16, dtype=dtype), x.to(dtype)


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_leaving_the_batch_changes_no_status_and_no_sample_beyond_the_tolerance(method):
    f, z0, x = mixed()
    left = solve(f, z0, x, method, rtol=1e-5, max_steps=200)
    kept = solve(f, z0, x, method, rtol=1e-5, max_steps=200, compact=False)
    assert left.status == kept.status
    assert left.converged.all()
    w = torch.linalg.vector_norm(left.z - kept.z, dim=1) / torch.linalg.vector_norm(kept.z, dim=1)
    assert w.max() < 20 * 1e-5
    if isinstance(method, Picard):
        assert torch.equal(left.evaluations, kept.evaluations)
        eps = torch.finfo(torch.float32).eps
        assert ((left.z - kept.z).abs() <= 4 * eps * kept.z.abs().amax(1, keepdim=True)).all()


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_rows_leave_in_halves_and_their_memory_with_them(method):
    f, z0, x = mixed(torch.float64, 37)
    sizes = []

    def watched(z, x):
        sizes.append(len(z))
        assert len(x) == len(z)
        return f(z, x)

    solution = solve(watched, z0, x, method, rtol=1e-10, max_steps=300)
    assert set(sizes) <= {37, 19, 10, 5, 3, 2}
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) > (1 if isinstance(method, NewtonKrylov) else 3)  # Newton's samples end together
    again = f(solution.z, x)  # each sample came back to its own place
    assert ((again - solution.z).norm(dim=1) <= 1.01e-10 * again.norm(dim=1) + 5e-6).all()
    torch.testing.assert_close(solution.residual, (again - solution.z).norm(dim=1), rtol=1e-3, atol=1e-13)


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
@pytest.mark.parametrize("poison", [math.nan, math.inf, 1e30])
def test_one_sample_that_fails_among_64_leaves_the_others_as_they_are(method, poison):
    f, z0, x = mixed()
    bad = torch.zeros(64, 1)

    def poisoned(z, given):
        x, bad = given
        return torch.where(bad > 0, bad * poison * (1 + z.abs()), f(z, x))

    healthy = solve(poisoned, z0, (x, bad), method, max_steps=100, compact=False)
    marked = bad.clone()
    marked[17] = 1.0
    found = solve(poisoned, z0, (x, marked), method, max_steps=100, compact=False)
    others = torch.arange(64) != 17
    assert found.status[17] is Status.DIVERGED
    assert torch.isfinite(found.z).all()
    assert [s for i, s in enumerate(found.status) if i != 17] == [s for i, s in enumerate(healthy.status) if i != 17]
    assert torch.equal(found.z[others], healthy.z[others])
    left = solve(poisoned, z0, (x, marked), method, max_steps=100)
    assert left.status == found.status


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_a_sample_alone_is_a_sample_in_a_batch(method):
    f, z0, x = mixed(torch.float64, 8)
    together = solve(f, z0, x, method, rtol=1e-9, compact=False, max_steps=200)
    for i in range(8):
        alone = solve(f, z0[i : i + 1], x[i : i + 1], method, rtol=1e-9, max_steps=200)
        torch.testing.assert_close(alone.z[0], together.z[i], rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_a_warm_start_costs_one_evaluation(method):
    f, z0, x = mixed(torch.float64)
    first = solve(f, z0, x, method, rtol=1e-8, max_steps=200)
    again = solve(f, first.z, x, method, rtol=1e-7)
    assert (again.evaluations == 1).all()
    assert torch.equal(again.z, first.z)


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_the_state_keeps_its_dtype_and_norms_are_summed_in_float32(method, dtype):
    x = torch.ones(3, 600, dtype=dtype)
    solution = solve(lambda z, x: 0.5 * z + 100 * x, torch.zeros_like(x), x, method, rtol=1e-2)
    assert solution.z.dtype == dtype
    assert solution.residual.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert solution.converged.all()
    torch.testing.assert_close(solution.z.double(), torch.full((3, 600), 200.0).double(), rtol=0.03, atol=0)


@pytest.mark.parametrize("method", [*METHODS[1:], PeacemanRachford()], ids=[*NAMES[1:], "PeacemanRachford"])
def test_autocast_reaches_the_cell_and_not_the_method(method):
    torch.manual_seed(0)
    cell = Monotone(8, 16, m=1.0)
    x = torch.randn(4, 8)
    seen = []

    class Watched(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.splitting = cell, cell.splitting

        def forward(self, z, x):
            seen.append((z @ cell.C).dtype)
            return self.cell(z, x)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = solve(Watched(), cell.initial(x), x, method, rtol=3e-2, max_steps=100)
        assert torch.is_autocast_enabled("cpu")
    assert set(seen) == {torch.bfloat16}
    assert found.z.dtype == torch.float32
    assert found.converged.all()
    exact = solve(cell, cell.initial(x), x, PeacemanRachford(), rtol=1e-5, max_steps=200).z
    assert ((found.z - exact).norm(dim=1) / exact.norm(dim=1)).max() < 0.1


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_a_compiled_cell_settles_where_the_plain_one_does(method):
    f, z0, x = mixed(torch.float64, 5)
    compiled = torch.compile(f, backend="eager")
    found = solve(compiled, z0, x, method, rtol=1e-9, max_steps=200)
    expected = solve(f, z0, x, method, rtol=1e-9, max_steps=200)
    torch.testing.assert_close(found.z, expected.z, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_a_pytree_state_of_mixed_dtypes_works_with_parameters_that_want_gradients(method):
    a, b, expected = affine(5, 0.7, 3, seed=1)
    a.requires_grad_()

    def f(z, x):
        flat = torch.cat([z["left"].double(), z["right"][0].flatten(1)], 1) @ a.T + x
        return {"left": flat[:, :1].float(), "right": (flat[:, 1:].unflatten(1, (2, 2)),)}

    z0 = {"left": torch.zeros(3, 1), "right": (torch.zeros(3, 2, 2, dtype=torch.float64),)}
    solution = solve(f, z0, b, method, rtol=1e-6, max_steps=100)
    assert solution.converged.all()
    assert not solution.z["left"].requires_grad
    assert solution.z["left"].dtype == torch.float32
    torch.testing.assert_close(solution.z["left"].double(), expected[:, :1], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(solution.z["right"][0].flatten(1), expected[:, 1:], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", METHODS, ids=NAMES)
def test_iterate_and_solve_take_the_very_same_steps(method):
    f, z0, x = mixed(torch.float64, 6)
    steps = solve(f, z0, x, method, compact=False, keep=True, rtol=1e-8, max_steps=200).steps
    for one, other in zip(steps, iterate(f, z0, x, method, rtol=1e-8), strict=False):
        assert torch.equal(one.z[one.active], other.z[one.active])
        assert torch.equal(one.ratio[one.active], other.ratio[one.active])
    assert all(step.residual[~step.active].isnan().all() for step in steps)


class OnMeta(TorchDispatchMode):
    """Fails on any operation that makes a tensor on the default device, here meta, instead of the one at hand."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves(out) if isinstance(leaf, torch.Tensor)]
        assert not any(leaf.is_meta for leaf in tensors), f"{func} made a tensor on the default device"
        return out


@pytest.mark.parametrize("method", METHODS[:-1], ids=NAMES[:-1])
def test_a_cell_that_reuses_its_buffer_or_returns_its_input_does_no_harm(method):
    f, z0, x = mixed(torch.float64, 8)
    buffer = torch.empty_like(z0)
    found = solve(lambda z, x: buffer.copy_(f(z, x)), z0, x, method, rtol=1e-9, compact=False, max_steps=200)
    expected = solve(f, z0, x, method, rtol=1e-9, compact=False, max_steps=200)
    assert torch.equal(found.z, expected.z)
    kept = x.clone()
    solve(lambda z, x: x, z0, x, method).z.zero_()
    assert torch.equal(x, kept)


ON_META = [*METHODS[:-1], PeacemanRachford(), ForwardBackward()]  # in forward mode PyTorch itself puts scalars there


@pytest.mark.parametrize("method", ON_META, ids=lambda m: type(m).__name__)
def test_nothing_is_made_on_another_device_than_the_datas(method):
    torch.manual_seed(0)
    cell, x = Monotone(3, 6, m=1.0), torch.randn(9, 3)
    x[::2] = 0  # done at once, so that rows leave
    with torch.device("meta"), OnMeta():
        solution = solve(cell, cell.initial(x), x, method, max_steps=12)
    assert solution.z.device.type == "cpu"


def test_a_tolerance_below_the_rounding_of_the_dtype_ends_and_is_named_for_what_it_is():
    f, z0, x = mixed()
    with pytest.warns(UserWarning, match=r"of 64 samples stopped at the rounding of torch.float32: rtol 1e-15 with"):
        solution = solve(f, z0, x, rtol=1e-15, atol=0.0, max_steps=100)
    assert Status.OUT_OF_STEPS in solution.status
    assert len(solution.steps) == 101
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve(f, z0, x, Picard(), rtol=1e-6, atol=0.0, max_steps=2)  # far from converged: no such excuse


def test_a_cell_that_mixes_samples_is_warned_about_once():
    class Mixing(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(3)

        def forward(self, z, x):
            return 0.1 * self.norm(z + x)

    cell, x = Mixing(), torch.randn(8, 3)
    with pytest.warns(UserWarning, match="f mixes samples: its batch norm 'norm' takes statistics of the batch"):
        solve(cell, torch.zeros(8, 3), x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve(cell, torch.zeros(8, 3), x)
        solve(Mixing().eval(), torch.zeros(8, 3), x)


def test_finite_values_too_large_for_the_methods_sums_end_as_a_status_and_never_as_nan():
    z0 = torch.full((2, 2), 1e18)
    for method in METHODS:
        solution = solve(lambda z, x: -z + 1e18, z0, None, method)
        assert torch.isfinite(solution.z).all()
