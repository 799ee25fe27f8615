"""How do the weights begin? So that a signal keeps its size from layer to layer, or as PyTorch draws them."""

from __future__ import annotations

import math

import torch
from torch import nn

from simviz import checks
from simviz.models.bases.temporal import Block

INITS = ("variance", "torch")


def begin(model: nn.Module, init: str) -> None:
    """Draw the weights anew as `init` says: "variance" (`keep_variance`), or "torch", which leaves them as they are."""
    if checks.one_of("init", init, INITS) == "variance":
        keep_variance(model)


@torch.no_grad()
def keep_variance(model: nn.Module) -> None:
    """Draw the weights anew so that a signal keeps its variance from layer to layer, and set the biases to zero.

    A layer in front of a ReLU: variance 2 / inputs (He et al. 2015); any other: 1 / inputs (LeCun et al. 1998).
    PyTorch's own start, 1 / (3 inputs), shrinks the signal sixfold a ReLU layer; features of one bandwidth then see
    all samples as one point.
    """
    for block in model.modules():
        if isinstance(block, Block):  # its convolutions are no leaves, having their weights normalised
            for convolution in (block.first, block.second):
                inputs = convolution.weight[0].numel()
                convolution.weight = torch.randn_like(convolution.weight) * math.sqrt(2 / inputs)
                convolution.get_parameter("bias").zero_()
    layers = [m for m in model.modules() if not list(m.children())]
    for layer, after in zip(layers, [*layers[1:], None], strict=True):
        if not isinstance(layer, (nn.Linear, nn.Conv1d, nn.Conv2d)):
            continue
        gain = math.sqrt(2) if isinstance(after, (nn.ReLU, nn.BatchNorm2d)) else 1.0
        inputs = layer.weight[0].numel()
        nn.init.normal_(layer.weight, std=gain / math.sqrt(inputs))
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
