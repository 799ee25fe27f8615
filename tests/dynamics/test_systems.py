"""Known systems keep to what is known of them: closed forms, periods, orbits of a second integrator."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from simviz.dynamics import systems
from simviz.dynamics.systems import (
    SYSTEMS,
    AttractingTorus,
    CircleRotation,
    Duffing,
    Flow,
    Henon,
    LinearMap,
    Logistic,
    Lorenz,
    Map,
    NeimarkSacker,
    OwnFlow,
    OwnMap,
    Pendulum,
    SlowManifold,
    StuartLandau,
    TorusRotation,
    VanDerPol,
)

EVERY = [system() for system in SYSTEMS.values()]
POINTS = [
    SlowManifold(-0.3, -2.0), Duffing(0.5), Duffing(2.0), Pendulum(0.4), LinearMap(0.7, 1.1), LinearMap(1.1, 0.3),
    LinearMap(matrix=[[0.5, 0.2, 0.0], [0.0, -0.4, 0.1], [0.0, 0.0, 0.9]]), Logistic(0.6), Logistic(2.6), Logistic(3.3),
    Henon(), Henon(0.2, 0.3), NeimarkSacker(0.9, 0.7), NeimarkSacker(1.2, 0.7), Lorenz(), Lorenz(rho=0.5),
    Lorenz(rho=20), VanDerPol(2.0), StuartLandau(0.5, 2.0),
]  # fmt: skip


def jacobian(system, point):
    function = system.rate if isinstance(system, Flow) else system.step
    return torch.autograd.functional.jacobian(function, point)


@pytest.mark.parametrize(("mu", "period"), [(1.0, 6.66328686), (2.0, 7.62987448), (3.0, 8.85909550)])
def test_van_der_pol_has_the_periods_of_the_literature(mu, period):
    assert VanDerPol(mu).period() == pytest.approx(period, abs=1e-6)


@pytest.mark.parametrize(("mu", "omega"), [(1.0, 1.0), (0.3, 2.5), (4.0, 0.2)])
def test_stuart_landau_orbits_follow_their_closed_form(mu, omega):
    """r(t)^2 = 1 / (1 + (1 / r0^2 - 1) exp(-2 mu t)), the angle grows by omega t."""
    system = StuartLandau(mu, omega)
    z0 = system.initial(50, seed=3).double()
    dt = 0.17
    got = system.orbit(z0, 40, dt)
    t = dt * torch.arange(41, dtype=torch.float64)
    r0, angle = z0.norm(dim=1, keepdim=True), torch.atan2(z0[:, 1:], z0[:, :1])
    r = (1 + (r0**-2 - 1) * torch.exp(-2 * mu * t)) ** -0.5
    truth = torch.stack([r * torch.cos(angle + omega * t), r * torch.sin(angle + omega * t)], -1)
    assert got.shape == (50, 41, 2)
    assert (got - truth).abs().max() < 1e-7


def test_van_der_pol_orbits_agree_with_scipy():
    system = VanDerPol(2.0)
    z0 = system.initial(5, seed=1).double()
    got = system.orbit(z0, 30, 0.3)
    for start, path in zip(z0, got, strict=True):
        mine = solve_ivp(
            lambda t, s: [s[1], 2.0 * (1 - s[0] ** 2) * s[1] - s[0]],
            (0.0, 9.0),
            start.numpy(),
            t_eval=0.3 * np.arange(31),
            method="LSODA",
            rtol=1e-11,
            atol=1e-12,
        )
        np.testing.assert_allclose(path.numpy(), mine.y.T, atol=1e-6)


def test_single_precision_orbits_stay_within_a_thousandth_of_double_ones():
    system = VanDerPol()
    z0 = system.initial(200)
    single = system.orbit(z0, 60, 0.3)
    assert single.dtype == torch.float32
    assert (single - system.orbit(z0.double(), 60, 0.3)).abs().max() < 1e-3


@pytest.mark.parametrize("system", [StuartLandau(0.7, 1.3), VanDerPol(1.5)], ids=repr)
def test_the_invariant_set_is_closed_in_time_and_invariant(system):
    points = system.invariant_set(100)
    after = system.orbit(points, 1, system.period() / 100)[:, 1]
    assert points.shape == (100, 2)
    assert (after - points.roll(-1, 0)).abs().max() < 1e-6
    assert system.angle(0.3) == pytest.approx(0.3 * 2 * math.pi / system.period(), rel=1e-12)


@pytest.mark.parametrize("system", [StuartLandau(), VanDerPol()], ids=repr)
def test_initial_conditions_fill_the_box_outside_the_hole_and_follow_the_seed(system):
    z = system.initial(4000, seed=5)
    assert z.shape == (4000, 2)
    assert z.norm(dim=1).min() > system.hole
    low, high = torch.tensor(system.box).T
    assert ((z >= low) & (z <= high)).all()
    assert (z.amax(0) > 0.98 * high).all()
    assert (z.amin(0) < 0.98 * low).all()
    assert torch.equal(z, system.initial(4000, seed=5))
    assert not torch.equal(z, system.initial(4000, seed=6))


@pytest.mark.parametrize("system", POINTS, ids=repr)
def test_fixed_points_stand_still_and_are_stable_where_the_jacobian_says_so(system):
    known = system.truth()
    for point, stable in zip(known.fixed_points, known.stable, strict=True):
        moved = system.rate(point) if isinstance(system, Flow) else system.step(point) - point
        assert moved.abs().max() < 1e-12
        values = torch.linalg.eigvals(jacobian(system, point))
        growth = values.real.max() if isinstance(system, Flow) else values.abs().max() - 1
        assert (growth < 0) == stable


@pytest.mark.parametrize(
    "system", [s for s in POINTS if s.truth().kind == "fixed point" and s.truth().decaying], ids=repr
)
def test_the_principal_eigenvalues_of_a_stable_point_are_those_of_its_jacobian(system):
    known = system.truth()
    point = known.fixed_points[known.stable][0]
    dt = 0.3 if isinstance(system, Flow) else 1.0
    linear = jacobian(system, point)
    truth = torch.linalg.eigvals(torch.linalg.matrix_exp(linear * dt) if isinstance(system, Flow) else linear)
    got = system.eigenvalues(dt, order=1)
    for value in truth:
        assert (got - value).abs().min() < 1e-12
    assert (got - 1).abs().min() < 1e-12
    products = torch.outer(truth, truth).flatten()
    assert all((system.eigenvalues(dt, order=2) - value).abs().min() < 1e-12 for value in products)


@pytest.mark.parametrize("system", [StuartLandau(0.4, 1.5), VanDerPol(0.5), VanDerPol(2.0)], ids=repr)
def test_orbits_near_a_limit_cycle_come_to_it_at_its_floquet_rate(system):
    """The monodromy matrix by finite differences has the eigenvalues 1 and exp(rate times period)."""
    start, step = system.invariant_set(1), 1e-5
    shifted = torch.cat([start + step * e for e in torch.eye(2)] + [start - step * e for e in torch.eye(2)])
    after = system.orbit(shifted, 4, system.period() / 4)[:, -1]
    monodromy = ((after[:2] - after[2:]) / (2 * step)).T
    values = torch.linalg.eigvals(monodromy).real.sort().values
    assert values[1] == pytest.approx(1, abs=1e-5)
    assert values[0] == pytest.approx(math.exp(system.return_rate() * system.period()), abs=1e-5)


@pytest.mark.parametrize("system", [NeimarkSacker(1.2, 1.0), NeimarkSacker(1.05, 2.5)], ids=repr)
def test_the_circle_of_neimark_and_sacker_is_invariant_and_attracts_with_its_multiplier(system):
    circle = system.invariant_set(100)
    radius = math.sqrt(10 * (1 - 1 / system.radius))
    after = system.step(circle)
    assert torch.allclose(after.norm(dim=1), torch.full((100,), radius, dtype=torch.float64), atol=1e-12)
    turned = torch.atan2(after[:, 1], after[:, 0]) - torch.atan2(circle[:, 1], circle[:, 0])
    assert torch.allclose(turned % (2 * math.pi), torch.tensor(system.turn, dtype=torch.float64), atol=1e-12)
    pulled = (system.step(circle * (1 + 1e-6)).norm(dim=1) - radius) / (radius * 1e-6)
    assert torch.allclose(pulled, torch.tensor(system.truth().decaying[0], dtype=torch.float64), atol=1e-5)


@pytest.mark.parametrize(("growth", "period"), [(3.2, 2), (3.5, 4), (3.55, 8), (3.566, 16)])
def test_the_logistic_map_has_the_cycles_of_may(growth, period):
    system = Logistic(growth)
    tail = system.orbit(system.initial(5), 40000)[:, -64:, 0]
    assert system.truth().period == period
    assert (tail[:, period:] - tail[:, :-period]).abs().max() < 1e-9
    assert (tail[:, period // 2 :] - tail[:, : -(period // 2)]).abs().max() > 1e-3


def test_logistic_orbits_at_growth_4_have_the_arcsine_density():
    """Kolmogorov and Smirnov: the orbit's distribution function is (2 / pi) arcsin sqrt s."""
    system = Logistic()
    points = system.orbit(system.initial(200), 500)[:, 100:].flatten().sort().values
    exact = 2 / math.pi * torch.asin(points.sqrt())
    empirical = torch.arange(1, len(points) + 1) / len(points)
    assert (exact - empirical).abs().max() < 0.01
    middles = (torch.arange(10**6, dtype=torch.float64) + 0.5) / 10**6
    assert float(system.truth().density(middles).mean()) == pytest.approx(1, abs=1e-3)


def test_an_undamped_pendulum_keeps_its_energy_and_has_the_period_of_the_elliptic_integral():
    system = Pendulum()
    orbits = system.orbit(system.initial(30).double(), 100, 0.5)
    energy = system.energy(orbits)
    assert (energy - energy[:, :1]).abs().max() < 1e-7
    for amplitude in (0.3, 1.5, 3.0):
        turn = system.period(amplitude)
        assert system.orbit(torch.tensor([[amplitude, 0.0]], dtype=torch.float64), 1, turn)[0, 1] == pytest.approx(
            [amplitude, 0.0], abs=1e-6
        )
    small = 0.1  # the series of the textbooks
    series = 2 * math.pi * (1 + small**2 / 16 + 11 * small**4 / 3072)
    assert system.period(small) == pytest.approx(series, rel=1e-8)


def test_the_attracting_torus_turns_evenly_in_both_angles_and_draws_orbits_to_itself():
    system = AttractingTorus(0.3, 1.2, 2.1)
    dt, steps = 0.4, 60
    start = system.initial(20).double()
    orbit = system.orbit(start, steps, dt)
    t = dt * torch.arange(steps + 1, dtype=torch.float64)

    def taken_apart(s):
        around = torch.hypot(s[..., 0], s[..., 1]) - 2
        return torch.atan2(s[..., 1], s[..., 0]), torch.atan2(s[..., 2], around), torch.hypot(around, s[..., 2])

    along, tube, r = taken_apart(orbit)
    r0 = r[:, :1]
    assert torch.allclose(r, (1 + (r0**-2 - 1) * torch.exp(-2 * 0.3 * t)) ** -0.5, atol=1e-7)
    for got, turn in ((along, 1.2), (tube, 2.1)):
        assert torch.allclose(torch.exp(1j * got), torch.exp(1j * (got[:, :1] + turn * t)), atol=1e-6)
    on_it = system.invariant_set(300)
    assert torch.allclose(taken_apart(on_it)[2], torch.ones(300, dtype=torch.float64))
    assert taken_apart(system.orbit(on_it, 5, 0.7)[:, -1])[2] == pytest.approx(1, abs=1e-8)


def test_rotations_turn_their_angles_by_the_turn():
    circle, torus = CircleRotation(0.7), TorusRotation(0.5, 1.9)
    for system, turns in ((circle, [0.7]), (torus, [0.5, 1.9])):
        orbit = system.orbit(system.initial(10), 50)
        phases = torch.complex(orbit[..., 0::2], orbit[..., 1::2])  # (10, 51, circles)
        t = torch.arange(51, dtype=torch.float64)[:, None]
        assert torch.allclose(phases, phases[:, :1] * torch.exp(1j * t * torch.tensor(turns)), atol=1e-12)
        assert torch.allclose(phases.abs(), torch.ones_like(phases.abs()), atol=1e-12)
    assert CircleRotation(2 * math.pi / 5).truth().kind == "cycle"
    assert CircleRotation(2 * math.pi / 5).truth().period == 5
    assert TorusRotation(1.0, 2.0).truth().kind is None  # resonant: each orbit is a closed curve


def test_lorenz_orbits_agree_with_scipy_and_henon_with_the_formula():
    system = Lorenz()
    z0 = system.initial(4).double()
    got = system.orbit(z0, 40, 0.1)
    for start, path in zip(z0, got, strict=True):
        mine = solve_ivp(
            lambda t, s: [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]],
            (0.0, 4.0), start.numpy(), t_eval=0.1 * np.arange(41), method="DOP853", rtol=1e-12, atol=1e-12,
        )  # fmt: skip
        np.testing.assert_allclose(path.numpy(), mine.y.T, atol=1e-5)
    assert Henon().orbit([[0.5, 0.1]], 2)[0, 1:].flatten().tolist() == pytest.approx([0.75, 0.15, 0.3625, 0.225])


@pytest.mark.parametrize("system", EVERY, ids=repr)
def test_every_system_starts_in_its_box_and_stays_finite_at_both_ends_of_every_slider(system):
    for name, limits in system.parameters.items():
        for value in (limits.low, limits.default, limits.high):
            moved = type(system)(**{name: value})
            z = moved.initial(20, seed=2)
            low, high = torch.tensor(moved.box, dtype=z.dtype).T
            assert ((z >= low) & (z <= high)).all()
            assert moved.admits(z).all()
            if not (isinstance(moved, LinearMap) and moved.modulus > 1):
                assert torch.isfinite(moved.orbit(z, 40, 1.0 if isinstance(moved, Map) else 0.2)).all()
            assert moved.truth().source
    assert system.initial(3).dtype == (torch.float64 if isinstance(system, Map) else torch.float32)
    assert len(system.box) == system.dim


@pytest.mark.parametrize("system", EVERY, ids=repr)
def test_orbits_keep_the_dtype_they_are_given_and_take_numpy(system):
    z = system.initial(3).double()
    dt = 1.0 if isinstance(system, Map) else 0.1
    assert system.orbit(z, 4, dt).dtype == torch.float64
    assert torch.equal(system.orbit(z.numpy(), 4, dt), system.orbit(z, 4, dt))
    assert torch.equal(system.orbit(z, 4, dt)[:, 0], z)
    assert torch.equal(system.initial(3, seed=1), system.initial(3, seed=1))


def test_a_chaotic_map_in_single_precision_warns():
    with pytest.warns(UserWarning, match="Logistic.* is chaotic and z0 is torch.float32.*pass z0.double"):
        Logistic(3.9).orbit(torch.rand(2, 1), 3)
    with pytest.warns(UserWarning, match="Henon"):
        Henon().orbit(torch.zeros(2, 2), 3)


def test_orbits_that_escape_are_infinite_from_then_on_and_a_warning_counts_them():
    square = OwnMap(lambda s: s**2, [(-1, 1)])
    with pytest.warns(UserWarning, match="1 of 2 orbits of OwnMap.* the first at step 10"):
        orbit = square.orbit(torch.tensor([[0.5], [2.0]], dtype=torch.float64), 14)[..., 0]
    assert torch.isfinite(orbit[0]).all()
    assert torch.isinf(orbit[1, 10:]).all()
    with pytest.warns(UserWarning, match="1 of 2 orbits of OwnFlow"):
        flow = OwnFlow(lambda s: s**2, [(-1, 1)]).orbit(torch.tensor([[0.5], [2.0]], dtype=torch.float64), 6, 0.25)
    t = 0.25 * torch.arange(7, dtype=torch.float64)
    assert torch.allclose(flow[0, :, 0], 1 / (2 - t), atol=1e-7)  # z / (1 - z t)
    assert torch.allclose(flow[1, :2, 0], torch.tensor([2.0, 4.0], dtype=torch.float64), atol=1e-7)
    assert torch.isinf(flow[1, 2:]).all()


def test_your_own_map_and_flow_are_systems_like_any_other():
    own = OwnFlow(lambda s: torch.stack([s[..., 1], -s[..., 0]], -1), [(-1, 1), (-2, 2)])
    z = own.initial(5).double()
    turned = own.orbit(z, 8, math.pi / 4)
    assert torch.allclose(turned[:, 4], -z, atol=1e-7)
    assert torch.allclose(turned[:, 8], z, atol=1e-7)
    assert own.truth().kind is None
    with pytest.raises(ValueError, match=r"eigenvalues of OwnFlow.* are not known"):
        own.eigenvalues(0.1)


def test_a_system_is_found_by_name_with_its_parameters():
    assert repr(systems.named("van-der-pol", mu=2)) == "VanDerPol(mu=2)"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: systems.named("lorentz"), "name must be one of 'linear-map', 'slow-manifold'.*, got 'lorentz'"),
        (lambda: StuartLandau(mu=-1.0), "mu must be finite and lie in"),
        (lambda: StuartLandau(omega=11.0), "omega must be finite and lie in"),
        (lambda: VanDerPol(mu=math.nan), "mu must be finite"),
        (lambda: StuartLandau().initial(0), "count must be at least 1"),
        (lambda: StuartLandau().initial(3, seed=-1), "seed must be at least 0"),
        (lambda: StuartLandau().orbit(torch.zeros(3), 4, 0.1), r"z0 must be \(batch, 2\)"),
        (lambda: StuartLandau().orbit(torch.full((1, 2), math.nan), 4, 0.1), "z0 holds 2 values"),
        (lambda: StuartLandau().orbit(torch.ones(1, 2), 0, 0.1), "steps must be at least 1"),
        (lambda: StuartLandau().orbit(torch.ones(1, 2), 4, 0.0), "dt must be finite"),
        (lambda: StuartLandau().angle(-0.1), "dt must be finite"),
        (lambda: Logistic().orbit(torch.ones(1, 1), 3, 0.5), "dt must be 1 for a map"),
        (lambda: LinearMap(matrix=[[1.0, 2.0]]), "matrix must be square"),
        (lambda: LinearMap(matrix=[[1j]]), "matrix must be real"),
        (lambda: Lorenz().eigenvalues(0.1), "eigenvalues of Lorenz.* are not known in closed form"),
        (lambda: StuartLandau().eigenvalues(-1.0), "dt must be finite"),
        (lambda: Logistic(2.0).eigenvalues(0.5), "dt must be 1 for a map"),
        (lambda: Pendulum().invariant_set(), "an undamped pendulum has no attracting set"),
        (lambda: Pendulum(0.1).period(1.0), "damping must be 0"),
        (lambda: Pendulum().period(4.0), "amplitude must be finite and lie in"),
        (lambda: OwnMap(3, [(0, 1)]), "function must be callable"),
        (lambda: OwnMap(lambda s: s, [(1, 0)]), "box must give each coordinate a low end below"),
        (lambda: OwnMap(lambda s: s, [(0, 1, 2)]), r"box must be \(dim, 2\)"),
        (lambda: OwnMap(lambda s: s[0], [(0, 1)]), "function must return a tensor of the states' shape"),
        (lambda: OwnMap(lambda s: s[..., 3], [(0, 1)]), "function failed on a batch of states"),
        (lambda: OwnMap(lambda s: s * 1j, [(0, 1)]), "function must return real states"),
        (lambda: OwnFlow(lambda s: s * math.nan, [(0, 1)]).orbit([[1.0]], 3), "the flow cannot be followed"),
        (lambda: VanDerPol().invariant_set(0), "points must be at least 1"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(call, words):
    with pytest.raises(ValueError, match=words):
        call()
