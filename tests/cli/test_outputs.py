"""What a training leaves behind: the numbers are those of the saved model, the drawings those of the run."""

import csv
import dataclasses
import json
import math
import re

import numpy as np
import pytest
import torch
from PIL import Image

from simviz.cli.arguments import DATA
from simviz.learning import data, experiments, report
from simviz.learning.checkpoint import load_extra, load_model
from simviz.learning.data import digits
from simviz.learning.run import Run
from simviz.records import TrainStep
from tests.cli.command import TINY, classify, command, content, measured

FILES = {"training.json", "results.json", "results.csv", "curves.html", "curves.png"}


def test_the_data_of_the_command_line_are_those_of_the_library():
    assert tuple(data.IMAGES) == DATA


def test_table_results_and_csv_all_say_what_the_saved_model_gets_right(tmp_path, capsys):
    out, err = classify(tmp_path / "m", "--validation", 0.2, capsys=capsys)
    task = digits(validation=0.2)
    test, chosen = (measured(tmp_path / "m", part) for part in (task.test, task.validation))
    assert "4/4" in err
    told = [float(number) / 100 for number in re.findall(r"([\d.]+) %", out)]
    assert told == pytest.approx([test, chosen], abs=5e-5)
    results = json.loads((tmp_path / "m" / "results.json").read_text())["results"][0]
    assert results["metrics"]["accuracy"] == pytest.approx(test)
    assert results["metrics"]["validation accuracy"] == pytest.approx(chosen)
    assert results["parameters"] == sum(p.numel() for p in load_model(tmp_path / "m").parameters())
    (row,) = csv.DictReader((tmp_path / "m" / "results.csv").open())
    assert float(row["accuracy"]) == pytest.approx(test)
    assert (row["steps"], row["outcome"], row["fold"]) == ("4", "finished", "")


def test_a_plain_net_leaves_curves_and_checkpoints_and_a_sentence_in_place_of_a_spectrum(tmp_path, capsys):
    out, _ = classify(tmp_path / "m", capsys=capsys)
    assert {p.name for p in (tmp_path / "m").iterdir()} == {*FILES, "model", "checkpoints"}
    assert "a plain net has no spectrum" in out
    run = Run.load(tmp_path / "m" / "checkpoints", digits())
    assert run.step == 4
    for name, value in load_model(tmp_path / "m").state_dict().items():
        assert torch.equal(value, run.model.state_dict()[name])
    page = (tmp_path / "m" / "curves.html").read_text()
    assert "accuracy, the share that is right" in page
    assert not re.search(r'<(script|link|img)[^>]*(src|href)="(https?:)?//', page)
    assert (
        f"loss {np.mean([s.loss for s in run.history]):.3g}"
        in Image.open(tmp_path / "m" / "curves.png").text["Description"]
    )


@pytest.mark.parametrize(
    ("model", "label"),
    [("single", "limit operator (depends on coordinates)"), ("deq", "Jacobian at z*, 32 test samples")],
)
def test_a_sim_and_a_deq_leave_their_spectrum_under_its_name(model, label, tmp_path, capsys):
    out, _ = classify(tmp_path / "m", "--model", model, "--steps", 2, capsys=capsys)
    assert label in out
    assert label in (tmp_path / "m" / "spectrum.html").read_text()
    assert label in Image.open(tmp_path / "m" / "spectrum.png").text["Description"]
    assert ("equilibria not converged" in out) is (model == "deq")
    code, again, _ = command("spectrum", tmp_path / "m", "-o", tmp_path / "page.html", capsys=capsys)
    assert code == 0
    assert next(line for line in out.splitlines() if label in line) in again  # the same eigenvalues, drawn again


def test_a_new_image_is_prepared_by_what_is_kept_beside_the_model(tmp_path, capsys):
    from sklearn.datasets import load_digits

    classify(tmp_path / "m", capsys=capsys)
    mean, std = (torch.tensor(part) for part in load_extra(tmp_path / "m")["normalisation"])
    raw = torch.as_tensor(load_digits().images[:50])[:, None] / 16
    assert torch.allclose(((raw - mean) / std).float(), digits().prepare(raw), atol=1e-6)
    assert float((raw - mean).abs().max()) > 0.1


def test_your_own_images_are_taken_from_an_npz_file(tmp_path, capsys):
    generator = np.random.default_rng(0)
    np.savez(tmp_path / "mine.npz", x=generator.random((60, 1, 8, 8)), y=np.arange(60) % 3)
    out, _ = classify(tmp_path / "m", "--data", tmp_path / "mine.npz", "--batch-size", 20, capsys=capsys)
    assert measured(tmp_path / "m", data.from_file(tmp_path / "mine.npz").test) == pytest.approx(
        float(re.search(r"([\d.]+) %", out)[1]) / 100, abs=5e-5
    )


def test_the_mean_and_the_error_over_the_folds_are_those_of_the_runs(tmp_path, capsys):
    out, _ = classify(tmp_path / "m", "--folds", 3, capsys=capsys)
    parts = [measured(tmp_path / "m" / f"fold-{i}", t.test) for i, t in enumerate(digits().folds(3), 1)]
    told = [float(number) / 100 for number in re.findall(r"([\d.]+) %", out)]
    mean, error = sum(parts) / 3, float(np.std(parts, ddof=1)) / math.sqrt(3)
    assert told == pytest.approx([*parts, mean, error, mean, error], abs=5e-5)
    rows = list(csv.DictReader((tmp_path / "m" / "results.csv").open()))
    assert [row["fold"] for row in rows] == ["1", "2", "3"]
    assert [float(row["accuracy"]) for row in rows] == pytest.approx(parts)
    summary = json.loads((tmp_path / "m" / "results.json").read_text())["accuracy"]
    assert (summary["mean"], summary["standard_error"]) == pytest.approx((mean, error))
    with pytest.raises(ValueError, match=r"holds a cross-validation: name one of its folds, such as .*fold-1"):
        load_model(tmp_path / "m")


def test_copy_says_when_the_symbols_were_right_and_draws_the_memoryless_line(tmp_path, capsys):
    arguments = ("--model", "plain", "--delay", 3, "--steps", 4, "--measure-every", 2, "--out", tmp_path / "m")
    code, out, _ = command("train", "copy", *arguments, capsys=capsys)
    assert code == 0
    assert "never right on 99 per cent; the best loss without memory is 0.9041" in out  # 10 ln 8 / 23
    assert "the best loss without memory: 0.904" in (tmp_path / "m" / "curves.html").read_text()
    task = data.copy_memory(3)
    with torch.no_grad():
        right = task.metrics(load_model(tmp_path / "m"), *task.test)["last ten"]
    assert float(re.search(r"([\d.]+) %", out)[1]) == pytest.approx(100 * right, abs=5e-3)


def test_the_first_step_that_reached_a_level_is_found_on_the_validation_part_where_there_is_one():
    history = [TrainStep(n, 0, 1.0, {"last ten": v}) for n, v in enumerate((0.2, 0.99, 0.5), 1)]
    assert report.first_reached(history, "last ten", 0.99) == 2
    assert report.first_reached(history, "last ten", 0.995) is None
    history[0] = TrainStep(1, 0, 1.0, {"last ten": 0.2, "validation last ten": 0.999})
    assert report.first_reached(history, "last ten", 0.99) == 1


def test_regress_says_both_psnrs_and_shows_truth_samples_learned_and_interpolated(tmp_path, capsys):
    arguments = ("--model", "plain", "--side", 16, "--steps", 4, "--measure-every", 2, "--out", tmp_path / "m")
    code, out, _ = command("train", "regress", *arguments, capsys=capsys)
    assert code == 0
    task = data.photograph("china", 16)
    with torch.no_grad():
        mine = task.metrics(load_model(tmp_path / "m"), *task.test)["psnr"]
    plain = task.metrics(data.Bilinear(task), *task.test)["psnr"]
    line = f"PSNR on the test pixels: {mine:.2f} dB; bilinear interpolation of the training pixels: {plain:.2f} dB"
    assert line in out
    assert f"bilinear interpolation, dB: {plain:.3g}" in (tmp_path / "m" / "curves.html").read_text()
    image = Image.open(tmp_path / "m" / "picture.png")
    for words in ("the picture", "training pixels", "learned", "bilinear interpolation"):
        assert words in image.text["Description"]
    # The first picture is the truth: at even rows and columns it has the colours of the training part.
    drawn = np.asarray(image.convert("RGB"))[92:612, 24:544] / 255
    middles = ((np.arange(16) + 0.5) * 520 / 16).astype(int)
    squares = drawn[middles][:, middles]  # (rows, columns, 3), one a pixel of the picture
    assert np.abs(squares[::2, ::2] - task.train[1].reshape(8, 8, 3).numpy()).max() < 0.01
    assert np.abs(squares[1::2, 1::2] - task.test[1].reshape(8, 8, 3).numpy()).max() < 0.01
    every = torch.cat([part[1] for part in (task.train, task.validation, task.test)])
    assert np.abs(squares.mean((0, 1)) - every.mean(0).numpy()).max() < 0.01


def test_pictures_of_words_and_files_are_learned_too(tmp_path, capsys):
    Image.new("RGB", (40, 30), (250, 20, 20)).save(tmp_path / "red.png")
    few = ("--model", "plain", "--steps", 1, "--side", 16)
    for name, chosen in (("a", ("--picture", tmp_path / "red.png")), ("b", ("--picture", "text", "--words", "A"))):
        code, _, err = command("train", "regress", *few, *chosen, "--out", tmp_path / name, capsys=capsys)
        assert code == 0, err
        assert (tmp_path / name / "picture.png").exists()


def test_a_divergence_leaves_curves_and_advice_and_is_no_result(tmp_path, capsys):
    wild = ("--lr", 1e30, "--schedule", "constant", "--optimizer", "adam", "--steps", 20)
    _, err = classify(tmp_path / "m", *wild, capsys=capsys, expect=2)
    last = err.strip().splitlines()[-1]
    assert re.search(r"simviz: training diverged after step \d+: .*Lower lr .*--lr", last)
    held = json.loads((tmp_path / "m" / "results.json").read_text())
    assert [held["outcome"], held["results"][0]["outcome"]] == ["diverged", "diverged"]
    assert "Lower lr" in held["advice"]
    assert {*FILES, "checkpoints"} == {p.name for p in (tmp_path / "m").iterdir()}
    _, err = classify(tmp_path / "m", *wild, "--resume", capsys=capsys, expect=2)
    assert "diverged: begin anew, without --resume" in err
    classify(tmp_path / "m", capsys=capsys)
    assert json.loads((tmp_path / "m" / "results.json").read_text())["outcome"] == "finished"
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_a_divergence_leaves_an_earlier_result_alone(tmp_path, capsys):
    classify(tmp_path / "m", capsys=capsys)
    before = content(tmp_path / "m")
    wild = ("--lr", 1e30, "--schedule", "constant", "--optimizer", "adam", "--steps", 20)
    classify(tmp_path / "m", *wild, capsys=capsys, expect=2)
    assert content(tmp_path / "m") == before
    assert (tmp_path / "m.unfinished" / "curves.png").exists()
    classify(tmp_path / "m", "--seed", 1, capsys=capsys)
    assert content(tmp_path / "m") != before
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_the_paper_is_mnist_and_its_lengths_unless_something_else_is_said(tmp_path, monkeypatch, capsys):
    asked = {}

    def classify_as(kind, task, **options):
        asked.update(options, kind=kind, task=task.name)
        raise ValueError("enough")

    monkeypatch.setattr(experiments, "classify", classify_as)
    monkeypatch.setattr(data, "mnist", lambda root, download: dataclasses.replace(data.digits(), name="mnist"))
    arguments = ("train", "classify", "--paper", "--lr", 0.5, "--out", tmp_path / "m")
    assert command(*arguments, capsys=capsys)[2] == "simviz: enough\n"
    assert (asked["paper"], asked["task"]) == (True, "mnist")
    assert asked["lr"] == 0.5
    assert "epochs" not in asked
    assert not (tmp_path / "m").exists()
    assert command(*arguments, "--data", "digits", "--epochs", 2, capsys=capsys)[0] == 2
    assert (asked["epochs"], asked["max_steps"], asked["task"]) == (2, None, "digits")


def test_data_that_must_be_fetched_say_how_and_are_not_fetched(tmp_path, monkeypatch, capsys):
    def absent(root, download):
        assert download is False
        raise ValueError("MNIST is not in nowhere, or damaged: mnist(download=True) fetches it")

    monkeypatch.setattr(data, "mnist", absent)
    code, _, err = command("train", "classify", "--data", "mnist", "--out", tmp_path / "m", capsys=capsys)
    assert (code, err) == (2, "simviz: MNIST is not in nowhere, or damaged: --download fetches it\n")


@pytest.mark.parametrize("task", ["classify", "copy", "regress"])
def test_every_option_of_the_run_reaches_it(task, tmp_path, monkeypatch, capsys):
    asked = {}

    def record(kind, task, **options):
        asked.update(options)
        raise ValueError("enough")

    monkeypatch.setattr(experiments, task, record)
    given = {
        "batch_size": 16, "lr": 0.25, "schedule": "step", "drop_every": 2, "drop": 0.5, "optimizer": "adam",
        "weight_decay": 0.125, "clip": 2.0, "autocast": "bfloat16", "measure_every": 7, "device": "cpu", "seed": 3,
    }  # fmt: skip
    words = [w for name, value in given.items() for w in (f"--{name.replace('_', '-')}", value)]
    small = {"classify": (), "copy": ("--delay", 2), "regress": ("--side", 16)}[task]
    command("train", task, *words, *small, "--steps", 5, "--out", tmp_path / "m", capsys=capsys)
    assert {name: asked[name] for name in given} == given
    assert asked["max_steps"] == 5


def test_tiny_is_tiny():
    assert TINY[TINY.index("--steps") + 1] == 4
