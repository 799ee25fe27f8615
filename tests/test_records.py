"""Records hold what they were given, sort eigenvalues by where they stand, and cannot be changed."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from simviz.records import Solution, Spectrum, Status, Trace, TrainStep


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_eigenvalue_is_exactly_one_of_decaying_persistent_growing(dtype):
    near = 1 + torch.linspace(-3e-6, 3e-6, 4001, dtype=dtype)
    s = Spectrum(torch.cat([near, near.new_tensor([0.0, 0.5, 2.0])]))
    count = s.decaying.int() + s.persistent.int() + s.growing.int()
    assert (count == 1).all()
    assert s.persistent.any()


def test_the_eigenvalue_one_and_a_turning_pair_persist():
    s = Spectrum(np.array([1.0, np.exp(0.3j), np.exp(-0.3j), 0.999, 1.001j]))
    assert s.persistent.tolist() == [True, True, True, False, False]
    assert s.decaying.tolist() == [False, False, False, True, False]
    assert s.growing.tolist() == [False, False, False, False, True]


def test_the_rate_of_an_eigenvalue_gives_it_back_after_dt():
    rates = torch.tensor([-0.2 + 3.0j, 0.1 - 1.0j, 0.0j], dtype=torch.complex128)
    s = Spectrum(torch.exp(0.25 * rates), dt=0.25)
    torch.testing.assert_close(s.continuous, rates)


def test_an_eigenvalue_persists_within_its_own_residual_but_not_beyond_the_tolerance():
    values = torch.tensor([0.995, 0.995, 0.98, 1.005, 1.02, 1.0, 0.995], dtype=torch.float64)
    residuals = torch.tensor([6e-3, 4e-3, 0.5, 6e-3, 0.5, 0.0, math.nan], dtype=torch.float64)
    s = Spectrum(values, residuals, tolerance=1e-2)
    assert s.persistent.tolist() == [True, False, False, True, False, True, False]
    assert s.growing.tolist() == [False, False, False, False, True, False, False]
    assert s.decaying.tolist() == [False, True, True, False, False, False, True]
    assert Spectrum(values, residuals).persistent.tolist() == [False] * 5 + [True, False]
    assert Spectrum(values, tolerance=1e-2).persistent.tolist() == [True, True, False, True, False, True, True]


def test_an_eigenvalue_is_trusted_for_one_over_its_residual():
    residuals = torch.tensor([2e-15, 0.02, 0.8, 3.0, math.nan], dtype=torch.float64)
    values = np.array([0.99, 0.5 + 0.25j, -0.1, 0.3, 0.2])
    s = Spectrum(values, residuals, names=list("abcde"))
    assert s.trusted_steps[:4].tolist() == pytest.approx([5e14, 50.0, 1.25, 1 / 3])
    assert s.trusted_steps[4].isnan()
    lines = s.words()
    assert lines[0] == (
        "0.9900 (a): residual 2e-15 on snapshots not used in the fit: may be trusted for more than a million steps"
    )
    assert lines[1].startswith("0.5000+0.2500i (b): residual 2e-02")
    assert [line.split(": ")[-1] for line in lines[1:]] == [
        "may be trusted for about 50 steps",
        "may be trusted for one step",
        "not to be trusted for a single step",
        "no residual, so nothing vouches for it",
    ]
    inside = Spectrum(values, residuals, in_sample=True)
    assert inside.trusted_steps.isnan().all()
    assert "on the snapshots of the fit, which proves nothing" in inside.words()[0]
    assert Spectrum(values).trusted_steps.isnan().all()
    assert len(Spectrum(torch.ones(2, 3), names=["x", "y", "z"]).words()) == 6


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dt": 0.0}, "dt must be above 0, got 0.0"),
        ({"dt": math.nan}, "dt must be above 0"),
        ({"residuals": [1.0, 2.0]}, r"residuals must have the eigenvalues' shape \(3,\), got \(2,\)"),
        ({"tolerance": -1.0}, "tolerance must not be negative, got -1.0"),
        ({"names": ["one"]}, "names must hold one word for each of 3 modes, got 1"),
    ],
)
def test_a_spectrum_whose_parts_do_not_fit_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Spectrum(torch.ones(3), **options)


def test_a_solution_says_which_samples_converged():
    status = (Status.CONVERGED, Status.DIVERGED, Status.OUT_OF_STEPS)
    nothing = torch.zeros(3)
    s = Solution(nothing, status, nothing, nothing, nothing.int())
    assert s.converged.tolist() == [True, False, False]


def test_a_trace_travels_under_its_key_or_else_its_name():
    x = np.zeros(1)
    assert Trace("loss", "line", x, x).channel == "loss"
    assert Trace("loss", "line", x, x, key="loss 2").channel == "loss 2"


def test_records_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainStep(1, 0, 0.5).loss = 0.0
