"""What stands in a folder stays, unless it is an earlier result; a training that was stopped goes on bit for bit."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch

from simviz.cli import pull
from simviz.learning import checkpoint
from simviz.learning.checkpoint import load_extra, load_model
from tests.cli.command import classify, command, content

REFUSED = {
    "a file": lambda place: place.write_text("mine"),
    "a note": lambda place: (place.mkdir(), (place / "notes.txt").write_text("mine")),
    "a hidden folder": lambda place: (place / ".git").mkdir(parents=True),
    "another results.json": lambda place: (place.mkdir(), (place / "results.json").write_text("{}")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_folder_with_anything_else_in_it_is_refused_before_the_training_and_stays(name, tmp_path, capsys):
    REFUSED[name](tmp_path / "m")
    before = content(tmp_path)
    _, err = classify(tmp_path / "m", capsys=capsys, expect=2)
    assert "nothing was overwritten; choose another folder with --out" in err
    assert "%" not in err  # no bar: it was not trained
    assert content(tmp_path) == before


@pytest.mark.parametrize("place", ["notes.txt", "model/notes.txt", "checkpoints/best/notes.txt", "checkpoints/mine"])
def test_a_file_of_yours_anywhere_in_a_result_protects_the_whole_folder(place, tmp_path, capsys):
    classify(tmp_path / "m", capsys=capsys)
    (tmp_path / "m" / place).write_text("mine")
    before = content(tmp_path)
    _, err = classify(tmp_path / "m", "--seed", 1, capsys=capsys, expect=2)
    assert f"such as {place!r}" in err
    assert content(tmp_path) == before


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own on Windows")
def test_a_link_under_a_name_of_ours_protects_the_folder_too(tmp_path, capsys):
    classify(tmp_path / "m", capsys=capsys)
    (tmp_path / "m" / "curves.png").rename(tmp_path / "mine.png")
    (tmp_path / "m" / "curves.png").symlink_to(tmp_path / "mine.png")
    _, err = classify(tmp_path / "m", "--seed", 1, capsys=capsys, expect=2)
    assert "such as 'curves.png'" in err
    assert (tmp_path / "m" / "curves.png").is_symlink()


def test_another_tasks_training_is_refused(tmp_path, capsys):
    classify(tmp_path / "m", capsys=capsys)
    before = content(tmp_path)
    code, _, err = command("train", "copy", "--out", tmp_path / "m", capsys=capsys)
    assert code == 2
    assert "holds a training of simviz train classify" in err
    assert content(tmp_path) == before


def test_an_earlier_result_is_replaced_whole_and_at_the_end_alone(tmp_path, monkeypatch, capsys):
    classify(tmp_path / "m", capsys=capsys)
    before = content(tmp_path / "m")
    seen = []
    into_place = checkpoint.into_place

    def watched(draft, place):
        if place == tmp_path / "m":
            seen.append((content(place) == before, (draft / "results.json").exists()))
        into_place(draft, place)

    monkeypatch.setattr(checkpoint, "into_place", watched)
    classify(tmp_path / "m", "--seed", 1, "--folds", 2, capsys=capsys)
    assert seen == [(True, True)]  # until then the old one whole; the new one is complete
    after = content(tmp_path / "m")
    assert not {"model/model.json", "curves.png"} & after.keys()  # nothing of the old one is left among the new
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_a_file_put_into_the_folder_meanwhile_protects_it_and_the_new_result_stays_beside(
    tmp_path, monkeypatch, capsys
):
    classify(tmp_path / "m", capsys=capsys)
    told = pull._told

    def written(goal, done):
        (tmp_path / "m" / "notes.txt").write_text("mine")
        return told(goal, done)

    monkeypatch.setattr(pull, "_told", written)
    _, err = classify(tmp_path / "m", "--seed", 1, capsys=capsys, expect=2)
    assert "such as 'notes.txt'" in err
    assert (tmp_path / "m" / "notes.txt").read_text() == "mine"
    assert "the new result is in" in err
    assert load_extra(tmp_path / "m.unfinished")["options"]["seed"] == 1
    monkeypatch.setattr(pull, "_told", told)
    (tmp_path / "m" / "notes.txt").unlink()
    _, err = classify(tmp_path / "m", "--seed", 2, capsys=capsys, expect=2)
    assert "m.unfinished holds a training that is not finished, or not in its place: go on with it by --resume" in err
    classify(tmp_path / "m", "--seed", 1, "--resume", capsys=capsys)
    assert load_extra(tmp_path / "m")["options"]["seed"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_a_finished_training_is_not_trained_again_by_resume(tmp_path, capsys):
    out, _ = classify(tmp_path / "m", capsys=capsys)
    before = content(tmp_path)
    again, err = classify(tmp_path / "m", "--resume", capsys=capsys)
    assert again.splitlines()[:2] == out.splitlines()[:2]  # the same table
    assert "is finished: there is nothing to go on with" in again
    assert (err, content(tmp_path)) == ("", before)


def stop_at(step, number, monkeypatch):
    """Let the process be sent a signal at a step, once."""
    told, sent = pull._told, []

    def signalled(goal, done):
        if done.step == step and not sent:
            sent.append(step)
            signal.raise_signal(number)
        return told(goal, done)

    monkeypatch.setattr(pull, "_told", signalled)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_after_a_whole_step_and_resume_goes_on_to_the_same_weights(
    number, code, tmp_path, monkeypatch, capsys
):
    classify(tmp_path / "truth", capsys=capsys)
    before = signal.getsignal(number)
    with monkeypatch.context() as patched:
        stop_at(3, number, patched)
        _, err = classify(tmp_path / "m", capsys=capsys, expect=code)
    assert (
        f"simviz: stopped after step 3 of 4; checkpoints are in {tmp_path / 'm'}: the same command with --resume" in err
    )
    assert signal.getsignal(number) is before
    assert (tmp_path / "m" / "checkpoints" / "step-000003").is_dir()
    load_model(tmp_path / "m")  # of the checkpoints
    _, err = classify(tmp_path / "m", capsys=capsys, expect=2)
    assert "holds a training that is not finished, or not in its place: go on with it by --resume" in err
    _, err = classify(tmp_path / "m", "--resume", "--lr", 0.5, capsys=capsys, expect=2)
    assert "leave as it was --lr, which was None" in err
    classify(tmp_path / "m", "--resume", capsys=capsys)
    assert same_weights(tmp_path / "m", tmp_path / "truth")
    assert load_extra(tmp_path / "m")["accuracy"] == load_extra(tmp_path / "truth")["accuracy"]


def test_a_signal_during_a_replacement_leaves_the_earlier_result_and_resume_replaces_it(tmp_path, monkeypatch, capsys):
    classify(tmp_path / "truth", "--seed", 1, capsys=capsys)
    classify(tmp_path / "m", capsys=capsys)
    before = content(tmp_path / "m")
    with monkeypatch.context() as patched:
        stop_at(2, signal.SIGINT, patched)
        _, err = classify(tmp_path / "m", "--seed", 1, capsys=capsys, expect=130)
    assert str(tmp_path / "m.unfinished") in err
    assert content(tmp_path / "m") == before
    _, err = classify(tmp_path / "m", "--seed", 2, capsys=capsys, expect=2)
    assert "m.unfinished holds a training that is not finished" in err
    classify(tmp_path / "m", "--seed", 1, "--resume", capsys=capsys)
    assert same_weights(tmp_path / "m", tmp_path / "truth")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m", "truth"]


def test_the_spectrum_of_a_deq_that_was_stopped_is_that_of_its_checkpoint_on_the_data_of_the_training(
    tmp_path, monkeypatch, capsys
):
    with monkeypatch.context() as patched:
        stop_at(3, signal.SIGINT, patched)
        classify(tmp_path / "m", "--model", "deq", capsys=capsys, expect=130)
    for folder in (tmp_path / "m", tmp_path / "m" / "checkpoints"):
        code, out, err = command("spectrum", folder, "-o", tmp_path / "page.html", capsys=capsys)
        assert code == 0, err
        assert "Jacobian at z*, 32 test samples" in out
    shutil.rmtree(tmp_path / "m" / "checkpoints" / "best")
    assert same_weights(tmp_path / "m", tmp_path / "m" / "checkpoints" / "step-000003")


def test_folds_go_on_at_the_fold_that_was_stopped(tmp_path, monkeypatch, capsys):
    classify(tmp_path / "truth", "--folds", 3, capsys=capsys)
    count = []
    told = pull._told

    def signalled(goal, done):
        count.append(done.step)
        if len(count) == 6:  # the second step of the second fold
            signal.raise_signal(signal.SIGINT)
        return told(goal, done)

    with monkeypatch.context() as patched:
        patched.setattr(pull, "_told", signalled)
        _, err = classify(tmp_path / "m", "--folds", 3, capsys=capsys, expect=130)
    assert "stopped after step 2 of 4 of fold 2" in err
    first = content(tmp_path / "m" / "fold-1")
    _, err = classify(tmp_path / "m", "--folds", 3, "--resume", capsys=capsys)
    assert "fold 1" not in err
    assert content(tmp_path / "m" / "fold-1") == first
    for number in (1, 2, 3):
        assert same_weights(tmp_path / "m" / f"fold-{number}", tmp_path / "truth" / f"fold-{number}")
    told = [json.loads((tmp_path / name / "results.json").read_text())["accuracy"]["mean"] for name in ("m", "truth")]
    assert told[0] == told[1]


def test_a_training_killed_before_its_first_checkpoint_begins_anew(tmp_path, capsys):
    classify(tmp_path / "truth", capsys=capsys)
    shutil.copytree(tmp_path / "truth", tmp_path / "m")
    for name in ("checkpoints", "model"):
        shutil.rmtree(tmp_path / "m" / name)
    (tmp_path / "m" / "results.json").unlink()
    classify(tmp_path / "m", "--resume", capsys=capsys)
    assert same_weights(tmp_path / "m", tmp_path / "truth")


def test_a_changed_data_file_is_another_training(tmp_path, monkeypatch, capsys):
    import numpy as np

    x = np.random.default_rng(0).random((40, 1, 8, 8))
    np.savez(tmp_path / "mine.npz", x=x, y=np.arange(40) % 2)
    arguments = ("--data", tmp_path / "mine.npz", "--batch-size", 16)
    with monkeypatch.context() as patched:
        stop_at(2, signal.SIGINT, patched)
        classify(tmp_path / "m", *arguments, capsys=capsys, expect=130)
    np.savez(tmp_path / "mine.npz", x=x[::-1], y=np.arange(40) % 2)
    _, err = classify(tmp_path / "m", *arguments, "--resume", capsys=capsys, expect=2)
    assert "mine.npz has changed since the training began" in err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a signal to a process is another thing on Windows")
def test_a_process_interrupted_by_ctrl_c_goes_on_to_the_weights_of_the_uninterrupted_one(tmp_path):
    def start(name, *more):
        arguments = ("--model", "single", "--epochs", "6", "--device", "cpu", "--out", str(tmp_path / name), *more)
        command = [sys.executable, "-m", "simviz", "train", "classify", *arguments]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)

    assert start("truth").communicate(timeout=300)[0]
    process = start("m")
    told = b""
    while b"loss=" not in told:  # the bar has moved: steps are being done
        told += os.read(process.stderr.fileno(), 1000)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=300)[1].decode()
    assert process.returncode == 130, err
    assert "simviz: stopped after step" in err
    going_on = start("m", "--resume")
    assert b"saved in" in going_on.communicate(timeout=300)[0]
    assert same_weights(tmp_path / "m", tmp_path / "truth")


def same_weights(one, other):
    first, second = (load_model(folder).state_dict() for folder in (one, other))
    return all(torch.equal(first[name], second[name]) for name in second)
