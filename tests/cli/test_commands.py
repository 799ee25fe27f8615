"""The command line: what it trains is as good as promised, what it draws is labelled, an error is one sentence."""

import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from simviz import cli
from simviz.learning import experiments
from simviz.learning.checkpoint import load_model, save_model
from simviz.learning.data import digits
from simviz.models import paper
from tests.cli.command import command, measured


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "least"),
    [("single", 0.97), ("two", 0.97), ("deq", 0.93), ("monotone", 0.9), ("plain", 0.97), ("wide", 0.97)],
)
def test_ten_epochs_of_digits_reach_what_they_should(model, least, tmp_path, capsys):
    code, out, err = command("train", "classify", "--model", model, "--out", tmp_path / "m", capsys=capsys)
    assert code == 0
    assert "100%" in err  # the progress bar
    told = float(re.search(r"([\d.]+) %", out)[1]) / 100
    right = measured(tmp_path / "m", digits().test)
    assert told == pytest.approx(right, abs=5e-5)
    assert right >= least
    if model in ("deq", "monotone"):
        missed, solved = (int(number.replace(",", "")) for number in re.search(r"([\d,]+) of ([\d,]+)", out).groups())
        assert solved == 1438 * 10
        assert missed < 0.05 * solved


def test_a_short_training_is_repeated_by_its_seed(tmp_path, capsys):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        arguments = ("--epochs", 1, "--batch-size", 256, "--seed", seed, "--out", tmp_path / name)
        assert command("train", "classify", "--model", "plain", *arguments, capsys=capsys)[0] == 0
    x = digits().test[0][:5]
    a, b, c = (load_model(tmp_path / name)(x) for name in "abc")
    assert torch.equal(a, b)
    assert not torch.equal(a, c)


@pytest.mark.parametrize(
    ("model", "label"),
    [
        (lambda: paper.image_classifier(1, 8, 1), "limit operator (depends on coordinates)"),
        (lambda: paper.image_deq(8, 1, units=8), "Jacobian at z*"),
    ],
)
def test_a_spectrum_is_written_as_a_page_that_needs_no_network_and_says_what_it_shows(model, label, tmp_path, capsys):
    save_model(model(), tmp_path / "model", {"data": "digits"})
    page = tmp_path / "spectrum.html"
    code, out, _ = command("spectrum", tmp_path / "model", "-o", page, capsys=capsys)
    text = page.read_text()
    assert code == 0
    assert label in out
    assert label in text
    assert not re.search(r'<(script|link|img)[^>]*(src|href)="(https?:)?//', text)
    assert len(text) > 1_000_000  # the plotting library is inside


def test_a_plain_net_has_no_spectrum_and_the_command_says_so(tmp_path, capsys):
    save_model(paper.plain_image_classifier(1, 8, 1), tmp_path / "model")
    code, out, err = command("spectrum", tmp_path / "model", "-o", tmp_path / "page.html", capsys=capsys)
    assert (code, out) == (2, "")
    assert err.startswith("simviz: a plain net has no spectrum")
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["spectrum", "nowhere"], "folder nowhere does not exist"),
        (["train", "classify", "--epochs", "0", "--out", "m"], "epochs must be at least 1, got 0"),
        (["train", "classify", "--batch-size", "-3", "--out", "m"], "batch_size must be at least 1, got -3"),
        (["train", "classify", "--lr", "0", "--out", "m"], "lr must be finite"),
        (["train", "classify", "--seed", "-1", "--out", "m"], "seed must be at least 0, got -1"),
        (["train", "classify", "--folds", "1", "--out", "m"], "--folds must be at least 2, got 1"),
        (
            ["train", "classify", "--steps", "3", "--epochs", "1", "--out", "m"],
            "--steps and --epochs both say how long",
        ),
        (["train", "classify", "--device", "abacus", "--out", "m"], "--device must be one that PyTorch has here"),
        (["train", "classify", "--data", "no.npz", "--out", "m"], "there is no file no.npz"),
        (["train", "classify", "--data", "flat.npz", "--out", "m"], "--data flat.npz must hold square images"),
        (["train", "classify", "--data", "table.csv", "--out", "m"], "--data table.csv must hold square images"),
        (["train", "classify", "--validation", "1.5", "--out", "m"], "validation must be finite and lie in"),
        (
            ["train", "classify", "--optimizer", "adam", "--schedule", "step", "--out", "m"],
            "drop_every must be a number",
        ),
        (["train", "classify", "--resume", "--out", "m"], "--resume: folder m holds no training to go on with"),
        (["train", "copy", "--delay", "0", "--out", "m"], "--delay must be at least 1, got 0"),
        (["train", "copy", "--validation", "2", "--out", "m"], "--validation must lie in [0, 1], got 2"),
        (["train", "regress", "--side", "7", "--out", "m"], "side must be even"),
        (["train", "regress", "--picture", "nothing.png", "--out", "m"], "there is no file nothing.png"),
        (["train", "regress", "--words", "a", "--out", "m"], "--words goes with --picture text alone"),
        (["train", "classify", "--out", "taken"], "holds files that are no training of simviz, such as 'notes.txt'"),
    ],
)
def test_an_error_of_the_user_is_one_sentence_and_code_two(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    np.savez(tmp_path / "flat.npz", x=np.ones((40, 5)), y=np.arange(40) % 2)
    (tmp_path / "table.csv").write_text("a,b,y\n" + "1,2,0\n3,4,1\n" * 5)
    code, out, err = command(*arguments, capsys=capsys)
    assert (code, out) == (2, "")
    assert err.startswith("simviz: ")
    assert words in err
    assert err.count("\n") == 1
    assert not (tmp_path / "m").exists()


def test_an_error_of_several_lines_is_told_in_one(tmp_path, monkeypatch, capsys):
    def fail(*given, **options):
        raise ValueError("the first line\n  and the second")

    monkeypatch.setattr(experiments, "classify", fail)
    _, _, err = command("train", "classify", "--out", tmp_path / "m", capsys=capsys)
    assert err == "simviz: the first line and the second\n"


def test_an_unknown_model_is_refused_by_the_parser(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["train", "classify", "--model", "triple"])
    assert caught.value.code == 2
    assert "invalid choice: 'triple'" in capsys.readouterr().err


def test_help_answers_without_loading_torch():
    script = "import sys, simviz.cli as c\ntry: c.main(['--help'])\nexcept SystemExit: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
    assert "doctor" in done.stdout


def test_the_module_runs_as_the_command():
    done = subprocess.run([sys.executable, "-m", "simviz", "spectrum", "nowhere"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "simviz: folder nowhere does not exist, or is no folder\n"
