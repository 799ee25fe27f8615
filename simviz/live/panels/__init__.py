"""The panels: controls, a picture that moves, and one sentence that says how things stand."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "clock_panel": ["ClockPanel"],
        "compare_panel": ["ComparePanel"],
        "dashboard": ["Dashboard"],
        "distil_panel": ["DistilPanel"],
        "game_panel": ["GamePanel"],
        "gauge_panel": ["GaugePanel"],
        "gradient_panel": ["GradientPanel"],
        "ink_panel": ["InkPanel"],
        "landscape_panel": ["LandscapePanel"],
        "learn_panel": ["LearnPanel"],
        "observable_panel": ["ObservablePanel"],
        "panel": ["Panel"],
        "sets": ["SetPanel"],
        "solver_panel": ["SolverPanel"],
        "spectrum_panel": ["SpectrumPanel"],
        "train_panel": ["TrainPanel"],
    },
)
