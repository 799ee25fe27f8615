"""How do the library's docstrings become pages? They are plain prose with code, formulas and doctests."""

import re
from typing import Any

from sphinx.application import Sphinx

KEPT = re.compile(r"(:math:`[^`]+`|`[^`\n]+(?:\n[^`\n]+)?`|(?<![\w*])\*[a-z][a-z ]*\*(?!\w))")
NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
MARKS = re.compile(r"[\\*|_]")


def written(prose: str) -> str:
    """A piece of a docstring as reStructuredText: `names` are links where they lead somewhere, other code is code."""
    parts = KEPT.split(prose)
    for place, part in enumerate(parts):
        if place % 2:
            parts[place] = _kept(part)
        else:  # a word that goes on behind code, as in `Step`s, is parted from it by an escaped space
            parts[place] = ("\\ " if place and part[:1].isalnum() else "") + MARKS.sub(r"\\\g<0>", part)
    return "".join(parts)


def _kept(part: str) -> str:
    if not part.startswith("`"):
        return part
    code = " ".join(part.strip("`").split())
    return f":py:obj:`{code}`" if NAME.fullmatch(code) and not code.endswith("_") else f"``{code}``"


def process(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Rewrite one docstring, paragraph by paragraph; doctests, displayed formulas and what is indented stay."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines))
    kept = (">>>", "..", " ")
    text = "\n\n".join(p if p.startswith(kept) else written(p) for p in paragraphs)
    lines[:] = [*text.split("\n"), ""]


def bases(app: Sphinx, name: str, thing: Any, options: Any, found: list[Any]) -> None:
    """Leave out of a class's line of bases what no reader can import."""
    found[:] = [base for base in found if not getattr(base, "__name__", "").startswith("_")] or [object]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register both with autodoc."""
    app.connect("autodoc-process-docstring", process)
    app.connect("autodoc-process-bases", bases)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
