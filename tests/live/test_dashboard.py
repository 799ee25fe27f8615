"""The row of tabs: what is made when, what stands still when it is left, and what is refused."""

import threading

import pytest

from simviz import live
from simviz.live.panels.panel import Panel
from simviz.live.player import Player
from simviz.records import Axis, FigureSpec, Subplot, Trace


class Counting(Panel):
    """A panel that plays: it counts."""

    def __init__(self):
        super().__init__((), Player(lambda: iter(range(10**9)), pace=0.001))

    def compute(self):
        return 0

    def drawing(self, record):
        return FigureSpec((Subplot("", Axis(), Axis()),), (Trace("dot", "data", [0.0], [0.0], live="replace"),))


@pytest.fixture
def tabs():
    """Three tabs and the list of what has been made, in order."""
    made = []

    def factory(name, panel):
        def make():
            made.append(name)
            return panel()

        return make

    tabs = {
        "One": (factory("One", Counting), "It counts."),
        "Two": (factory("Two", Counting), "It counts too."),
        "Game": (factory("Game", live.GamePanel), "Nothing plays in it."),
    }
    yield tabs, made
    for player in live.all_players():
        player.stop()


def press(talk, number):
    """What the page sends; wait until it has been answered."""
    talk._pressed(None, {"choose": number}, [])
    for thread in threading.enumerate():
        if thread.name == "simviz dashboard":
            thread.join(30)


def test_a_panel_is_made_when_its_tab_is_first_chosen_and_never_again(tabs):
    tabs, made = tabs
    talk = live.Dashboard(tabs)
    assert made == ["One"]
    one = talk.panels["One"]
    press(talk, 2)
    assert (talk.chosen, made) == ("Game", ["One", "Game"])
    assert talk.pane.children == (talk.panels["Game"].figure_widget,)
    press(talk, 0)
    assert talk.choose("One") is one
    assert made == ["One", "Game"]
    assert talk.pane.children == (one.figure_widget,)
    assert talk.bar.note == "It counts."
    assert talk.bar.busy == ""


def test_what_plays_is_paused_when_its_tab_is_left_and_goes_on_where_it_stood(tabs):
    talk = live.Dashboard(tabs[0])
    player = talk.panels["One"].player
    player.start()
    press(talk, 1)
    player._last.join(10)
    assert player.state.value == "paused"
    stood = player.pulls
    talk.panels["Two"].player.start()
    talk.choose("One")
    assert talk.panels["Two"].player.state.value == "paused"
    assert player.pulls == stood
    player.step()
    player._last.join(10)
    assert player.pulls == stood + 1


def test_choosing_the_tab_that_is_shown_leaves_what_plays_alone(tabs):
    talk = live.Dashboard(tabs[0])
    talk.panels["One"].player.start()
    press(talk, 0)
    assert talk.panels["One"].player.running


def test_tabs_passed_by_while_one_is_made_are_not_made(tabs):
    tabs, made = tabs
    talk = live.Dashboard(tabs)
    with talk._making:  # something is being made
        for number in (1, 2):
            talk._pressed(None, {"choose": number}, [])
    press(talk, 2)
    assert made == ["One", "Game"]


def test_a_factory_that_fails_is_said_in_red_and_tried_again():
    tries = []

    def stumbling():
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("no weights")
        return live.GamePanel()

    talk = live.Dashboard({"Good": (live.GamePanel, "."), "Bad": (stumbling, "."), "Odd": (dict, ".")})
    press(talk, 1)
    assert talk.bar.error == "RuntimeError: no weights"
    assert (talk.chosen, talk.pane.children, talk.bar.busy) == ("Bad", (), "")
    press(talk, 1)
    assert talk.bar.error == ""
    assert list(talk.panels) == ["Good", "Bad"]
    with pytest.raises(ValueError, match="factory of tab 'Odd' must return a panel, got dict"):
        talk.choose("Odd")


@pytest.mark.parametrize(
    ("tabs", "words"),
    [
        ({}, "tabs must be a mapping"),
        ([live.GamePanel], "tabs must be a mapping"),
        ({"": (live.GamePanel, ".")}, "tabs must have words as titles"),
        ({"Game": live.GamePanel}, "tabs\\['Game'\\] must be a pair"),
        ({"Game": (live.GamePanel,)}, "tabs\\['Game'\\] must be a pair"),
        ({"Game": ("GamePanel", ".")}, "tabs\\['Game'\\] must be a pair"),
        ({"Game": (live.GamePanel, None)}, "tabs\\['Game'\\] must be a pair"),
    ],
)
def test_what_is_no_row_of_tabs_is_refused_by_name(tabs, words):
    with pytest.raises(ValueError, match=words):
        live.Dashboard(tabs)


def test_a_title_that_there_is_not_is_refused_with_those_that_there_are(tabs):
    with pytest.raises(ValueError, match="title must be one of 'One', 'Two', 'Game', got 'Three'"):
        live.Dashboard(tabs[0]).choose("Three")


def test_numbers_from_the_page_that_are_no_tab_change_nothing(tabs):
    tabs, made = tabs
    talk = live.Dashboard(tabs)
    for number in (-1, 3, "1", None):
        press(talk, number)
    assert (talk.chosen, made) == ("One", ["One"])


def test_as_a_still_it_is_the_picture_of_the_tab_that_is_shown(monkeypatch):
    monkeypatch.setenv("SIMVIZ_STILLS", "1")
    talk = live.Dashboard({"Game": (live.GamePanel, ".")})
    assert "<img" in talk._repr_mimebundle_()["text/html"] or "<svg" in talk._repr_mimebundle_()["text/html"]
