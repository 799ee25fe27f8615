"""Which functions of the state are observed? Dictionaries of observables; random Fourier features live here alone.

A dictionary is an object that maps points (..., dim) to the values of its observables (..., size), and names them.
Dictionaries are put together: `Tensor` multiplies, `Stack` joins, `Through` changes coordinates first, `Delays` reads
a window of the past. Any function or `nn.Module` becomes one through `Module`.
"""

from simviz.dynamics.features.coordinates import Coordinates, Through, angles, columns, polar
from simviz.dynamics.features.delays import Delays
from simviz.dynamics.features.dictionary import Dictionary, Identity, Module, Stack, as_dictionary
from simviz.dynamics.features.frequencies import RandomFourier, random_fourier
from simviz.dynamics.features.polynomials import Chebyshev, Monomials
from simviz.dynamics.features.products import Fourier, Tensor
from simviz.dynamics.features.radial import RBF, median_distance

__all__ = [
    "RBF",
    "Chebyshev",
    "Coordinates",
    "Delays",
    "Dictionary",
    "Fourier",
    "Identity",
    "Module",
    "Monomials",
    "RandomFourier",
    "Stack",
    "Tensor",
    "Through",
    "angles",
    "as_dictionary",
    "columns",
    "median_distance",
    "polar",
    "random_fourier",
]
