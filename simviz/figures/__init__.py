"""What is drawn of a record, and by whom? A record in, a FigureSpec out; Plotly and Matplotlib render the same spec."""

from simviz.figures.draw import angle_ticks, arrange, curves, plane, set_in_plane, spectrum
from simviz.figures.render_matplotlib import still, to_matplotlib
from simviz.figures.render_plotly import plotly_layout, plotly_style, to_plotly

__all__ = [
    "angle_ticks",
    "arrange",
    "curves",
    "plane",
    "plotly_layout",
    "plotly_style",
    "set_in_plane",
    "spectrum",
    "still",
    "to_matplotlib",
    "to_plotly",
]
