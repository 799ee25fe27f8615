"""The panels: controls, a picture that moves, and one sentence that says how things stand."""

from simviz.live.panels.set_panel import SetPanel
from simviz.live.panels.train_panel import TrainPanel

__all__ = ["SetPanel", "TrainPanel"]
