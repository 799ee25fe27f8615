"""What is drawn of a record, and by whom? A record in, a FigureSpec out; Plotly and Matplotlib render the same spec."""

from simviz.figures.bars import bars
from simviz.figures.comparison import Runner, comparison
from simviz.figures.convergence import gradient_errors, iterates, residuals
from simviz.figures.densities import density, transfer_matrix
from simviz.figures.dragging import picture
from simviz.figures.draw import arrange, curves, plane, set_in_plane
from simviz.figures.eigenfunctions import eigenfunction
from simviz.figures.embedded import embedded, small_png, stills
from simviz.figures.images import scaled
from simviz.figures.pictures import side_by_side
from simviz.figures.portraits import phase_portrait, return_map
from simviz.figures.races import Lap, race
from simviz.figures.render_matplotlib import still, to_matplotlib
from simviz.figures.render_plotly import plotly_arrays, plotly_bar, plotly_layout, plotly_style, to_plotly
from simviz.figures.sketch import as_image, to_svg
from simviz.figures.spectra import angle_ticks, eigenvalue_points, jacobian_cloud, pseudospectrum, spectrum
from simviz.figures.tables import Table, table
from simviz.figures.training import at_step, evaluations, training_curves, unlabelled

__all__ = [
    "Lap",
    "Runner",
    "Table",
    "angle_ticks",
    "arrange",
    "as_image",
    "at_step",
    "bars",
    "comparison",
    "curves",
    "density",
    "eigenfunction",
    "eigenvalue_points",
    "embedded",
    "evaluations",
    "gradient_errors",
    "iterates",
    "jacobian_cloud",
    "phase_portrait",
    "picture",
    "plane",
    "plotly_arrays",
    "plotly_bar",
    "plotly_layout",
    "plotly_style",
    "pseudospectrum",
    "race",
    "residuals",
    "return_map",
    "scaled",
    "set_in_plane",
    "side_by_side",
    "small_png",
    "spectrum",
    "still",
    "stills",
    "table",
    "to_matplotlib",
    "to_plotly",
    "to_svg",
    "training_curves",
    "transfer_matrix",
    "unlabelled",
]
