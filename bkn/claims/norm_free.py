"""A net without norms and with adaptive clipping comes close to batch norm."""

from collections.abc import Sequence

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, beats, reaches, verdict
from bkn.claims.evidence import Evidence
from bkn.claims.protocols import CLOSE, GPU, LAPTOP, WORTH, Scale
from bkn.results import Result
from bkn.sweep import Sweep


def _sweeps(scale: Scale) -> list[Sweep]:
    return [scale.sweep(["batch", "norm_free", "none"], networks=("resnet",))]


def decide(results: Sequence[Result]) -> Verdict:
    """Against batch norm; what it has over a plain net without norms is shown beside it."""
    found = Evidence(results)
    ours = found.of("norm_free")
    close = reaches("norm-free − batch norm", ours, found.of("batch"), CLOSE)
    plain = beats("norm-free − nothing", ours, found.of("none"), WORTH, decides=False)
    return verdict(results, Part("It comes close", [close, plain]))


CLAIM = Claim(
    "norm_free",
    "beyond",
    "A norm-free net with adaptive clipping comes close to batch norm",
    "Standardized weights, constants in place of norms, and gradients clipped by the size of the "
    "weights they change are about as accurate as batch normalization with large batches.",
    "Brock, De, Smith & Simonyan 2021",
    "https://arxiv.org/abs/2102.06171",
    2021,
    "ImageNet, NF-ResNets and NFNets, batches of 256 to 4096; clipping at 0.01, skip gain from 0.",
    Protocol(
        f"{LAPTOP.words}, but a ResNet of 8 layers; m = 64. Clipping at 0.1 and a skip gain of 1 "
        "are this lab's defaults, for short trainings.",
        lambda: _sweeps(LAPTOP),
        CLOSE,
        LAPTOP.close_because,
    ),
    Protocol(f"{GPU.words}; m = 128.", lambda: _sweeps(GPU), CLOSE, GPU.close_because),
    "Paired by seed: above batch norm less 1 point (one of two one-sided tests).",
    decide,
)
