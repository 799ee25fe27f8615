"""What can be done from the command line? Train a model, draw its spectrum, look the installation over.

Nothing heavy is imported before a command needs it, so that `simviz --help` answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from simviz.learning.run import Run
    from simviz.learning.task import Task
    from simviz.records import Spectrum

LEARNING_RATES = {"single": 1e-2, "two": 1e-2, "deq": 1e-2, "plain": 1e-2}
"""Peak learning rate by model, the default of `--lr`; chosen on a fifth of the digits' training part."""

MODELS = {
    "single": "single-tier SIM",
    "two": "two-tier SIM",
    "deq": "deep equilibrium model",
    "plain": "plain net, the control",
}
DATA = ("digits",)
SPECTRUM_SAMPLES = 32
"""Held-out samples whose Jacobian spectra are drawn for a DEQ."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 1 where doctor found something missing, or 2 for an error of the user."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except (ValueError, ArithmeticError, OSError) as error:
        print(f"simviz: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("simviz: stopped; nothing was saved", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simviz", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train a model and save it")
    tasks = train.add_subparsers(required=True, metavar="TASK")
    classify = tasks.add_parser("classify", help="learn to tell images apart")
    named = ", ".join(f"{key}: {words}" for key, words in MODELS.items())
    classify.add_argument("--model", choices=MODELS, default="single", help=named)
    classify.add_argument("--data", choices=DATA, default="digits", help="digits: scikit-learn's 8 x 8 pixels")
    classify.add_argument("--epochs", type=int, default=10)
    classify.add_argument("--batch-size", type=int, default=128)
    rates = ", ".join(f"{key} {rate:g}" for key, rate in LEARNING_RATES.items())
    classify.add_argument("--lr", type=float, help=f"peak learning rate of a one-cycle schedule (default: {rates})")
    classify.add_argument("--seed", type=int, default=0)
    classify.add_argument("--out", type=Path, help="folder for the trained model (default: runs/MODEL-DATA)")
    classify.set_defaults(command=_train_classify)

    spectrum = commands.add_parser("spectrum", help="draw the spectrum of a saved model as a page")
    spectrum.add_argument("folder", type=Path, help="where the model was saved")
    spectrum.add_argument("-o", "--output", type=Path, default=Path("spectrum.html"))
    spectrum.set_defaults(command=_spectrum)

    doctor = commands.add_parser("doctor", help="look the installation over and say what to do")
    doctor.set_defaults(command=_doctor)
    return parser


def _train_classify(options: argparse.Namespace) -> int:
    from simviz import checks
    from simviz.learning.checkpoint import check_place, save_model
    from simviz.learning.run import Run

    checks.positive_int("--seed", options.seed, 0)
    out = options.out or Path("runs") / f"{options.model}-{options.data}"
    check_place(out)  # before the training, not after it
    task = _task(options.data)
    model = _classifier(options.model, task, options.seed)
    lr = LEARNING_RATES[options.model] if options.lr is None else options.lr
    run = Run(model, task, epochs=options.epochs, batch_size=options.batch_size, lr=lr, seed=options.seed)
    _pull(run)
    last = run.history[-1]
    accuracy, samples = last.metrics["accuracy"], len(task.test[0])
    print(f"{MODELS[options.model]} on {task.name}: {100 * accuracy:.1f} % of {samples} test samples right")
    print(f"trained {run.total_steps} steps in {last.seconds:.1f} s")
    solved, missed = sum(step.solved for step in run.history), sum(step.missed for step in run.history)
    if solved:
        print(f"{missed} of {solved} equilibria did not converge during training")
    extra = {"data": options.data, "model": options.model, "accuracy": accuracy, "seconds": last.seconds}
    print(f"saved in {save_model(model.cpu(), out, {**extra, 'options': run.options})}")
    return 0


def _pull(run: Run) -> None:
    """Train to the end behind a progress bar."""
    from tqdm import tqdm

    with tqdm(run, total=run.total_steps, unit="step", file=sys.stderr) as bar:
        for step in bar:
            if step.metrics:
                bar.set_postfix({"loss": f"{step.loss:.3f}", "test": f"{100 * step.metrics['accuracy']:.1f} %"})


def _task(name: str) -> Task:
    from simviz.learning import data

    return {"digits": data.digits}[name]()


def _classifier(kind: str, task: Task, seed: int) -> nn.Module:
    """A model for images of the task's size; the two-tier bandwidth is the median distance of its untrained basis."""
    import torch

    from simviz.dynamics import features
    from simviz.models import paper

    _, channels, side, _ = task.train[0].shape
    torch.manual_seed(seed)
    if kind == "deq":
        return paper.image_deq(side, channels)
    if kind == "plain":
        return paper.plain_image_classifier(1, side, channels)
    if kind == "single":
        return paper.image_classifier(1, side, channels)
    with torch.no_grad():
        observables = paper.image_classifier(2, side, channels).basis(task.train[0][:512])
    torch.manual_seed(seed)
    return paper.image_classifier(2, side, channels, bandwidth=features.median_distance(observables))


def _spectrum(options: argparse.Namespace) -> int:
    from simviz.learning.checkpoint import load_extra, load_model

    model = load_model(options.folder)
    spectrum = _spectrum_of(model, load_extra(options.folder))
    from simviz import figures

    spec = figures.spectrum(spectrum)
    page = figures.to_plotly(spec).to_html(include_plotlyjs=True, full_html=True)
    options.output.write_text(page, encoding="utf-8")
    print(f"{spectrum.kind}: {spec.state}" if spec.state else spectrum.kind)
    print(f"written to {options.output}")
    return 0


def _spectrum_of(model: Any, extra: dict[str, Any]) -> Spectrum:
    """The spectrum of a saved model, of whatever kind it has one; raises ValueError for a model without."""
    from simviz.models.deq import DEQ
    from simviz.models.sim import SIM

    if isinstance(model, SIM):
        return model.spectrum()
    if not isinstance(model, DEQ):
        raise ValueError(
            "a plain net has no spectrum: it is neither the limit of a dynamics nor an equilibrium; "
            "train with --model single, two or deq"
        )
    if extra.get("data") not in DATA:
        raise ValueError(
            "the spectrum of a DEQ depends on x, and this folder does not say which data it was trained on"
        )
    x = _task(extra["data"]).test[0][:SPECTRUM_SAMPLES]
    return model.spectrum(x)


def _doctor(options: argparse.Namespace) -> int:
    from simviz import doctor

    lines, complete = doctor.examine()
    print("\n".join(lines))
    return 0 if complete else 1
