"""In which dip did the dot end? One sentence, in measured numbers, and one thing to try."""

from __future__ import annotations

import math

from simviz.live.panels.landscape.roll import Roll

MANY = 96
"""Steps of a tail that are many: the dips are narrow."""
_PARTS = {2: "half", 3: "a third of", 4: "a quarter of", 5: "a fifth of"}


def sentence(record: Roll) -> str:
    """Return where the descent began and is, what it leaves of the spread, and one thing to try."""
    here, left = f"{record.path[-1]:.4f}", percent(float(record.heights[-1]))
    called = "the true one" if record.true is not None else "the deepest"
    goal = f"{called} is {record.goal[0]:.4f} and leaves {percent(record.goal[1])}"
    begun = f"tarted at {record.start:.3g}{', from the data' if record.drawn else ''}"
    if record.ended and record.steps:
        if record.right:
            rest = "the start decides: drag it away"
            if not record.drawn and record.length < MANY:
                rest = "raise the tail's steps and try again"
            return f"S{begun}, ended in the right dip at {here}, which leaves {left} of the spread; {goal}; {rest}"
        if record.part:
            return (
                f"S{begun}, ended at {here}, {_PARTS[record.part]} the angle: {_why(record)}; it leaves {left}; {goal}"
            )
        if record.alias:
            return f"S{begun}, ended in the wrong dip at {here}: {_alias(record)}; it leaves {left}; {goal}"
        return (
            f"S{begun}, ended in the wrong dip at {here}, which leaves {left} of the spread; {goal}; now press Start "
            "from the data"
        )
    if record.steps:
        return f"S{begun}, after {record.steps} steps at {here}: sines leave {left} of the spread; {goal}"
    count = f"sines of theta to {record.harmonics} theta" if record.harmonics > 1 else "sines of theta"
    return (
        f"{count[0].upper()}{count[1:]}, with the best amplitudes, leave {left} of the tails' spread at {here}; "
        f"the landscape has {record.dips} dips, {goal}. Press Start: into which will the dot roll?"
    )


def _why(record: Roll) -> str:
    """A part of the angle has the angle's multiples among its own, fewer of them."""
    m, fitting = record.part, record.harmonics // record.part
    which = f"its multiples {m}, {2 * m}, .. are the angle's" if fitting > 1 else f"its {m}-fold is the angle itself"
    return f"{which}, so its {record.harmonics} harmonics do what {fitting} of the angle's would"


def _alias(record: Roll) -> str:
    """Samples do not see how often an angle goes round between them."""
    k, here, goal = record.alias, float(record.path[-1]), record.goal[0]
    turns = round(k * here / (2 * math.pi))
    sign = "-" if k * here < 2 * math.pi * turns else "+"
    whole = "2 pi" if turns == 1 else f"{2 * turns} pi"
    return f"{k} x {here:.4f} is {whole} {sign} {goal:.4f}, and samples a step apart cannot tell the two angles apart"


def percent(share: float) -> str:
    """Write a share in two digits.

    >>> percent(0.31), percent(0.000067), percent(0.00719)
    ('31 %', '0.0067 %', '0.72 %')
    """
    return f"{100 * share:.2g} %" if share < 0.995 else "100 %"
