"""A run that was saved goes on bit for bit; a damaged folder is refused in a sentence, and nothing is overwritten."""

import itertools
import json

import pytest
import torch
from torch import nn

from simviz.learning import checkpoint
from simviz.learning.checkpoint import load_model, save_model
from simviz.learning.run import Run
from tests.learning.small import clock, equal_weights, losses, net, run, task


@pytest.mark.parametrize("make", [net, clock])
@pytest.mark.parametrize("pulls", [0, 1, 10, 24])
def test_a_resumed_run_repeats_the_uninterrupted_one_bit_for_bit(make, pulls, tmp_path):
    whole = run(make(), weight_decay=0.01, seed=5)
    truth = losses(whole)
    stopped = run(make(), weight_decay=0.01, seed=5)
    for _ in range(pulls):
        next(stopped)
    place = stopped.save(tmp_path / "run")
    assert sorted(p.name for p in place.iterdir()) == sorted(
        ["model.json", "weights.safetensors", "run.json", "history.json", "optimizer.safetensors", "start.safetensors"]
        + ["best.safetensors"] * (pulls >= 6)
    )
    resumed = Run.load(place, task())
    assert resumed.step == pulls
    assert equal_weights(resumed.model, stopped.model)
    assert losses(resumed) == truth[pulls:]
    assert equal_weights(resumed.model, whole.model)
    assert losses(stopped) == truth[pulls:]  # saving changed nothing
    assert resumed.rewind(pulls) == pulls
    assert losses(resumed) == truth[pulls:]
    assert resumed.rewind(0) == 0
    assert losses(resumed) == truth


def test_a_run_may_be_saved_and_resumed_again_and_again(tmp_path):
    truth = losses(run())
    current = run()
    for _ in range(4):
        list(itertools.islice(current, 5))
        current.save(tmp_path / "run")
        current = Run.load(tmp_path / "run", task())
    assert losses(current) == truth[20:]
    assert current.rewind(0) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_the_history_comes_back_with_its_spectra(tmp_path):
    stopped = run(clock(), spectrum_every=3)
    list(itertools.islice(stopped, 8))
    history = Run.load(stopped.save(tmp_path / "run"), task()).history
    assert len(history) == 8
    for old, new in zip(stopped.history, history, strict=True):
        for name in ("step", "epoch", "loss", "metrics", "lr", "seconds"):
            assert getattr(new, name) == getattr(old, name)
        assert (new.spectrum is None) == (old.spectrum is None)
        if old.spectrum is not None:
            assert torch.equal(new.spectrum.eigenvalues, old.spectrum.eigenvalues)
            assert list(new.spectrum.names) == list(old.spectrum.names)
            assert (new.spectrum.kind, new.spectrum.dt) == (old.spectrum.kind, old.spectrum.dt)


def test_the_history_of_a_run_that_was_saved_and_then_rewound_is_its_new_one(tmp_path):
    """The second time takes other seconds, and every step has been put into words once."""
    stopped = run()
    list(itertools.islice(stopped, 8))
    stopped.save(tmp_path / "run")
    stopped.rewind(0)
    list(itertools.islice(stopped, 8))
    assert Run.load(stopped.save(tmp_path / "run"), task()).history == stopped.history


def test_load_model_reads_the_model_of_a_runs_folder(tmp_path):
    stopped = run()
    list(itertools.islice(stopped, 8))
    assert equal_weights(load_model(stopped.save(tmp_path / "run")), stopped.model)


def test_the_optimisers_tensors_are_named_by_parameter(tmp_path):
    stopped = run()
    next(stopped)
    stopped.save(tmp_path / "run")
    names = checkpoint.load_tensors((tmp_path / "run" / "optimizer.safetensors").read_bytes())
    parameters = [name for name, _ in stopped.model.named_parameters()]
    assert set(names) == {f"{name}.{kept}" for name in parameters for kept in ("step", "exp_avg", "exp_avg_sq")}


def test_a_task_whose_tensors_do_not_fit_is_refused(tmp_path):
    place = run().save(tmp_path / "run")
    for other in (task(samples=49), task(outputs=2)):
        with pytest.raises(
            ValueError, match=r"^task must hold the tensors that the run .* was trained on: it had train"
        ):
            Run.load(place, other)


def test_only_a_saved_run_or_model_is_ever_replaced(tmp_path):
    stopped = run()
    save_model(net(), tmp_path / "model")
    stopped.save(tmp_path / "model")
    stopped.save(tmp_path / "model")
    assert Run.load(tmp_path / "model", task()).step == 0
    with pytest.raises(ValueError, match=r"folder .* holds files that are no saved model"):
        save_model(net(), tmp_path / "model")  # it would throw the run away
    save_model(net(), tmp_path / "mixed")
    (tmp_path / "mixed" / "run.json").write_text('{"mine": 1}')
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "run.json").write_text('{"mine": 1}')
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("mixed", "other", "notes", "file"):
        with pytest.raises(ValueError, match=rf"folder .*{name}"):
            stopped.save(tmp_path / name)
    assert (tmp_path / "mixed" / "run.json").read_text() == '{"mine": 1}'
    assert (tmp_path / "other" / "run.json").read_text() == '{"mine": 1}'
    assert (tmp_path / "notes" / "notes.txt").read_text() == "mine"


def test_a_failure_while_saving_leaves_the_old_run(tmp_path, monkeypatch):
    stopped = run()
    next(stopped)
    stopped.save(tmp_path / "run")
    next(stopped)

    def full(path, content):
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoint, "_write", full)
    with pytest.raises(OSError, match="no space left"):
        stopped.save(tmp_path / "run")
    assert Run.load(tmp_path / "run", task()).step == 1
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def edit(folder, change):
    """Change run.json, and its checksum with it."""
    content = json.loads((folder / "run.json").read_text())
    content.pop("checksum")
    change(content)
    (folder / "run.json").write_bytes(checkpoint.sealed(content))


def edit_history(folder, change):
    steps = json.loads((folder / "history.json").read_text())
    change(steps)
    (folder / "history.json").write_text(json.dumps(steps))
    sha = checkpoint.sha256((folder / "history.json").read_bytes())
    edit(folder, lambda c: c["sha256"].update({"history.json": sha}))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "run.json").unlink(), "holds no saved run: run.json is missing"),
        (lambda f: (f / "model.json").unlink(), "holds no saved model: model.json is missing"),
        (lambda f: (f / "optimizer.safetensors").unlink(), "optimizer.safetensors is missing"),
        (lambda f: (f / "start.safetensors").unlink(), "start.safetensors is missing"),
        (lambda f: (f / "run.json").write_text("{"), "holds a damaged run: run.json is not JSON"),
        (lambda f: (f / "run.json").write_text("{}"), "run.json was not written by simviz"),
        (lambda f: edit(f, lambda c: c.update(version=9)), "a run of format version 9, this simviz reads 1"),
        (lambda f: edit(f, lambda c: c.pop("data")), "holds a damaged run: run.json does not fit its format"),
        (lambda f: edit(f, lambda c: c.update(options=3)), "holds a damaged run: run.json does not fit its format"),
        (
            lambda f: edit_history(f, lambda h: h[0].update(more=1)),
            "damaged run: run.json or history.json does not fit",
        ),
        (lambda f: edit_history(f, lambda h: h.pop(0)), "damaged run: the history in history.json has gaps"),
        (lambda f: edit(f, lambda c: c["options"].update(lr=-1)), "damaged run: its options do not fit, lr must be"),
        (lambda f: edit(f, lambda c: c["options"].update(speed=1)), "damaged run: its options do not fit"),
        (
            lambda f: edit(f, lambda c: c["sha256"].update({"../notes": "0"})),
            r"must name .* no other, see '\.\./notes'",
        ),
        (lambda f: edit(f, lambda c: c.update(best="../notes")), r"must name the files of a run"),
        (
            lambda f: (f / "run.json").write_text((f / "run.json").read_text().replace("0.01", "0.02")),
            "checksum differs",
        ),
        (lambda f: (f / "history.json").write_text("[]"), "history.json is not the file that was saved with the run"),
        (
            lambda f: save_model(net(1), f.parent / "o").joinpath("model.json").replace(f / "model.json"),
            "damaged weights",
        ),
        (
            lambda f: torch.save({"a": torch.ones(2)}, f / "optimizer.safetensors"),
            "damaged weights: optimizer.safetensors",
        ),
        (lambda f: (f / "optimizer.safetensors").write_bytes(b"1"), "damaged weights: optimizer.safetensors"),
        (
            lambda f: (f / "start.safetensors").write_bytes((f / "weights.safetensors").read_bytes()),
            "start.safetensors is not the file",
        ),
    ],
)
def test_a_damaged_folder_is_refused_in_a_sentence_that_names_it(damage, words, tmp_path):
    stopped = run()
    list(itertools.islice(stopped, 3))
    stopped.save(tmp_path / "run")
    damage(tmp_path / "run")
    with pytest.raises(ValueError, match=rf"folder .*run.*{words}") as caught:
        Run.load(tmp_path / "run", task())
    assert "\n" not in str(caught.value)


def test_an_optimisers_state_of_another_model_is_refused(tmp_path):
    wide, narrow = (run(nn.Sequential(nn.Linear(2, n), nn.Linear(n, 1))) for n in (9, 8))
    for pulled, name in ((wide, "wide"), (narrow, "narrow")):
        next(pulled)
        pulled.save(tmp_path / name)
    name = "optimizer.safetensors"
    (tmp_path / "narrow" / name).write_bytes((tmp_path / "wide" / name).read_bytes())
    sha = json.loads((tmp_path / "wide" / "run.json").read_text())["sha256"][name]
    edit(tmp_path / "narrow", lambda c: c["sha256"].update({name: sha}))
    with pytest.raises(ValueError, match=r"folder .*narrow holds an optimiser's state of another model: 0.weight"):
        Run.load(tmp_path / "narrow", task())
