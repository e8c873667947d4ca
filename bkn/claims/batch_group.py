"""Batch group norm beats batch, instance, layer, group and positional norm at batch 2."""

from collections.abc import Sequence

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, beats, verdict
from bkn.claims.evidence import Evidence
from bkn.claims.protocols import GPU, LAPTOP, WORTH, Scale
from bkn.results import Result
from bkn.sweep import Sweep

OTHERS = ("batch", "instance", "layer", "group", "positional")


def _sweeps(scale: Scale) -> list[Sweep]:
    return [scale.sweep(["batch_group", *OTHERS], micro_batches=(2,))]


def decide(results: Sequence[Result]) -> Verdict:
    """Against each of the five."""
    found = Evidence(results)
    ours = found.of("batch_group")
    against = [beats(f"batch group − {other}", ours, found.of(other), WORTH) for other in OTHERS]
    return verdict(results, Part("It beats all five", against))


CLAIM = Claim(
    "batch_group",
    "small",
    "Batch group norm beats five others at batch 2",
    "With two images per statistic batch group normalization is more accurate than batch, "
    "instance, layer, group and positional normalization. All five comparisons have to hold.",
    "Zhou, Sun, Ye et al. 2020",
    "https://arxiv.org/abs/2012.02782",
    2020,
    "ImageNet, ResNet-50, batches of 2: 76.1 % against 66.5 % with batch norm.",
    Protocol(
        f"{LAPTOP.words}; m = 2, so that there is a single group.",
        lambda: _sweeps(LAPTOP),
        WORTH,
        LAPTOP.worth_because,
    ),
    Protocol(
        f"{GPU.words}; m = 2, so that there is a single group.",
        lambda: _sweeps(GPU),
        WORTH,
        GPU.worth_because,
    ),
    "Paired by seed: batch group norm is above each of the five.",
    decide,
)
