"""The same answer by every road: Gram or QR, whole or in chunks, NumPy or torch, and as other libraries find it."""

import math
import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
import torch

from simviz.dynamics import koopman as k
from simviz.dynamics.koopman import snapshots
from simviz.dynamics.koopman.leastsquares import JointFactor, LeastSquares
from tests.dynamics.test_koopman import closed_set, nearest, slow_flow, square


def lifted(count=3000):
    before = square(count)
    after = slow_flow(before, 0.3) + 0.05 * torch.sin(3 * before)
    dictionary = k.Tensor(k.Chebyshev(4, -2, 2), k.Chebyshev(4, -2, 2))
    return before, after, dictionary


def test_the_matrix_is_the_least_squares_solution_of_scipy():
    before, after, dictionary = lifted()
    result = k.edmd(before, after, dictionary, check=False)
    truth = scipy.linalg.lstsq(dictionary(before).numpy(), dictionary(after).numpy())[0]
    assert result.method == "Gram"
    assert result.condition < 1e4
    assert np.allclose(result.matrix, truth, rtol=0, atol=1e-8)


def test_the_eigenvalues_are_those_of_pydmd():
    pydmd = pytest.importorskip("pydmd")
    before, after, dictionary = lifted()
    peer = pydmd.DMD(svd_rank=-1)
    peer.fit(dictionary(before).numpy().T, dictionary(after).numpy().T)
    result = k.edmd(before, after, dictionary, check=False)
    found, truth = np.sort_complex(result.eigenvalues.numpy()), np.sort_complex(peer.eigs)
    assert len(found) == len(truth) == 25
    assert nearest(result, truth)[0].max() < 1e-8


def problem(condition, rows=2000, n=12, seed=0):
    """Observables of unit columns and a given condition number, and a right side that they fit exactly."""
    rng = np.random.default_rng(seed)
    U, V = (np.linalg.qr(rng.normal(size=shape))[0] for shape in ((rows, n), (n, n)))
    P = U * np.geomspace(1, 1 / condition, n) @ V.T
    P /= np.linalg.norm(P, axis=0)
    C = rng.normal(size=(n, 3))
    return torch.from_numpy(P), torch.from_numpy(P @ C), torch.from_numpy(C)


def solved(sums):
    done = sums.finish()
    return torch.linalg.lstsq(done.R, done.Z, driver="gelsd").solution, done


def summed(P, Q, parts, method="Gram"):
    sums = LeastSquares(method)
    for left, right in zip(P.split(parts), Q.split(parts), strict=True):
        sums.add(left, right)
    return solved(sums)


def test_the_condition_number_decides_between_gram_and_qr():
    for condition, method in ((1e2, "Gram"), (5e3, "Gram"), (1e5, "QR"), (1e9, "QR")):
        P, Q, truth = problem(condition)
        found, done = summed(P, Q, 500)
        assert done.method == method
        assert done.condition == pytest.approx(np.linalg.cond(P), rel=0.01)
        assert done.blurred == 0
        assert (found - truth).abs().max() < (1e-15 * condition**2 + 1e-13 if method == "Gram" else 1e-14 * condition)


def test_gram_and_qr_agree_where_both_are_allowed():
    P, Q, truth = problem(1e3)
    gram, qr = summed(P, Q, 300)[0], summed(P, Q, 300, "QR")[0]
    assert (gram - qr).abs().max() < 1e-9
    assert (qr - truth).abs().max() < 1e-11


def nearly_equal(P, gap):
    """The same observables, but the last is the first and a little of itself: condition about 2 / gap."""
    return torch.cat([P[:, :-1], P[:, :1] + gap * P[:, -1:]], 1)


def test_a_stream_that_is_stiff_from_its_first_block_loses_nothing():
    P, _, truth = problem(2.0)
    stiff = nearly_equal(P, 1e-6)
    found, done = summed(stiff, stiff @ truth, 500)
    assert (done.method, done.blurred) == ("QR", 0)
    assert (found - truth).abs().max() < 1e-8


def test_a_stream_that_turns_stiff_goes_on_by_qr_and_says_what_that_cost():
    P, _, truth = problem(2.0)
    blocks = [nearly_equal(P[:500], 1e-3), *(1e5 * nearly_equal(P[500:], 1e-6)).split(500)]
    sums = LeastSquares()
    for block in blocks:
        sums.add(block, block @ truth)
    found, done = solved(sums)
    assert done.method == "QR"
    assert done.condition > 1e5
    assert done.blurred == 500  # the first block was summed before anything could be seen
    assert (found - truth).abs().max() < 1e-4


def test_an_array_that_turns_stiff_is_read_again_and_loses_nothing(monkeypatch):
    monkeypatch.setattr(snapshots, "BLOCK", 800)  # 100 snapshots a block
    before = square(1000, 1.0)
    before[:, 1] = before[:, 0] + torch.where(torch.arange(1000) < 150, 1e-2, 1e-7) * before[:, 1]
    result = k.dmd(before, before @ torch.tensor([[0.9, 0.3], [-0.3, 0.9]], dtype=torch.float64), check=False)
    before[:150] *= 1e-6
    late = k.dmd(before, before @ torch.tensor([[0.9, 0.3], [-0.3, 0.9]], dtype=torch.float64), check=False)
    assert result.condition < 1e4 < late.condition
    assert (result.method, late.method) == ("Gram", "QR")
    assert late.notes == ()
    assert nearest(late, [0.9 + 0.3j, 0.9 - 0.3j])[0].max() < 1e-7


def chunked(whole, sizes):
    start = 0
    for size in sizes:
        yield whole[start : start + size]
        start += size


@pytest.mark.parametrize(
    "dictionary", [k.Monomials(3), k.Delays(3, k.Monomials(2), constant=True)], ids=["now", "delays"]
)
def test_chunks_and_the_whole_agree_and_hold_out_the_same_trajectories(dictionary, monkeypatch):
    monkeypatch.setattr(snapshots, "BLOCK", 2000)  # many blocks
    orbits = torch.stack([slow_flow(square(37), 0.3 * t) for t in range(9)], 1)
    orbits = orbits + 0.01 * torch.sin(5 * orbits)
    whole = k.edmd_orbits(orbits, dictionary, dt=0.3, seed=3)
    parts = k.edmd_orbits(chunked(orbits, (1, 4, 20, 2, 10)), dictionary, dt=0.3, seed=3)
    again = k.edmd_orbits([orbits[:20], orbits[20:]], dictionary, dt=0.3, seed=3)
    for other in (parts, again):
        assert (other.fitted, other.checked, other.rank) == (whole.fitted, whole.checked, whole.rank)
        assert nearest(other, whole.eigenvalues)[0].max() < 1e-7
        assert torch.allclose(other.G, whole.G, rtol=1e-9, atol=1e-9)
        assert torch.allclose(other.residuals.sort().values, whole.residuals.sort().values, rtol=1e-4, atol=1e-9)
    assert whole.checked / (whole.checked + whole.fitted) == pytest.approx(0.2, abs=0.05)
    other_seed = k.edmd_orbits(orbits, dictionary, dt=0.3, seed=4)
    assert not torch.allclose(other_seed.G, whole.G)


def test_orbits_are_the_pairs_they_hold():
    orbits = torch.stack([slow_flow(square(40), 0.3 * t) for t in range(6)], 1)
    noisy = orbits + 0.01 * torch.sin(5 * orbits)
    pairs = (noisy[:, :-1].flatten(0, 1), noisy[:, 1:].flatten(0, 1))
    weights = torch.rand(40, 5, dtype=torch.float64) + 0.1
    for given in (None, weights):
        one = k.edmd_orbits(noisy, k.Monomials(2), dt=0.3, weights=given, check=False)
        two = k.edmd(*pairs, k.Monomials(2), dt=0.3, weights=None if given is None else given.flatten(), check=False)
        assert torch.allclose(one.matrix, two.matrix, atol=1e-10)
        assert torch.allclose(one.residuals, two.residuals, atol=1e-9)
    streamed = k.edmd_orbits(iter(noisy.split(7)), k.Monomials(2), dt=0.3, check=False)
    plain = k.edmd(*pairs, k.Monomials(2), check=False)
    assert streamed.spectrum.in_sample
    assert torch.allclose(streamed.matrix, plain.matrix, atol=1e-10)
    assert torch.allclose(streamed.residuals, plain.residuals, atol=1e-9)
    by_trajectory = k.edmd_orbits(noisy, k.Monomials(2), dt=0.3, weights=weights[:, 0], check=False)
    spread = k.edmd_orbits(noisy, k.Monomials(2), dt=0.3, weights=weights[:, :1].expand(40, 5), check=False)
    assert torch.equal(by_trajectory.matrix, spread.matrix)


def test_a_long_trajectory_is_the_same_in_one_block_and_in_many(monkeypatch):
    path = torch.as_tensor(np.random.default_rng(0).normal(size=(2, 900, 1))).cumsum(1)
    weights = torch.rand(2, 897, dtype=torch.float64) + 0.1
    whole = k.edmd_orbits(path, k.Delays(3), dt=1.0, weights=weights, check=False)
    monkeypatch.setattr(snapshots, "BLOCK", 600)  # 100 snapshots a block
    parts = k.edmd_orbits(path, k.Delays(3), dt=1.0, weights=weights, check=False)
    assert parts.fitted == whole.fitted == 2 * 897
    assert torch.allclose(parts.matrix, whole.matrix, atol=1e-10)
    assert torch.allclose(parts.residuals, whole.residuals, atol=1e-10)


def test_of_one_trajectory_the_last_fifth_in_time_is_held_out():
    path = torch.stack([slow_flow(square(1), 0.1 * t) for t in range(101)], 1)
    result = k.edmd_orbits(path, closed_set, dt=0.1)
    assert (result.fitted, result.checked) == (80, 19)
    assert "last fifth" in result.spectrum.kind
    assert "last 20 of 101 states are held out" in result.trust()
    streamed = k.edmd_orbits(iter([path]), closed_set, dt=0.1)
    assert torch.equal(streamed.eigenvalues, result.eigenvalues)
    weights = torch.rand(1, 100, dtype=torch.float64) + 0.1
    weighted = k.edmd_orbits(path, closed_set, dt=0.1, weights=weights)
    observed = closed_set(path[0, 81:100])  # the states before the 19 last steps
    assert torch.allclose(weighted.G, observed.T @ (weights[0, 81:, None] * observed), rtol=1e-10)


def test_a_weight_of_three_is_three_rows():
    before, after, dictionary = lifted(200)
    times = torch.arange(200) % 4
    repeated = [side.repeat_interleave(times, 0) for side in (before, after)]
    one = k.edmd(before, after, dictionary, weights=times.double(), check=False)
    two = k.edmd(*repeated, dictionary, check=False)
    assert torch.allclose(one.matrix, two.matrix, atol=1e-10)
    assert torch.allclose(one.residuals, two.residuals, rtol=1e-7, atol=1e-12)
    assert torch.allclose(one.G, two.G, rtol=1e-10, atol=1e-10)


def test_numpy_and_torch_and_single_precision_say_the_same():
    before, after, dictionary = lifted(500)
    one = k.edmd(before, after, dictionary)
    two = k.edmd(before.numpy(), after.numpy(), dictionary)
    assert torch.equal(one.eigenvalues, two.eigenvalues)
    single = k.edmd(before.float(), after.float(), dictionary)
    assert single.eigenvalues.dtype == torch.complex128  # summed in double
    assert nearest(single, one.eigenvalues[:10])[0].max() < 1e-4
    widened = k.edmd(before.float().double(), after.float().double(), dictionary)
    assert torch.equal(single.matrix, widened.matrix)
    backwards = k.edmd(before.numpy()[::-1], after.numpy()[::-1], dictionary, check=False)
    assert torch.allclose(backwards.matrix, k.edmd(before, after, dictionary, check=False).matrix, atol=1e-9)


def test_observables_that_depend_on_others_add_no_eigenvalue():
    before = square(300)
    doubled = k.Stack(closed_set, lambda s: s[:, :1] + 3 * s[:, 1:], lambda s: 0 * s[:, :1])
    result = k.edmd(before, slow_flow(before, 0.1), doubled, dt=0.1)
    assert result.rank == len(result.eigenvalues) == 3
    assert result.method == "QR"
    assert nearest(result, [math.exp(-0.005), math.exp(-0.01), math.exp(-0.1)])[0].max() < 1e-10
    assert result.residuals.max() < 1e-11
    assert "2 of 5 observables depend on the others" in result.trust()
    assert torch.allclose(result.forecast(square(4), 3)[:, 3], slow_flow(square(4), 0.3), atol=1e-9)
    fewer = k.edmd(before[:4], slow_flow(before[:4], 0.1), k.Monomials(3), check=False)
    assert "4 snapshots cannot tell 10 observables apart" in fewer.trust()


def test_stiff_observables_keep_their_digits():
    """Monomials on a narrow box far from 0: condition 1e9, where normal equations would know nothing."""
    before = 0.02 * square(500, 1.0) + 1.0
    result = k.edmd(before, slow_flow(before, 0.1), k.Monomials(3), dt=0.1)
    assert result.condition > 1e6
    assert result.method == "QR"
    own = [math.exp(-0.005), math.exp(-0.01), math.exp(-0.1)]
    assert nearest(result, [1.0, own[0]])[0].max() < 1e-5
    orbits = torch.stack([before, slow_flow(before, 0.1)], 1)
    streamed = k.edmd_orbits(iter(orbits.split(50)), k.Monomials(3), dt=0.1)
    assert streamed.method == "QR"
    assert nearest(streamed, [1.0, own[0]])[0].max() < 1e-5


def test_the_order_is_by_modulus_then_angle_with_conjugates_side_by_side():
    angles = torch.tensor([0.1, 0.7, 2.0], dtype=torch.float64)
    blocks = [torch.tensor([[c, -s], [s, c]]) for c, s in zip(angles.cos(), angles.sin(), strict=True)]
    A = torch.block_diag(*[b.double() for b in blocks], torch.tensor([[0.5]]).double(), torch.tensor([[-0.5]]).double())
    before = torch.as_tensor(np.random.default_rng(1).normal(size=(50, 8)))
    values = k.dmd(before, before @ A.T).eigenvalues
    expected = [0.1, -0.1, 0.7, -0.7, 2.0, -2.0, 0.0, math.pi]
    assert np.allclose(values.angle(), expected, atol=1e-12)
    assert torch.equal(values[1:6:2], values[0:6:2].conj())


def test_the_joint_factor_is_that_of_the_whole():
    rows = torch.as_tensor(np.random.default_rng(0).normal(size=(300, 8)))
    joint = JointFactor()
    for part in rows.split(37):
        joint.add(part[:, :4], part[:, 4:])
    assert torch.allclose(joint.R.T @ joint.R, rows.T @ rows, atol=1e-11)


MEMORY = """
import resource, sys, torch
from simviz.dynamics import koopman as k
chunks = int(sys.argv[1])
def source():
    g = torch.Generator().manual_seed(0)
    for _ in range(chunks):
        s = torch.rand(2000, 1, 2, generator=g, dtype=torch.float64)
        yield torch.cat([s, 0.9 * s, 0.81 * s], 1)
r = k.edmd_orbits(source(), k.Monomials(6), dt=1.0)
assert r.fitted + r.checked == 4000 * chunks
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_an_iterators_snapshots():
    peaks = [
        int(subprocess.run([sys.executable, "-c", MEMORY, n], capture_output=True, text=True, check=True).stdout)
        for n in ("20", "400")  # 80,000 and 1,600,000 snapshots; in one piece the second would take 700 MB
    ]
    assert peaks[1] - peaks[0] < 40_000  # KiB


def test_no_tensor_is_made_on_the_default_device():
    """With a default device that holds no numbers, whatever forgets to say where it lives fails."""
    before, after, dictionary = lifted(500)
    dictionary = k.Stack(
        dictionary, k.Through(k.polar, k.Tensor(k.Monomials(2), k.Fourier(2))), lambda s: s[:, :1] ** 7
    )
    plain = k.edmd(before, after, dictionary)
    orbits = torch.stack([before, after], 1)
    circle = torch.exp(1j * torch.arange(3.0, dtype=torch.float64))
    with torch.device("meta"):
        result = k.edmd(before, after, dictionary)
        assert torch.equal(result.eigenvalues, plain.eigenvalues)
        assert torch.equal(result.pseudospectrum(circle), plain.pseudospectrum(circle))
        assert torch.equal(result.forecast(before, 3), plain.forecast(before, 3))
        assert torch.equal(result.modes, plain.modes)
        assert k.edmd_orbits(iter(orbits.split(100)), dictionary, dt=0.3).residuals.isfinite().all()
        assert k.kernel_edmd(before, after, k.Laplace()).eigenvalues.isfinite().all()
        assert k.dmd(before, after, rank=1).residuals.isfinite().all()


@pytest.mark.gpu
def test_an_accelerator_says_the_same():
    if not torch.cuda.is_available():
        pytest.skip("no accelerator")
    before, after, dictionary = lifted()
    here, there = k.edmd(before, after, dictionary), k.edmd(before.cuda(), after.cuda(), dictionary)
    assert there.matrix.is_cuda
    assert torch.allclose(here.matrix, there.matrix.cpu(), atol=1e-9)
    assert torch.allclose(here.residuals, there.residuals.cpu(), atol=1e-9)
