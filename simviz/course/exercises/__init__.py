"""What is there to do? The exercises of all chapters, by their id."""

from simviz.course.exercises import ch00, ch01, ch02, ch03, ch04, ch05, ch06, ch07, ch08, ch09
from simviz.course.exercises.base import Exercise, Seen, Wrong
from simviz.course.exercises.judging import Verdict

_CHAPTERS = (ch00, ch01, ch02, ch03, ch04, ch05, ch06, ch07, ch08, ch09)

EXERCISES: dict[str, Exercise] = {one.id: one for chapter in _CHAPTERS for one in chapter.EXERCISES}
"""Every exercise by its id, in the order of the course."""


def exercise(id: str) -> Exercise:
    """Return the exercise with this id, "01b"; raises ValueError for an unknown one, naming those there are."""
    if id not in EXERCISES:
        raise ValueError(f"exercise must be one of {', '.join(EXERCISES)}, got {id!r}")
    return EXERCISES[id]


__all__ = ["EXERCISES", "Exercise", "Seen", "Verdict", "Wrong", "exercise"]
