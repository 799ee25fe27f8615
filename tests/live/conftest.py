"""A panel without a browser: its frames are answered at once, and it is given up when the test ends."""

import pytest


@pytest.fixture
def mounted():
    """Return a function that takes a panel and lets an absent page answer its frames."""
    panels = []

    def mount(panel):
        figure = panel.figure_widget
        panel.frames = []

        def send(content, buffers=None):
            panel.frames.append(content)
            if "f" in content:
                figure.publisher.answer(content["f"])

        figure.send = send
        panels.append(panel)
        return panel

    yield mount
    for panel in panels:
        if panel.player is not None:
            panel.player.stop()
            if panel.player._thread is not None:
                panel.player._thread.join(10)
        panel.figure_widget.publisher.close()
