"""What is an exercise? A statement, fresh cases, the right function, the answers to expect instead, and two hints."""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from simviz.course import answers

if TYPE_CHECKING:
    from simviz.course.exercises.judging import Verdict

Args = tuple[Any, ...]


@dataclass(frozen=True)
class Seen:
    """One case as it went: the arguments, those handed to the reader's function, its answer, and ours.

    used: copies of args, which the function may have changed; functions among them know how they were called.
    """

    args: Args
    used: Args
    given: Any
    want: Any


@dataclass(frozen=True)
class Wrong:
    """An answer to expect: its id within the exercise, the function that gives it, and what is said to it.

    message: a text, or a function of the first case that failed. also: further ways to the same mistake. sign: of all
    cases, for mistakes better known by their behaviour than by their numbers; it counts besides the functions.
    """

    id: str
    function: Callable[..., Any]
    message: str | Callable[[Seen], str]
    also: tuple[Callable[..., Any], ...] = ()
    sign: Callable[[Sequence[Seen]], bool] | None = None


@dataclass(frozen=True, eq=False)
class Exercise:
    """One exercise of the course; `check` judges a reader's function by what it does on cases drawn afresh.

    id: chapter and letter, "01b". right: the library's function, whose signature is the exercise's and whose source is
    the solution. cases: from a generator to the arguments of some calls. tolerance: as in `answers.same`. view: what of
    an answer is compared, where that is not the answer itself, view(args, answer), None for an unfit one. accepts: the
    whole judgement of one case, where comparing with `right` is not it. afterwards: what is asked once it has been
    passed, to be answered in words, and our answer to it.
    """

    id: str
    title: str
    statement: str
    right: Callable[..., Any]
    cases: Callable[[torch.Generator], list[Args]]
    wrong: tuple[Wrong, ...]
    hints: tuple[str, str]
    tolerance: float = 1e-6
    view: Callable[[Args, Any], Any] | None = None
    accepts: Callable[[Seen], bool] | None = None
    afterwards: tuple[str, str] | None = None
    version: int = 1

    @property
    def chapter(self) -> str:
        """The chapter's number, two digits."""
        return self.id[:2]

    @property
    def name(self) -> str:
        """What the reader's function is called."""
        return self.right.__name__

    @property
    def signature(self) -> str:
        """The function as the notebook's cell begins it: `rate(J)`."""
        return f"{self.name}({', '.join(inspect.signature(self.right).parameters)})"

    @property
    def source(self) -> str:
        """The source of the solution, its first line as in the notebook's cell."""
        lines = inspect.getsource(self.right).split("\n")
        function = ast.parse("\n".join(lines)).body[0]
        assert isinstance(function, ast.FunctionDef)
        return "\n".join([f"def {self.signature}:", *lines[function.body[0].lineno - 1 :]]).rstrip()

    @property
    def digest(self) -> str:
        """Eight letters that change with the text of the exercise."""
        said = [m.id if callable(m.message) else m.message for m in self.wrong]
        text = "\n".join(
            [self.id, self.title, self.signature, self.statement, *self.hints, *said, *(self.afterwards or ())]
        )
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    def draw(self, seed: int | None = None) -> list[Args]:
        """Return the arguments of some calls; without a seed they are new each time."""
        generator = torch.Generator()
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(seed)
        return self.cases(generator)

    def viewed(self, args: Args, answer: Any) -> Any:
        """Return what of an answer is compared."""
        return answer if self.view is None else self.view(args, answer)

    def passes(self, seen: Seen) -> bool:
        """Return whether one answer is right."""
        if self.accepts is not None:
            return self.accepts(seen)
        return answers.same(self.viewed(seen.args, seen.given), self.viewed(seen.args, seen.want), self.tolerance)

    def judge(self, answer: Any, seed: int | None = None) -> Verdict:
        """Return the verdict on a function; nothing is displayed or kept."""
        from simviz.course.exercises.judging import judge

        return judge(self, answer, seed)

    def check(self, answer: Any, seed: int | None = None) -> Callable[..., Any]:
        """Judge a function on fresh cases, show the verdict, and return the function to go on with.

        That is the reader's own when it passes, otherwise the library's. A blank (None, `...`, a function that returns
        nothing) never passes and is no attempt. seed: draws the same cases again, for tests.
        """
        from simviz.course.exercises.checking import check

        return check(self, answer, seed)

    def hint(self) -> str:
        """Print and return the next hint; after the second, the second again."""
        from simviz.course.exercises.checking import hint

        return hint(self)

    def solution(self) -> str:
        """Print and return the source of the solution, or a sentence that refuses it before a first real attempt."""
        from simviz.course.exercises.checking import solution

        return solution(self)

    def compare(self, words: str) -> str:
        """Keep your answer to what is asked after the pass, and print and return it with ours beside it.

        Raises ValueError for an exercise that asks nothing afterwards. Before the pass a sentence refuses it.
        """
        from simviz.course.exercises.checking import compare

        return compare(self, words)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        from simviz.course.exercises.card import as_page, as_text

        return {"text/plain": as_text(self), "text/html": as_page(self)}
