r"""How is a gradient carried through a fixed point? By :math:`v = J^T v + g`, J = df/dz there, g = dL/dz*.

The gradient with respect to a parameter or the input is then :math:`(df/dp)^T v`: that of one evaluation of f.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch

from simviz.equilibria import states
from simviz.equilibria.states import Cell, Layout

Inputs = tuple[torch.Tensor, torch.Tensor, Any]
"""g (rows, n), z* (rows, n), x: what the adjoint map is given besides v, each with the samples on axis 0."""


class Linked(Protocol):
    """A fixed point and how its adjoint is found, for `attach_adjoint`."""

    @property
    def x(self) -> Any:
        """The input, in the graph."""
        ...

    def plain(self, gradient: torch.Tensor) -> torch.Tensor:
        """Return v (rows, n) from g (rows, n), outside the graph."""
        ...

    def twice(self, gradient: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        """Return v in the graph of g and z (rows, n)."""
        ...

    def once(self, z: torch.Tensor, x: Any) -> torch.Tensor:
        """Return f(z, x) as a matrix (rows, n), in the graph."""
        ...


def attach_adjoint(once: torch.Tensor, z_star: torch.Tensor, rule: Linked) -> torch.Tensor:
    """Return z_star (rows, n) in the graph of `once`, its f(z*, x): backward, v is handed on in place of g."""
    return _Attach.apply(once, z_star, rule, *targets(once, rule.x))


class _Attach(torch.autograd.Function):
    """Forward: the fixed point itself. Backward: v from g, handed on to the graph of one evaluation of f.

    Where the backward pass is itself differentiated, f is evaluated anew, at the z that is in the graph, and what f
    depends on gets its gradient directly: `once` was evaluated at a z held fixed.
    """

    @staticmethod
    def forward(ctx: Any, once: torch.Tensor, z_star: torch.Tensor, rule: Linked, *given: torch.Tensor) -> torch.Tensor:
        z = z_star.clone()
        ctx.rule = rule
        ctx.save_for_backward(z, *given)
        ctx.set_materialize_grads(False)
        return z

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor | None) -> tuple[torch.Tensor | None, ...]:
        z, *given = ctx.saved_tensors
        if gradient is None or not torch.is_grad_enabled():
            return None if gradient is None else ctx.rule.plain(gradient), None, None, *([None] * len(given))
        gate = _Gate()
        v = ctx.rule.twice(gradient, z)
        x = states.pytree.tree_map(gate, ctx.rule.x)
        again = ctx.rule.once(gate(z), x)
        asked = [t for t in states.pytree.tree_leaves(x) if isinstance(t, torch.Tensor) and t.requires_grad]
        asked += given[len(asked) :]  # the order of `targets`
        parts = torch.autograd.grad(again, asked, v, create_graph=True, allow_unused=True, materialize_grads=True)
        gate.is_open = True
        return None, None, None, *parts


class _Gate:
    """Tensors that are passed through keep their values; their gradients go no further before the gate is open.

    So z and x are held while f is differentiated, and are not when that derivative is differentiated in turn.
    """

    def __init__(self) -> None:
        self.is_open = False

    def __call__(self, leaf: Any) -> Any:
        return _Through.apply(leaf, self) if isinstance(leaf, torch.Tensor) and leaf.requires_grad else leaf


class _Through(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, gate: _Gate) -> torch.Tensor:
        ctx.gate = gate
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, None]:
        return gradient if ctx.gate.is_open else None, None


def targets(once: torch.Tensor, x: Any) -> list[torch.Tensor]:
    """What f(z, x) depends on and needs a gradient: the tensors of x first, then the leaves that f holds itself."""
    found = [t for t in states.pytree.tree_leaves(x) if isinstance(t, torch.Tensor) and t.requires_grad]
    known, seen, queue = {id(t) for t in found}, {t.grad_fn for t in found}, [once.grad_fn]
    while queue:
        node = queue.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        queue.extend(parent for parent, _ in node.next_functions)
        leaf = getattr(node, "variable", None)
        if leaf is not None and id(leaf) not in known:
            known.add(id(leaf))
            found.append(leaf)
    return found


class Transposed:
    """The map v -> J^T v + g, outside the graph; f is linearised once for each set of samples."""

    def __init__(self, f: Cell, layout: Layout) -> None:
        self.f, self.layout = f, layout
        self.inputs: Any = None

    def __call__(self, v: torch.Tensor, inputs: Inputs) -> torch.Tensor:
        """Return J^T v + g, (rows, n)."""
        return self.product(v, inputs) + inputs[0]

    def product(self, v: torch.Tensor, inputs: Inputs) -> torch.Tensor:
        """Return J^T v, (rows, n)."""
        if inputs is not self.inputs:
            self.inputs = inputs
            _, z_star, x = inputs
            with torch.enable_grad():
                self.z = z_star.detach().requires_grad_()
                self.out = self.layout.pack(self.f(self.layout.unpack(self.z), x))
        if not self.out.requires_grad:
            return torch.zeros_like(v)
        (product,) = torch.autograd.grad(self.out, self.z, v, retain_graph=True, allow_unused=True)
        return torch.zeros_like(v) if product is None else product


def differentiable(f: Cell, layout: Layout) -> Callable[[torch.Tensor, Inputs], torch.Tensor]:
    """Return the map v, (g, z, x) -> J^T v + g in the graph: itself a cell, whose fixed point is the adjoint."""

    def adjoint(v: torch.Tensor, inputs: Inputs) -> torch.Tensor:
        g, z, x = inputs
        with torch.enable_grad():
            if not z.requires_grad:
                z = z.detach().requires_grad_()
            out = layout.pack(f(layout.unpack(z), x))
            if not out.requires_grad:
                return g.clone()
            (product,) = torch.autograd.grad(out, z, v, create_graph=True, allow_unused=True)
        return g.clone() if product is None else product + g

    return adjoint


def flat_layout(like: torch.Tensor) -> Layout:
    """Return the layout of a state that is a matrix (rows, n) already."""
    return states.flatten("v", like)[1]
