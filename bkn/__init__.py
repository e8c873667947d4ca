"""BKN Lab's library: normalization at small batch sizes, with the truth beside every estimate.

Importing it is cheap: torch is loaded when a name that needs it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bkn.cards import DatasetCard, MethodCard, NetworkCard
from bkn.catalog import DATASETS, METHODS, NETWORKS
from bkn.experiment import Experiment, Race
from bkn.sweep import Sweep

if TYPE_CHECKING:
    from bkn import stats
    from bkn.diagnostics.diagnose import diagnose
    from bkn.normalizers.base import Belief
    from bkn.normalizers.build import build_norm
    from bkn.normalizers.hooks import Hooks
    from bkn.surgery.convert import convert
    from bkn.training.run import train

__all__ = [
    "Belief", "Experiment", "Hooks", "Race", "Sweep",
    "build_norm", "convert", "datasets", "diagnose", "methods", "networks", "stats", "train",
]  # fmt: skip

_NEEDS_TORCH = {
    "Belief": "bkn.normalizers.base",
    "Hooks": "bkn.normalizers.hooks",
    "build_norm": "bkn.normalizers.build",
    "convert": "bkn.surgery.convert",
    "diagnose": "bkn.diagnostics.diagnose",
    "train": "bkn.training.run",
}


def __getattr__(name: str) -> Any:
    if name == "stats":  # needs scipy
        return import_module("bkn.stats")
    if name not in _NEEDS_TORCH:
        raise AttributeError(f"module 'bkn' has no attribute {name!r}")
    return getattr(import_module(_NEEDS_TORCH[name]), name)


def methods() -> dict[str, MethodCard]:
    """The cards of all methods by key; needs no torch."""
    return dict(METHODS)


def networks() -> dict[str, NetworkCard]:
    """The cards of all networks by key; needs no torch."""
    return dict(NETWORKS)


def datasets() -> dict[str, DatasetCard]:
    """The cards of all datasets by key; needs no torch."""
    return dict(DATASETS)
