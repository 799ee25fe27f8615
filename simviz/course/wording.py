"""How are sentences and numbers shown? The course's texts as HTML, and any argument or answer to four digits."""

from __future__ import annotations

import html
import re
from typing import Any

import torch

from simviz.course.answers import as_tensor

_FEW = 24
_INDENT = "    "


def in_notebook() -> bool:
    """Return whether there is an IPython that can display."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return False
    return get_ipython() is not None


def to_html(text: str) -> str:
    """Return a text as HTML: blocks apart by an empty line, indented ones as they stand, `code` in backticks.

    >>> to_html("Try `lstsq`: a < b")
    '<p>Try <code>lstsq</code>: a &lt; b</p>'
    """
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        lines = block.split("\n")
        if all(line.startswith(_INDENT) for line in lines):
            blocks.append(f"<pre>{html.escape(chr(10).join(line[len(_INDENT) :] for line in lines))}</pre>")
        else:
            blocks.append(f"<p>{inline(' '.join(lines))}</p>")
    return "".join(blocks)


def inline(text: str) -> str:
    """Return one sentence as HTML, with `code` in backticks."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def block(text: str) -> str:
    """Return lines as they stand, for `to_html` and for print alike."""
    return "\n".join(_INDENT + line for line in text.split("\n"))


def four(number: Any) -> str:
    """Return a number, real or complex, to four digits.

    >>> four(0.123456), four(1j), four(True), four(30000)
    ('0.1235', '0+1j', 'True', '3e+04')
    """
    if isinstance(number, bool):
        return str(number)
    if isinstance(number, complex):
        return f"{number.real:.4g}{number.imag:+.4g}j"
    return f"{number:.4g}"


def spelled(value: Any) -> str:
    """Return an argument or an answer in words: numbers to four digits, of a large tensor its shape and beginning."""
    if isinstance(value, tuple):
        return "(" + ", ".join(spelled(part) for part in value) + ")"
    if callable(value):
        return repr(value)
    numbers = as_tensor(value)
    if numbers is None:
        words = repr(value)
        return words if len(words) <= 200 else words[:200] + " ..."
    if numbers.numel() <= _FEW:
        return _nested(numbers.tolist())
    start = numbers.flatten()[:4].tolist()
    return f"shape {tuple(numbers.shape)}, beginning {', '.join(map(four, start))}"


def _nested(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_nested, value)) + "]"
    return four(value)


def kind(value: Any) -> str:
    """Return what an answer is, in words: "a tensor of shape (3, 3)", "a number", "a dict"."""
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if value is None:
        return "nothing"
    numbers = as_tensor(value)
    if numbers is None:
        name = type(value).__name__
        return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"
    if numbers.ndim == 0:
        return "a number"
    return f"{'numbers' if not isinstance(value, torch.Tensor) else 'a tensor'} of shape {tuple(numbers.shape)}"
