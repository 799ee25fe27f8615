"""What does each thing look like? A role has one colour in each theme, and a shape, so that colour never stands alone.

The hues are those of Okabe and Ito (2008), darkened for white and lightened for dark grounds until the contrast is at
least 4.5 to 1.
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
    """How a role is drawn: hue, marker symbol and size (px), line dash and width (px), opacity."""

    hue: str
    symbol: str = "circle"
    size: float = 6
    dash: str = "solid"
    width: float = 2
    opacity: float = 1.0

    def colour(self, theme: str) -> str:
        """Return the hue's colour in a theme, as #rrggbb."""
        return _HUES[self.hue][THEMES.index(theme)]


STYLES = {
    "data": Style("grey", size=3.5, opacity=0.75),
    "true": Style("ink", dash="dash", width=1.4),
    "true angle": Style("ink", width=1.8),
    "learned": Style("orange", width=3.2),
    "point": Style("purple", symbol="x", size=14),
    "start": Style("blue", size=11),
    "shadow": Style("orange", symbol="diamond-open", size=13, width=2),
    "gap": Style("grey", dash="dot", width=1.2),
    "guide": Style("grey", width=1.2),
    "guide dotted": Style("grey", dash="dot", width=1.2),
    "persistent": Style("orange", symbol="diamond", size=9),
    "ray": Style("orange", width=1.0, opacity=0.6),
    "decaying": Style("blue", symbol="circle", size=8),
    "growing": Style("purple", symbol="triangle-up", size=10),
    "loss": Style("blue", width=1.6),
    "metric": Style("green", symbol="square", size=6, width=1.6, dash="dash"),
}
"""Roles a trace may have."""
