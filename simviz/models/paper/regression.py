"""Which networks did the paper train to draw an image? Konishi and Kawahara, arXiv 2207.07475."""

from __future__ import annotations

from torch import nn

from simviz import checks
from simviz.models.bases import FullyConnected, RandomFourier
from simviz.models.paper import parts
from simviz.models.paper.start import begin
from simviz.models.sim import SIM

COLOURS = 3
TIER, DECODER = 256, 256
BASES = ("network", "fourier")


def image_regressor(tiers: int, basis: str = "network", bandwidth: float | str = 0.1, *, init: str = "variance") -> SIM:
    r"""Return the paper's image regressor: from a point of the plane to its colour, 2 -> 3.

    tiers: 1 (d 256), or 2 (256, then 256 random Fourier features); basis: "network" (fully connected, 256 wide), or
    "fourier", one tier of 256 random Fourier features of the point and no network; bandwidth: of the random features,
    a number or "median", in units of what they see (the point, or the observables); rank 128; decoder and readout 256
    wide. x: (batch, 2) -> (batch, 3). Trainable parameters: 396,035, with the Fourier basis 263,683. Raises ValueError
    for other words and for two tiers on a Fourier basis, which the paper does not have.
    """
    sim = parts.stable(*_tiers(tiers, basis, bandwidth), DECODER, COLOURS)
    begin(sim, init)
    return sim


def plain_image_regressor(
    tiers: int,
    basis: str = "network",
    bandwidth: float | str = 0.1,
    *,
    widened: bool = False,
    init: str = "variance",
) -> nn.Sequential:
    """Return the control of `image_regressor`, see `plain_image_classifier`.

    With basis="fourier" it is a network on random Fourier features (Tancik et al., arXiv 2006.10739).
    """

    def build(observables: int) -> nn.Sequential:
        return parts.plain(*_tiers(tiers, basis, bandwidth, observables), DECODER, COLOURS)

    def sim() -> SIM:
        return image_regressor(tiers, basis, bandwidth, init="torch")

    net: nn.Sequential = parts.control(build, sim, TIER, widened, 2 if basis == "fourier" else 1)
    begin(net, init)
    return net


def _tiers(
    tiers: int, basis: str, bandwidth: float | str, observables: int = TIER
) -> tuple[nn.Module, nn.Module | None, int]:
    parts.tiers_are(tiers)
    if checks.one_of("basis", basis, BASES) == "fourier":
        if tiers == 2:
            raise ValueError(
                'basis="fourier" has one tier, being random Fourier features itself: tiers must be 1, got 2'
            )
        return RandomFourier(2, observables, bandwidth), None, observables
    network = FullyConnected(2, observables, hidden=TIER)
    if tiers == 1:
        return network, None, observables
    return network, RandomFourier(observables, TIER, bandwidth), TIER
