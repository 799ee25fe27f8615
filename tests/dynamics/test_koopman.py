"""EDMD, DMD and kernel EDMD find the spectra that are known in closed form, and carry the state along."""

import itertools
import math

import numpy as np
import pytest
import torch

from simviz.dynamics import koopman as k
from simviz.dynamics.systems import CircleRotation, LinearMap, SlowManifold, StuartLandau, TorusRotation, VanDerPol

RANDOM = np.random.default_rng(0)


def nearest(result, truth):
    """For each true number: the distance of the nearest eigenvalue, and its residual."""
    gaps = (result.eigenvalues[None] - torch.as_tensor(truth, dtype=torch.complex128)[:, None]).abs()
    distance, place = gaps.min(1)
    return distance, result.residuals[place]


def slow_flow(s, dt, mu=-0.05, lam=-1.0):
    """The slow manifold's flow in closed form: s2 is a parabola plus what decays towards it."""
    c = lam / (lam - 2 * mu)
    square = c * s[..., 0] ** 2
    return torch.stack(
        [s[..., 0] * math.exp(mu * dt), square * math.exp(2 * mu * dt) + (s[..., 1] - square) * math.exp(lam * dt)], -1
    )


def closed_set(s):
    return torch.stack([s[:, 0], s[:, 1], s[:, 0] ** 2], 1)


def square(count, half=2.0, seed=0):
    return half * (2 * torch.rand(count, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 1)


@pytest.mark.parametrize(("mu", "lam", "dt"), [(-0.05, -1.0, 0.1), (-0.2, -3.0, 0.5)])
def test_the_slow_manifolds_three_eigenvalues_are_exact(mu, lam, dt):
    before = square(300)
    result = k.edmd(before, slow_flow(before, dt, mu, lam), closed_set, dt=dt)
    truth = [math.exp(mu * dt), math.exp(2 * mu * dt), math.exp(lam * dt)]
    assert np.allclose(result.eigenvalues.real, truth, rtol=0, atol=1e-12)
    assert result.residuals.max() < 1e-12
    assert np.allclose(result.spectrum.continuous.real, [mu, 2 * mu, lam], atol=1e-11)
    orbits = SlowManifold(mu, lam).orbit(square(60), 5, dt)
    integrated = k.edmd_orbits(orbits, closed_set, dt=dt)
    assert np.allclose(integrated.eigenvalues.real, truth, rtol=0, atol=1e-8)


def annulus(count, seed):
    r = np.random.default_rng(seed).uniform(0.6, 1.4, count)
    return r, np.random.default_rng(seed + 1).uniform(0, 2 * np.pi, count)


def cartesian(r, theta):
    return np.stack([r * np.cos(theta), r * np.sin(theta)], 1)


@pytest.fixture(scope="module")
def stuart_landau():
    """Stuart-Landau on an annulus, solved in closed form: (1 - r^2) / r^2 shrinks by e^(-2 mu dt)."""
    dt, (r, theta) = 0.3, annulus(20_000, 3)
    q = (1 - r**2) / r**2 * np.exp(-2 * dt)
    before, after = cartesian(r, theta), cartesian(1 / np.sqrt(1 + q), theta + dt)
    dictionary = k.Through(k.polar, k.Tensor(k.Chebyshev(8, 0.6, 1.4), k.Fourier(8)))
    return k.edmd(before, after, dictionary, dt=dt)


def test_stuart_landaus_lattice_is_found_and_vouched_for(stuart_landau):
    pairs = list(itertools.product((0, 1), range(-3, 4)))
    truth = [np.exp((-2 * j + 1j * n) * 0.3) for j, n in pairs]
    distance, residual = nearest(stuart_landau, truth)
    assert distance.max() < 1e-4
    assert residual.max() < 1e-4
    assert distance[:7].max() < 1e-13  # j = 0: e^{i k theta} itself is in the span
    assert not stuart_landau.spectrum.growing.any()  # within each residual, at most 1e-2
    assert stuart_landau.spectrum.persistent.sum() == 17
    assert stuart_landau.eigenvalues.abs().max() < 1 + 1e-12


def test_stuart_landaus_closed_form_is_what_its_integrator_says():
    dt, (r, theta) = 0.3, annulus(50, 3)
    before = cartesian(r, theta)
    q = (1 - r**2) / r**2 * np.exp(-2 * dt)
    after = StuartLandau().orbit(torch.from_numpy(before), 1, dt)[:, 1]
    assert np.allclose(after, cartesian(1 / np.sqrt(1 + q), theta + dt), atol=1e-8)


def test_stuart_landaus_eigenfunctions_are_the_known_ones(stuart_landau):
    r, theta = annulus(500, 9)
    for j, n in ((0, 1), (0, 3), (1, 0), (1, 2)):
        truth = torch.as_tensor(((1 - r**2) / r**2) ** j * np.exp(1j * n * theta))
        place = (stuart_landau.eigenvalues - np.exp((-2 * j + 1j * n) * 0.3)).abs().argmin()
        found = stuart_landau.eigenfunctions(cartesian(r, theta))[:, place]
        overlap = (truth.conj() @ found).abs() / truth.norm() / found.norm()
        assert overlap > 1 - 1e-4, (j, n)


@pytest.mark.parametrize("turn", [0.3, 1.0, math.pi * (3 - math.sqrt(5))])
def test_a_rotation_of_the_circle_turns_every_harmonic(turn):
    system = CircleRotation(turn)
    before = system.initial(200).double()
    result = k.edmd(before, system.step(before), k.Through(k.angles, k.Fourier(5)))
    distance, residual = nearest(result, [np.exp(1j * n * turn) for n in range(-5, 6)])
    assert distance.max() < 1e-13
    assert residual.max() < 1e-12
    assert result.rank == 11
    assert result.spectrum.persistent.all()


def test_a_rotation_of_the_torus_has_the_whole_lattice():
    system = TorusRotation()
    before = system.initial(400, seed=1).double()
    result = k.edmd(before, system.step(before), k.Through(k.angles, k.Fourier(2)))
    first, second = system.first, system.second
    pairs = itertools.product(range(-2, 3), repeat=2)
    distance, residual = nearest(result, [np.exp(1j * (a * first + b * second)) for a, b in pairs])
    assert distance.max() < 1e-13
    assert residual.max() < 1e-12


def test_a_linear_map_has_the_products_of_its_eigenvalues():
    A = torch.tensor([[0.9, 0.3, 0.0], [-0.3, 0.9, 0.1], [0.0, 0.0, 0.5]], dtype=torch.float64)
    before = torch.as_tensor(RANDOM.normal(size=(400, 3)))
    result = k.edmd(before, LinearMap(matrix=A).step(before), k.Monomials(3))
    own = np.linalg.eigvals(A.numpy())
    truth = [
        np.prod([v**p for v, p in zip(own, e, strict=True)])
        for e in itertools.product(range(4), repeat=3)
        if sum(e) <= 3
    ]
    assert result.rank == len(truth) == 20
    distance, residual = nearest(result, truth)
    assert distance.max() < 1e-8
    assert residual.max() < 1e-10


def test_dmd_of_a_linear_map_is_its_matrix_and_its_forecast_is_exact():
    A = RANDOM.normal(size=(4, 4)) / 3
    before = RANDOM.normal(size=(100, 4))
    result = k.dmd(before, before @ A.T, dt=0.5)
    assert np.allclose(result.matrix, A.T, atol=1e-12)
    found = np.sort_complex(result.eigenvalues.numpy())
    assert np.allclose(found, np.sort_complex(np.linalg.eigvals(A)), atol=1e-12)
    start = RANDOM.normal(size=(3, 4))
    truth = np.stack([start @ np.linalg.matrix_power(A.T, n) for n in range(21)], 1)
    assert np.allclose(result.forecast(start, 20), truth, atol=1e-11)
    assert result.forecast(start, 20).shape == (3, 21, 4)


def test_the_constant_beside_the_coordinates_makes_an_affine_map_exact():
    before = square(100)
    turning = LinearMap(0.95, 0.5)
    shift = torch.tensor([1.0, -2.0], dtype=torch.float64)
    result = k.edmd(before, turning.step(before) + shift, k.Identity(constant=True))
    start = square(4, seed=1)
    once, twice = turning.step(start) + shift, turning.step(turning.step(start) + shift) + shift
    assert torch.allclose(result.forecast(start, 2), torch.stack([start, once, twice], 1), atol=1e-12)


def test_dmd_of_many_coordinates_finds_the_few_directions_that_move():
    inside = torch.tensor([[0.95, 0.2], [-0.2, 0.95]], dtype=torch.float64)
    lift = torch.as_tensor(RANDOM.normal(size=(2, 300)))
    path = LinearMap(matrix=inside).orbit(torch.as_tensor(RANDOM.normal(size=(5, 2))), 10)
    truth = np.linalg.eigvals(inside.numpy())
    for rank in (2, None):
        result = k.dmd_orbits(path @ lift, dt=0.1, rank=rank)
        assert result.rank == 2
        assert nearest(result, truth)[0].max() < 1e-12
        assert torch.allclose(result.forecast((path @ lift)[:, 0], 10), path @ lift, atol=1e-10)


def test_the_modes_put_the_state_together_again():
    before = square(300)
    result = k.edmd(before, slow_flow(before, 0.2), closed_set, dt=0.2)
    start = square(5, seed=4)
    h = result.eigenfunctions(start)  # (5, 3)
    after = (h * result.eigenvalues**7) @ result.modes
    assert torch.allclose(after.real, slow_flow(start, 1.4), atol=1e-10)
    assert after.imag.abs().max() < 1e-12
    turning = LinearMap(0.95, 0.5)
    result = k.dmd(before, turning.step(before))
    after = (result.eigenfunctions(start) * result.eigenvalues**7) @ result.modes
    assert torch.allclose(after, turning.orbit(start, 7)[:, 7].to(after.dtype), atol=1e-10)
    result = k.edmd(before, slow_flow(before, 0.2), closed_set, dt=0.2)
    assert torch.allclose(result.forecast(start, 7)[:, 7], slow_flow(start, 1.4), atol=1e-10)


def test_an_eigenfunction_has_mean_square_one_and_a_phase_that_is_its_own():
    before = square(300) + torch.tensor([0.5, 0.0], dtype=torch.float64)
    after = before @ torch.tensor([[0.9, 0.4], [-0.4, 0.9]], dtype=torch.float64) / 1.1 + 0.02 * before**2
    weights = torch.linspace(0.5, 2.0, 300, dtype=torch.float64)
    result = k.edmd(before, after, k.Monomials(2), weights=weights, check=False)
    squares = result.eigenfunctions(before).abs().square()
    assert torch.allclose(weights @ squares / weights.sum(), torch.ones(6, dtype=torch.float64), atol=1e-10)
    size = (weights @ k.Monomials(2)(before).square()).sqrt()  # of each observable
    lead = result.vectors.gather(0, (result.vectors.abs() * size[:, None]).argmax(0)[None])[0]
    assert lead.imag.abs().max() < 1e-14
    assert lead.real.min() > 0


def test_van_der_pol_is_forecast_over_half_a_period():
    orbits = VanDerPol().orbit(square(400, 2.5), 20, 0.1)
    result = k.edmd_orbits(orbits, k.Chebyshev(12, -4, 4), dt=0.1)
    start = VanDerPol().invariant_set(40)
    truth = VanDerPol().orbit(start, 33, 0.1)
    gap = (result.forecast(start, 33) - truth).norm(dim=-1)
    assert gap[:, 10].mean() < 0.06
    assert gap[:, 33].mean() < 0.2


def test_delays_see_a_hidden_coordinate():
    path = LinearMap(0.98, 0.4).orbit(square(20), 30)[..., :1]  # the first of two coordinates alone
    truth = 0.98 * np.exp([0.4j, -0.4j])
    assert nearest(k.edmd_orbits(path, k.Identity(), dt=1.0), truth)[0].max() > 0.3
    result = k.edmd_orbits(path, k.Delays(2), dt=1.0)
    assert nearest(result, truth)[0].max() < 1e-12
    window = path[:, 3:5]
    assert torch.allclose(result.forecast(window, 20), path[:, 4:25], atol=1e-10)
    spaced = k.edmd_orbits(path, k.Delays(2, gap=3), dt=1.0)
    assert nearest(spaced, truth)[0].max() < 1e-11
    windows = path.unfold(1, 4, 1)[..., ::3].transpose(-1, -2)  # (20, 28, 2, 1)
    cut = k.edmd(windows[:, :-1].flatten(0, 1), windows[:, 1:].flatten(0, 1), k.Delays(2, gap=3))
    assert nearest(cut, truth)[0].max() < 1e-11
    windows = windows + 0.1 * windows.sin()  # no longer linear: now the window matters
    one = k.edmd(windows[:, :-1].flatten(0, 1), windows[:, 1:].flatten(0, 1), k.Delays(2, gap=3), check=False)
    two = k.edmd_orbits(path + 0.1 * path.sin(), k.Delays(2, gap=3), dt=1.0, check=False)
    assert torch.allclose(one.matrix, two.matrix, atol=1e-11)


def test_a_network_is_a_dictionary_and_is_left_as_it_was():
    net = torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.BatchNorm1d(6), torch.nn.Tanh(), torch.nn.Dropout(0.5))
    net.train()
    before = square(300)
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    one, two = (k.edmd(before, slow_flow(before, 0.1), net, seed=1) for _ in range(2))
    assert torch.equal(one.eigenvalues, two.eigenvalues)
    assert all(part.training for part in net.modules())
    assert all(torch.equal(kept[name], value) for name, value in net.state_dict().items())
    assert not one.eigenvalues.requires_grad


def test_kernel_edmd_with_a_polynomial_kernel_is_edmd_with_monomials():
    before = square(200)
    after = slow_flow(before, 0.3)
    fresh = (square(100, seed=5), slow_flow(square(100, seed=5), 0.3))
    one = k.kernel_edmd(before, after, k.Polynomial(2), check=fresh, dt=0.3)
    two = k.edmd(before, after, k.Monomials(2), check=fresh, dt=0.3)
    assert one.rank == two.rank == 6
    gaps, residuals = nearest(one, two.eigenvalues)
    assert gaps.max() < 1e-9
    assert torch.allclose(residuals, two.residuals, atol=1e-8)


def test_the_kernels_are_their_formulas():
    u, v = square(5), square(7, seed=2)
    for i, j in itertools.product(range(5), range(7)):
        gap = u[i] - v[j]
        assert math.isclose(k.Gaussian(0.7)(u, v)[i, j], math.exp(-float(gap @ gap) / 0.98), rel_tol=1e-9)
        assert math.isclose(k.Laplace(0.7)(u, v)[i, j], math.exp(-float(gap.abs().sum()) / 0.7), rel_tol=1e-9)
        assert math.isclose(k.Polynomial(3)(u, v)[i, j], (1 + float(u[i] @ v[j])) ** 3, rel_tol=1e-9)


def test_a_gaussian_kernel_finds_the_slow_manifolds_eigenvalues():
    before = square(400, 1.0)
    result = k.kernel_edmd(before, slow_flow(before, 0.3), k.Gaussian(2.0), rank=40, dt=0.3)
    distance, residual = nearest(result, [1.0, math.exp(-0.015), math.exp(-0.03), math.exp(-0.3)])
    assert distance.max() < 1e-3
    assert residual.max() < 1e-2
