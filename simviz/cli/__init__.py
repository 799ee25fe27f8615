"""What can be done from the command line? Open the course, train a model, draw its spectrum, look things over.

Nothing heavy is imported before a command needs it, so that `simviz --help` answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import simviz
from simviz.cli import arguments
from simviz.cli.stopped import Stopped
from simviz.doctor.packages import python_too_old


def main(given: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 1 where doctor found something missing, or 2 for an error of the user.

    A training that was interrupted returns 130, or 143 where it was asked to end by SIGTERM.
    """
    if too_old := python_too_old():
        print(f"simviz: {too_old}", file=sys.stderr)
        return 2
    options = _parser().parse_args(given)
    try:
        return options.command(options)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("simviz"):
            raise
        print(f"simviz: the module {error.name} is not installed; `simviz doctor` says what to do", file=sys.stderr)
        return 2
    except (ValueError, ArithmeticError, OSError) as error:
        print(f"simviz: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except Stopped as stop:
        print(f"simviz: {stop}", file=sys.stderr)
        return stop.code
    except KeyboardInterrupt:
        print("simviz: stopped; nothing was saved", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simviz", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"simviz {simviz.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    arguments.lab(commands).set_defaults(command=_lab)

    train = commands.add_parser("train", help="train a model, draw how it went and save it")
    tasks = train.add_subparsers(required=True, metavar="TASK")
    arguments.classify(tasks).set_defaults(command=_classify)
    arguments.copy(tasks).set_defaults(command=_copy)
    arguments.regress(tasks).set_defaults(command=_regress)

    spectrum = commands.add_parser("spectrum", help="draw the spectrum of a saved model as a page")
    spectrum.add_argument("folder", type=Path, help="what --out named, a saved model or a folder of checkpoints")
    spectrum.add_argument("-o", "--output", type=Path, default=Path("spectrum.html"))
    spectrum.set_defaults(command=_spectrum)

    doctor = commands.add_parser("doctor", help="look the installation over and say what to do")
    doctor.set_defaults(command=_doctor)
    return parser


def _lab(options: argparse.Namespace) -> int:
    from simviz.cli import lab

    return lab.open_course(options)


def _classify(options: argparse.Namespace) -> int:
    from simviz.cli import train

    return train.classify(options)


def _copy(options: argparse.Namespace) -> int:
    from simviz.cli import train

    return train.copy(options)


def _regress(options: argparse.Namespace) -> int:
    from simviz.cli import train

    return train.regress(options)


def _spectrum(options: argparse.Namespace) -> int:
    from simviz.cli import spectrum

    return spectrum.page(options.folder, options.output)


def _doctor(options: argparse.Namespace) -> int:
    from simviz import doctor

    lines, complete = doctor.examine(draw=True)
    print("\n".join(lines))
    return 0 if complete else 1
