"""The panel without a browser: what is drawn, what is said, and what a reader's moves do to it."""

import inspect

import numpy as np
import pytest
import torch

from simviz.dynamics.systems import Duffing, Henon, Logistic, Lorenz, NeimarkSacker, OwnFlow, StuartLandau, VanDerPol
from simviz.live.panels.sets import SetPanel
from tests.live.sets.models import known


@pytest.fixture
def make():
    made = []

    def panel(*args, **options):
        one = SetPanel(*args, **{"count": 40, "steps": 60, **options})
        one.figure_widget.send = lambda content, buffers=None: one.figure_widget.publisher.answer(10**9)
        made.append(one)
        return one

    yield panel
    for one in made:
        one.player.stop()
        one.figure_widget.publisher.close()


def trace(panel, name):
    return next(t for t in panel.drawing(panel.record).traces if t.channel == name)


def test_dots_follow_the_flow(make):
    panel = make(Duffing()).ahead(20)
    expected = Duffing().orbit(Duffing().initial(40).double(), 20, panel._pace)[:, -1].numpy()
    assert panel.values["dots"] == pytest.approx(expected, abs=1e-4)
    assert panel.values["time"] == pytest.approx(20 * panel._pace)
    drawn = np.concatenate([np.stack([t.x, t.y], 1) for t in (trace(panel, "basin 1"), trace(panel, "basin 2"))])
    assert len(drawn) == 40
    assert np.abs(drawn[:, None] - expected[None]).sum(2).min(1).max() < 1e-3
    panel.player.reset()
    assert panel.values["dots"] == pytest.approx(Duffing().initial(40).double().numpy())


def test_the_slider_past_1_leaves_the_dots_where_they_are_and_they_flow_to_the_circle(make):
    panel = make(NeimarkSacker(0.9, 0.2), steps=200).ahead(20)
    before = panel.values["dots"].copy()
    assert "point" in panel.figure_widget.state
    panel.set(parameter=1.2)
    assert (panel.values["dots"] == before).all()
    assert panel.figure_widget.state.startswith("radius 1.2: loop, 0.2 radians a step; persistent: 1 and 8 pairs")
    panel.ahead(150)
    radii = np.linalg.norm(panel.values["dots"], axis=1)
    assert radii == pytest.approx(np.sqrt(10 * (1 - 1 / 1.2)), abs=1e-3)


def test_a_nudge_moves_every_dot_by_a_thousandth(make):
    panel = make(NeimarkSacker(0.9, 0.2)).ahead(10)
    before = panel.values["dots"].copy()
    panel._event("nudge", None)
    assert np.linalg.norm(panel.values["dots"] - before, axis=1) == pytest.approx(1e-3)
    panel.ahead(1)
    step = NeimarkSacker(0.9, 0.2).step
    moved = step(torch.from_numpy(before)).numpy()
    assert 0 < np.abs(panel.values["dots"] - moved).max() < 1e-3


def test_another_system_starts_from_its_own_starts(make):
    panel = make([Duffing(), Lorenz()]).ahead(5)
    panel.set(system="Lorenz")
    assert panel.player.pulls == 0
    assert panel.values["dots"] == pytest.approx(Lorenz().initial(40).double().numpy())
    assert panel.figure_widget.state.startswith("rho 28: chaos; persistent: 1.")
    panel.set(parameter=10.0)
    assert "two points" in panel.figure_widget.state
    assert panel.controls["parameter"].label == "rho"


def test_compute_is_pure(make):
    panel = make(VanDerPol())
    kept = dict(panel.values)
    first, second = panel.drawing(panel.compute(**kept)), panel.drawing(panel.compute(**kept))
    assert first.state == second.state
    assert all(np.array_equal(a.x, b.x, equal_nan=True) for a, b in zip(first.traces, second.traces, strict=True))
    assert all(panel.values[name] is kept[name] for name in kept)


def test_a_click_runs_a_start_and_its_shadow_together(make):
    panel = make(StuartLandau(), view="phase")
    panel._event("click", [0, 0.5, 0.0])
    assert panel.values["pair"].shadows[0] == pytest.approx([1.0, 0.0], abs=1e-3)
    assert len(trace(panel, "your start").x) == len(trace(panel, "its shadow").x) == 1
    panel.values["moment"] = 240
    panel.refresh()
    gap = trace(panel, "distance").y
    assert gap[0] == pytest.approx(0.5, abs=1e-3)
    assert gap[-1] < 1e-4
    panel._event("click", [1, 0.5, 0.0])  # on the disc: nothing happens
    assert panel.figure_widget.error == ""


def test_the_phase_view_says_how_far_a_model_is_off(make):
    panel = make(StuartLandau(), view="phase", model=known(lambda x: 0.1 * torch.sin(3 * x[:, 0]), (0.2, 0.0)))
    assert "hole 0.2" in panel.figure_widget.state
    assert f"phase error {panel.values['layer'].error.median:.2g} rad" in panel.figure_widget.state
    panel.set(polar=True)
    assert "the polar angle is wrong by 0.00 rad" in panel.figure_widget.state
    assert "choose one" in make(Duffing(), view="phase").figure_widget.state


def test_every_view_of_maps_and_flows_is_drawn(make):
    own = OwnFlow(lambda s: -s, box=[(-1, 1)] * 2)
    for system in (Logistic(3.5), Henon(), own):
        panel = make(system)
        for view in ("cloud", "orbits", "density", "phase"):
            spec = panel.set(view=view).drawing(panel.record)
            assert len(spec.subplots) == 3
            assert panel.figure_widget.error == ""
    assert "parameter" not in make(own).controls


def test_the_table_holds_every_dot_with_its_basin(make):
    panel = make(Duffing())
    table = panel.data()
    assert len(table) == 40
    assert table.columns == ("system", "dot", "s1", "s2", "basin")
    assert table.column("basin").count(1) == int((panel.values["labels"] == 0).sum())


def test_a_recipe_makes_the_panel_again(make):
    panel = make([NeimarkSacker(0.9, 0.2), Duffing()]).ahead(7)
    panel.set(parameter=0.8, view="density")
    line = panel.recipe()
    again = eval(line.removeprefix("live."), {n: c for n, c in globals().items() if inspect.isclass(c)})
    assert again.recipe() == line
    assert again.values["parameter"] == 0.8
    again.figure_widget.publisher.close()


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"systems": "loop"}, "systems"),
        ({"systems": []}, "systems"),
        ({"systems": Duffing(), "system": "Lorenz"}, "system"),
        ({"systems": Duffing(), "parameter": -1.0}, "damping"),
        ({"systems": OwnFlow(lambda s: -s, box=[(-1, 1)]), "parameter": 1.0}, "parameter"),
        ({"view": "disc"}, "view"),
        ({"polar": 1}, "polar"),
        ({"count": 2}, "count"),
        ({"dt": 0.0}, "dt"),
        ({"systems": Logistic(), "dt": 0.5}, "dt"),
        ({"systems": Lorenz(), "columns": (0, 3)}, "columns"),
        ({"steps": 0}, "steps"),
        ({"seed": -1}, "seed"),
        ({"systems": StuartLandau(), "model": 3}, "model"),
        ({"systems": Duffing(), "model": known()}, "model"),
    ],
)
def test_a_wrong_option_is_named(options, name):
    with pytest.raises(ValueError, match=name):
        SetPanel(**options)
