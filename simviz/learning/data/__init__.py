"""What is there to learn from? Data sets as Tasks: split, normalised by the training part alone, seeded."""

from simviz.learning.data.files import from_file
from simviz.learning.data.handwritten import digits, mnist5k
from simviz.learning.data.memory import copy_memory, memoryless
from simviz.learning.data.pictures import Bilinear, photograph, picture, rendered_text
from simviz.learning.data.rhythms import RHYTHMS, Rhythm, rhythms
from simviz.learning.data.vision import cifar10, mnist, svhn
from simviz.learning.orbits import trajectories
from simviz.learning.task import Task

__all__ = [
    "IMAGES",
    "RHYTHMS",
    "Bilinear",
    "Rhythm",
    "Task",
    "cifar10",
    "copy_memory",
    "digits",
    "from_file",
    "memoryless",
    "mnist",
    "mnist5k",
    "photograph",
    "picture",
    "rendered_text",
    "rhythms",
    "svhn",
    "trajectories",
]

IMAGES = {"digits": digits, "mnist5k": mnist5k, "mnist": mnist, "cifar10": cifar10, "svhn": svhn}
"""Image classification tasks by name; the last three are files that have to be fetched first, with download=True."""
