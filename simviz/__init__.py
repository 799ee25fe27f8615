"""simviz: see, understand and use deep equilibrium models and stable invariant models.

`import simviz` loads PyTorch and no plotting or widget library; every name below loads its room when first used.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checks", "course", "dynamics", "equilibria", "figures", "learning", "live", "models", "records"],
    submod_attrs={
        "learning.recipes": ["learn_invariant_set"],
        "learning.checkpoint": ["load_model"],
        "learning.run": ["Run"],
        "learning.data": ["Task"],
        "models.sim": ["SIM"],
        "models.deq": ["DEQ"],
        "records": ["Solution", "Spectrum", "Status", "TrainStep"],
    },
)
