"""A printed eigenvalue is not yet an eigenvalue: residuals, pseudospectra, and the traps they show."""

import math

import numpy as np
import pytest
import scipy.linalg
import torch

from simviz.dynamics import koopman as k
from simviz.dynamics.koopman.evidence import Evidence
from simviz.dynamics.systems import CircleRotation, Lorenz
from tests.dynamics.test_koopman import closed_set, nearest, slow_flow, square


def logistic(count, seed):
    s = np.random.default_rng(seed).random((count, 1))
    return s, 4 * s * (1 - s)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_kernel_on_sixty_chaotic_snapshots_is_perfect_in_sample_and_worthless_on_fresh_ones(seed):
    before, after = logistic(60, seed)
    inside = k.kernel_edmd(before, after, k.Laplace(), check=False)
    assert inside.rank == 60
    assert inside.residuals.max() < 1e-12
    assert inside.spectrum.in_sample
    assert "in sample" in inside.spectrum.kind
    assert inside.spectrum.trusted_steps.isnan().all()
    fresh = k.kernel_edmd(before, after, k.Laplace(), check=logistic(2000, 99))
    assert torch.allclose(inside.eigenvalues, fresh.eigenvalues, atol=1e-12)
    assert 0.6 < fresh.residuals.median() < 0.9
    assert not fresh.spectrum.in_sample


def test_a_planted_liar_has_a_residual_thirty_times_a_true_ones():
    before = square(2000)
    extended = k.Stack(closed_set, lambda s: torch.tanh(3 * s[:, 1:]))
    result = k.edmd(before, slow_flow(before, 0.1), extended, dt=0.1)
    truth = [math.exp(-0.005), math.exp(-0.01), math.exp(-0.1)]
    distance, honest = nearest(result, truth)
    assert distance.max() < 1e-8
    assert result.rank == 4
    assert result.residuals.max() > 30 * honest.max()
    assert result.residuals.max() > 1e-3
    liar = result.residuals.argmax()
    assert torch.as_tensor(truth).sub(result.eigenvalues[liar].real).abs().min() > 1e-3


def test_an_exact_eigenvalue_shows_no_squared_rounding():
    """Rotated observables: nothing is zero by construction, and yet the residual is not 1e-8."""
    before = square(4000)
    mixing = torch.from_numpy(np.linalg.qr(np.random.default_rng(1).normal(size=(10, 10)))[0])

    def mixed(s):
        both = torch.cat([closed_set(s), torch.sin(2 * s), torch.tanh(3 * s), (s.square() - 1).exp(), s[:, :1] ** 3], 1)
        return both @ mixing

    after = slow_flow(before, 0.1)
    for check in (None, (square(500, seed=3), slow_flow(square(500, seed=3), 0.1)), False):
        result = k.edmd(before, after, mixed, dt=0.1, check=check)
        _, residual = nearest(result, [math.exp(-0.005), math.exp(-0.01), math.exp(-0.1)])
        assert residual.max() < 1e-11
        assert result.residuals.max() > 1e-2


def test_the_streamed_factor_and_the_second_pass_agree():
    before = square(3000)
    after = slow_flow(before, 0.1)
    result = k.edmd(before, after, k.Stack(k.Monomials(3), k.RBF(square(10, seed=2), 1.0)), dt=0.1)
    evidence = result.evidence
    streamed = Evidence.pair_residuals(evidence, result.eigenvalues, result.vectors)
    assert type(evidence) is not Evidence
    assert torch.allclose(streamed, result.residuals, rtol=1e-6, atol=1e-12)


def test_residuals_are_their_definition():
    before, after = square(400), slow_flow(square(400), 0.5)
    weights = torch.rand(400, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    fresh = (square(50, seed=7), slow_flow(square(50, seed=7), 0.5), torch.linspace(0.1, 2.0, 50))
    result = k.edmd(before, after, k.Monomials(2), weights=weights, check=fresh)
    one, two = result.eigenfunctions(fresh[0]), result.eigenfunctions(fresh[1])
    w = fresh[2][:, None].double()
    wrong = (w * (two - result.eigenvalues * one).abs().square()).sum(0)
    truth = (wrong / (w * one.abs().square()).sum(0)).sqrt()
    assert torch.allclose(result.residuals, truth, rtol=1e-6, atol=1e-11)


def turned_circle(count=4000, turn=0.7):
    """The rotation as a doubly infinite family would see it: observables that are not invariant, data that are."""
    before = CircleRotation(turn).initial(count, seed=2).double()
    return before, CircleRotation(turn).step(before)


def bumps(s):
    angle = torch.atan2(s[:, 1], s[:, 0])[:, None]
    return (2 * (angle - torch.linspace(0, 5.2, 6, dtype=s.dtype)).cos()).exp() * (1 + 0.3 * angle.sin())


def test_on_an_invariant_measure_the_squares_of_residual_and_modulus_add_to_one():
    before, after = turned_circle(40_000)
    result = k.edmd(before, after, bumps)
    assert result.eigenvalues.abs().min() < 0.95
    total = result.residuals.square() + result.eigenvalues.abs().square()
    assert (total - 1).abs().max() < 0.02


def test_the_pseudospectrum_is_a_lower_bound_of_every_residual():
    before, after = turned_circle()
    result = k.edmd(before, after, bumps)
    least = result.pseudospectrum(result.eigenvalues)
    assert (least <= result.residuals * (1 + 1e-9) + 1e-13).all()
    assert (least < 0.9 * result.residuals).any()
    grid = np.array([[0.5, 1j], [-1.0, 2.0 + 1j]])
    assert result.pseudospectrum(grid).shape == (2, 2)
    assert torch.allclose(result.pseudospectrum(grid), result.pseudospectrum(grid.conj()), atol=1e-13)


def test_the_pseudospectrum_is_scipys_smallest_generalised_eigenvalue():
    before, after = turned_circle()
    result = k.edmd(before, after, bumps)
    G, A, L = (m.numpy() for m in (result.G, result.A, result.L))
    grid = np.array([0.3 + 0.2j, 1.0, -0.8j, 1.3, np.exp(0.7j), 0.0])
    for z, found in zip(grid, result.pseudospectrum(grid).tolist(), strict=True):
        whole = L - z * A.T - np.conj(z) * A + abs(z) ** 2 * G
        truth = scipy.linalg.eigh((whole + whole.conj().T) / 2, G, eigvals_only=True)[0]
        assert found == pytest.approx(max(truth, 0) ** 0.5, abs=2e-7)


def test_G_A_and_L_are_the_sums_over_the_checked_snapshots():
    before, after = square(100), slow_flow(square(100), 0.5)
    fresh = (square(40, seed=7), slow_flow(square(40, seed=7), 0.5), torch.linspace(0.1, 2.0, 40).double())
    result = k.edmd(before, after, k.Monomials(2), check=fresh)
    one, two = k.Monomials(2)(fresh[0]), k.Monomials(2)(fresh[1])
    w = fresh[2][:, None]
    for found, truth in ((result.G, one.T @ (w * one)), (result.A, one.T @ (w * two)), (result.L, two.T @ (w * two))):
        assert torch.allclose(found, truth, rtol=1e-10, atol=1e-10)


def test_exact_eigenvalues_are_deep_holes_of_the_pseudospectrum():
    before = square(500)
    result = k.edmd(before, slow_flow(before, 0.1), closed_set, dt=0.1)
    truth = torch.tensor([math.exp(-0.005), math.exp(-0.01), math.exp(-0.1)], dtype=torch.float64)
    assert result.pseudospectrum(truth).max() < 1e-12
    assert result.pseudospectrum(truth + 0.01).min() > 1e-4


@pytest.fixture(scope="module")
def lorenz():
    start = Lorenz().initial(60, seed=0).double()
    return Lorenz().orbit(start, 500, 0.1)[:, 100:]  # (60, 401, 3), on the attractor


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "low", "high"), [(20, 0.06, 0.17), (60, 0.028, 0.06), (150, 0.015, 0.025)], ids=["41", "121", "301"]
)
def test_lorenz_has_no_eigenvalue_but_one_and_its_pseudospectrum_fills_the_circle(lorenz, count, low, high):
    """dt 0.1, delays of s1 and s3 with the constant; 48 trajectories fitted, 12 held out: 4,600 to 3,000 snapshots."""
    dictionary = k.Delays(count, k.Through(k.columns(0, 2), k.Identity()), constant=True)
    result = k.edmd_orbits(lorenz, dictionary, dt=0.1)
    assert result.rank == 2 * count + 1
    distance, residual = nearest(result, [1.0])
    assert distance < 1e-10
    assert residual < 1e-10
    others = (result.eigenvalues - 1).abs() > 1e-6
    assert others.sum() == 2 * count
    assert result.residuals[others].min() > 0.05
    circle = torch.exp(1j * torch.linspace(0.3, 2.5, 12, dtype=torch.float64))
    least = result.pseudospectrum(circle)
    assert low < least.min()
    assert least.max() < high
    total = result.residuals.square() + result.eigenvalues.abs().square()
    assert (total - 1).abs().median() < 0.02


def test_an_eigenvalue_may_be_trusted_for_as_many_steps_as_it_says():
    """h(s_t) against lambda^t h(s_0): on an invariant measure the gap grows by at most one residual a step."""
    before, after = turned_circle(20_000)
    result = k.edmd(before, after, bumps)
    path = CircleRotation(0.7).orbit(before[:500], 5)
    h = torch.stack([result.eigenfunctions(path[:, t]) for t in range(6)])  # (6, 500, n)
    for t in range(1, 6):
        gap = (h[t] - result.eigenvalues**t * h[0]).abs().square().mean(0).sqrt() / h[0].abs().square().mean(0).sqrt()
        assert (gap <= 1.15 * t * result.residuals + 1e-9).all()
    one = (h[1] - result.eigenvalues * h[0]).abs().square().mean(0).sqrt() / h[0].abs().square().mean(0).sqrt()
    assert torch.allclose(one, result.residuals, rtol=0.2, atol=1e-9)
    assert torch.allclose(result.spectrum.trusted_steps, 1 / result.residuals)


def test_too_few_snapshots_give_no_residual_but_advice():
    before = square(15)
    result = k.edmd(before, slow_flow(before, 0.1), k.Monomials(3))
    assert result.residuals.isnan().all()
    assert "fresh snapshots as check=(before, after)" in result.spectrum.advice
    assert result.pseudospectrum(np.array([1.0])).isnan().all()
    assert "no residuals" in result.spectrum.kind
    assert result.spectrum.trusted_steps.isnan().all()
    assert result.spectrum.advice in result.trust()
    assert k.edmd(square(19), slow_flow(square(19), 0.1), k.Monomials(3)).residuals.isnan().all()
    assert not k.edmd(square(20), slow_flow(square(20), 0.1), k.Monomials(3)).residuals.isnan().any()
    few = (square(9, seed=3), slow_flow(square(9, seed=3), 0.1))
    result = k.edmd(square(100), slow_flow(square(100), 0.1), k.Monomials(3), check=few)
    assert not result.residuals.isnan().any()  # rough, since 9 snapshots are few, and the notes say so
    assert "rest on 9 snapshots for 10 observables" in result.trust()
    enough = (square(15, seed=3), slow_flow(square(15, seed=3), 0.1))
    result = k.edmd(square(100), slow_flow(square(100), 0.1), k.Monomials(3), check=enough)
    assert not result.residuals.isnan().any()
    assert "The pseudospectrum is NaN: it needs 20 checked snapshots" in result.trust()
    assert result.pseudospectrum(np.array([1.0])).isnan().all()  # 15 snapshots fit any number with 10 observables


def test_an_eigenvalue_within_its_residual_of_the_circle_persists():
    before, after = turned_circle(4000)
    noise = 1e-3 * torch.randn(4000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    result = k.dmd(before, after + noise)
    assert (result.eigenvalues.abs() - 1).abs().max() > 1e-6
    assert result.spectrum.persistent.all()


def test_trust_says_in_words_what_was_done():
    before = square(300)
    words = k.edmd(before, slow_flow(before, 0.1), closed_set, dt=0.1).trust()
    assert "EDMD, held out: 240 snapshots fitted by Gram, 60 checked; 3 independent of 3" in words
    assert words.count("more than a million steps") == 3
