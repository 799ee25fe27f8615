"""Which networks did the paper train to tell images apart? Konishi and Kawahara, arXiv 2207.07475."""

from __future__ import annotations

from torch import nn

from simviz import checks
from simviz.models.bases import Convolutional, RandomFourier
from simviz.models.paper import parts
from simviz.models.paper.start import begin
from simviz.models.sim import SIM

CLASSES = 10
TIER, SECOND_TIER, DECODER = 50, 104, 32
WIDTHS = {(1, 1): 24, (1, 2): 21, (3, 1): 38, (3, 2): 36}
"""Width of the convolutions by (channels, tiers)."""


def image_classifier(
    tiers: int,
    side: int,
    channels: int,
    width: int | None = None,
    bandwidth: float | str = 10.0,
    *,
    init: str = "variance",
) -> SIM:
    r"""Return the paper's image classifier: :math:`W_{out} dec(U V^T \phi(x))`, ten classes.

    tiers: 1 (d 50), or 2 (50, then 104 random Fourier features of this bandwidth, a number or "median"); rank d // 2;
    decoder and readout 32 wide; width: of the convolutions, None for the paper's (24 / 21 for one channel, 38 / 36 for
    three). init: "variance" keeps the variance of the signal from layer to layer (`keep_variance`), "torch" leaves
    PyTorch's own start. x: (batch, channels, side, side) -> (batch, 10). Trainable parameters: 81,480 and 80,466 for 28
    pixels and one channel. Raises ValueError for bad sizes.
    """
    sim = parts.stable(*_tiers(tiers, side, channels, width, bandwidth), DECODER, CLASSES)
    begin(sim, init)
    return sim


def plain_image_classifier(
    tiers: int,
    side: int,
    channels: int,
    width: int | None = None,
    bandwidth: float | str = 10.0,
    *,
    widened: bool = False,
    init: str = "variance",
) -> nn.Sequential:
    r"""Return the control of `image_classifier`: the same net with one matrix in place of :math:`W_1 U V^T`.

    It is basis, second tier where there is one, then the decoder (its first Linear takes the observables themselves)
    and the readout: what the published SIM is at inference, with fewer parameters to train and no spectrum. widened:
    with more observables on the first tier, so that the parameters are as many as the SIM's (within a half per cent).
    """

    def build(observables: int) -> nn.Sequential:
        tiers_of = _tiers(tiers, side, channels, width, bandwidth, observables)
        return parts.plain(*tiers_of, DECODER, CLASSES)

    def sim() -> SIM:
        return image_classifier(tiers, side, channels, width, bandwidth, init="torch")

    net: nn.Sequential = parts.control(build, sim, TIER, widened)
    begin(net, init)
    return net


def _tiers(
    tiers: int, side: int, channels: int, width: int | None, bandwidth: float | str, observables: int = TIER
) -> tuple[nn.Module, nn.Module | None, int]:
    """The basis, the second tier or None, and the number of observables behind them."""
    width = _width(parts.tiers_are(tiers), channels, width)
    basis = Convolutional(side, channels, observables, width)
    if tiers == 1:
        return basis, None, observables
    return basis, RandomFourier(observables, SECOND_TIER, bandwidth), SECOND_TIER


def _width(tiers: int, channels: int, width: int | None) -> int:
    if width is not None:
        return checks.positive_int("width", width)
    if (channels, tiers) not in WIDTHS:
        raise ValueError(f"width must be given for {channels} channels: the paper has images of 1 and of 3")
    return WIDTHS[channels, tiers]
