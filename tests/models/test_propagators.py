"""The propagators do what their eigenvalues say, for any time, and the gauge moves what no output sees."""

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from simviz.learning.checkpoint import load_model, save_model
from simviz.models.config import build, describe
from simviz.models.propagators import LowRank, Modes, Projection, half_lattice
from simviz.models.sim import SIM


def features(propagator, batch=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, propagator.inputs, generator=generator, dtype=torch.float64)


def modes(*arguments, **options):
    propagator = Modes(*arguments, **options).double()
    with torch.no_grad():
        propagator.omega += 0.21
        propagator.rho -= 0.4
    return propagator


ALL = {
    "cycle": lambda: modes(1, 4, 4, start=[0.3]),
    "torus": lambda: modes(2, 2, 2, start=[0.3, 0.41]),
    "free": lambda: modes(2, 2, 4, lattice=False, unit_phases=False),
    "lattice amplitudes": lambda: modes(1, 3, 2, unit_phases=False),
    "no decay": lambda: modes(1, 3, 0),
    "cycles side by side": lambda: modes(3, 2, 2, mixed=False),
}
every_kind = pytest.mark.parametrize("make", ALL.values(), ids=ALL.keys())


@pytest.mark.parametrize("frequencies", [1, 2, 3])
@pytest.mark.parametrize("harmonics", [1, 2, 4])
def test_the_half_lattice_holds_one_of_each_pair(frequencies, harmonics):
    k = half_lattice(frequencies, harmonics)
    assert k.shape == (((2 * harmonics + 1) ** frequencies - 1) // 2, frequencies)
    rows = {tuple(row) for row in k.tolist()}
    assert len(rows | {tuple(-v for v in row) for row in rows}) == 2 * len(rows)
    assert k.abs().max() == harmonics


def test_the_first_modes_are_the_base_frequencies_themselves():
    assert half_lattice(1, 3).tolist() == [[1], [2], [3]]


@every_kind
def test_time_multiplies_each_mode_by_its_eigenvalue_to_that_power(make):
    propagator = make()
    u, times = features(propagator), torch.tensor([0.0, 1.0, 2.5, 17.0], dtype=torch.float64)
    spectrum = propagator.spectrum().eigenvalues.numpy()
    pairs, dying = len(propagator.k), propagator.options["decaying"] // 2
    values = np.concatenate([spectrum[1 : 1 + pairs], spectrum[1 + 2 * pairs : 1 + 2 * pairs + dying]])
    now = propagator.at(u, times[:1])[:, 0].detach().numpy().reshape(5, -1, 2)
    now = now[..., 0] + 1j * now[..., 1]
    later = propagator.at(u, times).detach().numpy().reshape(5, 4, -1, 2)
    later = later[..., 0] + 1j * later[..., 1]
    for j, t in enumerate(times.tolist()):
        np.testing.assert_allclose(later[:, j], now * np.exp(t * np.log(values)), atol=1e-12)


@every_kind
def test_the_eigenvalues_are_one_then_turning_then_decaying_in_conjugate_pairs(make):
    propagator = make()
    spectrum = propagator.spectrum()
    values, pairs, decaying = spectrum.eigenvalues, len(propagator.k), propagator.options["decaying"]
    assert values.shape == (1 + 2 * pairs + decaying,)
    assert values[0] == 1
    assert (values[: 1 + 2 * pairs].abs() - 1).abs().max() < 1e-14
    assert spectrum.persistent.sum() == 1 + 2 * pairs
    assert spectrum.decaying.sum() == decaying
    expected = (1 / (1 + torch.exp(-propagator.rho.detach()))).repeat(2)
    torch.testing.assert_close(values[1 + 2 * pairs :].abs(), expected)
    torch.testing.assert_close(values[1 + pairs : 1 + 2 * pairs], values[1 : 1 + pairs].conj())
    assert len(set(spectrum.names)) == len(spectrum.names)


def test_the_angles_of_a_torus_lie_on_the_lattice_of_its_base_angles():
    propagator = modes(2, 2, 0, start=[0.3, 0.41])
    spectrum = propagator.spectrum()
    for name, value in zip(spectrum.names, spectrum.eigenvalues, strict=True):
        numbers = [int(n) for n in name.removeprefix("k = ").split(",")]
        k1, k2 = numbers if len(numbers) == 2 else (0, 0)
        assert complex(value) == pytest.approx(np.exp(1j * (0.3 * k1 + 0.41 * k2)), abs=1e-7)


def test_free_modes_begin_on_the_lattice_and_name_their_base_angles_in_its_order():
    free = Modes(2, 3, 2, start=[0.3, 0.41], lattice=False, unit_phases=False)
    torch.testing.assert_close(free.base_angles, torch.tensor([0.3, 0.41]))
    torch.testing.assert_close(free.persistent_angles(), Modes(2, 3, 2, start=[0.3, 0.41]).persistent_angles())


def test_unit_phases_give_every_persistent_mode_modulus_one_and_powers_of_the_base():
    propagator = modes(2, 3, 2)
    u = features(propagator)
    persistent, _ = propagator.coordinates(u)
    assert (persistent.abs() - 1).abs().max() < 1e-14
    base = torch.view_as_complex(u[:, :4].unflatten(1, (2, 2)))
    base = base / base.abs()
    powers = (base[:, None] ** propagator.k).prod(-1)
    torch.testing.assert_close(persistent, powers)


@every_kind
def test_the_limit_is_what_is_left_when_all_that_decays_is_gone(make):
    propagator = make()
    u, late = features(propagator), torch.tensor([3000.0], dtype=torch.float64)
    torch.testing.assert_close(propagator.persistent_at(u, late), propagator.at(u, late), atol=1e-10, rtol=0)
    torch.testing.assert_close(propagator.limit(u), propagator.persistent_at(u, late * 0)[:, 0])


@every_kind
def test_waiting_s_and_then_t_is_waiting_both(make):
    """The semigroup property, in the modes' own coordinates where amplitudes are kept as they are."""
    propagator = make()
    u = features(propagator)
    s, t = torch.tensor([2.5], dtype=torch.float64), torch.tensor([4.25], dtype=torch.float64)
    if propagator.options[
        "unit_phases"
    ]:  # the basis' numbers for a later time are the base modes and the decaying ones
        first = propagator.at(u, s)[:, 0]
        units = [int((propagator.k == e).all(1).nonzero()) for e in torch.eye(propagator.k.shape[1], dtype=torch.long)]
        columns = [c for i in units for c in (2 * i, 2 * i + 1)]
        then = torch.cat([first[:, columns], first[:, 2 * len(propagator.k) :]], 1)
    else:
        then = propagator.at(u, s)[:, 0]
    torch.testing.assert_close(propagator.at(then, t), propagator.at(u, s + t))


@every_kind
def test_gradients_stay_finite_where_a_mode_has_decayed_to_denormal_numbers(make):
    propagator = make().float()
    u = features(propagator).float()
    propagator.at(u, torch.linspace(0, 400, 801)).square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in propagator.parameters())


@pytest.mark.parametrize("fixed", [1, 3])
@pytest.mark.parametrize("unit_phases", [False, True])
def test_without_a_frequency_the_limit_is_the_fixed_features_alone_and_the_rest_decays_as_powers(fixed, unit_phases):
    propagator = modes(0, decaying=4, fixed=fixed, unit_phases=unit_phases)
    assert (propagator.inputs, propagator.outputs) == (4 + fixed, 4 + fixed)
    u, times = features(propagator), torch.tensor([0.0, 1.0, 2.5, 17.0], dtype=torch.float64)
    limit = propagator.limit(u)
    assert torch.equal(limit, torch.cat([torch.zeros(5, 4, dtype=torch.float64), u[:, 4:]], 1))
    rho, omega = (p.detach().numpy() for p in (propagator.rho, propagator.omega))
    values = np.exp(1j * omega) / (1 + np.exp(-rho))
    begun = u[:, :4].numpy().reshape(5, 2, 2) @ [1, 1j]
    orbit = propagator.at(u, times).detach().numpy()
    for j, t in enumerate(times.tolist()):
        np.testing.assert_allclose(orbit[:, j, :4].reshape(5, 2, 2) @ [1, 1j], begun * values**t, atol=1e-12)
        np.testing.assert_array_equal(orbit[:, j, 4:], u[:, 4:].numpy())
    spectrum = propagator.spectrum()
    assert spectrum.eigenvalues.shape == (1 + fixed + 4,)
    assert int((spectrum.eigenvalues == 1).sum()) == 1 + fixed
    assert len(set(spectrum.names)) == len(spectrum.names)
    assert propagator.base_angles.shape == (0,)


def test_fixed_observables_stand_beside_what_turns_and_stay():
    plain, more = modes(1, 3, 2, start=[0.3]), modes(1, 3, 2, start=[0.3], fixed=2)
    u, times = features(more), torch.tensor([0.0, 3.0, 40.0], dtype=torch.float64)
    at = more.at(u, times)
    torch.testing.assert_close(at[..., :-2], plain.at(u[:, :-2], times))
    assert torch.equal(at[..., -2:], u[:, None, -2:].expand(-1, 3, -1))
    assert torch.equal(more.limit(u)[:, -2:], u[:, -2:])
    assert int((more.spectrum().eigenvalues == 1).sum()) == 3


@pytest.mark.parametrize("harmonics", [1, 3])
def test_cycles_side_by_side_hold_the_multiples_of_each_angle_and_no_sum(harmonics):
    start = [0.3, 0.41, 1.1]
    propagator = modes(3, harmonics, 0, start=start, mixed=False, unit_phases=False)
    expected = sorted(h * a for a in start for h in range(1, harmonics + 1))
    assert sorted(propagator.persistent_angles().tolist()) == pytest.approx(expected, abs=1e-6)
    assert torch.equal(half_lattice(1, harmonics, mixed=False), half_lattice(1, harmonics))


@pytest.mark.parametrize(
    "make", [lambda: Modes(0, decaying=2, fixed=3, unit_phases=False), lambda: Modes(2, 2, 2, fixed=1, mixed=False)]
)
def test_fixed_and_side_by_side_modes_are_saved_and_come_back(make, tmp_path):
    torch.manual_seed(0)
    propagator = make()
    sim = SIM(nn.Linear(3, propagator.inputs), propagator, nn.Identity(), nn.Linear(propagator.outputs, 2)).eval()
    through = build(json.loads(json.dumps(describe(sim))))
    assert through.propagator.options == propagator.options
    x, times = torch.randn(4, 3), [0.0, 1.5, 7.0]
    loaded = load_model(save_model(sim, tmp_path / "model"))
    assert loaded.propagator.options == propagator.options
    torch.testing.assert_close(loaded.orbit(x, times), sim.orbit(x, times), rtol=0, atol=0)


def test_a_phase_at_the_origin_is_zero_and_its_gradient_finite():
    propagator = Modes(1, 2, 0)
    u = torch.zeros(1, 2, requires_grad=True)
    propagator.limit(u).sum().backward()
    assert propagator.phases(u).item() == 0
    assert u.grad.isfinite().all()


def test_the_small_matrix_has_the_non_zero_eigenvalues_of_the_large_one():
    torch.manual_seed(0)
    propagator = LowRank(12, 4)
    small = np.sort_complex(propagator.spectrum().eigenvalues.numpy())
    whole = np.linalg.eigvals((propagator.U.weight @ propagator.V.weight).detach().double().numpy())
    large = np.sort_complex(whole[np.argsort(abs(whole))[-4:]])
    np.testing.assert_allclose(small, large, atol=1e-6)
    assert "depends on coordinates" in propagator.spectrum().kind


def test_changed_coordinates_move_the_spectrum_and_no_output():
    """U -> U R with the decoder's matrix W -> W U R^-1 U^+ to match: W U is the same, V^T U is not."""
    torch.manual_seed(0)
    propagator, decoder = LowRank(12, 4).double(), nn.Linear(12, 3).double()
    u, r = features(propagator), torch.randn(4, 4, dtype=torch.float64)
    before, spectrum = decoder(propagator.limit(u)), propagator.spectrum().eigenvalues
    with torch.no_grad():
        old = propagator.U.weight.clone()
        propagator.U.weight.copy_(old @ r)
        decoder.weight.copy_(decoder.weight @ old @ torch.linalg.inv(r) @ torch.linalg.pinv(old))
    torch.testing.assert_close(decoder(propagator.limit(u)), before)
    moved = propagator.spectrum().eigenvalues
    assert abs(np.sort_complex(moved.numpy()) - np.sort_complex(spectrum.numpy())).max() > 0.1


def test_a_low_rank_propagator_knows_time_nought_and_the_limit():
    propagator = LowRank(6, 2).double()
    u = features(propagator)
    at = propagator.at(u, torch.tensor([0.0, 1.0, 9.0]))
    assert torch.equal(at[:, 0], u)
    assert torch.equal(at[:, 1], propagator.limit(u))
    assert torch.equal(at[:, 2], at[:, 1])
    with pytest.raises(ValueError, match="times must be whole steps"):
        propagator.at(u, torch.tensor([0.5]))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("d", [6, 104])
def test_a_projection_is_idempotent_in_single_precision_whatever_its_parameters(d, seed):
    torch.manual_seed(seed)
    propagator = Projection(d, d // 2)
    with torch.no_grad():
        propagator.C.normal_(std=1.0)
        Pi = propagator.limit(torch.eye(d))
    assert (Pi @ Pi - Pi).abs().max() < 1e-5
    assert torch.linalg.matrix_rank(Pi.double(), rtol=1e-5) == d // 2
    spectrum = propagator.spectrum()
    assert (spectrum.eigenvalues - 1).abs().max() < 1e-5
    assert spectrum.kind == "limit operator, a projection by construction"


def test_every_projection_of_the_rank_can_be_written_so():
    """An oblique projection drawn at random, Pi = U V^T with V^T U = I, in the coordinates of the class."""
    torch.manual_seed(0)
    U, V = torch.randn(7, 3, dtype=torch.float64), torch.randn(7, 3, dtype=torch.float64)
    Pi = U @ torch.linalg.inv(V.T @ U) @ V.T
    propagator = Projection(7, 3).double()
    with torch.no_grad():
        propagator.A.copy_(V)
        propagator.C.copy_(Pi @ torch.linalg.qr(V).Q * torch.linalg.qr(V).R.diagonal().sign())
    torch.testing.assert_close(propagator.limit(torch.eye(7, dtype=torch.float64)).T, Pi)


def test_a_projections_gradient_is_that_of_finite_differences():
    torch.manual_seed(0)
    propagator = Projection(5, 2).double()
    u = features(propagator)

    def value(A, C):
        return torch.func.functional_call(propagator, {"A": A, "C": C}, (u,))

    propagator.forward = propagator.limit
    parameters = torch.randn(2, 5, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(value, parameters.unbind())


def test_a_projection_works_in_half_precision():
    propagator = Projection(8, 3).to(torch.bfloat16)
    assert propagator.limit(torch.ones(2, 8, dtype=torch.bfloat16)).dtype == torch.bfloat16


@pytest.mark.parametrize("kind", [LowRank, Projection])
def test_a_limit_of_sequences_is_the_limit_of_every_moment(kind):
    torch.manual_seed(0)
    propagator = kind(6, 2).double()
    u = torch.randn(3, 5, 6, dtype=torch.float64)
    at = propagator.at(u, torch.tensor([0.0, 2.0]))
    assert at.shape == (3, 2, 5, 6)
    torch.testing.assert_close(at[:, 0], u)
    for moment in range(5):
        torch.testing.assert_close(at[:, 1, moment], propagator.limit(u[:, moment]))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Projection(4, 5), "rank must be at most d = 4, got 5"),
        (lambda: Projection(4, 2).at(torch.ones(1, 4), torch.tensor([0.5])), "whole steps for a Projection"),
        (lambda: LowRank(4, 5), "rank must be at most d = 4, got 5"),
        (lambda: LowRank(0, 1), "d must be at least 1"),
        (lambda: Modes(frequencies=-1), "frequencies must be at least 0, got -1"),
        (lambda: Modes(fixed=-1), "fixed must be at least 0, got -1"),
        (lambda: Modes(0, start=[0.1]), "start must hold one angle for each of 0 frequencies, got 1"),
        (lambda: Modes(harmonics=-1), "harmonics must be at least 1"),
        (lambda: Modes(decaying=3), "decaying must be even"),
        (lambda: Modes(decaying=-2), "decaying must be at least 0"),
        (lambda: Modes(lattice=False), "unit_phases=True needs lattice=True"),
        (lambda: Modes(2, start=[0.1]), "start must hold one angle for each of 2 frequencies, got 1"),
        (lambda: Modes(dt=0.0), "dt must be finite"),
        (lambda: Modes(start=[math.nan]), "start must be"),
        (lambda: Modes(1, 2, unit_phases=False).phases(torch.ones(1, 8)), "phases need unit_phases=True"),
    ],
)
def test_bad_options_are_refused_by_name(make, words):
    with pytest.raises(ValueError, match=words):
        make()
