"""How is a value written in Python? In the words that make it again, where a line can hold them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simviz.dynamics.systems import OwnFlow, OwnMap, System


def spelled(value: Any, name: str) -> str:
    """Return Python that gives the value again; its `name` where no line of Python does (a run, a function).

    >>> spelled((0.1, "loop", None), "x"), spelled(print, "f")
    ("(0.1, 'loop', None)", 'f')
    """
    if value is None or isinstance(value, (bool, int, str)):
        return repr(value)
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, System) and not isinstance(value, (OwnFlow, OwnMap)):
        return repr(value)
    if isinstance(value, Sequence) and not isinstance(value, (bytes, range)):
        parts = [spelled(one, name) for one in value]
        if name in parts:
            return name
        inner = ", ".join(parts) + ("," if isinstance(value, tuple) and len(parts) == 1 else "")
        return f"({inner})" if isinstance(value, tuple) else f"[{inner}]"
    return name
