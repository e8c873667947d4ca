"""Kalman norm with micro-batches of two reaches what batch norm has with whole batches."""

from collections.abc import Sequence

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, beats, matches, verdict
from bkn.claims.evidence import Evidence, all_images
from bkn.claims.protocols import CLOSE, GPU, LAPTOP, Scale
from bkn.results import Result
from bkn.sweep import Sweep


def _sweeps(scale: Scale) -> list[Sweep]:
    return [
        scale.sweep(["kalman"], micro_batches=(2,)),
        scale.sweep(["batch"], micro_batches=(2, scale.batch)),
    ]


def decide(results: Sequence[Result]) -> Verdict:
    """Equivalence of the two; what batch norm itself loses is shown beside it."""
    found = Evidence(results)
    whole = found.of("batch", micro_batch=all_images)
    small = found.of("batch", micro_batch=2)
    kalman = found.of("kalman", micro_batch=2)
    return verdict(
        results,
        Part(
            "They are equal",
            [
                matches("Kalman norm at m = 2 − batch norm at m = B", kalman, whole, CLOSE),
                beats("batch norm at m = B − at m = 2", whole, small, CLOSE, decides=False),
            ],
        ),
    )


CLAIM = Claim(
    "kalman_large_batch",
    "kalman",
    "Kalman norm at micro-batch 2 does as well as batch norm at large batches",
    "With two images per statistic Kalman normalization is as accurate as batch normalization "
    "whose statistics run over the whole batch. As for every comparison of these two here, the "
    "initial weights of this lab matter (README).",
    "Wang, Peng, Luo, Wang & Lin 2018",
    "https://arxiv.org/abs/1802.03133",
    2018,
    "ImageNet, ResNet-50: Kalman norm with 4 images per GPU against batch norm with 32.",
    Protocol(
        f"{LAPTOP.words}; Kalman norm at m = 2, batch norm at m = 64.",
        lambda: _sweeps(LAPTOP),
        CLOSE,
        LAPTOP.close_because,
    ),
    Protocol(
        f"{GPU.words}; Kalman norm at m = 2, batch norm at m = 128.",
        lambda: _sweeps(GPU),
        CLOSE,
        GPU.close_because,
    ),
    "Paired by seed: two one-sided t tests that the difference lies within ±1 point.",
    decide,
)
