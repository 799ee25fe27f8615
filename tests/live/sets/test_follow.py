"""Fixed steps against an integrator that chooses its own, and linear parts against closed forms."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from simviz.dynamics.systems import Duffing, Lorenz, NeimarkSacker, StuartLandau, VanDerPol
from simviz.live.panels.sets import follow


@pytest.mark.parametrize("system", [VanDerPol(3.0), Duffing(), Lorenz()], ids=lambda s: s.name)
def test_a_path_is_that_of_the_adaptive_integrator(system):
    starts = system.initial(20).double()
    dt = follow.pace(system)
    mine = follow.path(system, starts, dt, 20)
    assert (mine - system.orbit(starts, 20, dt)).abs().max() < 1e-3 * system.reach


def test_a_map_is_followed_exactly_and_an_escape_is_not_a_number():
    system = NeimarkSacker(1.2)
    starts = system.initial(5)
    assert torch.equal(follow.path(system, starts, 1.0, 9), system.orbit(starts, 9))
    assert torch.isnan(follow.path(system, torch.tensor([[50.0, 0.0]]).double(), 1.0, 20)[0, -1]).all()


def test_the_linear_part_at_a_well_is_the_exponential_of_the_jacobian():
    at = torch.tensor([1.0, 0.0], dtype=torch.float64)
    found = follow.linear_part(Duffing(0.5), at, 0.1, 5).numpy()
    assert np.allclose(found, expm(0.5 * np.array([[0, 1], [-2, -0.5]])), atol=1e-4)


def test_over_a_period_of_the_unit_circle_the_multipliers_are_1_and_exp_of_minus_4_pi():
    at = torch.tensor([1.0, 0.0], dtype=torch.float64)
    found = follow.linear_part(StuartLandau(0.1), at, 2 * np.pi / 200, 200).numpy()
    expected = [np.exp(-0.4 * np.pi), 1.0]
    assert np.allclose(sorted(np.linalg.eigvals(found).real), expected, atol=1e-4)
