"""Which observables of x does a model see? The bases: networks, and frozen random Fourier features.

Any `nn.Module` from x to (..., d) is a basis too; these can be saved as data and know the size they take.
"""

from simviz.models.bases.networks import Convolutional, FullyConnected, Pooled
from simviz.models.bases.random_fourier import RandomFourier
from simviz.models.bases.temporal import TemporalConvolutional

__all__ = ["Convolutional", "FullyConnected", "Pooled", "RandomFourier", "TemporalConvolutional"]
