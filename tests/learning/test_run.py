"""A run is its seed's: watched, rewound, or saved and resumed, it gives the same losses bit for bit."""

import itertools
import json
import math

import pytest
import torch
from torch import nn

from simviz.learning import checkpoint
from simviz.learning.checkpoint import load_model, save_model
from simviz.learning.run import Run, learning_rate
from simviz.learning.task import Task
from simviz.models.bases import FullyConnected
from simviz.models.propagators import Modes
from simviz.models.sim import SIM


def task(samples=50, outputs=1):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(samples, 2, generator=generator)
    return Task.from_arrays(x, torch.sin(3 * x[:, :1]).repeat(1, outputs))


def net(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))


def clock():
    torch.manual_seed(0)
    modes = Modes(1, 3, 2, start=[0.3])
    return SIM(FullyConnected(2, modes.inputs, hidden=8), modes, nn.Identity(), nn.Linear(modes.outputs, 1))


def run(model=None, **options):
    options = {"epochs": 4, "batch_size": 7, "lr": 1e-2, "device": "cpu", **options}
    return Run(net() if model is None else model, task(), **options)


def losses(steps):
    return [step.loss for step in steps]


def equal_weights(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_the_same_seed_gives_the_same_run_bit_for_bit_whatever_else_is_drawn():
    first = losses(run(seed=3))
    second = []
    for step in run(seed=3):
        torch.rand(17)
        second.append(step.loss)
    assert first == second
    assert first != losses(run(seed=4))


def test_a_linear_regression_reaches_the_solution_of_least_squares():
    x = torch.randn(80, 3, generator=torch.Generator().manual_seed(0))
    data = Task.from_arrays(x, x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 3)
    torch.manual_seed(0)
    pulled = Run(nn.Linear(3, 1), data, epochs=400, batch_size=32, lr=5e-2, device="cpu")
    last = list(pulled)[-1]
    assert last.metrics["rmse"] < 1e-3
    ones = torch.cat([data.train[0], torch.ones(64, 1)], 1)
    truth = torch.linalg.lstsq(ones, data.train[1]).solution[:, 0]
    got = torch.cat([pulled.model.weight[0], pulled.model.bias]).detach()
    torch.testing.assert_close(got, truth, atol=1e-3, rtol=0)


def test_an_epoch_shows_every_sample_once_and_each_epoch_in_another_order():
    seen = []

    def loss(model, x):
        seen.append(x)
        return model.weight.sum()

    counted = Task("counted", (torch.arange(40.0),), (torch.zeros(1),), loss, lambda model, x: {})
    pulled = Run(nn.Linear(1, 1), counted, 2, 9, device="cpu")
    steps = list(pulled)
    assert [s.epoch for s in steps] == [0] * 5 + [1] * 5
    one, two = torch.cat(seen[:5]), torch.cat(seen[5:])
    assert sorted(one.tolist()) == sorted(two.tolist()) == list(range(40))
    assert one.tolist() != two.tolist()


def test_watching_changes_nothing():
    quiet = losses(run(clock(), spectrum_every=100))
    loud = run(clock(), spectrum_every=1)
    seen = []
    for step in loud:
        loud.measure(), loud.state(), loud.model.eval(), loud.model.spectrum()
        seen.append(step)
    assert losses(seen) == quiet
    assert all(step.spectrum is not None for step in seen)


@pytest.mark.parametrize("back", [0, 11, 24])
def test_a_rewound_run_repeats_itself_bit_for_bit(back):
    pulled = run(snapshots=8)
    whole = losses(pulled)
    landed = pulled.rewind(back)
    assert landed <= back
    assert back - landed < 3  # 24 steps, 8 snapshots
    assert pulled.step == len(pulled.history) == landed
    assert losses(pulled) == whole[landed:]


def test_one_cycle_starts_low_peaks_once_and_ends_lower():
    rates = [learning_rate("one_cycle", 0.1, step, 200) for step in range(1, 201)]
    top = rates.index(max(rates))
    assert rates[top] == pytest.approx(0.1)
    assert top + 1 == 60
    assert rates[0] < 0.05 * 0.1
    assert rates[-1] == pytest.approx(1e-4)
    assert all(b > a for a, b in itertools.pairwise(rates[: top + 1]))
    assert all(b < a for a, b in itertools.pairwise(rates[top:]))
    assert {learning_rate("constant", 0.1, step, 200) for step in range(1, 201)} == {0.1}
    assert all(math.isfinite(learning_rate("one_cycle", 0.1, 1, total)) for total in (1, 2, 3))


@pytest.mark.parametrize("snapshots", [4, 24])
def test_divergence_is_told_with_advice_and_the_last_good_state_is_back(snapshots):
    """At the eleventh step the weights are made infinite by hand; with a snapshot a step one would catch them so."""
    pulled = run(snapshots=snapshots)
    for _ in range(10):
        next(pulled)
    step = pulled.optimizer.step
    pulled.optimizer.step = lambda: [step(), pulled.model[0].weight.data.fill_(math.nan)]
    next(pulled)
    with pytest.raises(
        ArithmeticError, match=r"diverged after step 11: the loss is nan; .* of step \d+ is back. Lower lr"
    ):
        next(pulled)
    landed = pulled.step
    assert landed == {4: 6, 24: 10}[snapshots]
    assert all(p.isfinite().all() for p in pulled.model.parameters())
    pulled.optimizer.step = step
    assert losses(pulled) == losses(run())[landed:]


def test_a_learning_rate_out_of_all_measure_diverges():
    with pytest.raises(ArithmeticError, match="Lower lr"):
        list(run(lr=1e30, schedule="constant"))


def test_max_steps_ends_the_run_and_the_last_step_is_measured():
    steps = list(run(max_steps=9))
    assert [s.step for s in steps] == list(range(1, 10))
    assert [s.step for s in steps if s.metrics] == [6, 9]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch_size": -1}, "batch_size must be at least 1"),
        ({"lr": 0.0}, "lr must be finite"),
        ({"lr": math.nan}, "lr must be finite"),
        ({"schedule": "cosine"}, "schedule must be one of 'constant', 'one_cycle'"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"max_steps": 0}, "max_steps must be at least 1"),
        ({"weight_decay": -0.1}, "weight_decay must be finite"),
        ({"spectrum_every": 0}, "spectrum_every must be at least 1"),
        ({"snapshots": 0}, "snapshots must be at least 1"),
    ],
)
def test_bad_options_are_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        run(**options)


def test_what_is_no_task_and_a_rewind_before_the_start_are_refused_by_name():
    with pytest.raises(ValueError, match=r"task must be a simviz\.Task, got tuple"):
        Run(net(), (torch.ones(2), torch.ones(2)))
    with pytest.raises(ValueError, match="step must be at least 0"):
        run().rewind(-1)


# saved and resumed


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
        ["model.json", "weights.safetensors", "run.json", "optimizer.safetensors", "start.safetensors"]
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
    content = json.loads((folder / "run.json").read_text())
    change(content)
    (folder / "run.json").write_text(json.dumps(content))


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
        (lambda f: edit(f, lambda c: c.pop("history")), "holds a damaged run: run.json does not fit its format"),
        (lambda f: edit(f, lambda c: c.update(options=3)), "holds a damaged run: run.json does not fit its format"),
        (lambda f: edit(f, lambda c: c["history"][0].update(more=1)), "damaged run: run.json does not fit"),
        (lambda f: edit(f, lambda c: c["history"].pop(0)), "damaged run: the history in run.json has gaps"),
        (lambda f: edit(f, lambda c: c["options"].update(lr=-1)), "damaged run: its options do not fit, lr must be"),
        (lambda f: edit(f, lambda c: c["options"].update(speed=1)), "damaged run: its options do not fit"),
        (lambda f: (f / "optimizer.safetensors").write_bytes(b"1"), "damaged weights, optimizer.safetensors"),
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
