"""The spectrum at a point against eigenvalues known beforehand."""

import math

import pytest
import torch

from simviz.dynamics import koopman
from simviz.equilibria import Anderson, jacobian, solve
from simviz.equilibria.jacobian import frobenius, spectral_radius, spectrum


def rotation(angle: float, radius: float = 1.0) -> torch.Tensor:
    c, s = math.cos(angle), math.sin(angle)
    return radius * torch.tensor([[c, -s], [s, c]], dtype=torch.float64)


def test_nine_tenths_of_a_rotation_by_sixty_degrees_has_spectral_radius_nine_tenths():
    turn = rotation(math.pi / 3, 0.9)
    found = spectrum(lambda z, x: z @ turn.T, torch.zeros(1, 2, dtype=torch.float64), None)
    expected = 0.9 * torch.exp(torch.tensor([1j, -1j]) * math.pi / 3)
    torch.testing.assert_close(found.eigenvalues[0], expected.to(torch.complex128))
    assert found.kind == "Jacobian at z*"


def test_each_sample_has_the_eigenvalues_of_its_own_jacobian():
    torch.manual_seed(0)
    w, x = torch.randn(5, 5, dtype=torch.float64), torch.randn(7, 5, dtype=torch.float64)
    z = torch.randn(7, 5, dtype=torch.float64)
    found = spectrum(lambda z, x: (z @ w.T + x).tanh(), z, x).eigenvalues
    for row in range(7):
        slope = 1 - (z[row] @ w.T + x[row]).tanh() ** 2
        expected = torch.linalg.eigvals(slope[:, None] * w)
        torch.testing.assert_close(found[row].abs(), expected.abs().sort(descending=True).values)
        torch.testing.assert_close(found[row].sum(), expected.sum())
    assert (found.abs().diff(dim=1) <= 1e-12).all()


def test_leading_is_widened_to_whole_pairs_and_no_further():
    blocks = torch.block_diag(
        torch.tensor([[0.95]], dtype=torch.float64),
        rotation(0.3, 0.9),
        rotation(0.5, 0.9),
        torch.tensor([[0.1]]).double(),
    )

    def leading(n):
        return spectrum(lambda z, x: z @ blocks.T, torch.zeros(2, 6, dtype=torch.float64), None, leading=n).eigenvalues

    assert [leading(n).shape[1] for n in (1, 2, 3, 4, 5, 6, 9)] == [1, 3, 3, 5, 5, 6, 6]
    for n in (2, 4):
        values = leading(n)[0]
        gap = (values[:, None] - values.conj()[None]).abs().min(1).values
        assert gap.max() < 1e-12


def test_a_batch_is_widened_until_no_sample_has_a_pair_parted():
    a = torch.block_diag(rotation(1.0, 0.9), torch.diag(torch.tensor([0.2, 0.1], dtype=torch.float64)))
    b = torch.block_diag(torch.tensor([[0.8]]).double(), rotation(1.0, 0.7), torch.tensor([[0.1]]).double())
    x = torch.stack([a, b])
    found = spectrum(lambda z, x: (x @ z[:, :, None])[:, :, 0], torch.zeros(2, 4, dtype=torch.float64), x, leading=1)
    assert found.eigenvalues.shape == (2, 3)


def test_a_pytree_state_is_one_state():
    def f(z, x):
        return {"a": 0.5 * z["b"], "b": 0.5 * z["a"]}

    zero = torch.zeros(3, 1, dtype=torch.float64)
    values = spectrum(f, {"a": zero, "b": zero}, None).eigenvalues
    torch.testing.assert_close(values.real.sort(dim=1).values, torch.tensor([[-0.5, 0.5]] * 3, dtype=torch.float64))


def test_a_jacobian_that_is_not_finite_has_no_eigenvalues_and_spoils_no_other():
    z = torch.tensor([[0.0], [4.0]], dtype=torch.float64)
    values = spectrum(lambda z, x: z.sqrt(), z, None).eigenvalues
    assert values[0].isnan().all()
    assert values[1].item() == 0.25


@pytest.fixture
def arnoldi_from_two_hundred(monkeypatch):
    """The switch-over is where it is fastest; right it must be on either side."""
    monkeypatch.setattr(jacobian, "DENSE_SIZE", 200)


def random_tanh(n, batch=1, gain=0.9, seed=0, dtype=torch.float64):
    """A cell of n units, at its equilibria."""
    generator = torch.Generator().manual_seed(seed)
    w = (gain * torch.randn(n, n, generator=generator, dtype=torch.float64) / math.sqrt(n)).to(dtype)
    x = torch.randn(batch, n, generator=generator, dtype=torch.float64).to(dtype)

    def f(z, x):
        return torch.tanh(z @ w.T + x)

    z = solve(f, torch.zeros(batch, n, dtype=dtype), x, Anderson(), rtol=1e-5, max_steps=200).z
    return w, f, z, x


def farthest(found, truth):
    """The largest distance from an eigenvalue found to the nearest true one."""
    return max(
        (row[:, None] - true[None]).abs().min(1).values.max().item() for row, true in zip(found, truth, strict=False)
    )


# a large state


@pytest.mark.usefixtures("arnoldi_from_two_hundred")
@pytest.mark.parametrize(("n", "leading"), [(300, 4), (400, 20), (600, 20)])
def test_arnoldi_finds_the_leading_eigenvalues_of_the_dense_jacobian_with_whole_pairs(n, leading):
    w, f, z, x = random_tanh(n, batch=3)
    slope = 1 - f(z, x) ** 2
    truth = torch.linalg.eigvals(slope[:, :, None] * w)
    found = spectrum(f, z, x, leading=leading).eigenvalues
    assert leading <= found.shape[1] < leading + 12
    assert farthest(found, truth) < 1e-7
    modulus = truth.abs().sort(dim=1, descending=True).values[:, : found.shape[1]]
    torch.testing.assert_close(found.abs(), modulus, rtol=1e-6, atol=0)
    for row in found:
        assert (row[:, None] - row.conj()[None]).abs().min(1).values.max() == 0
        assert (row[:-1][row[:-1].imag > 0] == row[1:][row[1:].imag < 0].conj()).all()


@pytest.mark.usefixtures("arnoldi_from_two_hundred")
def test_arnoldi_in_single_precision_is_right_to_a_hundred_thousandth():
    w, f, z, x = random_tanh(400, dtype=torch.float32)
    truth = torch.linalg.eigvals((1 - f(z, x) ** 2).double()[:, :, None] * w.double())
    found = spectrum(f, z, x, leading=10).eigenvalues
    assert found.dtype == torch.complex64
    assert farthest(found.to(torch.complex128), truth) < 1e-5


@pytest.mark.usefixtures("arnoldi_from_two_hundred")
def test_the_radius_of_a_large_rotation_in_disguise_is_its_modulus():
    """Random orthogonal coordinates of 0.9 times a rotation by 60 degrees, among 398 smaller ones."""
    q = torch.linalg.qr(torch.randn(400, 400, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]
    small = torch.diag(torch.linspace(-0.6, 0.6, 398, dtype=torch.float64))
    a = q @ torch.block_diag(rotation(math.pi / 3, 0.9), small) @ q.T
    radius = spectral_radius(lambda z, x: z @ a.T, torch.zeros(2, 400, dtype=torch.float64), None)
    torch.testing.assert_close(radius, torch.full((2,), 0.9, dtype=torch.float64), rtol=1e-8, atol=0)


def test_the_radius_of_a_small_rotation_is_its_modulus_and_no_rayleigh_quotient():
    a = rotation(math.pi / 3, 0.9)
    radius = spectral_radius(lambda z, x: z @ a.T, torch.zeros(1, 2, dtype=torch.float64), None)
    assert radius.item() == pytest.approx(0.9)


@pytest.mark.usefixtures("arnoldi_from_two_hundred")
def test_large_samples_without_a_jacobian_or_with_one_that_is_not_finite_are_told_apart():
    z = torch.ones(3, 300, dtype=torch.float64)
    z[1, 0] = 0.0
    scale = torch.tensor([[0.0], [1.0], [1.0]], dtype=torch.float64)
    radius = spectral_radius(lambda z, x: x * z.sqrt() * torch.linspace(0.1, 1, 300, dtype=torch.float64), z, scale)
    assert radius[0] == 0
    assert radius[1].isnan()
    assert radius[2].item() == pytest.approx(0.5)


def test_a_convolutional_state_of_four_thousand_gives_the_known_radius_of_a_circular_convolution():
    """Its eigenvalues are the Fourier transform of the kernel; no matrix of 4096 x 4096 is made."""
    kernel = torch.tensor([[0.1, 0.2, 0.0], [0.0, 0.3, 0.0], [0.05, 0.0, 0.1]], dtype=torch.float64)

    def f(z, x):
        padded = torch.nn.functional.pad(z, (1, 1, 1, 1), mode="circular")
        return torch.nn.functional.conv2d(padded, kernel[None, None])

    turned = torch.fft.fft2(kernel, s=(64, 64))
    truth = turned.abs().flatten().sort(descending=True).values
    z = torch.zeros(1, 1, 64, 64, dtype=torch.float64)
    assert spectral_radius(f, z, None).item() == pytest.approx(truth[0].item(), rel=1e-7)
    found = spectrum(f, z, None, leading=5).eigenvalues.abs()[0]
    torch.testing.assert_close(found, truth[: len(found)], rtol=1e-5, atol=0)


def test_all_eigenvalues_of_a_state_too_large_are_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr(jacobian, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match=r"z holds 20 numbers a sample.*ask for the leading eigenvalues alone"):
        spectrum(lambda z, x: z, torch.zeros(1, 20), None)


@pytest.mark.usefixtures("arnoldi_from_two_hundred")
def test_arnoldi_that_fails_gives_the_dense_answer_where_that_is_possible(monkeypatch):
    _w, f, z, x = random_tanh(300)
    truth = spectrum(f, z, x).eigenvalues
    monkeypatch.setattr(jacobian, "_leading", lambda *given: None)
    assert torch.equal(spectrum(f, z, x, leading=5).eigenvalues, truth[:, : spectrum(f, z, x, 5).eigenvalues.shape[1]])
    monkeypatch.setattr(jacobian, "MOST_BYTES", 1000)
    with pytest.raises(RuntimeError, match="Arnoldi's method found no"):
        spectrum(f, z, x, leading=5)


# the size of the Jacobian


def test_hutchinsons_mean_is_the_exact_frobenius_norm():
    w, f, z, x = random_tanh(12, batch=3)
    exact = ((1 - f(z, x) ** 2)[:, :, None] * w).square().sum((1, 2))
    many = torch.stack([frobenius(f, z, x, draws=100, seed=seed) for seed in range(40)])  # (40, 3)
    error = many.std(0) / math.sqrt(40)
    assert ((many.mean(0) - exact).abs() < 4 * error).all()
    assert (error < 0.02 * exact).all()


def test_one_direction_gives_the_length_of_its_product():
    w, f, z, x = random_tanh(5)
    e = torch.randn(1, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    product = e @ ((1 - f(z, x) ** 2)[0, :, None] * w)
    torch.testing.assert_close(frobenius(f, z, x, seed=3), product.square().sum(1))
    generator = torch.Generator().manual_seed(3)
    torch.testing.assert_close(frobenius(f, z, x, generator=generator), product.square().sum(1))
    assert not torch.equal(frobenius(f, z, x, generator=generator), product.square().sum(1))  # the next direction


def test_its_gradient_is_that_of_finite_differences_for_weight_input_and_state():
    generator = torch.Generator().manual_seed(0)
    w, z, x = (
        torch.randn(s, generator=generator, dtype=torch.float64).requires_grad_() for s in ((3, 3), (2, 3), (2, 3))
    )

    def size(w, z, x):
        return frobenius(lambda z, x: torch.tanh(z @ w.T + x), z, x, draws=2)

    assert torch.autograd.gradcheck(size, (w, z, x), atol=1e-7)


def test_a_cell_that_forgets_its_state_has_the_size_zero_and_no_graph_is_kept_where_none_is_wanted():
    z = torch.ones(2, 3)
    assert (frobenius(lambda z, x: x, z, torch.ones(2, 3)) == 0).all()
    assert (frobenius(lambda z, x: 2 * x, z, torch.ones(2, 3).requires_grad_()) == 0).all()
    weight = torch.ones(1, requires_grad=True)
    assert frobenius(lambda z, x: weight * z, z, None).requires_grad
    with torch.no_grad():
        assert not frobenius(lambda z, x: weight * z, z, None, draws=3).requires_grad


# the same eigenvalues from data


@pytest.mark.parametrize(("size", "error"), [(1e-2, 1.5e-3), (1e-3, 1.5e-4)])
def test_edmd_from_a_cloud_round_the_equilibrium_finds_the_jacobians_eigenvalues(size, error):
    _w, f, _, x = random_tanh(6)
    z_star = solve(f, torch.zeros(1, 6, dtype=torch.float64), x, rtol=1e-13, atol=0.0, max_steps=300).z
    cloud = size * torch.randn(2000, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    after = f(z_star + cloud, x.expand(2000, 6)) - z_star
    learned = koopman.dmd(cloud, after).spectrum.eigenvalues
    truth = spectrum(f, z_star, x).eigenvalues
    gap = farthest([learned], truth)
    assert gap < error
    assert gap > error * 1e-4  # it is an estimate, and not the Jacobian by another name


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda z: spectrum(lambda z, x: z, z, None, leading=0), "leading must be at least 1"),
        (lambda z: spectrum(lambda z, x: z, z * torch.inf, None), "z holds"),
        (lambda z: spectral_radius(lambda z, x: z, z * torch.nan, None), "z holds"),
        (lambda z: frobenius(lambda z, x: z, z, None, draws=0), "draws must be at least 1"),
        (lambda z: frobenius(lambda z, x: z, z, None, seed=-1), "seed must be at least 0"),
        (lambda z: frobenius(lambda z, x: z[:, :1], z, None), "f must return the shape of z"),
        (lambda z: spectrum(lambda z, x: z[:, :1], z, None), "f must return the shape of z"),
        (lambda z: spectrum(lambda z, x: z, z, torch.ones(3, 1)), "x must have one row for each of the 2 samples"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call(torch.ones(2, 2))
