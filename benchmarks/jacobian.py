"""From which size on are the leading eigenvalues of a Jacobian found faster by products than from the matrix?

The leading 20 (whole conjugate pairs) and the leading one of df/dz at z*, for tanh cells z -> tanh(W z + x) of 100 to
2,000 units with W = 0.9 randn / sqrt(units): eigenvalues that fill a disc, the hardest case; and for a convolutional
cell of 16 channels on 16 x 16 pixels, a state of 4,096. Dense: all columns by vmapped products, then LAPACK. Ours:
ARPACK on products with the transposed Jacobian, f linearised once. Equal results (1e-5) are checked first. One sample,
runs interleaved; each round gives one ratio dense / ours. Memory: the dense matrix beside ARPACK's basis.

    OMP_NUM_THREADS=2 python benchmarks/jacobian.py [--rounds 5] [--sizes 100,200,..] [--no-convolution]
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from typing import Any

import torch

from simviz.equilibria import Anderson, jacobian, solve
from simviz.models.cells import Convolutional


def tanh_case(units: int) -> tuple[Any, torch.Tensor, torch.Tensor]:
    """A cell, its equilibrium and its input."""
    generator = torch.Generator().manual_seed(units)
    W = 0.9 * torch.randn(units, units, generator=generator) / math.sqrt(units)
    x = torch.randn(1, units, generator=generator)

    def cell(z: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(torch.addmm(x, z, W.T))

    return cell, solve(cell, torch.zeros(1, units), x, Anderson(), max_steps=200).z, x


def convolutional_case() -> tuple[Any, torch.Tensor, torch.Tensor]:
    """A cell of 4,096 numbers, its equilibrium and its input."""
    torch.manual_seed(0)
    cell = Convolutional(3, 16, 16, gain=4.0).requires_grad_(False)
    x = torch.randn(1, 3, 16, 16)
    return cell, solve(cell, cell.initial(x), x, Anderson(), max_steps=200).z, x


def race(title: str, case: tuple[Any, torch.Tensor, torch.Tensor], leading: int, rounds: int) -> float:
    """Print one row of the table, and return the median ratio dense / ours."""
    cell, z, x = case
    n = z[0].numel()

    def by_products() -> torch.Tensor:
        jacobian.DENSE_SIZE = 0
        return jacobian.spectrum(cell, z, x, leading).eigenvalues

    def dense() -> torch.Tensor:
        jacobian.DENSE_SIZE = 10**9
        return jacobian.spectrum(cell, z, x, leading).eigenvalues

    found, truth = by_products()[0], dense()[0]
    gap = float((found[:, None] - truth[None]).abs().min(1).values.max())
    assert gap < 1e-5, f"not the same result ({gap:.0e}): no time counts"
    ours, theirs = [], []
    for _ in range(rounds):
        for run, times in ((by_products, ours), (dense, theirs)):
            started = time.perf_counter()
            run()
            times.append(time.perf_counter() - started)
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    basis = max(4 * (leading + 2), 100) * n * 8
    print(
        f"{title:14s} leading {leading:2d}: dense {statistics.median(theirs):8.3f} s, products "
        f"{statistics.median(ours):7.3f} s; ratio {statistics.median(ratios):6.2f} ({min(ratios):.2f} to "
        f"{max(ratios):.2f}); matrix {n * n * 4 / 2**20:6.1f} MiB, basis {basis / 2**20:5.1f} MiB; apart {gap:.0e}"
    )
    return statistics.median(ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="100,150,200,300,400,600,1000,2000")
    parser.add_argument("--no-convolution", action="store_true")
    options = parser.parse_args()
    chosen = jacobian.DENSE_SIZE
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {options.rounds} interleaved rounds, float32")
    sizes = [int(size) for size in options.sizes.split(",")]
    for leading in (20, 1):
        kept = [n for n in sizes if leading + 2 <= n // 8]
        ratios = [race(f"tanh {n}", tanh_case(n), leading, options.rounds) for n in kept]
        faster = [n for n, ratio in zip(kept, ratios, strict=True) if ratio > 1]
        slower = [n for n, ratio in zip(kept, ratios, strict=True) if ratio <= 1]
        switch = min((n for n in faster if not slower or n > max(slower)), default=None)
        print(f"leading {leading}: products are faster from {switch} on; the library switches past {chosen}\n")
    if not options.no_convolution:
        for leading in (20, 1):
            race("convolution 4096", convolutional_case(), leading, 1)


if __name__ == "__main__":
    main()
