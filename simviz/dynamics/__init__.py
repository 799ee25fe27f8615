"""Where do maps and flows go? Known systems, their orbits, their observables, and the two operators."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, submodules=["features", "koopman", "orbits", "systems", "transfer"]
)
