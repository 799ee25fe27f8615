"""How is a computation watched while it goes on? Player, publisher, live figure, and the panels made of them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["panels"],
    submod_attrs={
        "figure": ["LiveFigure"],
        "panels.clock_panel": ["ClockPanel"],
        "panels.compare_panel": ["ComparePanel"],
        "panels.dashboard": ["Dashboard"],
        "panels.distil_panel": ["DistilPanel"],
        "panels.game_panel": ["GamePanel"],
        "panels.gauge_panel": ["GaugePanel"],
        "panels.gradient_panel": ["GradientPanel"],
        "panels.ink_panel": ["InkPanel"],
        "panels.landscape_panel": ["LandscapePanel"],
        "panels.learn_panel": ["LearnPanel"],
        "panels.observable_panel": ["ObservablePanel"],
        "panels.sets": ["SetPanel"],
        "panels.solver_panel": ["SolverPanel"],
        "panels.spectrum_panel": ["SpectrumPanel"],
        "panels.train_panel": ["TrainPanel"],
        "player": ["Player", "all_players"],
        "publisher": ["Publisher"],
    },
)
