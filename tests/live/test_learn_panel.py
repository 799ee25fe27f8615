"""A model learns a cycle while one watches: what is drawn is what the model has, and what is said is so."""

import asyncio

import numpy as np
import pytest
import torch

from simviz import live
from simviz.dynamics.systems import StuartLandau, VanDerPol
from simviz.live.panels import learn_panel
from simviz.live.player import State
from tests.live.test_player import wait_for


@pytest.fixture
def panel(monkeypatch, mounted):
    monkeypatch.setattr(learn_panel, "GATHER_SECONDS", 0.01)
    return mounted(live.LearnPanel([StuartLandau(), VanDerPol()], count=60, length=40, steps=60))


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
    times = torch.arange(learn_panel.SET_POINTS) * (2 * np.pi / angle / learn_panel.SET_POINTS)
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


def test_a_recipe_makes_the_panel_in_this_state_again(panel, mounted):
    panel.ahead(45)
    line = panel.recipe()
    assert line == (
        "live.LearnPanel([StuartLandau(mu=1, omega=1), VanDerPol(mu=1)], system='Stuart-Landau', count=60, length=40, "
        "steps=60).ahead(45)"
    )
    again = mounted(eval(line, {"live": live, "StuartLandau": StuartLandau, "VanDerPol": VanDerPol}))
    assert again.figure_widget.state == panel.figure_widget.state
    for one, other in zip(again.spec().traces, panel.spec().traces, strict=True):
        assert np.array_equal(one.x, other.x, equal_nan=True), one.name
        assert np.array_equal(one.y, other.y, equal_nan=True), one.name


def test_a_reader_who_asked_for_reduced_motion_gets_six_pictures(panel):
    panel.figure_widget._receive(panel.figure_widget, {"ready": True, "still": True}, [])
    panel.player.start()
    asyncio.run(panel.player.done())
    wait_for(lambda: sum("m" in frame for frame in panel.frames) == 6)
    captions = [frame["m"] for frame in panel.frames if "m" in frame]
    assert captions[0].startswith("the data: orbits of the Stuart-Landau system after 0.3")
    assert [caption.split()[1] for caption in captions if caption.startswith("step")] == ["24:", "60:"]
    assert len(set(captions)) == 6


def test_a_still_holds_the_state_as_alt_text(panel, tmp_path):
    path = panel.still(tmp_path / "loop.svg")
    assert "press Start" in path.read_text(encoding="utf-8")
    for ending in ("png", "pdf"):
        assert panel.still(tmp_path / f"loop.{ending}", "dark").stat().st_size > 10_000
    with pytest.raises(ValueError, match="path's ending"):
        panel.still(tmp_path / "loop.gif")


def test_the_table_has_the_learned_angle_beside_the_true_one(panel):
    panel.ahead(45)
    table = panel.data()
    assert table.rows[0] == ("angle a step", abs(float(panel.sim.propagator.base_angles[0].detach())), 0.3)
    assert table.rows[1][2] == pytest.approx(2 * np.pi)
    assert len(table) == 2 + panel.sim.spectrum().eigenvalues.numel()


def test_a_panel_wants_oscillators():
    with pytest.raises(ValueError, match="systems must be oscillators"):
        live.LearnPanel([])
    with pytest.raises(ValueError, match="steps must be at least 1"):
        live.LearnPanel(StuartLandau(), steps=0)
    with pytest.raises(ValueError, match="system must be one of"):
        live.LearnPanel(StuartLandau(), system="Lorenz")
