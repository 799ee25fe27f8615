"""Which networks did the paper train to remember? Konishi and Kawahara, arXiv 2207.07475."""

from __future__ import annotations

from torch import nn

from simviz.models.bases import RandomFourier, TemporalConvolutional
from simviz.models.paper import parts
from simviz.models.paper.start import begin
from simviz.models.sim import SIM

CLASSES = 10
TIER, DECODER = 32, 32


def copy_memory(
    tiers: int,
    bandwidth: float | str = "median",
    *,
    width: int = 10,
    levels: int = 8,
    kernel: int = 8,
    init: str = "variance",
) -> SIM:
    r"""Return the paper's model for copy memory: at each moment of a sequence, :math:`W_{out} dec(U V^T \phi(past))`.

    tiers: 1 (d 32), or 2 (32, then 32 random Fourier features of this bandwidth, a number or "median"); rank 16;
    decoder and readout 32 wide; width, levels, kernel: of the temporal convolutions; init: as in `image_classifier`.
    x: (batch, time, 1) -> (batch, time, 10), ten classes a moment. Trainable parameters: 17,294. Raises ValueError for
    bad sizes.
    """
    sim = parts.stable(*_tiers(tiers, bandwidth, width, levels, kernel), DECODER, CLASSES)
    begin(sim, init)
    return sim


def plain_copy_memory(
    tiers: int,
    bandwidth: float | str = "median",
    *,
    width: int = 10,
    levels: int = 8,
    kernel: int = 8,
    widened: bool = False,
    init: str = "variance",
) -> nn.Sequential:
    """Return the control of `copy_memory`, see `plain_image_classifier`; widened: as many parameters as the SIM."""

    def build(observables: int) -> nn.Sequential:
        return parts.plain(*_tiers(tiers, bandwidth, width, levels, kernel, observables), DECODER, CLASSES)

    def sim() -> SIM:
        return copy_memory(tiers, bandwidth, width=width, levels=levels, kernel=kernel, init="torch")

    net: nn.Sequential = parts.control(build, sim, TIER, widened)
    begin(net, init)
    return net


def _tiers(
    tiers: int, bandwidth: float | str, width: int, levels: int, kernel: int, observables: int = TIER
) -> tuple[nn.Module, nn.Module | None, int]:
    basis = TemporalConvolutional(1, observables, width, levels, kernel)
    if parts.tiers_are(tiers) == 1:
        return basis, None, observables
    return basis, RandomFourier(observables, TIER, bandwidth), TIER
