"""What has K done to the picture? One sentence, in measured numbers."""

from __future__ import annotations

import cmath
import math

from simviz.figures.spectra import short
from simviz.live.panels.dragged.drag import Dragged

_NEXT = {
    ("slow manifold", "s2"): "now choose s2 - c s1^2",
    ("slow manifold", "s2 - c s1^2"): "s1 and s1^2 are two more: try them, then s1 s2",
    ("slow manifold", "s1"): "so is s1^2, at twice the rate",
    ("slow manifold", "s1^2"): "its number is the square of that of s1",
    ("Stuart-Landau", "e^(i theta)"): "now choose (1 - r^2) / r^2",
    ("Stuart-Landau", "(1 - r^2) / r^2"): "now choose s1, which is neither",
}
_ELSE = {"slow manifold": "choose s2 - c s1^2", "Stuart-Landau": "choose e^(i theta)"}


def sentence(record: Dragged) -> str:
    """Return what the picture shows, what has become of it, and one thing to try."""
    name, n = record.observable, record.step
    if n == 0:
        return (
            f"{name} as it is, a number for every start s. Press Step: K replaces it by its value a step later, "
            f"{name} at F(s). Will the picture keep its shape?"
        )
    after = f"After {n} step{'s' * (n > 1)} of {record.dt:g}"
    row, column = record.cell
    reading = f"at the start it reads {number(complex(record.after[row, column]))}, as {name} does at the dot"
    to_try = _NEXT.get((record.system, name), _ELSE[record.system])
    if record.eigenfunction:
        once = complex(record.multiples[1])
        said = (
            f"{name} only {fate(record.multiple)} (shape changed by {short(record.change)}, rounding): an eigenfunction"
        )
        return f"{after}, {said}, {number(once)} a step; {reading}; {to_try}"
    return f"{after}, {name} has been dragged: its shape changed by {record.change:.2f}; {reading}; {to_try}"


def fate(multiple: complex) -> str:
    """Return what a factor does to a picture: "turned by 17.2° and faded to 0.950"."""
    size, turn = abs(multiple), math.degrees(cmath.phase(multiple))
    turned = f"turned by {turn % 360:.1f}°" if abs(turn) > 1e-6 else ""
    kept = "kept its strength" if abs(size - 1) < 1e-6 else f"faded to {size:.3g}"
    return f"{turned} and {kept}" if turned else kept


def number(value: complex) -> str:
    """Write a reading in few digits, a complex one as modulus and angle.

    >>> number(0.99), number(1j)
    ('0.990', '1.000 at 90.0°')
    """
    if abs(value.imag) < 1e-9:
        return f"{value.real:.3f}"
    return f"{abs(value):.3f} at {math.degrees(cmath.phase(value)) % 360:.1f}°"
