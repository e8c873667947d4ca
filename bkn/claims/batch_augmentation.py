"""Several augmented copies of each image in a batch generalize better for as many updates."""

from collections.abc import Sequence

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, beats, verdict
from bkn.claims.evidence import Evidence
from bkn.claims.protocols import GPU, LAPTOP, WORTH, Scale
from bkn.results import Result
from bkn.sweep import Sweep

COPIES = 4


def _sweeps(scale: Scale, augment: str) -> list[Sweep]:
    return [
        scale.sweep(
            ["batch"], epochs=scale.long, copies=copies, layout="copy_major", augment=augment
        )
        for copies in (1, COPIES)
    ]


def decide(results: Sequence[Result]) -> Verdict:
    """Four copies against one, augmented alike."""
    found = Evidence(results)
    many, one = found.of("batch", copies=COPIES), found.of("batch", copies=1)
    gain = beats(f"{COPIES} copies − one", many, one, WORTH)
    return verdict(results, Part("It generalizes better", [gain]))


CLAIM = Claim(
    "batch_augmentation",
    "beyond",
    "Batch augmentation generalizes better for the same number of updates",
    "Putting every image into the batch several times, each time augmented otherwise, gives a "
    "higher test accuracy after the same number of updates. It takes as many times the work.",
    "Hoffer, Ben-Nun, Hubara, Giladi, Hoefler & Soudry 2020",
    "https://arxiv.org/abs/1901.09335",
    2020,
    "CIFAR and ImageNet; ResNet-44 with cutout, B = 64, up to 40 copies, 100 epochs; same rate and "
    "schedule.",
    Protocol(
        f"{LAPTOP.words}, but 10 epochs; one copy and four, all shifted at random by the same "
        "rule. Batch norm over 64 distinct images in both.",
        lambda: _sweeps(LAPTOP, "crop"),
        WORTH,
        LAPTOP.worth_because,
    ),
    Protocol(
        f"{GPU.words}, but 60 epochs; one copy and four.",
        lambda: _sweeps(GPU, "crop_flip"),
        WORTH,
        GPU.worth_because,
    ),
    "Paired by seed: the difference is above 0.",
    decide,
)
