"""Preconditioned gradients train with steps of one image, where batch norm cannot."""

from collections.abc import Sequence

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, beats, reaches, verdict
from bkn.claims.evidence import Evidence
from bkn.claims.protocols import CLOSE, GPU, LAPTOP, WORTH, Scale
from bkn.results import Result
from bkn.sweep import Sweep

RATE = 5  # times smaller than usual, for steps of a single image


def _sweeps(scale: Scale) -> list[Sweep]:
    alone = scale.sweep(["preconditioned", "batch"], batches=(1,), lrs=(scale.lr / RATE,), epochs=1)
    return [alone, scale.sweep(["batch"])]


def decide(results: Sequence[Result]) -> Verdict:
    """Against batch norm at large batches, and at the same steps of one image."""
    found = Evidence(results)
    ours, theirs = found.of("preconditioned"), found.of("batch", batch=1)
    whole = found.of("batch", batch=max(found.values("batch")))
    return verdict(
        results,
        Part(
            "It works with steps of one image",
            [reaches("preconditioned at B = 1 − batch norm at large B", ours, whole, CLOSE)],
        ),
        Part(
            "Batch norm does not, so it is better",
            [beats("preconditioned − batch norm at B = 1", ours, theirs, WORTH)],
        ),
    )


CLAIM = Claim(
    "preconditioning",
    "small",
    "Preconditioning works at batch 1, where batch norm cannot",
    "Leaving the activations alone and transforming the gradients as batch normalization would "
    "have done works with steps of a single image. Batch normalization then has one image per "
    "statistic: on vectors it is not even defined, on maps it is instance normalization in "
    "training and something else in evaluation.",
    "Lange, Helfrich & Ye 2022",
    "https://arxiv.org/abs/2108.01110",
    2022,
    "Several data sets and networks, small batches down to 1 and online learning; we have not "
    "checked the paper's numbers.",
    Protocol(
        f"{LAPTOP.words}; at B = 1 one epoch (1,350 steps) with a peak of 0.01, because at 0.05 "
        "steps of two images are known to fail for several methods (README).",
        lambda: _sweeps(LAPTOP),
        CLOSE,
        f"{LAPTOP.close_because} For the second comparison half of that.",
    ),
    Protocol(
        f"{GPU.words}; at B = 1 one epoch (50,000 steps) with a peak of 0.02.",
        lambda: _sweeps(GPU),
        CLOSE,
        f"{GPU.close_because} For the second comparison half of that.",
    ),
    "Paired by seed: above batch norm at large batches less 1 point (one of two one-sided tests), "
    "and above batch norm at B = 1.",
    decide,
)
