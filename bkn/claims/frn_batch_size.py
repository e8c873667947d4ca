"""The accuracy of filter response norm does not depend on the batch size."""

from collections.abc import Sequence
from itertools import combinations

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, matches, verdict
from bkn.claims.evidence import Evidence
from bkn.claims.protocols import CLOSE, GPU, LAPTOP, Scale
from bkn.results import Result
from bkn.sweep import Sweep

FRACTIONS = (1, 4, 16)  # of the usual batch


def _sweeps(scale: Scale) -> list[Sweep]:
    return [
        scale.sweep(["frn"], batches=(scale.batch // by,), lrs=(scale.lr / by,)) for by in FRACTIONS
    ]


def decide(results: Sequence[Result]) -> Verdict:
    """Equivalence of every two batch sizes, those furthest apart first."""
    found = Evidence(results)
    at = {batch: found.of("frn", batch=batch) for batch in found.values("batch")}
    pairs = sorted(combinations(at, 2), key=lambda pair: pair[0] / pair[1])
    equal = [matches(f"B = {a} − B = {b}", at[a], at[b], CLOSE) for a, b in pairs]
    return verdict(results, Part("All are equal", equal))


CLAIM = Claim(
    "frn_batch_size",
    "small",
    "Filter response norm does not care about the batch size",
    "With filter response normalization the final accuracy is the same whatever the batch size, at "
    "a fixed number of epochs and a learning rate in proportion to the batch.",
    "Singh & Krishnan 2019",
    "https://arxiv.org/abs/1911.09737",
    2019,
    "ImageNet, ResNetV2-50 and InceptionV3, 2 to 32 images per GPU on 8 GPUs; learning rate "
    "scaled with the batch, equal epochs.",
    Protocol(
        f"{LAPTOP.words}, but B = 64, 16 and 4 with peaks of 0.05, 0.0125 and 0.003125: equal "
        "epochs, so 84, 336 and 1,348 steps.",
        lambda: _sweeps(LAPTOP),
        CLOSE,
        LAPTOP.close_because,
    ),
    Protocol(
        f"{GPU.words}, but B = 128, 32 and 8 with peaks of 0.1, 0.025 and 0.00625.",
        lambda: _sweeps(GPU),
        CLOSE,
        GPU.close_because,
    ),
    "Paired by seed (the same initial weights): two one-sided t tests that the difference lies "
    "within ±1 point, for every two of the three batch sizes.",
    decide,
)
