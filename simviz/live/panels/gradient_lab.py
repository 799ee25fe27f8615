"""How good is a cheap gradient on a typical cell? Random cells whose Jacobian at z* is known, and all rules."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

import numpy as np
import torch

from simviz.equilibria import Implicit, Neumann, Phantom, Picard, Unrolled, solve
from simviz.equilibria.gradients.compare import compare
from simviz.equilibria.gradients.rule import Rule
from simviz.records import GradientError

NAMES = ("implicit", "one step", "five terms", "unrolled")
KNOWN_SIZE = 32
"""Units of the cells for which `EXPECTED` was measured."""
_RADII = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
EXPECTED = {
    "one step": (
        (14.5, 19.5, 24.6, 29.9, 35.6, 41.7, 44.9, 48.3, 52.4, 55.3),
        (17.6, 23.7, 30.2, 37.2, 44.9, 53.5, 58.3, 63.8, 70.2, 74.9),
    ),
    "five terms": (
        (0.07, 0.31, 0.92, 2.2, 4.8, 9.1, 12.1, 15.8, 20.0, 23.1),
        (0.12, 0.52, 1.6, 3.9, 8.3, 16.0, 21.7, 29.0, 39.4, 47.2),
    ),
}
"""Degrees between which half of all random 32 x 32 cells lie (quartiles of 1,500), at ten spectral radii."""
_COSTS_AT = (0.3, 0.5, 0.7, 0.9, 0.98)
_SPREAD = 0.2
_REPEATS = 3


@dataclass(frozen=True)
class Cells:
    r"""Random cells :math:`f(z, x) = \tanh(W z + x)`, one a sample, each made so that z* and its Jacobian are known.

    jacobian: (cells, n, n), normal entries scaled to the spectral radius; z_star: (cells, n), small; weights:
    (cells, n, n), W = diag(1 / (1 - z*^2)) J; x: (cells, n); loss_gradient: (cells, n), the dL of L = dL . z.
    """

    jacobian: torch.Tensor
    z_star: torch.Tensor
    weights: torch.Tensor
    x: torch.Tensor
    loss_gradient: torch.Tensor

    @staticmethod
    def f(z: torch.Tensor, given: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        """(batch, n), x and W -> (batch, n)."""
        x, weights = given
        return torch.tanh((weights @ z[:, :, None])[:, :, 0] + x)

    def exact(self) -> torch.Tensor:
        """Return dL/dx, (cells, n), by a dense solve of v = J^T v + dL."""
        one = torch.eye(self.x.shape[1], dtype=self.x.dtype)
        v = torch.linalg.solve(one - self.jacobian.mT, self.loss_gradient)
        return (1 - self.z_star.square()) * v

    def gradient(self, rule: Rule) -> torch.Tensor:
        """Return dL/dx, (cells, n), by a rule at z*, whose forward iteration began at 0."""
        given = (self.x.detach().requires_grad_(), self.weights)
        start = solve(self.f, torch.zeros_like(self.x), given, Picard(), max_steps=1, keep=True)
        found = solve(self.f, self.z_star, given, Picard(), rtol=1e-9, max_steps=1)  # z* is known: nothing to search
        with torch.enable_grad():
            z = rule.attach(self.f, dataclasses.replace(found, steps=start.steps), given)
            (gradient,) = torch.autograd.grad((z * self.loss_gradient).sum(), given[0])
        return gradient


@dataclass(frozen=True)
class Laboratory:
    """What a GradientPanel shows. errors: of the newest cell, one a rule, in the order of `NAMES`; angles (degrees),
    lengths: (cells,) by rule, the newest last (of implicit the newest alone); radius: of all cells; steps: unrolled."""

    errors: tuple[GradientError, ...]
    angles: dict[str, np.ndarray]
    lengths: dict[str, np.ndarray]
    radius: float
    size: int
    steps: int

    @property
    def cells(self) -> int:
        """How many cells have been drawn."""
        return len(self.angles["one step"])

    @property
    def expected(self) -> dict[str, tuple[float, float]]:
        """Between which angles half of all cells lie, by rule, in degrees; empty where that was not measured."""
        if self.size != KNOWN_SIZE:
            return {}
        ends = {name: [float(np.interp(self.radius, _RADII, row)) for row in rows] for name, rows in EXPECTED.items()}
        return {name: (low, high) for name, (low, high) in ends.items()}


def measure(radius: float, unrolled: int, size: int, seed: int, cells: int) -> Laboratory:
    """Return the gradients of all rules on the cells of seeds seed, seed + 1, ..

    Seconds and bytes are measured once on this machine: on the cell of seed 0, implicit's at the nearest of five radii,
    the others' at one, since they do not depend on it.
    """
    seeds = tuple(range(seed, seed + cells))
    every, newest = draw(radius, size, seeds), draw(radius, size, seeds[-1:])
    angles, lengths = {}, {}
    for name in NAMES:  # the implicit gradient is the exact one to four digits: one cell will do
        drawn = newest if name == "implicit" else every
        gradient = drawn.gradient(rule(name, unrolled))
        angles[name], lengths[name] = (t.numpy() for t in deviations(gradient, drawn.exact()))
    errors = []
    for name in NAMES:
        at = min(_COSTS_AT, key=lambda r: abs(r - radius)) if name == "implicit" else _COSTS_AT[0]
        seconds, held = cost(name, unrolled if name == "unrolled" else 0, at, size)
        errors.append(GradientError(name, float(angles[name][-1]), float(lengths[name][-1]), seconds, held))
    return Laboratory(tuple(errors), angles, lengths, radius, size, unrolled)


def rule(name: str, unrolled: int = 1) -> Rule:
    """Return a rule by its name in `NAMES`."""
    rules: dict[str, Rule] = {"implicit": Implicit(), "one step": Phantom(1), "five terms": Neumann(5)}
    return rules.get(name) or Unrolled(unrolled)


def deviations(gradient: torch.Tensor, exact: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the angles in degrees and the ratios of length, both (cells,), of gradients (cells, n)."""
    one, other = gradient.norm(dim=1), exact.norm(dim=1)
    # Kahan's half-angle formula, as in `compare`: right for small angles too
    u, v = gradient * other[:, None], exact * one[:, None]
    half = torch.atan2((u - v).norm(dim=1), (u + v).norm(dim=1))
    return torch.rad2deg(2 * half), one / other


def draw(radius: float, size: int, seeds: tuple[int, ...]) -> Cells:
    """Return one cell a seed, of this spectral radius at z*."""
    jacobian, z_star, loss_gradient = (torch.stack(t) for t in zip(*(_seeded(size, s) for s in seeds), strict=True))
    jacobian = radius * jacobian
    weights = jacobian / (1 - z_star.square())[:, :, None]
    x = torch.atanh(z_star) - (weights @ z_star[:, :, None])[:, :, 0]
    return Cells(jacobian, z_star, weights, x, loss_gradient)


@functools.lru_cache(maxsize=256)
def _seeded(size: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A Jacobian of spectral radius 1, a fixed point and a loss gradient."""
    generator = torch.Generator().manual_seed(seed)
    jacobian = torch.randn(size, size, generator=generator, dtype=torch.float64)
    jacobian /= torch.linalg.eigvals(jacobian).abs().max()
    z_star, loss_gradient = torch.randn(2, size, generator=generator, dtype=torch.float64)
    return jacobian, _SPREAD * torch.tanh(z_star), loss_gradient


@functools.lru_cache(maxsize=512)
def cost(name: str, unrolled: int, radius: float, size: int) -> tuple[float, int]:
    """Return the seconds of a rule's backward pass and the bytes held for it, on one cell."""
    drawn = draw(radius, size, (0,))
    weights, given = drawn.weights[0], drawn.x

    def f(z: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(z @ weights.T + x)

    def loss(z: torch.Tensor) -> torch.Tensor:
        return (z * drawn.loss_gradient).sum()

    (found,) = compare(f, torch.zeros_like(given), given, loss, [rule(name, unrolled)], repeats=_REPEATS)
    return found.seconds, found.bytes
