"""How many evaluations, and how much time, does a batch of fixed points take with Anderson, beside torchdeq?

A tanh cell of 128 and of 512 units, z -> tanh(W z + x) with W = 0.9 randn / sqrt(units), 128 samples, x ~ N(0, 1) times
exp(N(0, 1)) per sample (so that some need far more steps than others), and the same with uniform x ~ N(0, 1); relative
residuals 1e-4 and 1e-6, seeds 0 to 4. Beside torchdeq 0.1.0 twice: as it comes (lam = 1e-4), and at its best
(lam = 1e-8). Its gradients and its wrapper are left out: its bare solver is timed. Before a time counts, the worst
relative residual of what each returned is checked. Rows: cell rows evaluated, over the batch; a sample that waits for
the others is evaluated too. Runs are interleaved; each round of each seed gives one ratio peer / ours.

    pip install --no-deps --target /tmp/peer torchdeq==0.1.0
    OMP_NUM_THREADS=2 PYTHONPATH=/tmp/peer python benchmarks/anderson.py [--rounds 5] [--seeds 5]
"""

from __future__ import annotations

import argparse
import itertools
import math
import statistics
import sys
import time
from collections.abc import Callable

import torch

from simviz.equilibria import Anderson, solve

BATCH, GAIN, LIMIT = 128, 0.9, 1000


class Case:
    """One batch of fixed-point problems; counts the rows evaluated."""

    def __init__(self, units: int, spread: bool, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.W = GAIN * torch.randn(units, units, generator=generator) / math.sqrt(units)
        self.x = torch.randn(BATCH, units, generator=generator)
        if spread:
            self.x = self.x * torch.randn(BATCH, 1, generator=generator).exp()
        self.z0 = torch.zeros(BATCH, units)
        self.rows = 0

    def cell(self, z: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(rows, units), (rows, units) -> (rows, units)."""
        self.rows += len(z)
        return torch.tanh(torch.addmm(x, z, self.W.T))

    def worst(self, z: torch.Tensor) -> float:
        """Return the largest |f(z) - z| / |f(z)| of any sample."""
        fz = self.cell(z, self.x)
        return float(((fz - z).norm(dim=1) / fz.norm(dim=1)).max())


def runners(case: Case, tolerance: float) -> dict[str, Callable[[], torch.Tensor]]:
    """Return by name what solves the case, ours first."""
    from torchdeq.solver.anderson import anderson_solver

    def ours() -> torch.Tensor:
        return solve(case.cell, case.z0, case.x, Anderson(), rtol=tolerance, atol=0.0, max_steps=LIMIT).z

    def peer(lam: float) -> torch.Tensor:
        with torch.no_grad():
            return anderson_solver(
                lambda z: case.cell(z, case.x), case.z0, max_iter=LIMIT, tol=tolerance, stop_mode="rel", lam=lam
            )[0]

    return {"ours": ours, "default": lambda: peer(1e-4), "lam=1e-8": lambda: peer(1e-8)}


def race(units: int, spread: bool, tolerance: float, seeds: int, rounds: int) -> str:
    """Return one line of the table: rows and time of each peer over ours, over all seeds and rounds."""
    rows: dict[str, list[float]] = {}
    ratios: dict[str, list[float]] = {}
    missed = set()
    for seed in range(seeds):
        case = Case(units, spread, seed)
        runs = runners(case, tolerance)
        for name, run in runs.items():  # the equal result, and a warm start for the times
            case.rows = 0
            z = run()
            rows.setdefault(name, []).append(case.rows / BATCH)
            if case.worst(z) > 1.01 * tolerance:
                missed.add(name)
        for _ in range(rounds):
            spent = {}
            for name, run in runs.items():
                start = time.perf_counter()
                run()
                spent[name] = time.perf_counter() - start
            for name in runs:
                ratios.setdefault(name, []).append(spent[name] / spent["ours"])
    assert "ours" not in missed, "ours missed the tolerance: no time counts"
    line = f"{units:5d}  {'spread' if spread else 'uniform'}  {tolerance:.0e}  {statistics.mean(rows['ours']):6.1f}"
    for name in ("default", "lam=1e-8"):
        part, times = statistics.mean(rows[name]) / statistics.mean(rows["ours"]), ratios[name]
        low, _, high = statistics.quantiles(times, n=4) if len(times) > 1 else times * 3
        note = " (missed the tolerance)" if name in missed else ""
        line += f"  |{statistics.mean(rows[name]):7.1f} {part:6.2f}"
        line += f"  {statistics.median(times):5.2f} [{low:.2f}, {high:.2f}]{note}"
    return line


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    try:
        import torchdeq  # noqa: F401
    except ImportError:
        print("torchdeq is not installed: pip install --no-deps --target /tmp/peer torchdeq==0.1.0", file=sys.stderr)
        return 1
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; ratios are peer / ours, above 1 is for us")
    print("               rtol    rows  |  torchdeq: rows, ratio, time ratio [quartiles]  |  with lam=1e-8: the same")
    for units, spread, tolerance in itertools.product((128, 512), (True, False), (1e-4, 1e-6)):
        print(race(units, spread, tolerance, options.seeds, options.rounds), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
