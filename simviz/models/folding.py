"""What does a trained model compute, once its linear maps are multiplied out? A plain chain of layers, for inference.

Linear maps in a row are one linear map, batch norm in evaluation is one too: so the limit of a stable invariant model,
U V^T between the basis's last and the decoder's first matrix, leaves no trace but the rank of a matrix.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator

import torch
from torch import nn
from torch.nn.utils import fusion

from simviz.models.affine import Affine
from simviz.models.bases import Convolutional, FullyConnected, TemporalConvolutional
from simviz.models.bases.temporal import Block
from simviz.models.propagators import Limit, Modes


class LimitOf(nn.Module):
    """The limit of a `Modes` propagator as a layer, (batch, inputs) -> (batch, outputs)."""

    def __init__(self, modes: Modes) -> None:
        super().__init__()
        self.modes = modes

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.modes.limit(features)


@torch.no_grad()
def fold(parts: Iterable[nn.Module | None]) -> nn.Sequential:
    """Return one chain of layers that computes what the parts compute one after the other in evaluation mode.

    Copies: the parts stay as they are. Weight normalisation, batch norm after a convolution and linear maps in a row
    are multiplied out (in float64), Identity and Dropout left out; layers it does not know are copied. Its weights are
    frozen. Two linear maps stay two where one matrix would hold more numbers than they do.
    """
    layers: list[nn.Module] = []
    for layer in _flat(parts):
        _append(layers, layer)
    folded = nn.Sequential(*layers).eval().requires_grad_(False)
    convolutions = [layer for layer in folded if isinstance(layer, nn.Conv2d)]
    for convolution in convolutions:
        convolution.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return folded


def _flat(parts: Iterable[nn.Module | None]) -> Iterator[nn.Module]:
    """The layers of the parts in order, copied, with nothing that does nothing in evaluation mode."""
    for part in parts:
        if part is None or isinstance(part, (nn.Identity, nn.Dropout)):
            continue
        if isinstance(part, nn.Sequential):
            yield from _flat(part)
        elif isinstance(part, (Convolutional, FullyConnected, TemporalConvolutional)):
            yield from _flat(part.layers)
        elif isinstance(part, Limit):
            U, V = part.factors()
            yield _linear(V.mT, None)
            yield _linear(U, None)
        elif isinstance(part, Modes):
            yield LimitOf(copy.deepcopy(part))
        elif isinstance(part, Block):
            yield part.plain()
        else:
            yield copy.deepcopy(part).eval()


def _append(layers: list[nn.Module], layer: nn.Module) -> None:
    """Put a layer behind the others, as one with the last where the two are linear."""
    last = layers[-1] if layers else None
    if isinstance(last, nn.Conv2d) and isinstance(layer, nn.BatchNorm2d) and layer.track_running_stats:
        dtype = last.weight.dtype
        layers[-1] = fusion.fuse_conv_bn_eval(last.eval().double(), layer.double()).to(dtype)
        return
    layers.append(layer)
    while len(layers) > 1:
        merged = _merged(layers[-2], layers[-1])
        if merged is None:
            return
        layers[-2:] = [merged]


def _merged(first: nn.Module, second: nn.Module) -> nn.Linear | None:
    """One Linear for two linear layers, or None where they are not, or where it would hold more numbers than both."""
    if not (isinstance(first, (nn.Linear, Affine)) and isinstance(second, (nn.Linear, Affine))):
        return None
    (A, a), (B, b) = _matrix(first), _matrix(second)
    separate = sum(_numbers(layer) for layer in (first, second))
    if A.shape[1] * B.shape[0] > separate:
        return None
    layer = _linear(B @ A, B @ a + b)
    return layer.to(next(iter(first.state_dict().values())).dtype)


def _matrix(layer: nn.Linear | Affine) -> tuple[torch.Tensor, torch.Tensor]:
    """A layer's matrix (out, in) and bias (out,), in float64."""
    if isinstance(layer, Affine):
        scale, shift = layer.scale.double(), layer.shift.double()
        return torch.diag(1 / scale), -shift / scale
    weight = layer.weight.double()
    return weight, weight.new_zeros(len(weight)) if layer.bias is None else layer.bias.double()


def _numbers(layer: nn.Linear | Affine) -> int:
    return len(layer.scale) if isinstance(layer, Affine) else layer.weight.numel()


def _linear(weight: torch.Tensor, bias: torch.Tensor | None) -> nn.Linear:
    """A Linear that holds these, of their device and dtype."""
    layer = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0], bias=bias is not None, device=weight.device)
    layer.weight = nn.Parameter(weight.detach().clone())
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().clone())
    return layer
