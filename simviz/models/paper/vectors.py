"""Which network stands between two vectors, in the paper's form? A fully connected basis in front of U V^T."""

from __future__ import annotations

from torch import nn

from simviz import checks
from simviz.models.bases import FullyConnected
from simviz.models.paper import parts
from simviz.models.paper.start import begin
from simviz.models.sim import SIM

HIDDEN, DECODER = 256, 64


def vector_regressor(inputs: int, outputs: int, rank: int = 32, *, init: str = "variance") -> SIM:
    """Return a SIM of the published form from vectors to vectors; not one of the paper's own experiments.

    A fully connected basis of 2 rank observables, two hidden layers 256 wide; U V^T of this rank; decoder and readout
    64 wide. x: (batch, ...) of `inputs` numbers -> (batch, outputs). init: as in `image_classifier`. Raises ValueError
    for sizes below 1.
    """
    d = 2 * checks.positive_int("rank", rank)
    sim = parts.stable(_basis(inputs, d), None, d, DECODER, checks.positive_int("outputs", outputs))
    begin(sim, init)
    return sim


def plain_vector_regressor(
    inputs: int, outputs: int, rank: int = 32, *, widened: bool = False, init: str = "variance"
) -> nn.Sequential:
    """Return the control of `vector_regressor`, one matrix in place of W1 U V^T, see `plain_image_classifier`."""
    d = 2 * checks.positive_int("rank", rank)

    def build(observables: int) -> nn.Sequential:
        return parts.plain(_basis(inputs, observables), None, observables, DECODER, outputs)

    net: nn.Sequential = parts.control(build, lambda: vector_regressor(inputs, outputs, rank, init="torch"), d, widened)
    begin(net, init)
    return net


def _basis(inputs: int, d: int) -> FullyConnected:
    return FullyConnected(inputs, d, hidden=HIDDEN)
