"""What may be said to `simviz train`? The options of its tasks; defaults that are None are the experiment's own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from simviz.learning.kinds import CLASSIFIERS, FEED_FORWARD

DATA = ("digits", "mnist5k", "mnist", "cifar10", "svhn")
PICTURES = ("china", "flower", "text")
AUTOMATIC = "the one chosen for this task and model"


def lab(commands: Any) -> argparse.ArgumentParser:
    """Add `simviz lab`."""
    words = "copy the course into a folder of yours and open it"
    about = f"{words[0].upper()}{words[1:]} in JupyterLab. Files that are there already are kept as they are."
    parser: argparse.ArgumentParser = commands.add_parser("lab", help=words, description=about)
    where = "made where it is missing (default: simviz-course; for the short path: simviz-short)"
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help=where)
    path = "all of each chapter, or twelve minutes of it (default: full; with --pages: short)"
    parser.add_argument("--path", choices=("full", "short"), help=path)
    parser.add_argument("--pages", action="store_true", help="pages without code, by Voila, instead of JupyterLab")
    parser.add_argument("--port", type=int, help="of the server (default: one that is free)")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="print the address, open nothing")
    return parser


def classify(tasks: Any) -> argparse.ArgumentParser:
    """Add `simviz train classify`."""
    parser = _parser(tasks, "classify", "learn to tell images apart", list(CLASSIFIERS))
    parser.add_argument(
        "--data",
        metavar="|".join((*DATA, "PATH")),
        help="digits (8 x 8) and mnist5k come with simviz; mnist, cifar10 and svhn want --download once; PATH: an NPZ "
        "file with square images x (samples, channels, side, side) and labels y (default: digits; with --paper: mnist)",
    )
    parser.add_argument("--download", action="store_true", help="fetch the data where they are not there yet")
    parser.add_argument("--root", type=Path, help="folder of torchvision's files (default: in the user's cache)")
    parser.add_argument("--folds", type=int, metavar="K", help="cross-validation: K runs, each tested on one K-th")
    parser.add_argument("--validation", type=float, metavar="SHARE", help="share kept to choose the best step by")
    return _training(parser, "the published length (20 epochs), on MNIST unless --data says otherwise")


def copy(tasks: Any) -> argparse.ArgumentParser:
    """Add `simviz train copy`."""
    parser = _parser(tasks, "copy", "learn to repeat ten symbols after a long silence", FEED_FORWARD)
    parser.add_argument("--delay", type=int, help="length of the silence (default: 100; with --paper: 500)")
    share = "size of a part to choose the best step by, as a share of the training part"
    parser.add_argument("--validation", type=float, metavar="SHARE", help=share)
    return _training(parser, "the published length: a silence of 500, 20 epochs (hours on a CPU)")


def regress(tasks: Any) -> argparse.ArgumentParser:
    """Add `simviz train regress`."""
    parser = _parser(tasks, "regress", "learn a picture from a quarter of its pixels", FEED_FORWARD)
    where = "a photograph of scikit-learn, the path of an image, or text: rendered words (default: china)"
    parser.add_argument("--picture", default="china", metavar="|".join((*PICTURES[:2], "PATH", "text")), help=where)
    parser.add_argument("--words", help='what to render with --picture text (default: "stable invariant models")')
    parser.add_argument("--side", type=int, default=128, help="pixels a side, even (default: 128)")
    parser.add_argument("--basis", choices=("fourier", "network"), help="of one tier (default: fourier)")
    of = "of the random features, in half sides of the picture, or median"
    parser.add_argument("--bandwidth", type=_bandwidth, help=f"{of} (default: {AUTOMATIC})")
    return _training(parser, "the published length: 2,000 steps")


def _parser(tasks: Any, name: str, words: str, models: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = tasks.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")
    named = ", ".join(f"{key}: {CLASSIFIERS[key]}" for key in models)
    parser.add_argument("--model", choices=models, default="single", help=f"{named} (default: single)")
    parser.set_defaults(task=name)
    return parser


def _training(parser: argparse.ArgumentParser, paper: str) -> argparse.ArgumentParser:
    """Add what every training knows."""
    parser.add_argument("--paper", action="store_true", help=paper)
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="folder for everything (default: in runs/)")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in FOLDER")
    group = parser.add_argument_group("training", f"default of each: {AUTOMATIC}")
    group.add_argument("--epochs", type=int, help="passes over the training part")
    group.add_argument("--steps", type=int, help="steps in all, instead of epochs")
    group.add_argument("--batch-size", type=int, help="samples a step")
    group.add_argument("--lr", type=float, help="peak learning rate")
    group.add_argument("--schedule", choices=("constant", "one_cycle", "step"), help="of the learning rate")
    group.add_argument("--drop-every", type=int, metavar="EPOCHS", help="of the schedule step: drop the rate so often")
    group.add_argument("--drop", type=float, help="of the schedule step: by this factor")
    group.add_argument("--optimizer", choices=("adamw", "adam"))
    group.add_argument("--weight-decay", type=float)
    group.add_argument("--clip", type=float, metavar="NORM", help="shorten longer gradients to this norm")
    group.add_argument("--autocast", choices=("bfloat16", "float16"), help="compute the loss in this precision")
    group.add_argument("--measure-every", type=int, metavar="STEPS", help="steps between two measurements")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (default: auto, the best there is)")
    seed = "of the first weights and the order of the samples; the parts of the data stay the same (default: 0)"
    group.add_argument("--seed", type=int, default=0, help=seed)
    return parser


def _bandwidth(text: str) -> float | str:
    if text == "median":
        return text
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number or median, got {text!r}") from None
