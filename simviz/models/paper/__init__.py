"""Which networks did the paper train, and what are they compared with? Its configurations by task and tiers.

Konishi and Kawahara, arXiv 2207.07475; the sizes are facts of the published experiments. For each there is its control,
the plain net: one free matrix in place of :math:`W_1 U V^T`; `widened=True` gives it as many parameters as the SIM has.
"""

from simviz.models.paper.classification import image_classifier, plain_image_classifier
from simviz.models.paper.copying import copy_memory, plain_copy_memory
from simviz.models.paper.equilibrium import LARGE, image_deq, image_monotone
from simviz.models.paper.regression import image_regressor, plain_image_regressor
from simviz.models.paper.start import keep_variance
from simviz.models.paper.vectors import plain_vector_regressor, vector_regressor

__all__ = [
    "LARGE",
    "copy_memory",
    "image_classifier",
    "image_deq",
    "image_monotone",
    "image_regressor",
    "keep_variance",
    "plain_copy_memory",
    "plain_image_classifier",
    "plain_image_regressor",
    "plain_vector_regressor",
    "vector_regressor",
]
