"""How does a model become JSON and come back? A tree of class names and options; never code, never a pickle.

Every class of the library that can be saved is registered and keeps the options it was built with; of PyTorch's own
layers a short list is known. The weights travel apart (see learning.checkpoint).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from torch import nn

_ACTIVATIONS = (nn.ReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Softplus, nn.ELU)
_PLAIN = (*_ACTIVATIONS, nn.Identity, nn.Flatten, nn.MaxPool2d, nn.AvgPool2d)
_REGISTERED: dict[str, Any] = {}
C = TypeVar("C", bound=type)


def register(cls: C) -> C:
    """Class decorator: objects of this class can be saved; they hold their constructor's options in `options`.

    Options are JSON values, modules, other registered objects, or an activation class such as `nn.Tanh`. The class is
    known by its name, or by `saved_as` where it has that attribute.
    """
    _REGISTERED[_name(cls)] = cls
    return cls


def describe(thing: Any) -> Any:
    """Return the JSON description of a registered object, a known PyTorch layer or a plain value.

    Raises ValueError for a module that is neither: it can be trained and used, but not saved as data.
    """
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    if isinstance(thing, (list, tuple)):
        return [describe(part) for part in thing]
    if isinstance(thing, type) and thing in _ACTIVATIONS:
        return {"class": thing.__name__}
    name = type(thing).__name__
    if _REGISTERED.get(_name(type(thing))) is type(thing):
        return {"type": _name(type(thing)), **{key: describe(value) for key, value in thing.options.items()}}
    if type(thing) is nn.Sequential and list(thing._modules) == [str(i) for i in range(len(thing))]:
        return {"type": "Sequential", "layers": [describe(layer) for layer in thing]}
    if type(thing) is nn.Linear:
        options = {"in_features": thing.in_features, "out_features": thing.out_features}
        return {"type": "Linear", **options, "bias": thing.bias is not None}
    if type(thing) in _PLAIN:
        return {"type": f"nn.{name}", **{key: getattr(thing, key) for key in getattr(thing, "__constants__", ())}}
    raise ValueError(
        f"{name} cannot be saved as data: build the model from simviz's classes and torch.nn's Sequential, Linear and "
        f"activations, or keep its state_dict yourself"
    )


def build(description: Any) -> Any:
    """Build what `describe` described; raises ValueError for an unknown class or options it does not take."""
    if isinstance(description, list):
        return [build(part) for part in description]
    if not isinstance(description, dict):
        return description
    if "class" in description:
        return _known({c.__name__: c for c in _ACTIVATIONS}, description["class"])
    options = {key: build(value) for key, value in description.items() if key != "type"}
    name = description.get("type")
    if name == "Sequential":
        return nn.Sequential(*options["layers"])
    plain = {f"nn.{c.__name__}": c for c in _PLAIN}  # nn.Tanh is a layer, Tanh a cell of models.deq
    factory = _known({**plain, "Linear": nn.Linear, **_REGISTERED}, name)
    try:
        return factory(**options)
    except TypeError as error:
        raise ValueError(f"the description of a {name} does not fit this version of simviz: {error}") from None


def _name(cls: type) -> str:
    return getattr(cls, "saved_as", cls.__name__)


def _known(table: dict[str, Callable[..., Any]], name: Any) -> Callable[..., Any]:
    if name not in table:
        raise ValueError(f"unknown class {name!r} in a model's description; known are {', '.join(sorted(table))}")
    return table[name]
