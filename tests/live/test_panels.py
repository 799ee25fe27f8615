"""The panels without a browser: what they draw, what they say, and that clicks in any order break nothing."""

import asyncio
import random
import threading

import numpy as np
import pytest
import torch

from simviz import live
from simviz.dynamics.systems import StuartLandau, VanDerPol
from simviz.learning.data import digits
from simviz.learning.run import Run
from simviz.live.panels import set_panel
from simviz.live.player import State
from simviz.models import paper
from tests.live.test_player import wait_for


@pytest.fixture
def panel(monkeypatch):
    monkeypatch.setattr(set_panel, "GATHER_SECONDS", 0.01)
    made = live.SetPanel([StuartLandau(), VanDerPol()], count=60, length=40, steps=60)
    made.figure_widget.send = lambda content, buffers=None: made.figure_widget.publisher.answer(10**9)
    yield made
    made.player.stop()
    made.figure_widget.publisher.close()


def points(panel, channel):
    return panel.figure_widget.points(channel)


def test_every_step_is_drawn_once_and_in_order(panel):
    for _ in range(5):
        panel._event("start", None)
        panel.player.pause()
        panel._event("step", None)
    panel.player.start()
    asyncio.run(panel.player.done())
    assert points(panel, "loss")[0].tolist() == list(range(1, 61))
    wait_for(lambda: "the set is within" in panel.figure_widget.state)
    assert "true 0.30000" in panel.figure_widget.state


def test_the_drawn_loop_is_one_period_of_the_models_shadow(panel):
    panel.player.start()
    asyncio.run(panel.player.done())
    angle = abs(float(panel.sim.propagator.base_angles[0].detach()))
    times = torch.arange(set_panel.SET_POINTS) * (2 * np.pi / angle / set_panel.SET_POINTS)
    with torch.no_grad():
        expected = panel.sim.shadow(panel.lesson.data[:1, 0], times)[0].numpy()
    assert np.allclose(points(panel, "learned set")[:, :-1].T, expected, atol=1e-5)


def test_the_best_single_point_is_the_mean_of_the_tails_and_one_away_from_the_circle(panel):
    panel._event("single", True)
    mean = panel.lesson.data[:, 20:].mean((0, 1)).numpy()
    assert np.allclose(points(panel, "best single point")[:, 0], mean)
    assert points(panel, "learned set").size == 0
    assert points(panel, "persistent").T.tolist() == [[1.0, 0.0]]
    assert abs(panel.lesson.one_point_misses_by() - (1 - np.linalg.norm(mean))) < 1e-4
    panel._event("single", False)
    assert points(panel, "best single point").size == 0


def test_a_click_follows_the_true_orbit(panel):
    panel._event("click", [0, 0.5, 0.0])
    start, shadow = points(panel, "your start")[:, 0], points(panel, "its shadow")
    assert abs(start - [0.5, 0.0]).max() < 0.05
    assert shadow.shape == (2, 1)
    panel._event("click", [1, 0.5, 0.0])  # on the disc: nothing to follow
    assert panel.figure_widget.error == ""


def test_another_system_is_another_lesson_with_its_own_truth(panel):
    panel._event("system", "Van der Pol")
    assert panel.lesson.system.name == "Van der Pol"
    assert abs(points(panel, "true")[:, :-1].T - VanDerPol().invariant_set().numpy()).max() < 1e-6
    assert panel.player.state is State.READY
    with pytest.raises(ValueError, match="system must be one of"):
        panel._event("system", "Lorentz")


def test_three_hundred_random_presses_leave_one_thread_and_no_error(panel):
    chance = random.Random(0)
    for _ in range(300):
        name = chance.choice(["start", "start", "step", "stop", "reset", "single", "click"])
        value = {"single": chance.random() < 0.5, "click": [0, chance.uniform(-2, 2), chance.uniform(-2, 2)]}.get(name)
        panel._event(name, value)
        assert sum(t.name == "simviz player" for t in threading.enumerate()) <= 1
    panel.player.stop()
    assert panel.player.error is None
    assert panel.figure_widget.error == ""


def test_a_still_holds_the_state_as_alt_text(panel, tmp_path):
    path = panel.still(tmp_path / "loop.svg")
    assert "press Start" in path.read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="path's ending"):
        panel.still(tmp_path / "loop.gif")


def test_a_panel_wants_oscillators():
    with pytest.raises(ValueError, match="systems must be oscillators"):
        live.SetPanel([])
    with pytest.raises(ValueError, match="steps must be at least 1"):
        live.SetPanel(StuartLandau(), steps=0)


def test_a_train_panel_follows_the_validation_part_where_there_is_one():
    run = Run(paper.image_classifier(1, 8, 1), digits(validation=0.2), epochs=2, batch_size=400)
    panel = live.TrainPanel(run)
    panel.figure_widget.send = lambda content, buffers=None: panel.figure_widget.publisher.answer(10**9)
    panel.player.start()
    asyncio.run(panel.player.done())
    told = [s.metrics["validation accuracy"] for s in run.history if s.metrics]
    assert len(told) == 2
    assert points(panel, "validation accuracy")[1].tolist() == told
    assert f"validation accuracy {told[-1]:.4g}" in panel.sentence()
    panel.figure_widget.publisher.close()


def test_a_train_panel_draws_loss_metric_and_spectrum_of_a_classifier():
    run = Run(paper.image_classifier(1, 8, 1), digits(), max_steps=6)
    panel = live.TrainPanel(run, metric="accuracy")
    panel.figure_widget.send = lambda content, buffers=None: panel.figure_widget.publisher.answer(10**9)
    panel.player.start()
    asyncio.run(panel.player.done())
    assert points(panel, "loss")[1].tolist() == [s.loss for s in run.history]
    assert points(panel, "accuracy")[1].tolist() == [run.history[-1].metrics["accuracy"]]
    spectrum = run.model.spectrum()
    drawn = sum(
        points(panel, name).shape[1] for name in ("persistent", "decaying", "growing") if panel.figure_widget.has(name)
    )
    assert drawn == spectrum.eigenvalues.numel()
    panel.player.reset()
    assert points(panel, "loss").size == 0
    with pytest.raises(ValueError, match="metric must be one of accuracy"):
        live.TrainPanel(run, metric="f1")
    panel.figure_widget.publisher.close()
