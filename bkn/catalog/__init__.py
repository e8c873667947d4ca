"""The catalogue: the card of every method, network and dataset. Imports no torch."""

from bkn.catalog.datasets import DATASETS
from bkn.catalog.methods import METHODS
from bkn.catalog.networks import NETWORKS

__all__ = ["DATASETS", "METHODS", "NETWORKS"]
