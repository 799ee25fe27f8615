"""How far is a cheap gradient off, and what does it save? Every rule at one fixed point, beside the exact gradient."""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from simviz import checks
from simviz.equilibria import states
from simviz.equilibria.gmres import GMRES
from simviz.equilibria.gradients.implicit import Implicit
from simviz.equilibria.gradients.rule import Rule, check
from simviz.equilibria.solve import solve
from simviz.equilibria.solvers import Anderson, Solver
from simviz.equilibria.states import Cell
from simviz.records import GradientError, Solution

EXACT_STEPS = 2000
"""The most steps that the exact gradient's adjoint solve may take."""


def compare(
    f: Cell,
    z0: Any,
    x: Any,
    loss: Callable[[Any], torch.Tensor],
    rules: Sequence[Rule],
    *,
    wrt: Iterable[torch.Tensor] | None = None,
    solver: Solver = Anderson(),  # noqa: B008  (frozen)
    rtol: float = 1e-6,
    max_steps: int = 1000,
    repeats: int = 3,
) -> tuple[GradientError, ...]:
    """Return a record for each rule, at the fixed point that `solver` finds for f, z0 and x.

    loss: z -> a number; wrt: the tensors that the gradient is taken of, all of them as one long vector (None: f's
    parameters where f is a module, and the tensors of x otherwise; they need not ask for a gradient themselves); the
    exact gradient is the implicit one, its adjoint solved by GMRES to rounding. solver, rtol, max_steps: of the
    forward solve. Raises ValueError where there is nothing to differentiate, for what is no rule, and repeats < 1.
    """
    rules = [check("rules", rule) for rule in rules]
    checks.positive_int("repeats", repeats)
    if wrt is None:
        wrt = f.parameters() if isinstance(f, nn.Module) else states.pytree.tree_leaves(x)
    given = [t for t in wrt if isinstance(t, torch.Tensor) and t.is_floating_point()]
    if not given:
        raise ValueError("wrt must hold at least one tensor: f is no module with parameters, and x holds none")
    asked = [t.requires_grad for t in given]
    for t in given:
        t.requires_grad_()
    try:
        solution = solve(f, z0, x, solver, rtol=rtol, atol=0.0, max_steps=max_steps, keep=True)
        lab = _Laboratory(f, x, loss, given, solution)
        dtype = states.flatten("z0", z0)[0].dtype
        exact = lab.gradient(Implicit(GMRES(50), rtol=10 * torch.finfo(dtype).eps, max_steps=EXACT_STEPS))
        return tuple(lab.record(rule, exact, repeats) for rule in rules)
    finally:
        for t, needed in zip(given, asked, strict=True):
            if t.is_leaf:
                t.requires_grad_(needed)


@dataclass(frozen=True)
class _Laboratory:
    """One fixed point, at which every rule is tried."""

    f: Cell
    x: Any
    loss: Callable[[Any], torch.Tensor]
    wrt: list[torch.Tensor]
    solution: Solution

    def gradient(self, rule: Rule) -> torch.Tensor:
        """The gradient by this rule, as one long vector."""
        with torch.enable_grad():
            value = self.loss(rule.attach(self.f, self.solution, self.x))
            parts = torch.autograd.grad(value, self.wrt, allow_unused=True, materialize_grads=True)
        return torch.cat([part.flatten().double() for part in parts])

    def record(self, rule: Rule, exact: torch.Tensor, repeats: int) -> GradientError:
        gradient, spent = exact, math.inf
        for _ in range(repeats):
            began = time.perf_counter()
            gradient = self.gradient(rule)
            spent = min(spent, time.perf_counter() - began)
        with Peak() as peak:
            self.gradient(rule)
        lengths = float(gradient.norm()), float(exact.norm())
        # Half-angle formula (Kahan): right for the smallest angles too, where the cosine rounds to 1.
        one, other = gradient * lengths[1], exact * lengths[0]
        half = torch.atan2((one - other).norm(), (one + other).norm())
        angle = math.degrees(2 * float(half)) if min(lengths) > 0 else math.nan
        length = lengths[0] / lengths[1] if lengths[1] > 0 else math.nan
        return GradientError(_short(rule), angle, length, spent, peak.bytes)


def _short(rule: Rule) -> str:
    """Return the rule as it is written, without the options that have their defaults: it must fit a legend."""
    usual = type(rule)().options
    told = [f"{name}={value}" for name, value in rule.options.items() if value != usual.get(name)]
    return f"{type(rule).__name__}({', '.join(told)})" if told else type(rule).__name__


class Peak(TorchDispatchMode):
    """Within this, `bytes` is the most memory that new tensors took at once: counted, not read off the process."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.now = 0
        self.known: dict[int, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for leaf in states.pytree.tree_leaves((args, kwargs)):
            self._see(leaf, new=False)
        out = func(*args, **(kwargs or {}))
        for leaf in states.pytree.tree_leaves(out):
            self._see(leaf, new=True)
        return out

    def _see(self, leaf: Any, new: bool) -> None:
        if not isinstance(leaf, torch.Tensor):
            return
        storage = leaf.untyped_storage()
        key = storage._cdata
        if key in self.known:
            return
        size = storage.nbytes() if new else 0  # what was there before costs nothing
        self.known[key] = size
        weakref.finalize(storage, self._forget, key)
        self.now += size
        self.bytes = max(self.bytes, self.now)

    def _forget(self, key: int) -> None:
        self.now -= self.known.pop(key, 0)
