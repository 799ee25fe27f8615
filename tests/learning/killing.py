"""A process that trains with checkpoints and is killed, again and again, by the process that runs this.

python -m tests.learning.killing FOLDER KILLS SEED prints one line of JSON: the steps found after each kill, and what
was wrong. Children are forked, before any thread is started, so that PyTorch is imported once.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import torch

from simviz.learning.run import Run
from tests.learning.small import Noisy, equal_weights, task

STEPS, EVERY, LAST = 600, 3, 2
DATA = task(validation=True)


def fresh():
    torch.manual_seed(0)
    return Run(Noisy(), DATA, max_steps=STEPS, batch_size=7, lr=1e-2, device="cpu", seed=5)


def found(folder):
    """The run to go on with: the newest checkpoint, or a fresh one where none was written yet."""
    there = folder.is_dir() and any(path.name == "best" or path.name.startswith("step-") for path in folder.iterdir())
    return Run.load(folder, DATA) if there else fresh()


def train(folder):
    run = found(folder)
    run.keep(folder, every=EVERY, last=LAST)
    for _ in run:
        pass


def killed(folder, delay):
    """Train in a child and kill it after `delay` seconds; whether it was still at work."""
    child = os.fork()
    if child == 0:
        try:
            train(folder)
        finally:
            os._exit(0)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def inspect(folder, truth):
    """After a kill: the step gone on from, and what is wrong, in words; every folder that has a name must be whole."""
    wrong = []
    for path in sorted(folder.glob("[!.]*")) if folder.is_dir() else ():
        try:
            Run.load(path, DATA)
        except ValueError as error:
            wrong.append(f"{path.name}: {error}")
    try:
        resumed = found(folder)
    except ValueError as error:
        return -1, [*wrong, str(error)]
    step = resumed.step
    for _ in resumed:
        pass
    if not equal_weights(resumed.model, truth.model) or resumed.best != truth.best:
        wrong.append(f"resumed from step {step}, the run ended with other weights")
    return step, wrong


def main(folder, kills, seed):
    torch.set_num_threads(1)
    truth = fresh()
    for _ in truth:
        pass
    moments = random.Random(seed)
    steps, wrong, drafts = [], [], 0
    while len(steps) < kills:
        if not killed(folder, moments.uniform(0.0, 0.8)):
            shutil.rmtree(folder)  # it had come to its end: again from the start
            continue
        step, words = inspect(folder, truth)
        steps.append(step)
        wrong.extend(words)
        drafts += len(list(folder.glob(".*"))) if folder.is_dir() else 0
    print(json.dumps({"steps": steps, "wrong": wrong, "drafts": drafts}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
