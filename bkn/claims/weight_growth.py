"""Under batch norm weights grow without decay; rescaling them does as well as decay."""

from collections.abc import Sequence

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, above_zero, beats, reaches, verdict
from bkn.claims.evidence import Evidence
from bkn.claims.protocols import CLOSE, GPU, LAPTOP, Scale
from bkn.results import Result
from bkn.sweep import Sweep

GROWN = 1.0  # %


def _sweeps(scale: Scale, decay: float) -> list[Sweep]:
    return [
        scale.sweep(["batch"], weight_decay=0.0),
        scale.sweep(["batch"], weight_decay=0.0, epochs=scale.long),
        scale.sweep(["batch", "weight_rescaling"], weight_decay=decay, epochs=scale.long),
    ]


def growth(result: Result) -> float | None:
    """Of the weights' norms from start to end, in %."""
    start, end = (result.summary.get(f"weight_norm_{when}") for when in ("start", "end"))
    return None if not start or end is None else 100 * (end / start - 1)


def decide(results: Sequence[Result]) -> Verdict:
    """Growth of the norms by length of training and decay; accuracies with decay and rescaling."""
    found = Evidence(results)
    short, long = found.values("epochs", "batch")
    least, decay = found.values("weight_decay", "batch")
    early = found.of("batch", growth, epochs=short, weight_decay=least)
    late = found.of("batch", growth, epochs=long, weight_decay=least)
    decayed = found.of("batch", growth, epochs=long, weight_decay=decay)
    accuracy = found.of("batch", epochs=long, weight_decay=decay)
    return verdict(
        results,
        Part(
            "Without decay the weights keep growing",
            [
                above_zero("growth after the short training", early, GROWN),
                beats("growth: long − short training", late, early, GROWN),
                beats("growth: without − with decay", late, decayed, GROWN),
            ],
            "%",
        ),
        Part(
            "Rescaling does as well as decay",
            [
                reaches("rescaling − decay", found.of("weight_rescaling"), accuracy, CLOSE),
                beats(
                    "decay − none", accuracy,
                    found.of("batch", epochs=long, weight_decay=least), CLOSE, decides=False,
                ),
            ],
        ),
    )  # fmt: skip


CLAIM = Claim(
    "weight_growth",
    "nature",
    "Under batch norm weights grow; rescaling does as well as decay",
    "A filter's length changes nothing behind batch normalization, but every step makes it longer, "
    "so without weight decay the weights keep growing. Bringing each filter back to length one "
    "after every step replaces the decay.",
    "Liu, Cui, Wan, Mao & Chan 2021",
    "https://arxiv.org/abs/2102.03497",
    2021,
    "Image classification, detection and segmentation with rescaling against weight decay; we "
    "have not checked the paper's numbers.",
    Protocol(
        f"{LAPTOP.words}, and 10 epochs; m = 64. Weight decay 0.005, 25 times this lab's usual "
        "one, because a training here is hundreds of times shorter than one that needs decay; "
        "beside rescaling it acts on the classifier alone.",
        lambda: _sweeps(LAPTOP, 0.005),
        GROWN,
        f"Norms that change by 1 % change the effect of a step by 2 %. {LAPTOP.close_because}",
    ),
    Protocol(
        f"{GPU.words}, and 60 epochs; weight decay 0.0005.",
        lambda: _sweeps(GPU, 5e-4),
        GROWN,
        f"Norms that change by 1 % change the effect of a step by 2 %. {GPU.close_because}",
    ),
    "Paired by seed, geometric means of the norms of all weights but the classifier's: they are "
    "larger after the short training than before, larger still after the long one, and larger than "
    "with decay; the accuracy with rescaling is above that with decay less 1 point.",
    decide,
    "%",
)
