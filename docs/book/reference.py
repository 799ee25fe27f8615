"""Which page describes which name? The reference's pages, written from the library itself when the book is built.

A name that several rooms offer is described once, in the first of them below, and the others point there.
"""

import argparse
import dataclasses
import importlib
import inspect
import pathlib
import sys
import types
from typing import Any, TypeVar

import docstrings
from sphinx.pycode import ModuleAnalyzer

from simviz import cli

WIDTH = 88
"""Of the command line's help, in letters."""


@dataclasses.dataclass(frozen=True)
class Page:
    """One page of the reference: its file, its title, what it is about, and the modules whose names it describes."""

    name: str
    title: str
    about: str
    modules: tuple[str, ...]


PAGES = (
    Page(
        "dynamics", "Dynamics", "Known systems with their truth, orbits, observables, and the two operators.",
        ("simviz.dynamics", "simviz.dynamics.systems", "simviz.dynamics.orbits", "simviz.dynamics.features",
         "simviz.dynamics.koopman", "simviz.dynamics.transfer"),
    ),
    Page(
        "equilibria", "Equilibria", "Where z = f(z, x) settles, its gradient, and the Jacobian's spectrum there.",
        ("simviz.equilibria", "simviz.equilibria.solvers", "simviz.equilibria.gradients",
         "simviz.equilibria.jacobian"),
    ),
    Page(
        "models", "Models", "What is learned: SIM and DEQ, and the parts that both are put together from.",
        ("simviz.models", "simviz.models.sim", "simviz.models.deq", "simviz.models.cells", "simviz.models.monotone",
         "simviz.models.bases", "simviz.models.affine", "simviz.models.propagators", "simviz.models.paper",
         "simviz.models.gauge", "simviz.models.folding", "simviz.models.timed", "simviz.models.config"),
    ),
    Page(
        "learning", "Learning", "How it is learned: tasks and data, runs, recipes, and how a model is judged.",
        ("simviz.learning", "simviz.learning.task", "simviz.learning.data", "simviz.learning.run",
         "simviz.learning.recipes", "simviz.learning.experiments", "simviz.learning.kinds",
         "simviz.learning.variants", "simviz.learning.teachers", "simviz.learning.judge", "simviz.learning.report",
         "simviz.learning.checkpoint"),
    ),
    Page(
        "records", "Records and checks", "What crosses from room to room, and how an argument is refused.",
        ("simviz.records", "simviz.checks"),
    ),
    Page(
        "figures", "Figures", "A record in, a drawing out; Plotly and matplotlib render the same drawing.",
        ("simviz.figures",),
    ),
    Page(
        "live", "Live figures", "How a computation is watched while it goes on: panels, player, publisher.",
        ("simviz.live.panels", "simviz.live"),
    ),
    Page(
        "course", "Course", "Predictions, exercises that judge behaviour, what is kept of both, and the collector.",
        ("simviz.course.questions", "simviz.course.exercises", "simviz.course.prediction", "simviz.course.journal",
         "simviz.course"),
    ),
    Page("doctor", "Doctor", "Is everything here that simviz needs, and what to do if not.", ("simviz.doctor",)),
    Page("simviz", "The short names", "What `import simviz` offers by itself.", ("simviz",)),
)  # fmt: skip
"""In the order of the reference; the last one only points at the others."""


def write(folder: pathlib.Path) -> None:
    """Write every page of the reference into a folder, and `index.md` beside them."""
    folder.mkdir(exist_ok=True)
    described: dict[Any, str] = {}
    for page in PAGES:
        lines = [f"# {page.title}", "", page.about, ""]
        for module in page.modules:
            lines += _room(module, described, alone=len(page.modules) == 1)
        (folder / f"{page.name}.md").write_text("\n".join(lines), encoding="utf-8")
    (folder / "command_line.md").write_text(command_line(), encoding="utf-8")
    names = [*(page.name for page in PAGES), "command_line"]
    lines = [
        "# Reference", "",
        "Written from the library's own words. A line such as `(batch, n)` is a shape; what a function raises stands "
        "where it is described. All names from A to Z: {ref}`genindex`.", "",
        "| page | what is there |", "|---|---|",
        *(f"| [{page.title}]({page.name}.md) | {page.about} |" for page in PAGES),
        "| [Command line](command_line.md) | `simviz` and its subcommands. |", "",
        "```{toctree}", ":hidden:", "", *names, "```", "",
    ]  # fmt: skip
    (folder / "index.md").write_text("\n".join(lines), encoding="utf-8")


def public(module: types.ModuleType) -> list[str]:
    """The names a module offers: its `__all__`, or else what is written in it, is described and begins without _."""
    listed = getattr(module, "__all__", None)
    if listed:
        return list(listed)
    written = [name for name, thing in vars(module).items() if getattr(thing, "__module__", None) == module.__name__]
    data = [name for name in _described_data(module) if not isinstance(getattr(module, name), int | float)]
    return [n for n in {*written, *data} if not n.startswith("_") and not isinstance(getattr(module, n), TypeVar)]


def _described_data(module: types.ModuleType) -> dict[str, str]:
    """The constants of a module that have a text below them, and these texts."""
    found = ModuleAnalyzer.for_module(module.__name__).find_attr_docs()
    return {name: "\n".join(lines).strip() for (owner, name), lines in found.items() if not owner}


def _text(name: str, thing: Any, module: types.ModuleType) -> str:
    """The text of a constant, which may stand in another module than the one that offers it."""
    for other in (module, *(sys.modules[path] for path in sorted(sys.modules) if path.startswith("simviz."))):
        if vars(other).get(name) is thing and name in (described := _described_data(other)):
            return described[name]
    raise ValueError(f"{module.__name__}.{name} has no text below it that the reference could show")


def _room(path: str, described: dict[Any, str], alone: bool) -> list[str]:
    """The part of a page that describes one module; `described` remembers where each thing is described."""
    module = importlib.import_module(path)
    lines = [] if alone else [f"## {path}", ""]
    lines += ["```{eval-rst}", f".. automodule:: {path}", "   :no-members:", "", "```", ""]
    elsewhere, directives = [], []
    for name in sorted(public(module), key=str.lower):
        thing = getattr(module, name)
        if isinstance(thing, types.ModuleType):
            elsewhere.append((name, thing.__name__, "mod"))
        elif _key(name, thing) in described:
            elsewhere.append((name, described[_key(name, thing)], "obj"))
        else:
            described[_key(name, thing)] = f"{path}.{name}"
            directives += _directive(name, thing, module)
    if directives:
        lines += ["```{eval-rst}", f".. currentmodule:: {path}", "", *directives, "```", ""]
    if elsewhere:
        lines += ["| also here | described as |", "|---|---|"]
        lines += [f"| `{path}.{name}` | {{py:{role}}}`{where}` |" for name, where, role in elsewhere]
        lines += [""]
    return lines


def _key(name: str, thing: Any) -> Any:
    return name if isinstance(thing, int | float) else id(thing)  # small numbers are one object wherever they stand


def _directive(name: str, thing: Any, module: types.ModuleType) -> list[str]:
    path = f"{module.__name__}.{name}"
    if inspect.isclass(thing):
        bases = [base for base in thing.__bases__ if base is not object and not base.__name__.startswith("_")]
        shown = ["   :show-inheritance:"] if bases else []
        return [f".. autoclass:: {path}", "   :members:", "   :member-order: bysource", *shown, ""]
    if inspect.isroutine(thing):
        return [f".. autofunction:: {path}", ""]
    text = docstrings.written(_text(name, thing, module)).splitlines()
    return [f".. py:data:: {name}", "", *(f"   {line}" for line in text), ""]


def command_line() -> str:
    """The page of `simviz` and its subcommands, in argparse's own words."""
    lines = ["# Command line", "", "What the program says of itself; `simviz COMMAND --help` prints the same.", ""]
    for name, parser in _parsers("simviz", cli._parser()):
        parser.formatter_class = lambda prog: argparse.HelpFormatter(prog, width=WIDTH, max_help_position=28)
        lines += [f"## {name}", "", "```text", parser.format_help().strip(), "```", ""]
    return "\n".join(lines)


def _parsers(name: str, parser: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    """A parser and those of its subcommands, depth first."""
    found = [(name, parser)]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, sub in action.choices.items():
                found += _parsers(f"{name} {word}", sub)
    return found
