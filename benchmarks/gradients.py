"""How long do forward and implicit backward of a deep equilibrium model take at equal gradient error?

A tanh cell of 128 and of 512 units, z -> tanh(W z + x) with W = 0.9 randn / sqrt(units), 128 samples, x ~ N(0, 1) times
exp(N(0, 1)) per sample, and a random linear loss. The error is that of dL/dW, relative to the one in float64 solved to
1e-12. Beside torchdeq 0.1.0 with implicit differentiation: all pairs of its solvers (but Broyden, far slower here) and
of tolerances 1e-3 to 3e-5 are tried, and the fastest whose error is below 1e-4 is raced; of ours likewise all pairs,
and once more the default methods Anderson() and Implicit(GMRES()) at the tolerances that suit them. Its default
gradient (one step) is reported with its error. Runs are interleaved; each round gives one ratio peer / ours.

    pip install --no-deps --target /tmp/peers torchdeq==0.1.0
    OMP_NUM_THREADS=2 PYTHONPATH=/tmp/peers python benchmarks/gradients.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import itertools
import math
import statistics
import time
from collections.abc import Callable

import torch
from torchdeq import get_deq

from simviz.equilibria import Anderson, Picard, solve
from simviz.equilibria.gradients import GMRES, Implicit
from simviz.equilibria.solvers import Solver

BATCH, ENOUGH, LIMIT = 128, 1e-4, 300
TOLERANCES = (1e-3, 3e-4, 1e-4, 3e-5)
DEFAULT = Anderson()
Gradient = Callable[[], torch.Tensor]


class Case:
    """One deep equilibrium model with a batch and a loss."""

    def __init__(self, units: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> None:
        generator = torch.Generator().manual_seed(seed)
        W = 0.9 * torch.randn(units, units, generator=generator) / math.sqrt(units)
        x = torch.randn(BATCH, units, generator=generator) * torch.randn(BATCH, 1, generator=generator).exp()
        c = torch.randn(BATCH, units, generator=generator)
        self.W, self.x, self.c = W.to(dtype).requires_grad_(), x.to(dtype), c.to(dtype)

    def cell(self, z: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """(rows, units), (rows, units) -> (rows, units)."""
        return torch.tanh(torch.addmm(x, z, self.W.T))

    def ours(self, forward: float, rule: Implicit, solver: Solver = DEFAULT) -> torch.Tensor:
        """Return dL/dW by this library."""
        solution = solve(self.cell, torch.zeros_like(self.x), self.x, solver, rtol=forward, max_steps=LIMIT)
        loss = (rule.attach(self.cell, solution, self.x) * self.c).sum()
        return torch.autograd.grad(loss, self.W)[0]

    def theirs(self, deq: torch.nn.Module, **options: object) -> torch.Tensor:
        """Return dL/dW by torchdeq."""
        z = deq(lambda z: self.cell(z, self.x), torch.zeros_like(self.x), solver_kwargs=options)[0][-1]
        return torch.autograd.grad((z * self.c).sum(), self.W)[0]


def candidates(case: Case) -> tuple[dict[str, Gradient], dict[str, Gradient]]:
    """Return by name what may be raced: ours, and the peer's."""
    ours: dict[str, Gradient] = {}
    theirs: dict[str, Gradient] = {}
    for forward, backward in itertools.product(TOLERANCES, TOLERANCES):
        for method, linear in itertools.product((Anderson(), Picard()), (GMRES(), Anderson(), Picard())):
            rule = Implicit(linear, rtol=backward, max_steps=LIMIT)
            name = f"{type(method).__name__} + {type(linear).__name__}, rtol {forward:.0e}, {backward:.0e}"
            ours[name] = lambda f=forward, r=rule, m=method: case.ours(f, r, m)
        for one, other in itertools.product(("anderson", "fixed_point_iter"), repeat=2):
            deq = get_deq(
                f_solver=one,
                b_solver=other,
                f_tol=forward,
                b_tol=backward,
                f_max_iter=LIMIT,
                b_max_iter=LIMIT,
                f_stop_mode="rel",
                b_stop_mode="rel",
                ift=True,
            ).train()
            for name, options in (("", {}), (", lam 1e-8", {"lam": 1e-8})) if one == "anderson" else (("", {}),):
                theirs[f"{one}{name} + {other}, tol {forward:.0e}, {backward:.0e}"] = lambda deq=deq, options=options: (
                    case.theirs(deq, **options)
                )
    return ours, theirs


def best(runs: dict[str, Gradient], truth: torch.Tensor) -> tuple[str, float]:
    """Return the fastest whose error is below ENOUGH, by one try of all and three of the ten fastest; and its error."""
    tried = []
    for name, run in runs.items():
        spent, found = timed(run)
        error = relative(found, truth)
        if error < ENOUGH:
            tried.append((spent, name, error))
    again = [(min(timed(runs[name])[0] for _ in range(3)), name, error) for _, name, error in sorted(tried)[:10]]
    return min(again)[1:]


def timed(run: Gradient) -> tuple[float, torch.Tensor]:
    started = time.perf_counter()
    found = run()
    return time.perf_counter() - started, found


def relative(found: torch.Tensor, truth: torch.Tensor) -> float:
    return float((found.double() - truth).norm() / truth.norm())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--units", default="128,512")
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {options.rounds} interleaved rounds")
    for units in (int(size) for size in options.units.split(",")):
        wide = Case(units, dtype=torch.float64)
        truth = wide.ours(1e-12, Implicit(GMRES(40), rtol=1e-12, max_steps=2000))
        case = Case(units)
        ours, theirs = candidates(case)
        print(f"\n{units} units")
        default = case.theirs(get_deq(f_solver="anderson").train())
        cosine = float(torch.cosine_similarity(default.double().flatten(), truth.flatten(), dim=0))
        print(f"  torchdeq's default gradient (one step): error {relative(default, truth):.2f}, cosine {cosine:.2f}")
        defaults = case.ours(1e-4, Implicit())
        print(f"  our defaults (rtol 1e-4 both): error {relative(defaults, truth):.0e}")
        usual = {name: run for name, run in ours.items() if name.startswith("Anderson + GMRES")}
        raced = {"ours, defaults": best(usual, truth), "ours, best": best(ours, truth), "torchdeq": best(theirs, truth)}
        runs = {"ours, defaults": ours, "ours, best": ours, "torchdeq": theirs}
        times: dict[str, list[float]] = {who: [] for who in raced}
        for _ in range(options.rounds):
            for who, (name, _error) in raced.items():
                times[who].append(timed(runs[who][name])[0])
        for who, (name, error) in raced.items():
            ratios = [b / a for a, b in zip(times[who], times["torchdeq"], strict=True)]
            spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            spent = statistics.median(times[who]) * 1e3
            print(f"  {who}: {name}: {spent:.0f} ms, error {error:.0e}; torchdeq / this {spread}")


if __name__ == "__main__":
    main()
