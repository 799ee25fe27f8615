"""When points cannot be followed, what can? Masses and densities: the Perron-Frobenius operator."""

from simviz.dynamics.transfer.cells import Cells, cut
from simviz.dynamics.transfer.embedding import FeatureTransfer, random_features
from simviz.dynamics.transfer.ensemble import Ensemble, evolve
from simviz.dynamics.transfer.ulam import Transfer, ulam

__all__ = ["Cells", "Ensemble", "FeatureTransfer", "Transfer", "cut", "evolve", "random_features", "ulam"]
