"""How will a class vote, and what is said to each vote? A table of a prediction's options and our guess in per cent.

In a page: a block `votes` whose argument is the question's id and one share for each option, `01.pair 40 45 15`.
"""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from simviz.course.questions import QUESTIONS


class Votes(SphinxDirective):
    """The options of one prediction, the share we expect of each, and its own sentence from the course."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return the table; a share too many, too few, or a sum that is not 100 stops the build."""
        id, *shares = self.arguments[0].split()
        question = QUESTIONS[id]
        if len(shares) != len(question.options) or sum(map(int, shares)) != 100:
            raise self.error(f"{id} has {len(question.options)} options, whose shares must add up to 100: {shares}")
        lines = [f"Prediction `{id}`: {_raised(question.text)}", "", "| vote | our guess | say |", "|---|---|---|"]
        for option, share in zip(question.options, shares, strict=True):
            mark = "✓ " if option.right else ""
            says = _raised(option.says).replace("|", "&#124;")
            lines.append(f"| {mark}{_raised(option.text)} | {share} % | {says} |")
        node = nodes.container(classes=["votes"])
        self.state.nested_parse(StringList(lines, source=f"question {id}"), 0, node)
        return [node]


def _raised(text: str) -> str:
    """A text with its exponents as the pages write them."""
    return text.replace("^T", "ᵀ").replace("^t", "ᵗ")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("votes", Votes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
