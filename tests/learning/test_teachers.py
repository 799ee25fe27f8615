"""Teachers have the radius that was asked, by another library's eigenvalues, and one fixed point to turn round."""

import functools

import numpy as np
import pytest
import torch

from simviz.learning.teachers import REST, teacher

made = functools.cache(teacher)
every_radius = pytest.mark.parametrize("radius", [0.5, 0.95, 1.05, 1.2])


def parts(found):
    W, U, b = (p.numpy() for p in (found.cell.W_z.weight, found.cell.W_x.weight, found.cell.W_x.bias))
    return W, U, b, found.x[0].numpy(), found.z_star[0].numpy()


@every_radius
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_jacobian_at_the_fixed_point_has_the_radius_and_the_angle_said(radius, seed):
    found = made(radius, seed)
    W, U, b, x, z = parts(found)
    assert np.abs(np.tanh(W @ z + U @ x + b) - z).max() < 1e-9
    values = np.linalg.eigvals(np.diag(1 - z**2) @ W)
    top = values[np.abs(values).argmax()]
    assert abs(top) == pytest.approx(radius, abs=1e-6)
    assert found.radius == pytest.approx(radius, abs=1e-6)
    assert found.angle == pytest.approx(abs(np.angle(top)), abs=1e-6)
    assert np.sort(np.abs(values))[-3] < 0.9 * radius  # one pair leads
    given = found.spectrum().eigenvalues[0].numpy()
    assert np.abs(given[:, None] - values).min(0).max() < 1e-8


def test_the_same_seed_and_another_radius_is_the_same_cell_stretched_in_one_plane():
    one, other = (parts(made(radius, 1)) for radius in (0.5, 1.2))
    np.testing.assert_array_equal(one[1], other[1])
    np.testing.assert_array_equal(one[3], other[3])
    u, sizes, _ = np.linalg.svd(other[0] - one[0])
    assert sizes[:2] == pytest.approx(sizes[0])
    assert sizes[2] < 1e-12
    rest = u[:, 2:].T @ one[0] @ u[:, 2:]
    np.testing.assert_allclose(rest, u[:, 2:].T @ other[0] @ u[:, 2:], atol=1e-12)
    assert np.linalg.norm(rest, 2) == pytest.approx(REST)
    assert not np.allclose(parts(made(0.5, 2))[0], one[0])


@pytest.mark.parametrize(("radius", "stays"), [(0.8, True), (1.2, False)])
def test_iteration_comes_back_below_1_and_leaves_above(radius, stays):
    found = made(radius, 1)
    W, U, b, x, z = parts(found)
    states = found.iterates(found.cloud(3, 1e-3), 100).numpy()
    by_hand = states[:, 0]
    for _ in range(100):
        by_hand = np.tanh(by_hand @ W.T + U @ x + b)
    np.testing.assert_allclose(states[:, -1], by_hand, atol=1e-9)
    away = np.linalg.norm(states - z, axis=2)
    assert bool((away[:, -1] < 1e-4 * away[:, 0]).all()) == stays
    assert bool((away[:, -1] > 10 * away[:, 0]).all()) != stays


def test_a_cloud_lies_round_the_fixed_point_with_the_size_asked_and_by_its_seed():
    found = made(0.95, 1)
    cloud = found.cloud(4000, 0.2)
    assert cloud.shape == (4000, 16)
    assert float((cloud - found.z_star).std()) == pytest.approx(0.2, rel=0.02)
    assert float((cloud.mean(0) - found.z_star).abs().max()) < 0.02
    assert torch.equal(cloud, found.cloud(4000, 0.2))
    assert not torch.equal(cloud, found.cloud(4000, 0.2, seed=1))


def test_a_teacher_is_made_without_touching_the_users_generator_and_learns_nothing():
    before = torch.random.get_rng_state()
    found = teacher(0.7, 3, units=5, inputs=2)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not any(p.requires_grad for p in found.cell.parameters())
    assert (found.x.shape, found.z_star.shape) == ((1, 2), (1, 5))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"radius": 0.0}, "radius must be finite"),
        ({"radius": float("nan")}, "radius must be finite"),
        ({"radius": 0.01}, "radius must be one that this cell can have at its x, 0.01 is none: try another seed"),
        ({"radius": 50.0}, "radius must be one that this cell can have at its x, 50 is none"),
        ({"radius": 0.9, "units": 2}, "units must be at least 3, got 2"),
        ({"radius": 0.9, "seed": -1}, "seed must be at least 0"),
    ],
)
def test_what_no_teacher_has_is_refused_by_name(given, words):
    with pytest.raises(ValueError, match=words):
        teacher(**given)
