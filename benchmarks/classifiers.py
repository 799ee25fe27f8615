"""What do the paper's classifiers cost beside the same layers written plainly? A training step, and inference.

The peer: the published layers as PyTorch modules in a row, in PyTorch's own memory layout, with the same weights, the
same optimiser (AdamW) and the same batches of 28 x 28 images. Ours: `paper.image_classifier`, for inference its
`fold()`. First both are trained for 20 steps from the same weights: their loss curves must agree (1e-6 in float64; in
float32 AdamW makes steps of the rounding of gradients that are zero, and the curves part), then their outputs and those
of the folded chain (1e-4). Runs interleaved; each round gives one ratio peer / ours.

    OMP_NUM_THREADS=2 python benchmarks/classifiers.py [--rounds 30] [--batch 128]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from simviz.models import paper
from simviz.models.sim import SIM


class Waves(nn.Module):
    """Frozen random Fourier features, written plainly."""

    def __init__(self, directions: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("directions", directions)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        angles = x @ self.directions.T
        return torch.cat([angles.cos(), angles.sin()], -1) / len(self.directions) ** 0.5


def plainly(tiers: int, directions: torch.Tensor | None) -> nn.Sequential:
    """The published layers for 28 x 28 images of one channel."""
    c, d = {1: 24, 2: 21}[tiers], {1: 50, 2: 104}[tiers]

    def block(inputs: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, c, 3, padding=1), nn.BatchNorm2d(c), nn.ReLU()]

    convolutions = [*block(1), *block(c), nn.MaxPool2d(2), *block(c), *block(c), nn.MaxPool2d(2)]
    second = [] if directions is None else [Waves(directions)]
    decoder = [nn.Linear(d, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 32), nn.Linear(32, 10)]
    basis = [*convolutions, nn.Flatten(), nn.Linear(c * 49, 50)]
    limit = [nn.Linear(d, d // 2, bias=False), nn.Linear(d // 2, d, bias=False)]
    return nn.Sequential(*basis, *second, *limit, *decoder)


def pair(tiers: int) -> tuple[SIM, nn.Sequential]:
    """The model and its peer with the same weights."""
    torch.manual_seed(0)
    sim = paper.image_classifier(tiers, 28, 1, bandwidth=10.0)
    peer = plainly(tiers, None if sim.second_tier is None else sim.second_tier.directions.clone())
    ours = [*sim.basis.parameters(), sim.propagator.V.weight, sim.propagator.U.weight]
    ours += [*sim.decoder.parameters(), *sim.readout.parameters()]
    with torch.no_grad():
        for mine, theirs in zip(ours, peer.parameters(), strict=True):
            theirs.copy_(mine)
    return sim, peer


def trainer(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> Callable[[], float]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
    model.train()

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def inference(model: nn.Module, x: torch.Tensor) -> Callable[[], torch.Tensor]:
    model.eval()

    def answer() -> torch.Tensor:
        with torch.inference_mode():
            return model(x)

    return answer


def race(title: str, ours: Callable[[], object], peer: Callable[[], object], rounds: int) -> None:
    """Print medians and the ratio of each round."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for run, seconds in zip((ours, peer), times, strict=True):
            started = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - started)
    mine, theirs = (statistics.median(seconds) for seconds in times)
    ratios = [b / a for a, b in zip(*times, strict=True)]
    low, high = statistics.quantiles(ratios, n=20)[0], statistics.quantiles(ratios, n=20)[-1]
    print(
        f"{title:28s} ours {1e3 * mine:6.1f} ms, plainly {1e3 * theirs:6.1f} ms; ratio {statistics.median(ratios):.2f} "
        f"({low:.2f} to {high:.2f}, 5 and 95 %)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--batch", type=int, default=128)
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, batch {options.batch}, float32")
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(options.batch, 1, 28, 28, generator=generator)
    y = torch.randint(0, 10, (options.batch,), generator=generator)
    for tiers in (1, 2):
        curves = [[step() for step in [trainer(model.double(), x.double(), y)] * 20] for model in pair(tiers)]
        apart = max(abs(a - b) for a, b in zip(*curves, strict=True))
        assert apart < 1e-6, f"not the same loss curve ({apart:.0e}): no time counts"
        sim, peer = pair(tiers)
        step, plain_step = trainer(sim, x, y), trainer(peer, x, y)
        race(f"{tiers} tier(s), training step", step, plain_step, options.rounds)
        folded, answer = inference(sim.eval().fold(), x), inference(sim, x)
        sim_out = answer()
        gap = float((folded() - sim_out).norm() / sim_out.norm())
        assert gap < 1e-4, f"not the same outputs ({gap:.0e}): no time counts"
        copied = plainly(tiers, None if sim.second_tier is None else sim.second_tier.directions)
        copied.load_state_dict(dict(zip(copied.state_dict(), _states(sim), strict=True)))
        plain_answer = inference(copied, x)
        gap = float((plain_answer() - sim_out).norm() / sim_out.norm())
        assert gap < 1e-4, f"not the same outputs ({gap:.0e}): no time counts"
        race(f"{tiers} tier(s), fold()", folded, plain_answer, options.rounds)
        race(f"{tiers} tier(s), not folded", answer, plain_answer, options.rounds)


def _states(sim: SIM) -> list[torch.Tensor]:
    """The model's state in the order of the peer's."""
    second = [] if sim.second_tier is None else [sim.second_tier.directions]
    limit = [sim.propagator.V.weight, sim.propagator.U.weight]
    behind = [*sim.decoder.state_dict().values(), *sim.readout.state_dict().values()]
    return [*sim.basis.state_dict().values(), *second, *limit, *behind]


if __name__ == "__main__":
    main()
