"""How is each of the paper's tasks trained from the command line, gone on with, and written down?"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from simviz import checks
from simviz.cli import drawings, tasks
from simviz.cli import folder as folders
from simviz.cli.folder import CHECKPOINTS, MODEL, Folder
from simviz.cli.pull import pull
from simviz.cli.stopped import Stopped
from simviz.figures.training import Reference
from simviz.learning import data, experiments, report
from simviz.learning.checkpoint import save_model
from simviz.learning.checkpoints import is_folder_of_checkpoints
from simviz.learning.kinds import CLASSIFIERS
from simviz.learning.report import Result
from simviz.learning.run import Run
from simviz.learning.task import Task
from simviz.records import TrainStep

RIGHT = 0.99
"""The share of the last ten symbols from which a model counts as remembering."""
_RUN = ("epochs", "batch_size", "lr", "schedule", "drop_every", "drop", "optimizer", "weight_decay", "clip", "autocast")
_UNTOLD = ("command", "task", "out", "resume", "root", "download")
Told = dict[str, Any]


@dataclass(frozen=True)
class Experiment:
    """One task of the command line: how its data and its run are made, and what is drawn and said besides.

    options: what the command line said; make: the run of a task; close: writes more into the folder of a finished run,
    with lines to say; extra: kept beside the model.
    """

    options: Told
    task: Callable[[], Task]
    make: Callable[[Task], Run]
    close: Callable[[Path, Run], list[str]] = lambda folder, run: []
    reference: Callable[[Run], Reference | None] = lambda run: None
    loss_reference: Reference | None = None
    extra: Told = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The model in words."""
        return CLASSIFIERS[self.options["model"]]


def classify(options: argparse.Namespace) -> int:
    """`simviz train classify`."""
    told = _told(options)
    told["data"] = options.data or ("mnist" if options.paper else "digits")
    if told["folds"] is not None:
        checks.positive_int("--folds", told["folds"], 2)
    _add_checksum(told, told["data"], data.IMAGES)
    where = {"root": None if options.root is None else str(options.root), "download": options.download}
    name = Path(told["data"]).stem + (f"-{told['folds']}-folds" if told["folds"] else "")

    def make(task: Task) -> Run:
        return experiments.classify(told["model"], task, **_run_options(told))

    extra = {name: told[name] for name in ("data", "validation", "folds")} | {"root": where["root"]}
    experiment = Experiment(told, lambda: tasks.images(told | where), make, extra=extra)
    return _train(experiment, options, Path("runs") / f"{told['model']}-{name}")


def copy(options: argparse.Namespace) -> int:
    """`simviz train copy`."""
    told = _told(options)
    told["delay"] = options.delay if options.delay is not None else (500 if options.paper else 100)
    checks.positive_int("--delay", told["delay"])
    level = data.memoryless(told["delay"])

    def make(task: Task) -> Run:
        return experiments.copy(told["model"], task, **_run_options(told))

    def close(folder: Path, run: Run) -> list[str]:
        step = report.first_reached(run.history, run.task.goal, RIGHT)
        percent = f"{100 * RIGHT:g} per cent"
        reached = f"first right on {percent} at step {step}" if step else f"never right on {percent}"
        return [f"the last ten symbols were {reached}; the best loss without memory is {level:.4f}"]

    words = (level, "the best loss without memory")
    experiment = Experiment(
        told, lambda: tasks.silence(told), make, close, loss_reference=words, extra={"delay": told["delay"]}
    )
    return _train(experiment, options, Path("runs") / f"{told['model']}-copy-{told['delay']}")


def regress(options: argparse.Namespace) -> int:
    """`simviz train regress`."""
    told = _told(options)
    _add_checksum(told, told["picture"], ("china", "flower", "text"))

    def make(task: Task) -> Run:
        basis = {} if told["basis"] is None else {"basis": told["basis"]}
        return experiments.regress(told["model"], task, bandwidth=told["bandwidth"], **basis, **_run_options(told))

    experiment = Experiment(
        told,
        lambda: tasks.pixels(told),
        make,
        lambda folder, run: [drawings.learned_picture(folder, run)],
        lambda run: (drawings.psnr_of_bilinear(run), "bilinear interpolation, dB"),
        extra={name: told[name] for name in ("picture", "side", "words")},
    )
    return _train(experiment, options, Path("runs") / f"{told['model']}-{Path(told['picture']).stem}")


def _train(experiment: Experiment, options: argparse.Namespace, default: Path) -> int:
    """Train, or go on, in the folder asked for; everything is written there before anything is said of success."""
    folder = Folder(options.out or default, options.task, experiment.options, options.resume)
    if folder.finished:
        done = folders.read_results(folder.work)
        assert done is not None
        print(report.table([report.from_json(one) for one in done["results"]]))
        folder.finish()
        print(f"the training in {folder.place} is finished: there is nothing to go on with")
        return 0
    task = experiment.task()
    try:
        results, lines = (_folds if experiment.options.get("folds") else _single)(experiment, task, folder)
        folder.finish()
    except KeyboardInterrupt:
        raise _stopped(folder, "at once", signal.SIGINT) from None
    print(report.table(results))
    print("\n".join([*lines, f"saved in {folder.place}"]))
    return 0


def _single(experiment: Experiment, task: Task, folder: Folder) -> tuple[list[Result], list[str]]:
    result, lines = _one(experiment, task, folder, folder.work)
    folders.put_results(folder.work, _content([result]), report.to_csv([result]))
    return [result], lines


def _folds(experiment: Experiment, task: Task, folder: Folder) -> tuple[list[Result], list[str]]:
    """One run a fold, each in a folder of its own; a fold that is finished is not trained again."""
    results = []
    for number, part in enumerate(task.folds(experiment.options["folds"]), 1):
        place = folder.work / f"fold-{number}"
        done = folders.read_results(place) if folder.resumed else None
        if done is not None:
            results.append(report.from_json(done["results"][0]))
            continue
        result, _ = _one(experiment, part, folder, place, number)
        folders.put_results(place, _content([result]), report.to_csv([result]))
        results.append(result)
    mean, error = report.mean_and_error([r.metrics[task.goal] for r in results])
    summary = {"mean": mean, "standard_error": error, "seconds": sum(r.seconds for r in results)}
    folders.put_results(folder.work, {**_content(results), task.goal: summary}, report.to_csv(results))
    words = f"{report.said(task.goal, mean)} +- {report.said(task.goal, error)}"
    return results, [
        f"{experiment.words} on {task.name}: {task.goal} {words}, mean and standard error over {len(results)} folds "
        f"(whose training parts overlap), {summary['seconds']:.1f} s"
    ]


def _one(
    experiment: Experiment, task: Task, folder: Folder, place: Path, number: int | None = None
) -> tuple[Result, list[str]]:
    """Train one run in `place`, from its last checkpoint where it has one, and write all but the results' file."""
    kept = place / CHECKPOINTS
    going_on = folder.resumed and is_folder_of_checkpoints(kept)
    run = Run.load(kept, task) if going_on else experiment.make(task)
    if not number or number == 1:
        folder.begin()
    place.mkdir(exist_ok=True)
    run.keep(kept)
    seen: list[TrainStep] = list(run.history)
    words = f"fold {number}" if number else ""
    try:
        ended = pull(run, seen, words)
    except ArithmeticError as error:
        raise _diverged(experiment, run, seen, folder, place, error) from None
    if ended is not None:
        run.save(kept / f"step-{run.step:06d}")
        fold = f" of fold {number}" if number else ""
        raise _stopped(folder, f"after step {run.step} of {run.total_steps}{fold}", ended)
    lines = _write(experiment, run, place, number)
    return report.result(run, experiment.words), lines


def _write(experiment: Experiment, run: Run, place: Path, number: int | None) -> list[str]:
    """The model with what a new input needs, the drawings; return what is to be said."""
    pages = number is None
    last = run.history[-1]
    extra = {
        **experiment.extra,
        "fold": number,
        "model": experiment.options["model"],
        "normalisation": tasks.preparation(run.task),
        **{name.replace(" ", "_"): value for name, value in last.metrics.items()},
        "seconds": last.seconds,
        "options": run.options,
    }
    device = run.device
    save_model(run.model.cpu(), place / MODEL, {name: value for name, value in extra.items() if value is not None})
    run.model.to(device)
    reference = experiment.reference(run)
    goal = run.task.goal
    drawings.curves(place, run.history, goal, reference, experiment.loss_reference, pages=pages)
    return [*experiment.close(place, run), drawings.eigenvalues(place, run, pages=pages)]


def _diverged(
    experiment: Experiment, run: Run, seen: list[TrainStep], folder: Folder, place: Path, error: ArithmeticError
) -> ArithmeticError:
    """Write what there is of a run that diverged, and return what is to be raised."""
    if run.step and not (place / CHECKPOINTS / f"step-{run.step:06d}").exists():
        run.save(place / CHECKPOINTS / f"step-{run.step:06d}")
    drawings.curves(place, seen, run.task.goal, experiment.reference(run), experiment.loss_reference)
    result = report.result(run, experiment.words, seen, report.DIVERGED)
    content = {**_content([result]), "outcome": report.DIVERGED, "advice": str(error)}
    for one in dict.fromkeys((place, folder.work)):
        folders.put_results(one, content, report.to_csv([result]))
    return ArithmeticError(f"{error} (lr is --lr; the curves so far are in {place})")


def _stopped(folder: Folder, where: str, number: int) -> Stopped:
    if not (folder.work / folders.TRAINING).exists():
        return Stopped("stopped before the first step; nothing was written", 128 + number)
    words = f"stopped {where}; checkpoints are in {folder.work}: the same command with --resume goes on from there"
    return Stopped(words, 128 + number)


def _content(results: list[Result]) -> Told:
    return {"outcome": report.FINISHED, "results": [one.to_json() for one in results]}


def _told(options: argparse.Namespace) -> Told:
    """What the command line said of the training itself, as JSON values; raises ValueError for what no run will do."""
    checks.positive_int("--seed", options.seed, 0)
    if options.steps is not None and options.epochs is not None:
        raise ValueError(f"--steps and --epochs both say how long: give one, got {options.steps} and {options.epochs}")
    try:
        torch.empty(1, device=None if options.device == "auto" else options.device).cpu()
    except (RuntimeError, AssertionError, NotImplementedError):
        raise ValueError(
            f"--device must be one that PyTorch has here, such as auto or cpu, got {options.device!r}"
        ) from None
    return {name: value for name, value in vars(options).items() if name not in _UNTOLD}


def _add_checksum(told: Told, name: str, known: Any) -> None:
    if name not in known and Path(name).expanduser().is_file():
        told["sha256"] = folders.sha256(Path(name).expanduser())


def _run_options(told: Mapping[str, Any]) -> Told:
    """The options of the run that were given; the others are the experiment's."""
    given = {name: told[name] for name in _RUN if told[name] is not None}
    if told["steps"] is not None:
        given["max_steps"] = told["steps"]
    elif told["epochs"] is not None:
        given |= {"max_steps": None, "measure_every": None}
    if told["measure_every"] is not None:
        given["measure_every"] = told["measure_every"]
    return {**given, "seed": told["seed"], "paper": told["paper"], "device": told["device"]}
