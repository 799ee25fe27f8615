"""Several runs on one clock: nobody runs ahead, every curve and number is its run's own."""

import asyncio

import pytest
import torch
from torch import nn

from simviz import live
from simviz.learning.data import digits
from simviz.learning.run import Run
from simviz.models import paper


def runs(epochs=2):
    torch.manual_seed(0)
    task = digits()
    plain = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    models = (paper.image_classifier(1, 8, 1), plain)
    return [Run(m, task, epochs=epochs, batch_size=size) for m, size in zip(models, (400, 100), strict=True)]


@pytest.fixture
def panel(mounted):
    return mounted(live.ComparePanel(runs(), ["SIM", "plain net"]))


def points(panel, channel):
    return panel.figure_widget.points(channel)


def test_every_curve_is_its_runs_own_whatever_the_clock(panel):
    panel.player.start()
    asyncio.run(panel.player.done())
    for name, run in zip(panel.names, panel.runs, strict=True):
        assert points(panel, f"{name}, loss")[0].tolist() == [s.seconds for s in run.history]
        assert points(panel, f"{name}, loss")[1].tolist() == [s.loss for s in run.history]
        assert points(panel, name)[1].tolist() == [s.metrics["accuracy"] for s in run.history if s.metrics]
    panel.set(clock="epochs")
    assert points(panel, "SIM")[0].tolist() == [1.0, 2.0]
    assert points(panel, "plain net")[0].tolist() == [1.0, 2.0]
    panel.player.reset()
    assert points(panel, "SIM, loss").size == 0
    assert [run.step for run in panel.runs] == [0, 0]


@pytest.mark.parametrize("clock", ["epochs", "seconds"])
def test_nobody_runs_ahead_by_more_than_a_step(mounted, clock):
    panel = mounted(live.ComparePanel(runs(), clock=clock))
    for _ in range(20):
        before = [panel.race.at(0), panel.race.at(1)]
        panel.ahead(1)
        after = [panel.race.at(0), panel.race.at(1)]
        moved = 0 if after[0] != before[0] else 1
        assert before[moved] <= before[1 - moved]


def test_the_table_and_the_sentence_say_what_each_run_came_to(panel):
    panel.player.start()
    asyncio.run(panel.player.done())
    table = panel.data()
    sim, plain = panel.runs
    assert table.column("model") == ["SIM", "plain net"]
    assert table.column("parameters") == [27_480, 650]
    assert table.column("steps") == [sim.total_steps, plain.total_steps]
    assert table.column("accuracy") == [run.history[-1].metrics["accuracy"] for run in panel.runs]
    assert table.column("its spectrum") == [sim.model.spectrum().kind, "none: nothing is iterated"]
    assert f"plain net {plain.history[-1].metrics['accuracy']:.4g} after 2 epochs" in panel.figure_widget.state
    assert panel.recipe() == f"live.ComparePanel(runs, names=['SIM', 'plain net']).ahead({sim.step + plain.step})"


def test_runs_must_be_two_to_four_with_models_and_names_of_their_own():
    listed = runs()
    with pytest.raises(ValueError, match="runs must be 2 to 4 Runs, got 1"):
        live.ComparePanel(listed[:1])
    with pytest.raises(ValueError, match="model of its own"):
        live.ComparePanel([listed[0], listed[0]])
    with pytest.raises(ValueError, match="names must be 2 different names"):
        live.ComparePanel(listed, ["a", "a"])
    with pytest.raises(ValueError, match="clock must be one of"):
        live.ComparePanel(listed, clock="hours")
    with pytest.raises(ValueError, match="metric must be one of 'accuracy'"):
        live.ComparePanel(listed, metric="psnr")


def test_a_race_is_followed_on_the_validation_part_where_there_is_one():
    task = digits(validation=0.2)
    runs = [Run(paper.plain_image_classifier(1, 8, 1), task, epochs=2, seed=seed) for seed in (0, 1)]
    panel = live.ComparePanel(runs, ["one", "other"])
    assert panel.metric == "validation accuracy"
    panel.ahead(2 * runs[0].steps_per_epoch)
    assert panel.data().column("validation accuracy")[0] != ""
    assert live.ComparePanel(runs, metric="accuracy").metric == "accuracy"
