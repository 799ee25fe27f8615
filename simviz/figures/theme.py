"""What does each thing look like? A role has one colour in each theme, and a shape, so that colour never stands alone.

The hues are those of Okabe and Ito (2008), darkened for white and lightened for dark grounds until the contrast is at
least 4.5 to 1. Images are coloured by viridis (van der Walt and Smith 2015) and, for angles, twilight (Bechtold 2017),
both mixed with the ground so that lines and words in the colour of ink can be read on every part of them.
"""

from __future__ import annotations

from dataclasses import dataclass

THEMES = ("light", "dark")

GROUND = {"light": "#ffffff", "dark": "#111111"}
TEXT = {"light": "#1f1f1f", "dark": "#e8e8e8"}
GRID = {"light": "#e3e3e3", "dark": "#333333"}

_HUES = {
    "grey": ("#6a6a6a", "#a9a9a9"),
    "ink": ("#1f1f1f", "#e8e8e8"),
    "orange": ("#b84700", "#ff9a3c"),
    "blue": ("#0064a0", "#63b6f5"),
    "green": ("#00704c", "#41cf9d"),
    "purple": ("#8b357f", "#e596da"),
}


@dataclass(frozen=True)
class Style:
    """How a role is drawn: hue, marker symbol and size (px), line dash and width (px), opacity.

    hollow: the marker is filled with the ground, which covers what lies under it; the "-open" symbols are not filled.
    """

    hue: str
    symbol: str = "circle"
    size: float = 6
    dash: str = "solid"
    width: float = 2
    opacity: float = 1.0
    hollow: bool = False

    def colour(self, theme: str) -> str:
        """Return the hue's colour in a theme, as #rrggbb."""
        return _HUES[self.hue][THEMES.index(theme)]


STYLES = {
    "data": Style("grey", size=3.5, opacity=0.75),
    "true": Style("ink", dash="dash", width=1.4),
    "true points": Style("ink", symbol="square-open", size=17, width=1.4),
    "true angle": Style("ink", width=1.8),
    "learned": Style("orange", width=3.2),
    "point": Style("purple", symbol="x", size=14),
    "start": Style("blue", size=11),
    "shadow": Style("orange", symbol="diamond-open", size=13, width=2),
    "gap": Style("grey", dash="dot", width=1.2),
    "guide": Style("grey", width=1.2),
    "guide dotted": Style("grey", dash="dot", width=1.2),
    "persistent": Style("orange", symbol="diamond", size=9),
    "persistent doubted": Style("orange", symbol="diamond", size=8, width=1.2, opacity=0.75, hollow=True),
    "ray": Style("orange", width=1.0, opacity=0.6),
    "decaying": Style("blue", symbol="circle", size=8),
    "decaying doubted": Style("blue", size=7, width=1.2, opacity=0.75, hollow=True),
    "growing": Style("purple", symbol="triangle-up", size=10),
    "growing doubted": Style("purple", symbol="triangle-up", size=9, width=1.2, opacity=0.75, hollow=True),
    "ring believed": Style("green", width=1.6),
    "ring doubted": Style("grey", dash="dot", width=1.0, opacity=0.8),
    "loss": Style("blue", width=1.6),
    "metric": Style("green", symbol="square", size=6, width=1.6, dash="dash"),
    "flow": Style("grey", width=1.0, opacity=0.8),
    "orbit": Style("blue", width=1.5, size=3.5),
    "orbit start": Style("ink", symbol="square", size=6),
    "stable": Style("green", size=11),
    "unstable": Style("green", size=11, width=2, hollow=True),
    "fixed point": Style("green", symbol="x", size=10),
    "map": Style("blue", width=2.2),
    "cobweb": Style("orange", width=1.0),
    "histogram": Style("grey", width=1.0),
    "density": Style("orange", width=2.0),
    "method 1": Style("blue", size=7, width=2.0),
    "method 2": Style("orange", symbol="diamond", size=8, dash="dash", width=2.0),
    "method 3": Style("green", symbol="square", size=7, dash="dot", width=2.0),
    "method 4": Style("purple", symbol="triangle-up", size=8, width=2.0),
    "method 5": Style("ink", symbol="x", size=8, dash="dash", width=2.0),
    "path 1": Style("blue", size=5, width=0.8),
    "path 2": Style("orange", symbol="diamond", size=6, dash="dash", width=1.0),
    "path 3": Style("green", symbol="square", size=6, dash="dot", width=1.4),
    "path 4": Style("purple", symbol="triangle-up", size=7, width=1.0),
    "path 5": Style("ink", symbol="x", size=6, width=0.8),
    "basin 1": Style("blue", size=5, opacity=0.85),
    "basin 2": Style("orange", symbol="diamond", size=6, opacity=0.85),
    "basin 3": Style("green", symbol="square", size=5, opacity=0.85),
    "basin 4": Style("purple", symbol="triangle-up", size=6, opacity=0.85),
    "sample": Style("grey", width=1.0, opacity=0.7),
    "level": Style("ink", width=1.2),
    "label": Style("ink"),
}
"""Roles a trace may have."""

_VIRIDIS = (
    "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c "
    "1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725"
)
_TWILIGHT = (
    "e2d9e2 c4ced4 95b5c7 7297c1 6276ba 5e51ad 592a8f 45135c 2f1436 "
    "4a1342 741e4f 983550 b25652 c27c63 cca389 d8c7be e2d9e2"
)
_MIXED = {"modulus": _VIRIDIS, "phase": _TWILIGHT}
_GROUND_SHARE = 0.45
_PLAIN = {
    "mass": ("ffffff d6e6f3 9cc6e3 5a9fcf 1f78b4 0a4a7a", "111111 0f3350 1d5f8f 3a8fcb 86c3ef e2f2fe"),
    "residual": ("9c9c9c b2b2b2 c8c8c8 dfdfdf ffffff", "6e6e6e 575757 404040 2a2a2a 111111"),
}
IMAGES = (*_MIXED, *_PLAIN)
"""Roles an image may have: eigenfunctions' modulus and phase, masses and residuals (these two fade into the ground)."""


def image_colours(role: str, theme: str) -> list[str]:
    """Return the colours of an image's role from its lowest number to its highest, evenly spaced, as #rrggbb."""
    if role in _PLAIN:
        return [f"#{stop}" for stop in _PLAIN[role][THEMES.index(theme)].split()]
    return [_mixed(f"#{stop}", GROUND[theme], _GROUND_SHARE) for stop in _MIXED[role].split()]


def _mixed(one: str, other: str, share: float) -> str:
    """Return a colour with that share of the other, both #rrggbb."""
    pairs = ((int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round((1 - share) * a + share * b):02x}" for a, b in pairs)
