"""The catalogue: the card of every method, network and dataset. Imports no torch."""

from bkn.catalog.datasets import DATASETS
from bkn.catalog.methods import METHODS
from bkn.catalog.networks import NETWORKS
from bkn.catalog.torchvision_models import ABSENT

__all__ = ["ABSENT", "DATASETS", "METHODS", "NETWORKS"]
