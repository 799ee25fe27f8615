"""Which cell is asked? Teachers whose one leading pair of eigenvalues has any modulus: through 1 it opens a loop."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from scipy.optimize import brentq

from simviz import checks
from simviz.equilibria import Anderson, jacobian, solve
from simviz.models.cells import Tanh
from simviz.records import Spectrum

LOW, HIGH = 0.1, 4.0
"""Between these the scale of the leading pair is sought."""
CLOSE = 1e-6
"""How near to the radius that was asked the one of the cell must be."""
REST = 0.4
"""The spectral norm of all of the cell's matrix but the leading pair."""


@dataclass(frozen=True)
class Teacher:
    """A tanh cell at one input, made so that its fixed point there has a leading pair of a modulus that was asked.

    cell: in float64; x: (1, inputs); z_star: (1, units) its fixed point, whether iteration stays there or not; radius:
    the largest modulus of the Jacobian at z_star; angle: of its eigenvalue, radians a step.
    """

    cell: Tanh
    x: torch.Tensor
    z_star: torch.Tensor
    radius: float
    angle: float

    def spectrum(self) -> Spectrum:
        """Return the eigenvalues of df/dz at z_star, (1, units)."""
        return jacobian.spectrum(self.cell, self.z_star, self.x)

    @torch.no_grad()
    def iterates(self, z0: torch.Tensor, steps: int) -> torch.Tensor:
        """(batch, units) -> (batch, steps + 1, units): what plain iteration makes of some beginnings."""
        z, x = z0, self.x.expand(len(z0), -1)
        states = [z]
        for _ in range(steps):
            z = self.cell(z, x)
            states.append(z)
        return torch.stack(states, 1)

    def cloud(self, count: int, size: float, seed: int = 0) -> torch.Tensor:
        """Return beginnings round z_star, normal with this standard deviation in each number, (count, units)."""
        generator = torch.Generator().manual_seed(seed)
        return self.z_star + size * torch.randn(count, self.z_star.shape[1], generator=generator, dtype=torch.float64)


def teacher(radius: float, seed: int = 0, *, units: int = 16, inputs: int = 4, spread: float = 0.3) -> Teacher:
    r"""Return a teacher with this spectral radius at its fixed point.

    The cell is :math:`\tanh(W z + W_x x)`, W normal on one plane, where it turns by an angle between 0.3 and 1.2 and
    stretches; elsewhere random with spectral norm 0.4. The stretch is sought until the Jacobian at z* has
    the radius. x: normal with standard deviation `spread`. Everything is drawn from the seed; the same seed and another
    radius give the same cell, stretched otherwise. Raises ValueError for a radius that no stretch gives.

    >>> round(teacher(0.9).radius, 6)
    0.9
    """
    checks.positive("radius", radius)
    checks.positive_int("units", units, 3)
    generator = torch.Generator().manual_seed(checks.positive_int("seed", seed, 0))
    draw = {"generator": generator, "dtype": torch.float64}
    Q = torch.linalg.qr(torch.randn(units, units, **draw)).Q  # type: ignore[call-overload]
    angle = 0.3 + 0.9 * float(torch.rand((), **draw))  # type: ignore[call-overload]
    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], dtype=torch.float64)
    rest = torch.randn(units - 2, units - 2, **draw)  # type: ignore[call-overload]
    rest *= REST / torch.linalg.matrix_norm(rest, 2)
    leading, other = Q[:, :2] @ turn @ Q[:, :2].T, Q[:, 2:] @ rest @ Q[:, 2:].T
    with torch.random.fork_rng(devices=[]):
        cell = Tanh(inputs, units).double()
    x = spread * torch.randn(1, inputs, **draw)  # type: ignore[call-overload]
    with torch.no_grad():
        cell.W_x.weight.copy_(torch.randn(units, inputs, **draw) / math.sqrt(inputs))  # type: ignore[call-overload]

    def stretched(scale: float) -> Teacher:
        with torch.no_grad():
            cell.W_z.weight.copy_(scale * leading + other)
            z_star = solve(cell, cell.initial(x), x, Anderson(), rtol=1e-10, atol=1e-12, max_steps=300).z
        values = jacobian.spectrum(cell, z_star, x).eigenvalues[0]
        top = values[values.abs().argmax()]
        return Teacher(cell, x, z_star, float(top.abs()), abs(float(top.angle())))

    low, high = (stretched(scale).radius - radius for scale in (LOW, HIGH))
    if low * high > 0:
        raise ValueError(f"radius must be one that this cell can have at its x, {radius:g} is none: try another seed")
    found = stretched(brentq(lambda scale: stretched(scale).radius - radius, LOW, HIGH, xtol=1e-9))
    if abs(found.radius - radius) > CLOSE:  # the fixed point jumps to another one on the way
        raise ValueError(
            f"radius must be one that this cell can have at its x, {radius:g} is jumped over: try another seed"
        )
    for parameter in cell.parameters():
        parameter.requires_grad_(False)
    return found
