"""What does a check do besides judging? It keeps what came of it, shows it, and hands back a function to go on with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simviz.course.exercises.base import Exercise
from simviz.course.exercises.judging import Verdict, judge
from simviz.course.journal import JOURNAL, Record
from simviz.course.wording import in_notebook
from simviz.figures import stills


def check(exercise: Exercise, answer: Any, seed: int | None = None) -> Callable[..., Any]:
    """Judge, keep, show; return the reader's function where it passes, otherwise the library's."""
    verdict = judge(exercise, answer, seed)
    if stills():
        _display(exercise)
    else:
        JOURNAL.shown(exercise.id)
        keep(exercise, verdict)
        if in_notebook():
            from simviz.course.exercises.card import Card

            _display(Card(exercise, verdict))
        else:
            print(f"Exercise {exercise.id}: {verdict.headline}. {verdict.text}\n{onwards(verdict)}")
            if question := asked(exercise, verdict):
                print(question)
            _say_trouble()
    return answer if verdict.passed else exercise.right


def onwards(verdict: Verdict) -> str:
    """Return the sentence on which function the cells below get."""
    return f"The cells below go on with {'your function' if verdict.passed else 'ours'}."


def asked(exercise: Exercise, verdict: Verdict) -> str:
    """Return what is asked after a pass and how to answer it without widgets; "" where nothing is asked."""
    if exercise.afterwards is None or not verdict.passed:
        return ""
    return f'{exercise.afterwards[0]} `course.exercise("{exercise.id}").compare("...")` shows ours beside yours.'


def keep(exercise: Exercise, verdict: Verdict) -> None:
    """Take a verdict into the records; after the first pass, and of blanks, nothing is counted."""
    record = JOURNAL.record(exercise.id)
    if not verdict.attempt or record["right"]:
        return
    messages = [*record["messages"], *([verdict.message] if verdict.message else [])]
    seconds = JOURNAL.seconds(exercise.id) if verdict.passed else None
    _change(exercise, attempts=record["attempts"] + 1, messages=messages, right=verdict.passed, seconds=seconds)


def attempted(exercise: Exercise) -> bool:
    """Return whether there has been a real attempt, now or in an earlier kernel."""
    return bool(JOURNAL.record(exercise.id)["attempts"])


def opened(exercise: Exercise) -> int:
    """Return how many hints are open."""
    return min(int(JOURNAL.record(exercise.id)["hints"]), len(exercise.hints))


def open_hints(exercise: Exercise, number: int) -> None:
    """Keep that so many hints are open."""
    if number > opened(exercise):
        _change(exercise, hints=number)


def open_solution(exercise: Exercise) -> None:
    """Keep that the solution is open."""
    _change(exercise, solution_opened=True)


def hint(exercise: Exercise) -> str:
    """Print and return the next hint; after the last, the last again."""
    number = min(opened(exercise) + 1, len(exercise.hints))
    open_hints(exercise, number)
    text = exercise.hints[number - 1]
    print(f"Hint {number} of {len(exercise.hints)}. {text}")
    _say_trouble()
    return text


def solution(exercise: Exercise) -> str:
    """Print and return the solution's source, or the sentence that refuses it."""
    if attempted(exercise):
        open_solution(exercise)
        text = exercise.source
    else:
        text = refusal(exercise)
    print(text)
    _say_trouble()
    return text


def words_kept(exercise: Exercise) -> str:
    """Return the reader's answer to what is asked after the pass, "" before there is one."""
    return str(JOURNAL.record(exercise.id)["words"])


def keep_words(exercise: Exercise, words: str) -> str:
    """Keep that answer as one line, and return it."""
    line = " ".join(words.encode("utf-8", "replace").decode().split())
    _change(exercise, words=line)
    return line


def compare(exercise: Exercise, words: str) -> str:
    """Keep, print and return the reader's answer beside ours, or the sentence that refuses it."""
    if exercise.afterwards is None:
        raise ValueError(f"exercise must be one that asks something afterwards, got {exercise.id!r}")
    if not isinstance(words, str) or not words.strip():
        raise ValueError(f"words must be your answer, got {words!r}")
    if JOURNAL.record(exercise.id)["right"]:
        text = f"{exercise.afterwards[0]}\nYours: {keep_words(exercise, words)}\nOurs: {exercise.afterwards[1]}"
    else:
        text = f"That is asked once {exercise.id} has been passed."
    print(text)
    _say_trouble()
    return text


def refusal(exercise: Exercise) -> str:
    """Return what is said to a reader who asks for the solution too early."""
    return f"The solution of {exercise.id} opens after your first real attempt; a blank is none. Until then: two hints."


def _change(exercise: Exercise, **fields: Any) -> Record:
    return JOURNAL.change(exercise.id, kind="exercise", version=exercise.version, digest=exercise.digest, **fields)


def _display(thing: Any) -> None:
    if in_notebook():
        from IPython.display import display

        display(thing)


def _say_trouble() -> None:
    if JOURNAL.trouble:
        print(JOURNAL.trouble)
