"""How near is a learned picture to the true one? Colour pictures side by side, each under its name, in one still."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from simviz import checks
from simviz.figures.arrays import real
from simviz.figures.theme import GROUND, TEXT, THEMES

DOTS_PER_INCH = 200
_SIDE, _ABOVE, _BETWEEN = 260, 46, 12
"""Pixels (CSS) of a picture's side, of the room for its words, and between two of them."""


def side_by_side(
    images: Mapping[str, np.ndarray], path: str | os.PathLike[str], theme: str = "light", alt: str = ""
) -> Path:
    """Write pictures side by side into a .png file, each pixel a square, with their names above; return the path.

    images: (rows, columns, 3) in [0, 1] by name, a name of up to two lines; their sizes in pixels may differ.
    alt: the alt text for the file's metadata (default: the names).
    """
    from matplotlib.figure import Figure

    place = Path(path)
    checks.one_of("path's ending", place.suffix.lower(), (".png",))
    checks.one_of("theme", theme, THEMES)
    shown = {name: real("images", image, (None, None, 3), "(rows, columns, 3)") for name, image in images.items()}
    if not shown or any(image.min() < 0 or image.max() > 1 for image in shown.values()):
        raise ValueError(f"images must be one or more pictures with numbers from 0 to 1, got {len(shown)}")
    width, height = len(shown) * (_SIDE + _BETWEEN) + _BETWEEN, _SIDE + _ABOVE + _BETWEEN
    figure = Figure(figsize=(width / 100, height / 100), facecolor=GROUND[theme])
    for number, (name, image) in enumerate(shown.items()):
        left = _BETWEEN + number * (_SIDE + _BETWEEN)
        axes = figure.add_axes((left / width, _BETWEEN / height, _SIDE / width, _SIDE / height))
        axes.imshow(image, interpolation="nearest")
        axes.set_title(name, fontsize=10, color=TEXT[theme])
        axes.set_axis_off()
    words = alt or f"Pictures side by side: {', '.join(shown)}."
    figure.savefig(place, dpi=DOTS_PER_INCH, metadata={"Description": words}, facecolor=figure.get_facecolor())
    return place
