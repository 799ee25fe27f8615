"""How well do the models do the paper's three tasks, and find cycles? The quality table, every model in it.

Settings are those of `simviz.learning.experiments`; docs/quality.md says how they were chosen. Sections:

classify  5,000 MNIST digits and scikit-learn's digits, stratified 5-fold cross-validation, 10 epochs of batches of 128,
          no augmentation; "recipe": the published layers with PyTorch's own start, Adam at a constant 1e-3, bandwidth
          10. Mean accuracy of the folds, standard error, seconds of training a fold; for the SIMs the difference to the
          recipe and to the DEQ, fold by fold, with its standard error.
copy      steps until the last ten symbols are right on 99 per cent of 100 held-out sequences, looked at every 20
          steps; batches of 10; delay 100 and 500; seeds 0, 1, 2; at most 2,000 steps.
regress   PSNR on the test pixels of china and flower, 128 x 128, after 500 full-batch steps, the state with the best
          validation PSNR; beside bilinear interpolation; seeds 0, 1, 2 (the controls: 0 alone).
cycles    learn_invariant_set on Stuart-Landau and Van der Pol (mu 1 and 2): frequency, set distance, orbit error.

    OMP_NUM_THREADS=2 python benchmarks/quality.py [classify copy regress cycles] [--markdown FILE]
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from simviz.dynamics.systems import StuartLandau, VanDerPol
from simviz.learning import data, experiments
from simviz.learning.judge import judge
from simviz.learning.recipes import learn_invariant_set
from simviz.learning.run import Run
from simviz.learning.task import Task
from simviz.models import paper

FOLDS = 5
SEEDS = (0, 1, 2)
Row = list[str]


def finished(run: Run) -> Run:
    for _ in run:
        pass
    return run


def parameters(run: Run) -> str:
    return f"{sum(p.numel() for p in run.model.parameters() if p.requires_grad):,}"


def recipe(tiers: int, task: Task, seed: int) -> Run:
    """The published layers as PyTorch starts them, Adam at a constant rate."""
    side = task.train[0].shape[-1]
    torch.manual_seed(seed)
    model = paper.image_classifier(tiers, side, 1, bandwidth=10.0, init="torch")
    return Run(model, task, lr=1e-3, schedule="constant", optimizer="adam", seed=seed)


def classifiers() -> dict[str, Callable[[Task, int], Run]]:
    def ours(kind: str) -> Callable[[Task, int], Run]:
        return lambda task, seed: experiments.classify(kind, task, seed=seed)

    named = {words: ours(kind) for kind, words in experiments.CLASSIFIERS.items()}
    recipes = {
        f"recipe, {tiers} tier(s)": lambda task, seed, tiers=tiers: recipe(tiers, task, seed) for tiers in (1, 2)
    }
    return {**named, **recipes}


def error(values: list[float]) -> float:
    return statistics.stdev(values) / math.sqrt(len(values))


def classify() -> Iterator[Row]:
    yield ["data", "model", "parameters", "accuracy, %", "standard error", "seconds a fold", "not converged"]
    for name, load in (("mnist5k", data.mnist5k), ("digits", data.digits)):
        folds = load().folds(FOLDS)
        reached: dict[str, list[float]] = {}
        for words, make in classifiers().items():
            runs = [finished(make(task, seed)) for seed, task in enumerate(folds)]
            accuracy = [100 * run.history[-1].metrics["accuracy"] for run in runs]
            seconds = statistics.mean(run.history[-1].seconds for run in runs)
            solved, missed = (sum(getattr(s, key) for run in runs for s in run.history) for key in ("solved", "missed"))
            lost = f"{missed} of {solved}" if solved else ""
            reached[words] = accuracy
            mean = f"{statistics.mean(accuracy):.2f}"
            yield [name, words, parameters(runs[0]), mean, f"{error(accuracy):.2f}", f"{seconds:.1f}", lost]
        sims = {1: experiments.CLASSIFIERS["single"], 2: experiments.CLASSIFIERS["two"]}
        for tiers, words in sims.items():
            for other in (f"recipe, {tiers} tier(s)", experiments.CLASSIFIERS["deq"], experiments.CLASSIFIERS["wide"]):
                apart = [a - b for a, b in zip(reached[words], reached[other], strict=True)]
                difference = f"{statistics.mean(apart):+.2f}"
                yield [name, f"{words} less {other}", "", difference, f"{error(apart):.2f}", "", ""]


def copy() -> Iterator[Row]:
    yield ["delay", "model", "steps to 99 %, seeds 0, 1, 2", "seconds", "share right at the end"]
    for delay in (100, 500):
        task = data.copy_memory(delay, test=100)
        for kind in experiments.FEED_FORWARD:
            steps, seconds, shares = [], [], []
            for seed in SEEDS:
                run = experiments.copy(kind, task, seed=seed, max_steps=2000)
                share, found = 0.0, "-"
                for step in run:
                    share = step.metrics.get("last ten", share)
                    if share >= 0.99:
                        found = str(step.step)
                        break
                steps.append(found)
                seconds.append(run.history[-1].seconds)
                shares.append(f"{share:.3f}")
            timed = f"{statistics.mean(seconds):.0f}"
            yield [str(delay), experiments.CLASSIFIERS[kind], ", ".join(steps), timed, ", ".join(shares)]


def regress() -> Iterator[Row]:
    yield ["picture", "model", "parameters", "PSNR, dB, by seed", "mean", "seconds"]
    cases: list[tuple[str, dict[str, Any]]] = [("single", {"basis": "fourier"}), ("single", {"basis": "network"})]
    cases += [("two", {}), ("plain", {"basis": "fourier"}), ("wide", {"basis": "fourier"})]
    cases += [("plain", {"basis": "network"})]
    for name in data.pictures.PHOTOGRAPHS:
        task = data.photograph(name)
        bilinear = task.metrics(data.Bilinear(task), *task.test)["psnr"]
        yield [name, "bilinear interpolation", "0", "", f"{bilinear:.2f}", ""]
        for kind, options in cases:
            reached, seconds = [], []
            for seed in SEEDS if kind == "single" and options["basis"] == "fourier" else SEEDS[:1]:
                run = finished(experiments.regress(kind, task, seed=seed, **options))
                seconds.append(run.history[-1].seconds)
                assert run.best is not None
                run.rewind(run.best.step)
                reached.append(run.measure()["psnr"])
            words = f"{experiments.CLASSIFIERS[kind]}, {options.get('basis', 'network')} basis"
            listed = ", ".join(f"{value:.2f}" for value in reached)
            timed = f"{statistics.mean(seconds):.0f}"
            yield [name, words, parameters(run), listed, f"{statistics.mean(reached):.2f}", timed]


def cycles() -> Iterator[Row]:
    yield ["system", "seed", "frequency off by, %", "set distance", "orbit error: mean, 95 %", "seconds"]
    named = {"Stuart-Landau": StuartLandau(), "Van der Pol, mu 1": VanDerPol(1.0), "Van der Pol, mu 2": VanDerPol(2.0)}
    for name, system in named.items():
        orbits = system.trajectories(count=1000, steps=60, dt=0.3)
        for seed in SEEDS:
            started = time.perf_counter()
            sim = learn_invariant_set(orbits, dt=0.3, seed=seed)
            seconds = time.perf_counter() - started
            found = judge(sim, system, dt=0.3)
            orbit = f"{found.orbit_mean:.4f}, {found.orbit_95:.4f}"
            off = f"{100 * found.angle_error:.4f}"
            yield [name, str(seed), off, f"{found.set_distance:.4f}", orbit, f"{seconds:.1f}"]


SECTIONS = {"classify": classify, "copy": copy, "regress": regress, "cycles": cycles}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--markdown", help="append the tables to this file")
    options = parser.parse_args()
    lines = [f"torch {torch.__version__}, {torch.get_num_threads()} thread(s), {time.strftime('%Y-%m-%d')}", ""]
    print(lines[0], flush=True)
    for name in options.sections or SECTIONS:
        lines += [f"## {name}", ""]
        for number, row in enumerate(SECTIONS[name]()):
            lines.append(f"| {' | '.join(row)} |")
            print(lines[-1], flush=True)
            if not number:
                lines.append("|" + "---|" * len(row))
        lines.append("")
    if options.markdown:
        with open(options.markdown, "a", encoding="utf-8") as file:
            file.write("\n".join(lines))


if __name__ == "__main__":
    main()
