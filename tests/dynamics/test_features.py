"""Dictionaries against their formulas, their names against their values; random features against their kernel."""

import math

import numpy as np
import pytest
import torch

from simviz.dynamics.features import (
    RBF,
    Chebyshev,
    Delays,
    Fourier,
    Identity,
    Module,
    Monomials,
    RandomFourier,
    Stack,
    Tensor,
    Through,
    angles,
    columns,
    polar,
    random_fourier,
)

POINTS = torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def kernel_error(features, bandwidth, seed, kernel, form):
    psi = RandomFourier(3, features, bandwidth, kernel, seed, form=form)(POINTS)
    squares = torch.exp(-torch.cdist(POINTS, POINTS).square() / (2 * bandwidth**2))
    sums = torch.exp(-(POINTS[:, None] - POINTS).abs().sum(-1) / bandwidth)
    return (psi @ psi.T - (squares if kernel == "gaussian" else sums)).square().mean().sqrt()


@pytest.mark.parametrize("form", ["cos-sin", "cos-bias"])
@pytest.mark.parametrize("kernel", ["gaussian", "laplace"])
@pytest.mark.parametrize("bandwidth", [0.7, 2.0])
def test_the_kernels_error_falls_as_one_over_the_root_of_their_number(bandwidth, kernel, form):
    sizes = [64, 256, 1024, 4096]
    errors = [torch.stack([kernel_error(n, bandwidth, seed, kernel, form) for seed in range(8)]).mean() for n in sizes]
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.08)
    assert errors[-1] < 0.025


def test_every_point_has_features_of_length_one_in_its_own_dtype():
    psi = RandomFourier(3, 50)
    assert torch.allclose(psi(POINTS).norm(dim=1), torch.ones(40, dtype=torch.float64), atol=1e-12)
    assert psi(POINTS.float()).dtype == torch.float32
    assert psi(POINTS.reshape(4, 10, 3)).shape == (4, 10, 50)
    assert torch.equal(psi(POINTS.numpy()), psi(POINTS))


def test_the_seed_decides_the_directions():
    assert torch.equal(RandomFourier(2, 8, seed=4).directions, RandomFourier(2, 8, seed=4).directions)
    assert not torch.equal(RandomFourier(2, 8, seed=4).directions, RandomFourier(2, 8, seed=5).directions)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"inputs": 0}, "inputs must be at least 1"),
        ({"features": 7}, "features must be even"),
        ({"features": -4}, "features must be at least 2"),
        ({"bandwidth": 0.0}, "bandwidth must be finite"),
        ({"bandwidth": math.inf}, "bandwidth must be finite"),
        ({"kernel": "cauchy"}, "kernel must be one of 'gaussian', 'laplace'"),
        ({"form": "sin"}, "form must be one of 'cos-sin', 'cos-bias'"),
        ({"seed": -1}, "seed must be at least 0"),
    ],
)
def test_bad_options_are_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        RandomFourier(**{"inputs": 2, "features": 8, **options})


def test_points_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match=r"points must be \(..., 2\), got \(4, 3\)"):
        RandomFourier(2, 8)(torch.ones(4, 3))


def test_the_function_and_the_dictionary_are_the_same():
    one, two = RandomFourier(3, 10, seed=2), RandomFourier(3, 10, seed=2, form="cos-bias")
    assert torch.equal(random_fourier(POINTS, one.directions), one(POINTS))
    assert torch.equal(random_fourier(POINTS, two.directions, two.phases), two(POINTS))
    assert two.directions.shape == (10, 3)
    phases = RandomFourier(1, 1000, form="cos-bias").phases
    assert 0 <= phases.min() < 0.1
    assert 6.2 < phases.max() < 2 * math.pi
    assert RandomFourier(3, 7, form="cos-bias")(POINTS).shape == (40, 7)


WORDS = {"cos": torch.cos, "sin": torch.sin}


def by_name(name, point):
    """Evaluate an observable from its name alone: "s1^2 s2", "T3(s1) cos(2 s2)", "s1[t-2]"."""
    value, rest = 1.0, name
    for part in rest.replace("(2 ", "(2*").split(" "):
        if part == "1":
            continue
        head, _, inside = part.rstrip(")").partition("(")
        if inside:
            times, _, symbol = inside.rpartition("*")
            x = point[symbol] * float(times or 1)
            value = value * (WORDS[head](x) if head in WORDS else torch.cos(int(head[1:]) * torch.acos(x)))
        else:
            symbol, _, power = part.partition("^")
            value = value * point[symbol] ** int(power or 1)
    return value


@pytest.mark.parametrize(
    ("dictionary", "size"),
    [
        (Identity(), 3),
        (Identity(constant=True), 4),
        (Monomials(0), 1),
        (Monomials(4), math.comb(7, 4)),
        (Fourier(2), 125),
        (Fourier(0), 1),
        (Chebyshev(3), math.comb(6, 3)),
        (Chebyshev(1), 4),
        (Tensor(Chebyshev(3), Fourier(2), Monomials(2)), 4 * 5 * 3),
        (Tensor(Monomials(2), Fourier(2), columns=[(0, 2), 1]), 6 * 5),
        (Stack(Identity(), Tensor(Fourier(1))), 6),
        (Through(columns(2, 0), Monomials(2)), 6),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_observable_is_what_its_name_says(dictionary, size):
    points = torch.rand(20, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2 - 1
    names, values = dictionary.names(3), dictionary(points)
    assert values.shape == (20, size)
    assert dictionary.size(3) == len(names) == len(set(names)) == size
    called = {f"s{i + 1}": points[:, i] for i in range(3)}
    for name, column in zip(names, values.T, strict=True):
        assert torch.allclose(column, torch.as_tensor(by_name(name, called), dtype=torch.float64), atol=1e-12), name
    assert dictionary(points.reshape(4, 5, 3)).shape == (4, 5, size)
    assert dictionary(points.float()).dtype == torch.float32
    assert torch.equal(dictionary(points.numpy()), values)


def test_chebyshev_polynomials_are_orthogonal_on_their_interval():
    nodes = torch.cos(torch.pi * (torch.arange(50, dtype=torch.float64) + 0.5) / 50)
    T = Chebyshev(9, 0.6, 1.4)((1.0 + 0.4 * nodes)[:, None])
    truth = torch.diag(torch.tensor([50.0] + [25.0] * 9, dtype=torch.float64))
    assert torch.allclose(T.T @ T, truth, atol=1e-10)


def test_chebyshev_takes_an_interval_a_coordinate():
    both = Chebyshev(1, [0.0, -1.0], [2.0, 3.0])(torch.tensor([[2.0, 1.0], [0.0, 3.0]]))
    assert both.tolist() == [[1.0, 1.0, 0.0], [1.0, -1.0, 1.0]]


def test_bumps_stand_where_the_data_are():
    clusters = torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]], dtype=torch.float64)
    noise = 0.05 * torch.randn(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    bumps = RBF.from_data(clusters.repeat(100, 1) + noise, 3)
    assert torch.cdist(clusters, bumps.centres).min(1).values.max() < 0.05
    assert bumps.bandwidth == pytest.approx(5.0, abs=0.1)  # the median of 5, 5 and 7.07
    here = RBF(clusters, 2.0)(torch.tensor([[3.0, 4.0]], dtype=torch.float64))
    truth = [math.exp(-25 / 8), math.exp(-20 / 8), math.exp(-10 / 8)]
    assert torch.allclose(here, torch.tensor([truth], dtype=torch.float64))
    again = RBF.from_data(clusters.repeat(100, 1) + noise, 3)
    assert torch.equal(again.centres, bumps.centres)
    assert bumps.size(2) == len(bumps.names(2)) == 3


def test_polar_and_angles_read_pairs():
    point = torch.tensor([[0.0, 2.0, -1.0, 0.0]], dtype=torch.float64)
    assert torch.allclose(polar(point), torch.tensor([[2.0, math.pi / 2, 1.0, math.pi]], dtype=torch.float64))
    assert torch.allclose(angles(point), torch.tensor([[math.pi / 2, math.pi]], dtype=torch.float64))
    assert Through(polar, Tensor(Monomials(1), Fourier(1))).names(2)[-1] == "r sin(theta)"
    assert Through(angles, Identity()).names(4) == ("theta1", "theta2")
    assert Through(lambda s: s[..., :1] ** 2, Monomials(2)).names(3) == ("1", "c1", "c1^2")


def test_delays_lay_a_window_out_from_old_to_new():
    path = torch.arange(10.0, dtype=torch.float64)[:, None]
    windows = path.unfold(0, 5, 1)[..., ::2].transpose(-1, -2)  # (6, 3, 1): t - 4, t - 2, t
    delays = Delays(3, Monomials(2), gap=2, constant=True)
    names = delays.names(1)
    assert names[:4] == ("1", "1", "s1[t-4]", "s1[t-4]^2")
    assert names[-1] == "s1[t]^2"
    assert delays.size(1) == 10
    assert delays(windows)[0].tolist() == [1, 1, 0, 0, 1, 2, 4, 1, 4, 16]
    assert delays.window == (3, 2)
    assert Through(columns(0), delays).window == Stack(delays, Delays(3, gap=2)).window == (3, 2)


def test_a_function_and_a_network_are_dictionaries():
    net = torch.nn.Linear(3, 5)  # single precision
    found = Module(net)(POINTS)
    assert found.shape == (40, 5)
    assert not found.requires_grad
    assert torch.allclose(found, net(POINTS.float()))
    assert Module(net).size(3) == 5
    assert Module(net).names(3) == ("g1", "g2", "g3", "g4", "g5")
    named = Module(lambda s: s[:, :2] ** 2, names=("first", "second"))
    assert named.names(3) == ("first", "second")
    assert torch.equal(named(POINTS.reshape(4, 10, 3)), POINTS.reshape(4, 10, 3)[..., :2] ** 2)
    assert Module(lambda s: np.cos(s.numpy()))(POINTS).shape == (40, 3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Monomials(-1), "degree must be at least 0"),
        (lambda: Fourier(1.5), "harmonics must be a whole number"),
        (lambda: Chebyshev(2, 1.0, 1.0), "low must lie below high"),
        (lambda: Chebyshev(2, [0, 0], [1, 1])(POINTS), r"points must be \(..., 2\) as low and high are"),
        (lambda: Stack(), "Stack needs at least one dictionary, got none"),
        (lambda: Stack(Identity(), Delays(2)), "must read the same window"),
        (lambda: Tensor(), "Tensor needs at least one factor, got none"),
        (lambda: Tensor(Delays(2)), "put it inside Delays"),
        (lambda: Tensor(Identity(), columns=[0, 1]), "columns must name the coordinates of each of 1 factors"),
        (lambda: Tensor(*[Identity()] * 4)(POINTS), "read 4 coordinates, but the points have 3"),
        (lambda: Delays(0), "count must be at least 1"),
        (lambda: Delays(2, Delays(2)), "inner must observe one state"),
        (lambda: Delays(2)(POINTS), r"points must be windows \(..., 2, dim\), got \(40, 3\)"),
        (lambda: Delays(2)(POINTS[0]), r"points must be \(..., count, dim\), got \(3,\)"),
        (lambda: RBF(POINTS[0]), r"centres must be \(count, dim\)"),
        (lambda: RBF(POINTS[:1]), "points must hold at least 2 samples for a median distance"),
        (lambda: RBF(torch.zeros(5, 2)), "points must differ for a median distance"),
        (lambda: RBF(POINTS, 0.0), "bandwidth must be finite"),
        (lambda: RBF(POINTS, "mean"), "bandwidth must be one of 'median'"),
        (lambda: RBF(POINTS)(POINTS[:, :2]), r"points must be \(..., 3\), got \(40, 2\)"),
        (lambda: RBF.from_data(POINTS, 41), "count must be at most the number of points, 40"),
        (lambda: Through("polar", Identity()), "coordinates must be a function of points"),
        (lambda: Through(polar, Identity())(POINTS), "points must hold pairs of coordinates"),
        (lambda: columns(), "columns needs at least one index"),
        (lambda: Module(3), "a dictionary must be a Dictionary, a function or an nn.Module, got 3"),
        (lambda: Module(lambda s: s.sum())(POINTS), r"must return \(40, size\) for 40 points, but returned \(\)"),
        (lambda: Identity()(POINTS * math.nan), "points holds 120 values that are NaN"),
        (lambda: Identity()(POINTS * 1j), "points must be real"),
        (lambda: Identity()(torch.tensor(1.0)), r"points must be \(..., dim\), got \(\)"),
    ],
)
def test_what_makes_no_dictionary_is_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
