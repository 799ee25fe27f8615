"""How do dots and ink stand? One sentence, in measured numbers, and one thing to try."""

from __future__ import annotations

from simviz.figures.spectra import BELIEVED, short
from simviz.live.panels.ink.stir import DOTS, DROP, TWINS, Stirred


def sentence(record: Stirred) -> str:
    """Return how far the twins are apart, how the bars moved, and what of Ulam's eigenvalues is the map's."""
    parts = [_dots(record), _matrix(record), _features(record)]
    return "; ".join(part for part in parts if part)


def _dots(record: Stirred) -> str:
    if record.steps == 0:
        return (
            f"A drop of ink: {DOTS:,} dots between {DROP[0]:g} and {DROP[1]:g}, two twins among them {short(TWINS[1])} "
            "apart. Press Start: when will the bars stand still, and the dots?"
        )
    count = f"After {record.steps} step{'s' * (record.steps > 1)}"
    apart = short(float(record.apart[-1]))
    bars = f"bars moved by {record.moved:.2g} in the last one, {record.off:.2g} from the exact density"
    if record.map == "rotation":
        return f"{count}: twins still {apart} apart; {bars}: a rotation moves the drop and never stirs it"
    said = f"{count}: twins {apart} apart; {bars}"
    if record.off < 2 * record.noise:
        said += f" (chance alone makes {record.noise:.2g}): the ink stands still, its dots go on moving"
    return said


def _matrix(record: Stirred) -> str:
    cells, size = len(record.pushed), abs(record.second)
    if record.map == "rotation":
        return (
            f"its true eigenvalues lie on the circle, the largest of Ulam's {short(1 - size)} inside: the grid "
            "itself spreads the ink; drag cells up"
        )
    if record.steps == 0:
        return ""
    return f"of Ulam's {cells} eigenvalues only the 1 is the map's; the next, {size:.2f}, is the grid's: drag cells"


def _features(record: Stirred) -> str:
    known = record.features
    if known is None or known.residuals is None:
        return ""
    believed = known.residuals < BELIEVED
    return f"random features: {int(believed.sum())} of {len(believed)} eigenvalues believed"
