"""A run is shown as it is, and as it was; rewinding brings the model back; two panels show the same run."""

import asyncio

import numpy as np
import pytest
import torch
from torch import nn

from simviz import live
from simviz.learning.data import digits
from simviz.learning.run import Run
from simviz.learning.task import Task
from simviz.live.player import Player, State
from simviz.models import paper


def points(panel, channel):
    return panel.figure_widget.points(channel)


def finish(panel):
    panel.player.start()
    asyncio.run(panel.player.done())


def small(steps=40, **options):
    torch.manual_seed(0)
    task = Task.from_arrays(torch.randn(64, 3), torch.randn(64, 1))
    return Run(nn.Linear(3, 1), task, max_steps=steps, batch_size=16, **options)


def test_it_follows_the_validation_part_where_there_is_one(mounted):
    run = Run(paper.image_classifier(1, 8, 1), digits(validation=0.2), epochs=2, batch_size=400)
    panel = mounted(live.TrainPanel(run))
    finish(panel)
    told = [s.metrics["validation accuracy"] for s in run.history if s.metrics]
    assert len(told) == 2
    assert points(panel, "validation accuracy")[1].tolist() == told
    assert f"validation accuracy {told[-1]:.4g}" in panel.figure_widget.state


def test_it_draws_loss_metric_and_spectrum_of_a_classifier(mounted):
    run = Run(paper.image_classifier(1, 8, 1), digits(), max_steps=6)
    panel = mounted(live.TrainPanel(run, metric="accuracy"))
    finish(panel)
    assert points(panel, "loss")[1].tolist() == [s.loss for s in run.history]
    assert points(panel, "accuracy")[1].tolist() == [run.history[-1].metrics["accuracy"]]
    spectrum = run.model.spectrum()
    drawn = sum(
        points(panel, name).shape[1] for name in ("persistent", "decaying", "growing") if panel.figure_widget.has(name)
    )
    assert drawn == spectrum.eigenvalues.numel()
    panel.player.reset()
    assert points(panel, "loss").size == 0
    with pytest.raises(ValueError, match="metric must be one of 'accuracy'"):
        live.TrainPanel(run, metric="f1")


def test_going_back_shows_an_earlier_step_and_its_spectrum_and_changes_nothing(mounted):
    run = Run(paper.image_classifier(1, 8, 1), digits(), max_steps=30, spectrum_every=10)
    panel = mounted(live.TrainPanel(run))
    finish(panel)
    weights = {name: value.clone() for name, value in run.model.state_dict().items()}
    panel.set(shown=21)
    assert f"back at step 21 of 30: loss {run.history[20].loss:.3g}" in panel.figure_widget.state
    shown = torch.complex(*torch.from_numpy(points(panel, "decaying")))
    kept = run.history[19].spectrum
    assert torch.allclose(shown.to(kept.eigenvalues), kept.eigenvalues[kept.decaying])
    assert panel.spec().subplots[0].cursor == 21
    assert panel.recipe() == "live.TrainPanel(run).ahead(30).set(shown=21)"
    assert all(torch.equal(value, weights[name]) for name, value in run.model.state_dict().items())
    panel.set(shown=30)
    assert panel.spec().subplots[0].cursor is None
    with pytest.raises(ValueError, match="shown must lie between 0 and 30"):
        panel.set(shown=31)
    with pytest.raises(ValueError, match="set\\(\\) knows shown, got 'metric'"):
        panel.set(metric="accuracy")


def test_rewind_brings_the_model_back_and_what_follows_is_the_same_again(mounted):
    run = small(snapshots=4)
    panel = mounted(live.TrainPanel(run))
    panel.ahead(20)
    then = {name: value.clone() for name, value in run.model.state_dict().items()}
    finish(panel)
    losses = [s.loss for s in run.history]
    panel.set(shown=27)
    assert "Rewind brings the model back to step 20, the nearest that was kept" in panel.figure_widget.state
    panel._event("rewind", None)
    assert run.step == 20
    assert all(torch.equal(value, then[name]) for name, value in run.model.state_dict().items())
    assert points(panel, "loss")[1].tolist() == losses[:20]
    assert panel.player.state is State.PAUSED
    finish(panel)
    assert points(panel, "loss")[1].tolist() == losses


def test_a_second_panel_shows_the_same_run_from_its_beginning(mounted):
    run = small()
    first = mounted(live.TrainPanel(run))
    first.ahead(15)
    second = mounted(live.TrainPanel(run))
    third = mounted(live.TrainPanel(Player.of(run)))
    assert first.player is second.player is third.player
    finish(second)
    for panel in (first, second, third):
        assert points(panel, "loss")[1].tolist() == [s.loss for s in run.history]
        assert panel.figure_widget.state.startswith("finished, step 40 of 40")
    third.player.reset()
    assert all(points(panel, "loss").size == 0 for panel in (first, second, third))


def test_of_a_deq_it_shows_evaluations_and_the_jacobians_eigenvalues_at_every_measurement(mounted):
    torch.manual_seed(0)
    run = Run(paper.image_deq(8, 1, units=12), digits(), max_steps=9, batch_size=128, measure_every=3)
    panel = mounted(live.TrainPanel(run))
    finish(panel)
    assert points(panel, "evaluations, median")[0].tolist() == [0, 3, 6, 9]
    x = run.task.test[0][:16]
    with torch.no_grad():
        solution = run.model.equilibrium(x)
    counts = solution.evaluations.float()
    for name, share in (("5 %", 0.05), ("median", 0.5), ("95 %", 0.95)):
        assert points(panel, f"evaluations, {name}")[1][-1] == pytest.approx(float(counts.quantile(share)))
    cell = run.model.cell
    by_hand = [
        torch.linalg.eigvals(
            torch.autograd.functional.jacobian(lambda z, r=r: cell(z[None], x[r : r + 1])[0], solution.z[r])
        )
        for r in range(16)
    ]
    largest = torch.stack([values[values.abs().argmax()].abs() for values in by_hand])
    drawn = torch.complex(*torch.from_numpy(points(panel, "decaying"))).abs()
    assert torch.allclose(drawn.sort().values.float(), largest.sort().values, atol=1e-4)
    image = next(t for t in panel.spec().traces if t.mode == "image")
    assert np.nansum(image.z) == 16 * 12
    panel.set(shown=4)
    assert np.nansum(next(t for t in panel.spec().traces if t.mode == "image").z) == 16 * 12
    panel.player.rewind(0)
    assert points(panel, "evaluations, median")[0].tolist() == [0]


def test_the_table_has_a_row_for_every_step(mounted):
    run = small(steps=7, measure_every=3)
    panel = mounted(live.TrainPanel(run))
    finish(panel)
    table = panel.data()
    assert table.column("loss") == [s.loss for s in run.history]
    assert [bool(entry != "") for entry in table.column(table.columns[-1])] == [False, False, True] * 2 + [True]


def test_an_error_of_the_run_is_shown_in_red_and_raised(mounted):
    task = Task.from_arrays(torch.randn(64, 3), torch.randn(64, 1))
    run = Run(nn.Linear(3, 1), task, max_steps=2000, lr=1e30, schedule="constant")
    panel = mounted(live.TrainPanel(run))
    panel.player.start()
    with pytest.raises(ArithmeticError, match="training diverged"):
        asyncio.run(panel.player.done())
    assert "ArithmeticError: training diverged" in panel.figure_widget.error
    panel.player.reset()
    assert panel.figure_widget.error == ""


def test_what_goes_wrong_in_drawing_is_shown_and_the_run_goes_on(mounted, monkeypatch):
    run = small()
    panel = mounted(live.TrainPanel(run))

    def breaks(item):
        raise RuntimeError("the pencil broke")

    monkeypatch.setattr(panel, "played", breaks)
    errors = []
    panel.figure_widget.observe(lambda change: errors.append(change["new"]), "error")
    finish(panel)
    assert run.step == 40
    assert "RuntimeError: the pencil broke" in errors


def test_it_wants_a_run():
    with pytest.raises(ValueError, match="run must be a Run"):
        live.TrainPanel(Player(lambda: iter(range(3))))
