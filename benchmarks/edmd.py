"""How fast, and in how much memory, are the Koopman eigenvalues of many snapshots found, beside other libraries?

EDMD with 200 observables (Chebyshev 10 x 20, column-scaled condition number some 500) on 200,000 snapshots of a map of
the plane. Beside `simviz.dynamics.koopman.edmd`: SciPy's lstsq (gelsd), NumPy's lstsq and, where it is installed,
PyDMD's DMD on the lifted data. All get the observables already evaluated and return the matrix and its eigenvalues;
ours also measures the residuals of all eigenvalues: on a held-out fifth (the default, so the fit sees 160,000
snapshots, and the peers get the same 160,000), or in sample (check=False, all 200,000). Equal results are checked
first. Runs are interleaved, and each round gives one ratio peer / ours (of a far slower peer, the first alone).
Then the same with observables of a higher condition number, where normal equations may not be used and QR is. Last, in
a process of its own, the peak memory of 10,000,000 snapshots that come as an iterator.

    OMP_NUM_THREADS=2 python benchmarks/edmd.py [--rounds 5] [--snapshots 200000] [--stream 10000000]
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import scipy.linalg
import torch

from simviz.dynamics import koopman

MILD = koopman.Tensor(koopman.Chebyshev(9, -2, 2), koopman.Chebyshev(19, -2.1, 2.1))
"""200 observables of the square."""


def plane_map(s: torch.Tensor) -> torch.Tensor:
    """A map of the square [-2, 2]^2 into itself, (n, 2) -> (n, 2)."""
    return torch.stack([0.95 * s[:, 0], 0.6 * s[:, 1] + 0.2 * s[:, 0] ** 2], 1)


def peers(before: np.ndarray, after: np.ndarray) -> dict[str, Callable[[], np.ndarray]]:
    """Return by name what computes the eigenvalues from lifted snapshots (n, d)."""
    found = {
        "scipy lstsq": lambda: np.linalg.eigvals(scipy.linalg.lstsq(before, after)[0]),
        "numpy lstsq": lambda: np.linalg.eigvals(np.linalg.lstsq(before, after)[0]),
    }
    if importlib.util.find_spec("pydmd"):
        from pydmd import DMD

        found["PyDMD"] = lambda: DMD(svd_rank=-1).fit(before.T, after.T).eigs
    return found


def distance(found: np.ndarray, truth: np.ndarray) -> float:
    """Return the largest distance from a true eigenvalue of modulus above 0.2 to the nearest one found."""
    leading = truth[np.abs(truth) > 0.2]
    return float(np.abs(found[None] - leading[:, None]).min(1).max())


def race(title: str, before: torch.Tensor, after: torch.Tensor, rounds: int, tolerance: float) -> None:
    """Print the table of one pair of lifted snapshots."""
    count = len(before)
    shuffled = np.random.default_rng(0).permutation(count)
    rest = torch.from_numpy(np.sort(shuffled[round(count / 5) :]))
    for words, check, rows in (("held-out residuals", None, rest), ("in-sample residuals", False, slice(None))):

        def ours(check: bool | None = check) -> np.ndarray:
            return koopman.edmd(before, after, koopman.Identity(), check=check).eigenvalues.numpy()

        result = koopman.edmd(before, after, koopman.Identity(), check=check)
        others = peers(before[rows].numpy(), after[rows].numpy())
        truth = others["scipy lstsq"]()
        gaps = {name: distance(run(), truth) for name, run in {"ours": ours, **others}.items()}
        print(f"\n{title}, {words}: {result.fitted} fitted, {result.checked} checked")
        print(f"  by {result.method}, condition {result.condition:.1e}; eigenvalues differ from SciPy's by at most")
        print("  " + ", ".join(f"{name} {gap:.0e}" for name, gap in gaps.items()))
        assert gaps["ours"] < tolerance, "not the same result: no time counts"
        times: dict[str, list[float]] = {name: [] for name in gaps}
        for _ in range(rounds):
            for name, run in {"ours": ours, **others}.items():
                if times[name] and times[name][0] > 15 * times["ours"][0]:
                    continue
                started = time.perf_counter()
                run()
                times[name].append(time.perf_counter() - started)
        for name, spent in times.items():
            ratios = [b / a for a, b in zip(times["ours"], spent, strict=False)]
            spread = f"{statistics.median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            print(f"  {name:12s} {statistics.median(spent):6.2f} s   {spread} times ours")


def stream(snapshots: int) -> None:
    """Fit that many snapshots from an iterator, and print time and peak memory."""
    chunk, made = 20_000, 0

    def source():
        nonlocal made
        generator = torch.Generator().manual_seed(0)
        while made < snapshots:
            s = 4 * torch.rand(chunk, 2, generator=generator, dtype=torch.float64) - 2
            made += chunk
            yield torch.stack([s, plane_map(s)], 1)

    started = time.perf_counter()
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = koopman.edmd_orbits(source(), MILD, dt=1.0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    total, n = result.fitted + result.checked, len(result.matrix)
    assert total == made
    print(f"\n{total:,} snapshots from an iterator, {n} observables, held-out residuals: by {result.method},")
    print(
        f"  {time.perf_counter() - started:.0f} s; peak memory {peak / 1024:.0f} MiB, {base / 1024:.0f} before it began"
    )
    print(f"  (the observables alone, in one piece, would be {2 * total * n * 8 / 2**20:,.0f} MiB)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--snapshots", type=int, default=200_000)
    parser.add_argument("--stream", type=int, default=10_000_000)
    parser.add_argument("--only-stream", action="store_true")
    options = parser.parse_args()
    if options.only_stream:
        stream(options.stream)
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {options.rounds} interleaved rounds")
    s = 4 * torch.rand(options.snapshots, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 2
    race("well-conditioned", MILD(s), MILD(plane_map(s)), options.rounds, 1e-8)
    mixed = torch.linalg.qr(torch.randn(200, 200, generator=torch.Generator().manual_seed(1), dtype=torch.float64))[0]
    mixed = mixed * torch.logspace(0, -4, 200, dtype=torch.float64) @ mixed.T  # (200, 200), condition 1e4
    race("stiff", MILD(s) @ mixed, MILD(plane_map(s)) @ mixed, options.rounds, 1e-4)
    subprocess.run([sys.executable, __file__, "--only-stream", "--stream", str(options.stream)], check=True)


if __name__ == "__main__":
    main()
