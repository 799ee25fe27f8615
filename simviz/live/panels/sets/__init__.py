"""Where do orbits end up? The panel, and what it is made of: a gallery of systems, a survey, the phase, a shadow."""

from simviz.live.panels.sets.panel import SetPanel

__all__ = ["SetPanel"]
