"""What do the outputs know of the coordinates? One sentence, in measured numbers, and one thing to try."""

from __future__ import annotations

from simviz.figures.spectra import short
from simviz.live.panels.gauge.subject import COORDINATES
from simviz.live.panels.gauge.turned import Gauged

_NEXT = {
    "as trained": "choose projection",
    "projection": "choose all zero",
    "all zero": "choose spiral",
    "spiral": "now tick Fold",
}
_NAMED = {
    "as trained": "The trained coordinates",
    "projection": "Coordinates in which U V^T is a projection",
    "all zero": "Coordinates in which all eigenvalues are 0",
    "spiral": "Coordinates in which the eigenvalues lie on a spiral",
}


def sentence(record: Gauged) -> str:
    """Return how far the spectrum reaches, what the outputs know of it, and one thing to try."""
    if record.fold:
        assert record.merged is not None
        rows, columns = record.merged
        return (
            f"Folded: {record.matrices[0][0]} is one {rows} x {columns} matrix, rank {record.rank} of at most "
            f"{min(rows, columns)}; {_outputs(record)}; the disc is blank: no time is left in here; "
            "turn the coordinates: will the matrix know?"
        )
    spectrum = f"radius of the {len(record.eigenvalues)} eigenvalues {_size(record.radius)}"
    apart = f"distance from a projection {_size(record.defect)}"
    if record.steps == 0 and record.coordinates == COORDINATES[0]:
        return (
            f"As trained: {spectrum}, {apart}, {_accuracy(record)} right. Press Start to turn the coordinates: "
            "will accuracy rise, fall or not move?"
        )
    name = _NAMED[record.coordinates]
    by = f"{name}, turned by {record.steps}°" if record.steps else name
    return (
        f"{by}: {spectrum}, {apart}; {_outputs(record)}: eigenvalues of the limit operator depend on coordinates that "
        f"no output sees; {_NEXT[record.coordinates]}"
    )


def _outputs(record: Gauged) -> str:
    """How far outputs and accuracy have moved."""
    moved = "still " if record.accuracy == record.accuracy_before else f"{100 * record.accuracy_before:.1f} %, now "
    return (
        f"largest change of any output {short(record.change)} (they reach {record.largest:.3g}), accuracy "
        f"{moved}{_accuracy(record)}"
    )


def _accuracy(record: Gauged) -> str:
    return f"{100 * record.accuracy:.1f} % of {record.images:,} test images"


def _size(number: float) -> str:
    """Two digits, or what is left of rounding as a power of ten."""
    return f"{number:.2f}" if number >= 0.005 else short(number)
