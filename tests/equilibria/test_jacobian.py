"""The spectrum at a point against eigenvalues known beforehand."""

import math

import pytest
import torch

from simviz.equilibria.jacobian import spectrum


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


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda z: spectrum(lambda z, x: z, z, None, leading=0), "leading must be at least 1"),
        (lambda z: spectrum(lambda z, x: z, z * torch.inf, None), "z holds"),
        (lambda z: spectrum(lambda z, x: z[:, :1], z, None), "f must return the shape of z"),
        (lambda z: spectrum(lambda z, x: z, z, torch.ones(3, 1)), "x must have one row for each of the 2 samples"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call(torch.ones(2, 2))
