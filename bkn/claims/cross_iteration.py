"""Cross-iteration batch norm at small micro-batches does as well as batch norm at large ones."""

from collections.abc import Sequence

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, beats, reaches, verdict
from bkn.claims.evidence import Evidence, all_images
from bkn.claims.protocols import CLOSE, GPU, LAPTOP, WORTH, Scale
from bkn.results import Result
from bkn.sweep import Sweep

SMALL = 4  # images per statistic, as in the paper


def _sweeps(scale: Scale) -> list[Sweep]:
    return [
        scale.sweep(["cross_iteration", "batch"], micro_batches=(SMALL,), epochs=scale.long),
        scale.sweep(["batch"], epochs=scale.long),
    ]


def decide(results: Sequence[Result]) -> Verdict:
    """Against batch norm at m = B; what it has over batch norm at the same m is shown beside."""
    found = Evidence(results)
    ours = found.of("cross_iteration")
    whole, small = found.of("batch", micro_batch=all_images), found.of("batch", micro_batch=SMALL)
    label = f"cross-iteration − batch norm at m = {SMALL}"
    return verdict(
        results,
        Part(
            "It does as well as batch norm at large batches",
            [
                reaches(
                    f"cross-iteration at m = {SMALL} − batch norm at m = B", ours, whole, CLOSE
                ),
                beats(label, ours, small, WORTH, decides=False),
            ],
        ),
    )


CLAIM = Claim(
    "cross_iteration",
    "small",
    "Cross-iteration BN at small batches does as well as BN at large ones",
    "Statistics of the last four batches, moved to the present weights by a first-order step, make "
    "four images per statistic as good as large batches are for batch normalization. The step is "
    "right for weights that move slowly. In this lab's short trainings at a high rate they do not, "
    "which was known when the protocol was written (README); it therefore has the longer training.",
    "Yao, Cao, Zheng, Huang & Lin 2021",
    "https://arxiv.org/abs/2002.05712",
    2021,
    "COCO, Faster R-CNN with ResNet-50-FPN, 4 images per GPU, window 4: box AP 37.6 against 37.5 "
    "with statistics over all GPUs and 36.8 with frozen batch norm. Batch norm during the first 8 "
    "of some 100 epochs on ImageNet.",
    Protocol(
        f"{LAPTOP.words}, but 10 epochs; m = 4 against m = 64.",
        lambda: _sweeps(LAPTOP),
        CLOSE,
        LAPTOP.close_because,
    ),
    Protocol(
        f"{GPU.words}, but 60 epochs; m = 4 against m = 128.",
        lambda: _sweeps(GPU),
        CLOSE,
        GPU.close_because,
    ),
    "Paired by seed: above batch norm at m = B less 1 point (one of two one-sided tests).",
    decide,
)
