"""What the tests of the command line share: a command run in this process, and what a saved model gets right."""

import torch

from simviz import cli
from simviz.learning.checkpoint import load_model

TINY = ("--model", "plain", "--batch-size", 256, "--steps", 4, "--measure-every", 2, "--device", "cpu")
"""A training of four steps on the digits."""


def command(*arguments, capsys):
    code = cli.main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def classify(folder, *more, capsys, expect=0):
    """`simviz train classify` of four steps into a folder; what it printed."""
    code, out, err = command("train", "classify", *TINY, "--out", folder, *more, capsys=capsys)
    assert code == expect, err
    return out, err


@torch.no_grad()
def measured(folder, part):
    """The share of a part's samples that the model in a folder gets right."""
    x, y = part
    return (load_model(folder)(x).argmax(1) == y).double().mean().item()


def content(folder):
    """Every file below a folder by its name, with its bytes."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
