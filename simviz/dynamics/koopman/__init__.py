"""Which numbers govern the dynamics, and which of them may be believed? DMD, EDMD, kernel EDMD with residuals.

Williams et al. 2015 (EDMD); Colbrook and Townsend 2021 (residual DMD). Every eigenvalue comes with its residual on
snapshots that the fit has not seen; `edmd` says what that is.
"""

from simviz.dynamics.features import (
    RBF,
    Chebyshev,
    Delays,
    Dictionary,
    Fourier,
    Identity,
    Module,
    Monomials,
    RandomFourier,
    Stack,
    Tensor,
    Through,
    angles,
    columns,
    polar,
)
from simviz.dynamics.koopman.extended import edmd
from simviz.dynamics.koopman.kernel import Gaussian, Kernel, Laplace, Polynomial, kernel_edmd
from simviz.dynamics.koopman.linear import dmd, dmd_orbits
from simviz.dynamics.koopman.result import Koopman
from simviz.dynamics.koopman.trajectories import edmd_orbits

__all__ = [
    "RBF",
    "Chebyshev",
    "Delays",
    "Dictionary",
    "Fourier",
    "Gaussian",
    "Identity",
    "Kernel",
    "Koopman",
    "Laplace",
    "Module",
    "Monomials",
    "Polynomial",
    "RandomFourier",
    "Stack",
    "Tensor",
    "Through",
    "angles",
    "columns",
    "dmd",
    "dmd_orbits",
    "edmd",
    "edmd_orbits",
    "kernel_edmd",
    "polar",
]
