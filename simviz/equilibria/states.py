"""What does a state look like to a method? One matrix (batch, n), whatever pytree of tensors it is made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree

from simviz import checks

Cell = Callable[[Any, Any], Any]
"""f(z, x): a new state of z's shape; both have the batch on axis 0 of every tensor."""


@dataclass(frozen=True)
class Layout:
    """How a pytree of tensors (batch, ...) is laid out in one matrix (batch, n)."""

    structure: Any
    shapes: tuple[torch.Size, ...]
    dtypes: tuple[torch.dtype, ...]
    dtype: torch.dtype

    @property
    def single(self) -> bool:
        """Whether the state is a lone tensor."""
        return bool(self.structure.is_leaf())

    @property
    def size(self) -> int:
        """n, the numbers in one sample's state."""
        return sum(math.prod(shape) for shape in self.shapes)

    def pack(self, tree: Any) -> torch.Tensor:
        """Return the pytree as a matrix (batch, n); raises ValueError where it is not laid out as z is."""
        if self.single and isinstance(tree, torch.Tensor) and tree.shape[1:] == self.shapes[0]:
            return tree.reshape(tree.shape[0], -1).to(self.dtype)  # as below, without its overhead
        leaves, structure = pytree.tree_flatten(tree)
        fits = structure == self.structure and all(isinstance(leaf, torch.Tensor) for leaf in leaves)
        fits = fits and all(leaf.shape[1:] == shape for leaf, shape in zip(leaves, self.shapes, strict=True))
        if not fits:
            want = self._words([("batch", *shape) for shape in self.shapes])
            raise ValueError(f"f must return the shape of z, {want}, got {self._words(_shapes(leaves))}")
        if len(leaves) == 1:
            return leaves[0].reshape(leaves[0].shape[0], -1).to(self.dtype)
        return torch.cat([leaf.reshape(leaf.shape[0], -1).to(self.dtype) for leaf in leaves], dim=1)

    def unpack(self, flat: torch.Tensor) -> Any:
        """Return the matrix (batch, n) as the pytree it came from; any leading axes may stand for the batch."""
        lead = flat.shape[:-1]
        if self.single:
            return flat.reshape(*lead, *self.shapes[0]).to(self.dtypes[0])
        parts = flat.split([math.prod(shape) for shape in self.shapes], dim=-1)
        leaves = [
            part.reshape(*lead, *shape).to(dtype)
            for part, shape, dtype in zip(parts, self.shapes, self.dtypes, strict=True)
        ]
        return pytree.tree_unflatten(leaves, self.structure)

    @staticmethod
    def _words(shapes: list[tuple[Any, ...]]) -> str:
        return " and ".join("(" + ", ".join(map(str, shape)) + ")" for shape in shapes)


def flatten(name: str, tree: Any) -> tuple[torch.Tensor, Layout]:
    """Return a state as a matrix (batch, n) and its layout; raises ValueError for what is no state."""
    leaves, structure = pytree.tree_flatten(tree)
    if not leaves or not all(isinstance(leaf, torch.Tensor) for leaf in leaves):
        raise ValueError(f"{name} must be a tensor (batch, ...) or a pytree of such tensors, got {_kind(tree)}")
    leaves = [checks.tensor(name, leaf) for leaf in leaves]
    if any(leaf.ndim < 2 for leaf in leaves):
        shapes = ", ".join(str(tuple(leaf.shape)) for leaf in leaves)
        raise ValueError(f"{name} must be (batch, ...), got {shapes}; did you forget the batch axis?")
    if len({leaf.shape[0] for leaf in leaves}) != 1:
        sizes = ", ".join(str(leaf.shape[0]) for leaf in leaves)
        raise ValueError(f"{name} must have one batch size in all its tensors, got {sizes}")
    dtype = leaves[0].dtype
    for leaf in leaves[1:]:
        dtype = torch.promote_types(dtype, leaf.dtype)
    layout = Layout(structure, tuple(leaf.shape[1:] for leaf in leaves), tuple(leaf.dtype for leaf in leaves), dtype)
    return layout.pack(pytree.tree_unflatten(leaves, structure)), layout


def check_inputs(x: Any, batch: int) -> None:
    """Raise ValueError unless every tensor in x has one finite row a sample; None stands for no input."""
    for leaf in pytree.tree_leaves(x):
        if leaf is None:
            continue
        if not isinstance(leaf, torch.Tensor):
            raise ValueError(f"x must be a tensor (batch, ...), a pytree of such tensors or None, got {_kind(leaf)}")
        if leaf.ndim == 0 or leaf.shape[0] != batch:
            raise ValueError(
                f"x must have one row for each of the {batch} samples of z, got shape {tuple(leaf.shape)}; "
                "what all samples share belongs in f"
            )
        if leaf.is_floating_point() and not torch.isfinite(leaf).all():
            bad = int((~torch.isfinite(leaf)).sum())
            raise ValueError(f"x holds {bad} values that are NaN or infinite: remove or repair them first")


def take(tree: Any, rows: torch.Tensor) -> Any:
    """Return the pytree with only these rows of each tensor; what is no tensor stays."""
    return pytree.tree_map(lambda leaf: leaf[rows] if isinstance(leaf, torch.Tensor) else leaf, tree)


def detach(tree: Any) -> Any:
    """Return the pytree cut from autograd's graph."""
    return pytree.tree_map(lambda leaf: leaf.detach() if isinstance(leaf, torch.Tensor) else leaf, tree)


def _shapes(leaves: list[Any]) -> list[tuple[Any, ...]]:
    return [tuple(leaf.shape) if isinstance(leaf, torch.Tensor) else (type(leaf).__name__,) for leaf in leaves]


def _kind(thing: Any) -> str:
    return type(thing).__name__
