"""Data that cannot be worked with are refused in a sentence that says what was given and what to do."""

import numpy as np
import pytest
import torch

from simviz.dynamics import koopman as k
from tests.dynamics.test_koopman import slow_flow, square

BEFORE = square(50)
AFTER = slow_flow(BEFORE, 0.1)
ORBITS = torch.stack([BEFORE, AFTER, slow_flow(BEFORE, 0.2)], 1)
HOLED = torch.where(torch.arange(50)[:, None] == 7, torch.nan, BEFORE)


def edmd(before=BEFORE, after=AFTER, dictionary=None, **options):
    return lambda: k.edmd(before, after, k.Monomials(2) if dictionary is None else dictionary, **options)


def orbits(trajectories=ORBITS, dictionary=None, **options):
    return lambda: k.edmd_orbits(trajectories, dictionary or k.Monomials(2), **{"dt": 0.1, **options})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (edmd(HOLED), "before holds 2 values that are NaN or infinite"),
        (edmd(after=HOLED), "after holds 2 values that are NaN"),
        (edmd(BEFORE[:1], AFTER[:1]), "before holds 1 snapshot: at least 2 are needed"),
        (edmd(BEFORE[:0], AFTER[:0]), "before is empty"),
        (edmd(BEFORE[0], AFTER[0]), r"before must be \(snapshots, dim\), got \(2,\); did you forget the batch axis"),
        (edmd(after=AFTER[:-1]), r"before and after must have the same shape, .* got \(50, 2\) and \(49, 2\)"),
        (edmd(dt=0.0), r"dt must be finite and lie in \(0, inf\), got 0.0"),
        (edmd(dt=-1), "dt must be finite"),
        (edmd(dt=np.nan), "dt must be finite"),
        (edmd(seed=-1), "seed must be at least 0"),
        (edmd(BEFORE.to(torch.complex128)), "before must be real, got torch.complex128"),
        (edmd(after=AFTER.numpy() * 1j), "after must be real"),
        (edmd("orbit"), "before must be a tensor or an array of numbers, got str"),
        (edmd(dictionary="monomials"), "a dictionary must be a Dictionary, a function or an nn.Module"),
        (edmd(dictionary=lambda s: s[:, :0]), "the dictionary is empty: it must hold at least one observable"),
        (edmd(dictionary=lambda s: s.log()), r"observables hold NaN or infinite values \(g1, g2\): scale the states"),
        (
            edmd(dictionary=lambda s: s[:1]),
            r"the dictionary must return \(40, size\) for 40 points, but returned \(1, 2\)",
        ),
        (edmd(dictionary=lambda s: s[:, 0]), r"for 1 points, but returned \(1,\)"),
        (edmd(dictionary=lambda s: s + 1j), "observables must be real, got torch.complex128"),
        (edmd(dictionary=lambda s: 0 * s), "every observable is zero on the snapshots"),
        (edmd(weights=-torch.ones(50)), "weights must not be negative, got -1.0"),
        (edmd(weights=torch.ones(49)), r"weights must be one a snapshot, \(50,\), got \(49,\)"),
        (edmd(weights=torch.zeros(50)), "weights must not all be zero"),
        (edmd(weights=[1.0] * 49 + [np.nan]), "weights holds 1 values that are NaN"),
        (edmd(check=True), r"check must be None, False or \(before, after\) of fresh snapshots, got bool"),
        (edmd(check=(BEFORE,)), "check must be None, False or"),
        (edmd(check=(BEFORE, AFTER[:5])), "before of check and after of check must have the same shape"),
        (edmd(check=(BEFORE[:, :1], AFTER[:, :1])), "the snapshots of check must have 2 coordinates"),
        (edmd(check=(HOLED, AFTER)), "before of check holds 2 values"),
        (edmd(dictionary=k.Delays(3)), r"before must be \(snapshots, 3, dim\), windows for Delays: edmd_orbits cuts"),
        (edmd(dictionary=k.RandomFourier(3, 8)), r"points must be \(..., 3\), got \(1, 2\)"),
        (orbits(dictionary=k.Delays(3)), "trajectories must be at least 4 states long, .* got 3: give longer ones"),
        (orbits(dictionary=k.Delays(2, gap=2)), "one window of 3 and a step, got 3"),
        (orbits(ORBITS[0]), r"trajectories must be \(batch, time, dim\), got \(3, 2\); did you forget the batch axis"),
        (orbits(ORBITS[:, :1]), "trajectories must be at least 2 states long"),
        (orbits(ORBITS[:1, :2]), "trajectories hold one snapshot"),
        (orbits(ORBITS[:1]), "one trajectory of 3 states is too short to fit its beginning and check its end"),
        (orbits(ORBITS, dt=0), "dt must be finite"),
        (orbits(iter([])), "trajectories gave no chunk at all"),
        (orbits([ORBITS, ORBITS[..., :1]]), r"chunk 2 of trajectories must be \(batch, time, 2\), got \(50, 3, 1\)"),
        (orbits([ORBITS, HOLED[:, None].expand(50, 2, 2)]), "chunk 2 of trajectories holds 4 values that are NaN"),
        (orbits(5.0), r"trajectories must be an array \(batch, time, dim\) or an iterable"),
        (orbits(iter([ORBITS]), weights=torch.ones(50)), "weights need trajectories and check as arrays"),
        (orbits(weights=torch.ones(49)), r"weights must be one a snapshot, \(50,\), got \(49,\)"),
        (orbits(check=ORBITS[..., :1]), r"check must be \(batch, time, 2\)"),
        (orbits(check=True), r"check must be an array"),
        (orbits(check=iter([])), "check gave no chunk at all"),
        (lambda: k.dmd(BEFORE, AFTER, rank=3), "rank must be at most 2"),
        (lambda: k.dmd_orbits(iter([ORBITS]), dt=0.1, rank=1), "rank needs trajectories and check as arrays"),
        (
            lambda: k.kernel_edmd(BEFORE, AFTER, "gaussian"),
            r"kernel must be a Kernel such as Gaussian\(bandwidth=1.0\)",
        ),
        (lambda: k.kernel_edmd(BEFORE, AFTER, rank=0), "rank must be at least 1"),
        (lambda: k.Gaussian(0.0), "bandwidth must be finite"),
        (lambda: k.Laplace("mean"), "bandwidth must be one of 'median'"),
        (lambda: k.Polynomial(0), "degree must be at least 1"),
        (lambda: edmd()().pseudospectrum([np.nan]), "grid must hold finite complex numbers"),
        (lambda: edmd()().pseudospectrum([]), "grid must hold finite complex numbers"),
        (lambda: edmd()().pseudospectrum("circle"), "grid must hold complex numbers, got str"),
        (lambda: edmd()().forecast(BEFORE, -1), "steps must be at least 0"),
        (lambda: edmd()().forecast(BEFORE[0], 3), r"z must be \(snapshots, dim\)"),
        (lambda: edmd()().eigenfunctions(BEFORE[:, :1]), r"points must be \(..., 2\), as the snapshots were"),
    ],
)
def test_it_is_refused_in_a_sentence(call, words):
    with pytest.raises(ValueError, match=words):
        call()
