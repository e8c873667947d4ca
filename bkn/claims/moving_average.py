"""Moving average batch norm at micro-batches of two does as well as batch norm at whole batches."""

from collections.abc import Sequence

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, beats, reaches, verdict
from bkn.claims.evidence import Evidence, all_images
from bkn.claims.protocols import CLOSE, GPU, LAPTOP, WORTH, Scale
from bkn.results import Result
from bkn.sweep import Sweep


def _sweeps(scale: Scale) -> list[Sweep]:
    return [
        scale.sweep(["moving_average"], micro_batches=(2,)),
        scale.sweep(["batch"], micro_batches=(2, scale.batch)),
    ]


def decide(results: Sequence[Result]) -> Verdict:
    """Against batch norm at m = B, and at the same small m."""
    found = Evidence(results)
    ours = found.of("moving_average")
    whole, small = found.of("batch", micro_batch=all_images), found.of("batch", micro_batch=2)
    return verdict(
        results,
        Part(
            "It does as well as batch norm at large batches",
            [reaches("moving average at m = 2 − batch norm at m = B", ours, whole, CLOSE)],
        ),
        Part(
            "It beats batch norm at small ones",
            [beats("moving average − batch norm at m = 2", ours, small, WORTH)],
        ),
    )


CLAIM = Claim(
    "moving_average",
    "small",
    "Moving averages in both passes undo the harm of small batches",
    "With moving averages of the statistics in the forward and in the backward pass, and centred "
    "weights, two images per statistic are as good as large batches are for batch normalization, "
    "and better than two images are for it.",
    "Yan, Wan, Zhang, Zhang, Wei & Sun 2020",
    "https://arxiv.org/abs/2001.06838",
    2020,
    "ImageNet, ResNet-50, 2 images per statistic: 76.3 % against 64.8 % with batch norm, which has "
    "76.6 % with 32.",
    Protocol(
        f"{LAPTOP.words}; m = 2 against m = 64.",
        lambda: _sweeps(LAPTOP),
        CLOSE,
        f"{LAPTOP.close_because} For the second comparison half of that.",
    ),
    Protocol(
        f"{GPU.words}; m = 2 against m = 128.",
        lambda: _sweeps(GPU),
        CLOSE,
        f"{GPU.close_because} For the second comparison half of that.",
    ),
    "Paired by seed: above batch norm at m = B less 1 point (one side of two), and above batch "
    "norm at m = 2.",
    decide,
)
