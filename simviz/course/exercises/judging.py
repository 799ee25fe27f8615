"""Is a reader's function right, and if not, which mistake is it? Judged by behaviour on cases drawn afresh."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from simviz.course import answers
from simviz.course.exercises.base import Args, Exercise, Seen, Wrong
from simviz.course.running import Called, call
from simviz.course.wording import block, kind, spelled

Outcome = Literal["passed", "blank", "raised", "form", "known", "other"]


@dataclass(frozen=True)
class Verdict:
    """What came of a check: the outcome, what is said, and the message's id, such as "03b.matrix" ("" for a pass).

    raised: an exception; form: not numbers of the right shape; known: a listed mistake; other: none of these.
    """

    outcome: Outcome
    text: str
    message: str = ""

    @property
    def headline(self) -> str:
        """The verdict in a mark and two words."""
        return {"passed": "✓ Passed", "blank": "□ Not begun"}.get(self.outcome, "○ Not yet")

    @property
    def passed(self) -> bool:
        return self.outcome == "passed"

    @property
    def attempt(self) -> bool:
        """Whether there was something to judge: a blank is no attempt."""
        return self.outcome != "blank"


def judge(exercise: Exercise, answer: Any, seed: int | None = None) -> Verdict:
    """Return the verdict on a function; nothing is displayed or kept. seed: draws the same cases again."""
    if not callable(answer):
        return _blank(exercise, answer)
    cases = exercise.draw(seed)
    calls: list[Called] = []
    for args in cases:
        calls.append(call(answer, args))
        if calls[-1].trouble:
            return Verdict("raised", _raised(exercise, args, calls[-1].trouble), f"{exercise.id}.raised")
    if all(one.unwritten or one.answer is None or one.answer is Ellipsis for one in calls):
        return _blank(exercise, answer)
    seen = [_seen(exercise, args, one) for args, one in zip(cases, calls, strict=True)]
    failed = [one for one in seen if not exercise.passes(one)]
    if not failed:
        return Verdict("passed", f"Right on {_count(len(seen))} drawn afresh." if any(cases) else "Nothing is missing.")
    mistake = recognised(exercise, seen)
    if mistake is not None:
        said = mistake.message(failed[0]) if callable(mistake.message) else mistake.message
        return Verdict("known", said, f"{exercise.id}.{mistake.id}")
    if complaint := _form(exercise, failed[0]):
        return Verdict("form", complaint, f"{exercise.id}.form")
    return Verdict("other", _other(exercise, failed[0], len(failed), len(seen)), f"{exercise.id}.other")


def recognised(exercise: Exercise, seen: Sequence[Seen]) -> Wrong | None:
    """Return the listed mistake that explains every answer, None where there is none."""
    for mistake in exercise.wrong:
        functions: tuple[Callable[..., Any], ...] = (mistake.function, *mistake.also)
        if any(all(_alike(exercise, one, function) for one in seen) for function in functions):
            return mistake
    for mistake in exercise.wrong:
        if mistake.sign is not None and _shown(mistake.sign, seen):
            return mistake
    return None


def _alike(exercise: Exercise, seen: Seen, function: Callable[..., Any]) -> bool:
    """Whether a function of ours answers this case as the reader's did."""
    ours = function(*(answers.copied(value) for value in seen.args))
    mine = exercise.viewed(seen.args, seen.given)
    return answers.same(mine, exercise.viewed(seen.args, ours), exercise.tolerance)


def _shown(sign: Callable[[Sequence[Seen]], bool], seen: Sequence[Seen]) -> bool:
    """Whether answers, which may have any form, show the sign of a mistake."""
    try:
        return bool(sign(seen))
    except (TypeError, ValueError, RuntimeError, IndexError, AttributeError):
        return False


def _seen(exercise: Exercise, args: Args, called: Called) -> Seen:
    return Seen(args, called.used, called.answer, exercise.right(*(answers.copied(value) for value in args)))


def _blank(exercise: Exercise, answer: Any) -> Verdict:
    if callable(answer) or answer is None or answer is Ellipsis:
        what = "Nothing came back." if callable(answer) else "Nothing is here yet."
        body = f"write the body of `{exercise.signature}` in place of the `...`, end it with `return`"
        text = f"{what} This is yours to fill in: {body}, and run the cell again."
    else:
        text = (
            f"`check` takes the function itself, got {kind(answer)}: write `.check({exercise.name})`, with no brackets "
            "after the name."
        )
    return Verdict("blank", text)


def _form(exercise: Exercise, seen: Seen) -> str:
    """A sentence on an answer that has not the form of ours, "" where it has."""
    given, want = seen.given, seen.want
    if isinstance(want, tuple) and (not isinstance(given, (tuple, list)) or len(given) != len(want)):
        return f"`{exercise.signature}` returned {kind(given)}, where {len(want)} values are asked for, in brackets."
    pairs = zip(given, want, strict=True) if isinstance(want, tuple) else [(given, want)]
    for mine, ours in pairs:
        a, b = answers.as_tensor(mine), answers.as_tensor(ours)
        if b is None:
            if isinstance(mine, type(ours)):
                continue
            return f"`{exercise.signature}` returned {kind(mine)}, where {kind(ours)} is asked for."
        if a is None or not answers.fits(a, b):
            return f"`{exercise.signature}` returned {kind(mine)}, where {kind(ours)} is asked for."
        if not bool(torch.isfinite(a).all()):
            where = block(inputs(exercise, seen.args))
            return f"The answer holds values that are NaN or infinite, for\n\n{where}"
    return ""


def _raised(exercise: Exercise, args: Args, trouble: str) -> str:
    told = f"Your function stopped with an error:\n\n{block(trouble)}"
    return f"{told}\n\nIt was called with\n\n{block(inputs(exercise, args))}" if args else told


def _other(exercise: Exercise, seen: Seen, failed: int, cases: int) -> str:
    mine, ours = (exercise.viewed(seen.args, answer) for answer in (seen.given, seen.want))
    lines = f"{inputs(exercise, seen.args)}\nyours = {spelled(mine)}\nours = {spelled(ours)}"
    return f"{failed} of {_count(cases)} differ from ours. One of them:\n\n{block(lines)}"


def inputs(exercise: Exercise, args: Args) -> str:
    """Return the arguments of a call, one a line, to four digits."""
    names = inspect.signature(exercise.right).parameters
    return "\n".join(f"{name} = {spelled(value)}" for name, value in zip(names, args, strict=False))


def _count(number: int) -> str:
    return f"{number} case{'s' if number != 1 else ''}"
