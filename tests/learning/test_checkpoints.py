"""Checkpoints are whole runs, the last few and the best; what else lies in the folder is left alone."""

import itertools
import json
import os
import shutil
import time

import pytest
import torch

from simviz.learning import checkpoint, checkpoints
from simviz.learning.checkpoint import save_model
from simviz.learning.run import Run
from tests.learning.small import equal_weights, losses, net, run, task


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def kept(folder, pulls=24, every=5, last=2, **options):
    pulled = run(**options)
    pulled.keep(folder, every=every, last=last)
    list(itertools.islice(pulled, pulls))
    return pulled


def damage(folder, name="weights.safetensors"):
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_last_few_the_end_and_the_best_are_kept(tmp_path):
    assert kept(tmp_path / "a", 17).step == 17
    assert names(tmp_path / "a") == ["best", "step-000010", "step-000015"]
    pulled = kept(tmp_path / "b", data=task(validation=True))
    assert names(tmp_path / "b") == ["best", "step-000020", "step-000024"]
    best = Run.load(tmp_path / "b" / "best", task(validation=True))
    assert (best.step, best.best) == (pulled.best.step, pulled.best)


@pytest.mark.parametrize("pulls", [4, 5, 7, 19, 24])
def test_the_newest_checkpoint_goes_on_bit_for_bit(pulls, tmp_path):
    whole = run(data=task(validation=True))
    truth = losses(whole)
    kept(tmp_path, pulls, data=task(validation=True)) if pulls > 4 else kept(
        tmp_path, 7, 100, data=task(validation=True)
    )
    resumed = Run.load(tmp_path, task(validation=True))
    assert resumed.step == {4: 6, 5: 5, 7: 5, 19: 15, 24: 24}[pulls]  # 6: the best, where there is no other
    assert losses(resumed) == truth[resumed.step - len(truth) :] or resumed.step == 24
    assert [s.loss for s in resumed.history] == truth
    assert equal_weights(resumed.model, whole.model)
    assert resumed.best == whole.best


def test_a_resumed_run_keeps_checkpoints_when_asked_anew(tmp_path):
    whole = run()
    list(whole)
    kept(tmp_path, 12)
    resumed = Run.load(tmp_path, task())
    best = resumed.best
    resumed.keep(tmp_path, every=5, last=2)
    assert resumed.best == best
    list(resumed)
    assert names(tmp_path) == ["best", "step-000020", "step-000024"]
    assert equal_weights(Run.load(tmp_path, task()).model, whole.model)


def test_the_best_so_far_is_written_when_keeping_begins_and_never_replaced_by_a_worse_one(tmp_path):
    pulled = run()
    list(itertools.islice(pulled, 8))
    pulled.keep(tmp_path / "late", every=100)
    assert names(tmp_path / "late") == ["best"]
    assert Run.load(tmp_path / "late", task()).step == 6
    kept(tmp_path / "all")
    older = run()
    list(itertools.islice(older, 8))
    for path in (tmp_path / "all").glob("step-*"):
        shutil.rmtree(path)
    older.keep(tmp_path / "all", every=100)
    assert Run.load(tmp_path / "all" / "best", task()).step == 24


def test_a_rewound_run_forgets_its_later_checkpoints_once_it_has_a_new_one(tmp_path):
    pulled = kept(tmp_path, 20)
    pulled.rewind(0)
    assert names(tmp_path) == ["best", "step-000015", "step-000020"]
    list(itertools.islice(pulled, 5))
    assert names(tmp_path) == ["best", "step-000005"]
    list(pulled)
    truth = run()
    list(truth)
    assert equal_weights(Run.load(tmp_path, task()).model, truth.model)


def test_nothing_else_in_the_folder_is_touched(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "step-one").mkdir()
    (tmp_path / ".step-000001-abcdefgh.txt").write_text("mine")
    (tmp_path / ".cache-abcdefgh").mkdir()
    (tmp_path / "steps").mkdir()
    before = set(names(tmp_path))
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    kept(tmp_path)
    assert set(names(tmp_path)) == before | {"best", "step-000020", "step-000024"}
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda f: f.write_text("mine"), "is a file: nothing was overwritten"),
        (lambda f: run().save(f), "holds a saved run: nothing was overwritten; choose another for checkpoints"),
        (
            lambda f: ((f / "best").mkdir(parents=True), (f / "best" / "n.txt").write_text("mine")),
            "holds 'best', which is no",
        ),
        (lambda f: (f.mkdir(), (f / "step-000007").write_text("mine")), "holds 'step-000007', which is no checkpoint"),
        (lambda f: save_model(net(), f / "step-000003" / "inner"), "holds 'step-000003', which is no checkpoint"),
        (lambda f: kept(f, seed=1), "holds checkpoints of another run"),
        (lambda f: kept(f, model=net(1)), "holds checkpoints of another run"),
        (lambda f: kept(f), r"holds a checkpoint of step \d+ and this run is at step 0: go on with Run.load"),
    ],
)
def test_a_folder_that_is_in_use_is_refused_and_nothing_is_overwritten(prepare, words, tmp_path):
    prepare(tmp_path / "f")
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=rf"folder .*f.* {words}"):
        run().keep(tmp_path / "f")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("options", [{"every": 0}, {"last": 0}, {"every": 1.5}])
def test_bad_numbers_are_refused_by_name(options, tmp_path):
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be"):
        run().keep(tmp_path / "f", **options)
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize("name", ["weights.safetensors", "run.json", "history.json", "best.safetensors"])
def test_a_damaged_newest_checkpoint_is_passed_over_with_a_warning_and_left_alone(name, tmp_path):
    kept(tmp_path, 16)
    damage(tmp_path / "step-000015", name)
    before = contents(tmp_path)
    with pytest.warns(
        UserWarning, match="went on from step-000010, the newest whole checkpoint, and left .*step-000015"
    ):
        resumed = Run.load(tmp_path, task())
    assert resumed.step == 10
    assert contents(tmp_path) == before
    resumed.keep(tmp_path, every=5, last=2)  # it is no later checkpoint to be lost
    truth = run()
    list(truth)
    list(resumed)
    assert equal_weights(resumed.model, truth.model)


def test_where_none_is_whole_a_sentence_says_what_is_wrong_with_each(tmp_path):
    kept(tmp_path, 16)
    for path in tmp_path.iterdir():
        damage(path)
    with pytest.raises(ValueError, match=r"holds no whole checkpoint: .*step-000015.*step-000010.*best") as caught:
        Run.load(tmp_path, task())
    assert "\n" not in str(caught.value)


def test_another_task_is_not_mistaken_for_damage(tmp_path):
    kept(tmp_path, 16)
    with pytest.raises(ValueError, match=r"task must hold the tensors that the run .*step-000015 was trained on"):
        Run.load(tmp_path, task(samples=49))


def test_an_empty_folder_holds_no_run(tmp_path):
    with pytest.raises(ValueError, match=r"holds no saved model: model\.json is missing"):
        Run.load(tmp_path, task())


def test_drafts_of_the_dead_are_removed_and_those_being_written_are_not(tmp_path):
    for name in (".step-000005-abcd_123", ".best-abcdefgh", ".best-abcdefgh-old", ".step-000010-12345678"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text("{")
        old = time.time() - checkpoints.STALE - 60
        os.utime(tmp_path / name / "run.json", (old, old))
        os.utime(tmp_path / name, (old, old))
    os.utime(tmp_path / ".step-000010-12345678" / "run.json")
    run().keep(tmp_path)
    assert names(tmp_path) == [".step-000010-12345678"]


def test_an_older_checkpoint_goes_only_when_the_newer_one_is_in_place(tmp_path, monkeypatch):
    pulled = kept(tmp_path, 10)
    whole = contents(tmp_path)

    def full(path, content):
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoint, "_write", full)
    with pytest.raises(OSError, match="no space left"):
        list(pulled)
    assert contents(tmp_path) == whole
    monkeypatch.undo()
    stuck = pulled.step
    assert stuck == 12  # the best of that epoch could not be written; the step itself was done
    list(pulled)
    truth = run()
    list(truth)
    assert equal_weights(Run.load(tmp_path, task()).model, truth.model)


def test_weights_that_are_not_finite_are_never_kept(tmp_path):
    pulled = run()
    pulled.keep(tmp_path, every=1, last=3)
    list(itertools.islice(pulled, 4))
    step = pulled.optimizer.step
    pulled.optimizer.step = lambda: [step(), pulled.model[0].weight.data.fill_(float("nan"))]
    next(pulled)
    assert names(tmp_path) == ["step-000002", "step-000003", "step-000004"]
    with pytest.raises(ArithmeticError, match=r"diverged after step 5: .* step 4 is back"):
        next(pulled)
    assert Run.load(tmp_path, task()).step == 4


def test_every_flipped_bit_and_every_cut_is_a_sentence_or_changes_nothing(tmp_path):
    """Sampled positions of every file; a bit that only sets JSON otherwise may pass, and the run is then the same."""
    data = task(validation=True)
    stopped = run(data=data)
    list(itertools.islice(stopped, 8))
    place = stopped.save(tmp_path / "run")
    truth = losses(list(stopped))
    generator = torch.Generator().manual_seed(0)
    refused = []
    for path in sorted(place.iterdir()):
        whole = path.read_bytes()
        places = torch.randint(len(whole), (12,), generator=generator).tolist()
        bits = torch.randint(8, (12,), generator=generator).tolist()
        flipped = [
            whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :] for at, bit in zip(places, bits, strict=True)
        ]
        for content in [*flipped, *(whole[:at] for at in places[:4])]:
            path.write_bytes(content)
            try:
                resumed = Run.load(place, data)
            except ValueError as error:
                refused.append(str(error))
            else:
                assert json.loads(content) == json.loads(whole)
                assert losses(resumed) == truth
        path.write_bytes(whole)
    assert all("\n" not in words and str(place) in words for words in refused)
    assert len(refused) > 0.95 * 16 * len(list(place.iterdir()))
    assert losses(Run.load(place, data)) == truth
