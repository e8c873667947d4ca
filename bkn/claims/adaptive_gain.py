"""The adaptive gain trains better than both fixed gains of the authors."""

from collections.abc import Sequence

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, beats, verdict
from bkn.claims.evidence import Evidence
from bkn.claims.protocols import GPU, LAPTOP, WORTH, Scale
from bkn.results import Result
from bkn.sweep import Sweep

ADAPTIVE = "kalman:gain=adaptive"
FIXED = {"0.1": "kalman", "0.95": "kalman:gain=0.95"}  # the authors', small and large batches


def _sweeps(scale: Scale) -> list[Sweep]:
    return [scale.sweep([ADAPTIVE, *FIXED.values()], micro_batches=(2, scale.batch))]


def decide(results: Sequence[Result]) -> Verdict:
    """Against each fixed gain, at two images per statistic and at whole batches."""
    found = Evidence(results)
    parts = []
    for m in found.values("micro_batch"):
        ours = found.of(ADAPTIVE, micro_batch=m)
        against = [
            beats(f"adaptive − {gain} at m = {m}", ours, found.of(fixed, micro_batch=m), WORTH)
            for gain, fixed in FIXED.items()
        ]
        parts.append(Part(f"It is better at m = {m}", against))
    return verdict(results, *parts)


CLAIM = Claim(
    "adaptive_gain",
    "kalman",
    "The adaptive gain beats both fixed gains",
    "A gain that is computed from the uncertainties, as a Kalman filter does it, trains better "
    "than the fixed gains of the authors: 0.1, which they use for micro-batches, and 0.95, for "
    "large ones; at micro-batches of two images and at whole batches. This claim is ours. Its "
    "estimates are far better (README); this is about the accuracy that follows.",
    "BKN Lab, this repository; the filter of Wang, Peng, Luo, Wang & Lin 2018",
    "https://arxiv.org/abs/1802.03133",
    2026,
    "None: the paper's gains are fixed numbers.",
    Protocol(
        f"{LAPTOP.words}; m = 2 and 64.", lambda: _sweeps(LAPTOP), WORTH, LAPTOP.worth_because
    ),
    Protocol(f"{GPU.words}; m = 2 and 128.", lambda: _sweeps(GPU), WORTH, GPU.worth_because),
    "Paired by seed: adaptive is above each fixed gain at each m; four comparisons.",
    decide,
)
