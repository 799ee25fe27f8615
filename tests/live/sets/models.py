"""A model whose phase is known: of the Stuart-Landau system, turned by an angle that may depend on the state."""

import torch
from torch import nn

from simviz.models.propagators import Modes
from simviz.models.sim import SIM


class Angle(nn.Module):
    d = 2

    def __init__(self, off=None, centre=(0.0, 0.0)):
        super().__init__()
        self.off, self.centre = off, torch.tensor(centre)

    def forward(self, x):
        y = x - self.centre
        angle = torch.atan2(y[:, 1], y[:, 0])
        if self.off is not None:
            angle = angle + self.off(x)
        return torch.stack([angle.cos(), angle.sin()], -1)


def known(off=None, centre=(0.0, 0.0)):
    modes = Modes(1, 1, 0, start=[0.3], dt=0.3)
    return SIM(Angle(off, centre), modes, nn.Identity(), nn.Identity())
