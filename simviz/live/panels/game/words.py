"""What is asked, was it right, and why? One sentence a state of the game."""

from __future__ import annotations

from simviz.live.panels.game.questions import LETTERS, ROUNDS, Question, question
from simviz.live.panels.sets.spectra import counted

WHY = {
    "a point": "1 stands there once and everything else dies: a point",
    "two basins": "1 stands there twice: some function that is not constant stays unchanged along every orbit, which "
    "tells two ends apart",
    "a loop": "the persistent ones are the multiples of one angle: one clock, a loop",
    "a torus": "the persistent angles are sums of multiples of two: two clocks, a torus",
    "chaos": "1 stands there alone and nothing beside it, not even what dies: the rest is a continuous spectrum, "
    "which has no eigenvalue to draw",
}
NEEDS = {
    "a point": "a point has decaying eigenvalues and 1 once",
    "two basins": "two basins have 1 twice",
    "a loop": "a loop has the multiples of one angle",
    "a torus": "a torus has the sums of multiples of two angles",
    "chaos": "chaos has no eigenvalue but 1",
}
SAME = "circle and ellipse have the same disc: the spectrum gives the clock, not the shape"


def named(asked: Question) -> tuple[str, ...]:
    """Return what the buttons of a round say: letters, and what the picture shows where sets are to be picked."""
    return tuple(
        letter if asked.reverse else f"{letter}: {one.kind}"
        for letter, one in zip(LETTERS, asked.options, strict=False)
    )


def right(seed: int, answers: tuple[str, ...]) -> int:
    """Return how many of the answers to the first rounds fit."""
    rounds = enumerate(answers, 1)
    return sum(LETTERS.index(answer) in question(seed, number).fitting for number, answer in rounds)


def sentence(asked: Question, seed: int, answers: tuple[str, ...]) -> str:
    """Return the question, or whether the answer is right and why, and how things stand."""
    if len(answers) < asked.number:
        return f"{_score(seed, answers, asked.number).capitalize()}. {_question(asked)}"
    place = LETTERS.index(answers[asked.number - 1])
    picked = asked.options[place]
    if asked.last:
        said = (
            f"Right, and the other would have been: {SAME}"
            if place in asked.fitting
            else f"No, {NEEDS['a torus']}; {SAME}"
        )
    else:
        why = f"{WHY[asked.shown.kind]} ({counted(asked.shown.spectrum)})"
        fits = LETTERS[asked.fitting[0]]
        wrong = f"Not {LETTERS[place]}, {NEEDS.get(picked.kind, '')}; {fits} fits: {why}"
        said = f"Right: {why}" if place in asked.fitting else wrong
    then = "Next round" if asked.number < ROUNDS else "Play again"
    return f"{said}. {_score(seed, answers, asked.number)}: press {then}"


def _question(asked: Question) -> str:
    if asked.reverse:
        return "Which disc belongs to this set? Count the marks on the circle, and press a letter or click one"
    if asked.last:
        return "The last one: whose eigenvalues are these? Press a letter, or click a set"
    return "Whose eigenvalues are these? Count the marks on the circle; press a letter, or click a set"


def _score(seed: int, answers: tuple[str, ...], number: int) -> str:
    done = f"{right(seed, answers)} of {len(answers)} right; " if answers else ""
    return f"{done}round {number} of {ROUNDS}"
