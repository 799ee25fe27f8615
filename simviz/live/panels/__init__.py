"""The panels: controls, a picture that moves, and one sentence that says how things stand."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "compare_panel": ["ComparePanel"],
        "gradient_panel": ["GradientPanel"],
        "learn_panel": ["LearnPanel"],
        "panel": ["Panel"],
        "sets": ["SetPanel"],
        "solver_panel": ["SolverPanel"],
        "spectrum_panel": ["SpectrumPanel"],
        "train_panel": ["TrainPanel"],
    },
)
