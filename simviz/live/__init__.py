"""How is a computation watched while it goes on? Player, publisher, live figure, and the panels made of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["panels"],
    submod_attrs={
        "figure": ["LiveFigure"],
        "panels.set_panel": ["SetPanel"],
        "panels.train_panel": ["TrainPanel"],
        "player": ["Player", "all_players"],
        "publisher": ["Publisher"],
    },
)
