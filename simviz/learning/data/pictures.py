"""Can a model be a picture? Image regression, position -> colour, on a quarter of the pixels.

Train on the pixels of even row and even column, test on those of odd row and odd column, choose on the rest: Tancik et
al. 2020 (Fourier features; their halved grid), Konishi and Kawahara 2022.
"""

from __future__ import annotations

import importlib.util
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from simviz import checks
from simviz.learning.data import cache
from simviz.learning.task import Task, regression_loss

if TYPE_CHECKING:
    from PIL import Image, ImageFont

PHOTOGRAPHS = ("china", "flower")
SIZE = (427, 640, 3)
"""Of either photograph: rows, columns, colours."""
SMALLEST = 4
"""Pixels a side, so that the training grid has two."""
SMALLEST_LETTERS = 6
"""Pixels from the top of the tallest letter to the foot of the lowest."""
PIECE = 2**14
"""Pixels whose colour is asked for at once."""


def photograph(name: str | os.PathLike[str] = "china", side: int = 128) -> Task:
    """Return the pixels of a photograph as a task: position in the square -> colour.

    name: "china" or "flower", scikit-learn's two photographs, or the path of an image file; side: pixels a side, even:
    the largest centred square (of even side) is cut out and reduced by Lanczos' filter; scikit-learn's are kept in the
    user's cache folder once they have been read, see `cache.folder`. x: (pixels, 2), horizontal then
    vertical from -1 (left, top) to 1 (right, bottom); y: (pixels, 3), red, green, blue in [0, 1]. Loss: mean squared
    error; metric and goal: `psnr`. Raises ValueError for an unknown name, a file that is no image, a side that is odd,
    below 4 or above the picture's own.

    >>> task = photograph("china", side=64)
    >>> [tuple(t.shape) for part in (task.train, task.validation, task.test) for t in part]
    [(1024, 2), (1024, 3), (2048, 2), (2048, 3), (1024, 2), (1024, 3)]
    """
    side = _even_side(side)
    if name in PHOTOGRAPHS:
        from PIL import Image

        known = cache.arrays(f"photograph-{name}", {"pixels": SIZE}, lambda: _read_photograph(str(name)))
        image = Image.fromarray(known["pixels"])
    else:
        image = _read(name)
    edge = min(image.size) // 2 * 2
    if side > edge:
        raise ValueError(f"side must be at most {edge}, the shorter side of this picture, got {side}")
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    square = image.crop((left, top, left + edge, top + edge))
    return _task(Path(name).stem, np.asarray(square.resize((side, side), resample=1)))  # 1: Lanczos


def _read_photograph(name: str) -> dict[str, np.ndarray]:
    from sklearn.datasets import load_sample_image  # seconds on a small machine, and 100 MB

    return {"pixels": load_sample_image(f"{name}.jpg")}


def rendered_text(
    words: str | Sequence[str] = "stable invariant models",
    side: int = 128,
    seed: int = 0,
    *,
    font: str | os.PathLike[str] | None = None,
) -> Task:
    """Return the pixels of words, one below the other in bright letters on black, as a task like `photograph`'s.

    words: one string, cut at its blanks, or several; side: pixels a side, even; seed: of colours, sizes and places;
    font: a TrueType file (default: DejaVu Sans, which comes with matplotlib). Raises ValueError for no words, letters
    that would be smaller than 6 pixels, a side that is odd or below 4, a file that is no font.
    """
    side = _even_side(side)
    generator = np.random.default_rng(checks.positive_int("seed", seed, 0))
    listed = words.split() if isinstance(words, str) else list(words)
    if not listed or not all(isinstance(word, str) and word.strip() for word in listed):
        raise ValueError(f"words must be one string, or several, none of them blank, got {words!r}")
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (side, side))
    draw = ImageDraw.Draw(image)
    band = side / len(listed)
    for i, word in enumerate(listed):
        colour = tuple(int(c) for c in generator.integers(96, 256, 3))
        room = (side * generator.uniform(0.7, 0.95), band * generator.uniform(0.6, 0.9))
        face, (left, top, right, bottom) = _fitted(word, room, font)
        spare = (side - (right - left), math.floor(band) - (bottom - top))
        x, y = (int(generator.uniform(0.0, s)) for s in spare)
        draw.text((x - left, math.ceil(i * band) + y - top), word, fill=colour, font=face)
    return _task("text", np.asarray(image))


def psnr(guess: torch.Tensor, truth: torch.Tensor) -> float:
    """Return the peak signal-to-noise ratio in dB, peak 1: -10 log10 of the mean squared error over all numbers.

    The guess is clipped to [0, 1] first, as a screen would do; of equal tensors it is infinite.
    """
    error = float((guess.clamp(0, 1) - truth).double().square().mean())
    return math.inf if error == 0 else -10 * math.log10(error)


def pixel_metrics(model: nn.Module, x: torch.Tensor, y: torch.Tensor) -> dict[str, float]:
    """`psnr`, in dB."""
    guess = torch.cat([model(part) for part in x.split(PIECE)])
    if guess.shape != y.shape:
        raise ValueError(f"the model must return one colour a pixel, {tuple(y.shape)}, got {tuple(guess.shape)}")
    return {"psnr": psnr(guess, y)}


class Bilinear(nn.Module):
    """The baseline that learns nothing: between the training pixels of a picture's task, interpolate bilinearly.

    x: (pixels, 2), positions in [-1, 1] -> (pixels, 3); beyond the last training row and column their colours go on.
    Raises ValueError for a task of anything but a picture.

    >>> task = photograph("china")
    >>> round(task.metrics(Bilinear(task), *task.test)["psnr"], 1)
    22.7
    """

    colours: torch.Tensor

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.side = picture_side(task)
        half = self.side // 2
        self.register_buffer("colours", task.train[1].reshape(1, half, half, 3).movedim(-1, 1))  # (1, 3, half, half)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(pixels, 2) -> (pixels, 3)."""
        stretched = (x + 1) * (self.side - 1) / (self.side - 2) - 1  # 1 is the last training pixel
        colours = nn.functional.grid_sample(
            self.colours, stretched[None, None], mode="bilinear", padding_mode="border", align_corners=True
        )  # (1, 3, 1, pixels)
        return colours[0, :, 0].T


@torch.no_grad()
def picture(model: nn.Module, task: Task) -> np.ndarray:
    """Return the whole picture as the model has learned it, (rows, columns, 3), clipped to [0, 1].

    The model is asked in evaluation mode, where its parameters are, and left in the mode it was in. Raises ValueError
    for a task of anything but a picture.
    """
    side = picture_side(task)
    held = next((t for t in (*model.parameters(), *model.buffers())), task.train[0])
    x = grid(side).flatten(0, 1).to(held.device, task.train[0].dtype)
    training = model.training
    model.eval()
    try:
        colours = torch.cat([model(part) for part in x.split(PIECE)])
    finally:
        model.train(training)
    return colours.clamp(0, 1).reshape(side, side, 3).cpu().numpy()


def picture_side(task: Task) -> int:
    """Return the pixels a side of a picture's task, or raise ValueError for another task."""
    side = 2 * math.isqrt(len(task.train[0]))
    if side >= SMALLEST and len(task.train) == 2:
        x, y = task.train
        even = grid(side)[::2, ::2].flatten(0, 1)
        if x.shape == even.shape and y.shape == (len(x), 3) and torch.allclose(x.cpu(), even.to(x.dtype), atol=1e-5):
            return side
    raise ValueError(f"task must be one of a picture, see photograph and rendered_text, got {task.name!r}")


def grid(side: int) -> torch.Tensor:
    """Positions of all pixels, (rows, columns, 2): horizontal, then vertical, from -1 to 1."""
    places = torch.linspace(-1, 1, side)
    vertical, horizontal = torch.meshgrid(places, places, indexing="ij")
    return torch.stack([horizontal, vertical], -1)


def _task(name: str, pixels: np.ndarray) -> Task:
    """The task of a square picture, (side, side, 3) uint8."""
    side = len(pixels)
    colours = (torch.as_tensor(np.array(pixels)) / 255).to(torch.get_default_dtype())
    places = grid(side).to(colours)

    def part(*corners: tuple[int, int]) -> tuple[torch.Tensor, ...]:
        return tuple(torch.cat([t[r::2, c::2].flatten(0, 1) for r, c in corners]) for t in (places, colours))

    return Task(
        name, part((0, 0)), part((1, 1)), regression_loss, pixel_metrics, part((0, 1), (1, 0)), goal="psnr", larger=True
    )


def _even_side(side: int) -> int:
    if checks.positive_int("side", side, SMALLEST) % 2:
        raise ValueError(f"side must be even, so that the four sub-grids are of one size, got {side}")
    return side


def _read(name: str | os.PathLike[str]) -> Image.Image:
    from PIL import Image, ImageOps

    known = ", ".join(map(repr, PHOTOGRAPHS))
    if not isinstance(name, str | os.PathLike):
        raise ValueError(f"name must be one of {known} or the path of an image file, got {type(name).__name__}")
    path = Path(name).expanduser()
    if not path.is_file():
        raise ValueError(f"name must be one of {known} or the path of an image file, and there is no file {path}")
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise ValueError(f"name: {path} is no image that Pillow can read ({str(error)[:200]})") from None


def _fitted(
    word: str, room: tuple[float, float], font: str | os.PathLike[str] | None
) -> tuple[ImageFont.FreeTypeFont, tuple[float, float, float, float]]:
    """The font in the largest size in which the word fits into (width, height), and the word's box in it."""
    from PIL import ImageFont

    path = _dejavu() if font is None else Path(font).expanduser()
    for size in range(int(2 * room[1]) + 1, 0, -1):
        try:
            face = ImageFont.truetype(path, size)
        except OSError as error:
            raise ValueError(f"font: {path} is no font that Pillow can read ({error})") from None
        box = face.getbbox(word)
        if box[2] - box[0] <= room[0] and box[3] - box[1] <= room[1]:
            if sum(face.getmetrics()) < SMALLEST_LETTERS:
                break
            return face, box
    raise ValueError(f"words: {word!r} would be less than {SMALLEST_LETTERS} pixels high: raise side, or say less")


def _dejavu() -> Path:
    """DejaVu Sans among matplotlib's files; nothing of matplotlib is imported."""
    spec = importlib.util.find_spec("matplotlib")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(place) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if path.is_file():
            return path
    raise ValueError(
        "font: matplotlib's DejaVuSans.ttf is not beside matplotlib here: name a TrueType file of your own"
    )
