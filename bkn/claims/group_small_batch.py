"""Group norm beats batch norm at micro-batches of two."""

from collections.abc import Sequence

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, beats, verdict
from bkn.claims.evidence import Evidence
from bkn.claims.protocols import GPU, LAPTOP, WORTH, Scale
from bkn.results import Result
from bkn.sweep import Sweep


def _sweeps(scale: Scale) -> list[Sweep]:
    return [scale.sweep(["batch", "group"], micro_batches=(2,))]


def decide(results: Sequence[Result]) -> Verdict:
    """The gap at two images per statistic."""
    found = Evidence(results)
    gap = beats("group − batch norm at m = 2", found.of("group"), found.of("batch"), WORTH)
    return verdict(results, Part("It is better", [gap]))


CLAIM = Claim(
    "group_small_batch",
    "small",
    "Group norm beats batch norm at batch 2",
    "With two images per statistic group normalization, which looks at each image alone, reaches "
    "a higher test accuracy than batch normalization.",
    "Wu & He 2018",
    "https://arxiv.org/abs/1803.08494",
    2018,
    "ImageNet, ResNet-50, 32 groups, 2 images per GPU on 8 GPUs: an error 10.6 points lower.",
    Protocol(
        f"{LAPTOP.words}; m = 2, 4 groups.", lambda: _sweeps(LAPTOP), WORTH, LAPTOP.worth_because
    ),
    Protocol(f"{GPU.words}; m = 2, 4 groups.", lambda: _sweeps(GPU), WORTH, GPU.worth_because),
    "Paired by seed: the difference is above 0.",
    decide,
)
