"""What does each part of the classifier do? The paper's image classifier with one part changed, for an ablation.

Konishi and Kawahara, arXiv 2207.07475; the changes are ours.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from simviz import checks
from simviz.learning import experiments
from simviz.learning.run import Run
from simviz.learning.task import Task
from simviz.models.bases import RandomFourier
from simviz.models.paper import keep_variance
from simviz.models.propagators import LowRank
from simviz.models.sim import SIM

OPERATORS = ("U V^T", "frozen", "one Linear")
DECODERS = ("network", "linear")
ONE_TIER: dict[str, Any] = {"tiers": 1, "rank": 25, "operator": "U V^T", "decoder": "network"}
TWO_TIERS: dict[str, Any] = {**ONE_TIER, "tiers": 2, "rank": 52, "bandwidth": 1.0}
"""The paper's classifiers in the words of `variant`: the baselines of an ablation."""


def variant(
    task: Task,
    *,
    tiers: int = 1,
    rank: int | None = None,
    operator: str = "U V^T",
    decoder: str = "network",
    bandwidth: float = 1.0,
    seed: int = 0,
    **options: Any,
) -> Run:
    r"""Return the run of `experiments.classify` with a classifier changed as told; every part kept begins as there.

    tiers: 1 or 2; rank: of :math:`U V^T` (None: half the observables, 25 or 52); operator: "frozen" leaves U and V as
    they were drawn, "one Linear" has no U V^T and no rank: the decoder takes the observables themselves; decoder:
    "linear" is one Linear in its place; bandwidth: of the second tier, in units of the median distance that it has
    otherwise; options: of the Run. Raises ValueError for another word or number, and for a bandwidth without a second
    tier.

    >>> from simviz.learning.data import digits
    >>> variant(digits(), rank=1).model.propagator.rank
    1
    """
    if isinstance(tiers, bool) or tiers not in (1, 2):
        raise ValueError(f"tiers must be 1 or 2, got {tiers!r}")
    checks.one_of("operator", operator, OPERATORS)
    checks.one_of("decoder", decoder, DECODERS)
    bandwidth = checks.positive("bandwidth", bandwidth)
    if tiers == 1 and bandwidth != 1:
        raise ValueError(f"bandwidth must be 1 where there is no second tier, got {bandwidth:g}")
    run = experiments.classify("single" if tiers == 1 else "two", task, seed=seed, **options)
    sim = run.model
    assert isinstance(sim, SIM)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        _change(sim, rank, operator, decoder)
    if bandwidth != 1:
        _widen(sim, bandwidth, task.train[0][: run.options["batch_size"]].to(run.device))
    return Run(_plain(sim) if operator == "one Linear" else sim, task, device=run.asked_device, **run.options)


def _change(sim: SIM, rank: int | None, operator: str, decoder: str) -> None:
    """Put other parts in, with weights drawn as the paper's are."""
    old = sim.propagator
    assert isinstance(old, LowRank)
    if rank not in (None, old.rank):
        sim.propagator = LowRank(old.inputs, checks.positive_int("rank", rank))
        keep_variance(sim.propagator)
    if operator == "frozen":
        sim.propagator.requires_grad_(False)
    if decoder == "linear":
        width = sim.readout.get_parameter("weight").shape[1]
        sim.decoder = nn.Linear(old.outputs, width)
        keep_variance(sim.decoder)


@torch.no_grad()
def _widen(sim: SIM, times: float, x: torch.Tensor) -> None:
    """Give the second tier a bandwidth of so many times the median distance between the observables of x."""
    tier = sim.second_tier
    assert isinstance(tier, RandomFourier)
    median = tier.set_bandwidth(sim.basis(x))
    sim.second_tier = RandomFourier(**{**tier.options, "bandwidth": times * median})


def _plain(sim: SIM) -> nn.Sequential:
    """Return the same net without its operator."""
    parts = [sim.basis, sim.second_tier, sim.decoder, sim.readout]
    return nn.Sequential(*(part for part in parts if part is not None))
