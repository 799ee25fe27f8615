"""What stands on a page without a kernel in place of a figure that moves? Its picture in both themes, and its words."""

from __future__ import annotations

import base64
import html
import io
import os
import pathlib
import tempfile

from PIL import Image, PngImagePlugin

from simviz.figures.render_matplotlib import still
from simviz.records import FigureSpec

COLOURS = 256
"""In a small picture: a quarter of the bytes, and no difference that one would see."""


def stills() -> bool:
    """Return whether pages are being made that no kernel will serve (the environment has SIMVIZ_STILLS=1)."""
    return os.environ.get("SIMVIZ_STILLS") == "1"


def embedded(spec: FigureSpec) -> str:
    """Return HTML that holds a drawing as a PNG for each theme, with its alt text.

    The pictures are of the classes `only-light` and `only-dark`, of which a page shows the one of its theme.
    """
    words = html.escape(spec.alt, quote=True)
    pictures = [
        f'<img class="simviz-still only-{theme}" alt="{words}" src="data:image/png;base64,{data}">'
        for theme in ("light", "dark")
        for data in [base64.b64encode(small_png(spec, theme)).decode()]
    ]
    return f"<figure>{''.join(pictures)}<figcaption>{html.escape(spec.state)}</figcaption></figure>"


def small_png(spec: FigureSpec, theme: str = "light") -> bytes:
    """Return a drawing as a PNG of few bytes, with the alt text in its metadata."""
    with tempfile.TemporaryDirectory() as folder:
        path = still(spec, pathlib.Path(folder) / "still.png", theme)
        with Image.open(path) as picture:
            small = picture.convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    words = PngImagePlugin.PngInfo()
    words.add_itxt("Description", spec.alt)
    out = io.BytesIO()
    small.save(out, "PNG", optimize=True, pnginfo=words)
    return out.getvalue()
