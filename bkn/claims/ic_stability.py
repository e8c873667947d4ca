"""Norm and dropout in front of the weights train more stably than batch norm before ReLU."""

from collections.abc import Sequence

import numpy as np

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, beats, verdict
from bkn.claims.evidence import Evidence
from bkn.claims.protocols import GPU, LAPTOP, Scale
from bkn.results import Result
from bkn.sweep import Sweep

WARM_UP = 0.3  # share of the steps in which the rate rises
CALMER = 0.2  # points: a test image of digits


def _sweeps(scale: Scale) -> list[Sweep]:
    return [scale.sweep(["batch", "ic"], epochs=scale.long)]


def restlessness(result: Result) -> float | None:
    """How far the test accuracy goes back and forth from test to test after warm-up, in points.

    The mean size of the changes, less the net way that they lead: a curve that only rises has 0,
    however steep it is. A run that diverges ends with guessing.
    """
    if result.curve is None or result.accuracy is None:
        return None
    late = result.curve.steps >= WARM_UP * result.job.experiment.steps
    accuracy = list(100 * result.curve.accuracy[late])
    if result.status == "diverged":
        accuracy.append(100 * result.accuracy)
    changes = np.diff(accuracy)
    if not len(changes):
        return None
    return float((np.abs(changes).sum() - abs(changes.sum())) / len(changes))


def decide(results: Sequence[Result]) -> Verdict:
    """Restlessness of both; the final accuracies are shown beside it."""
    found = Evidence(results)
    calmer = beats(
        "restlessness: batch norm − IC",
        found.of("batch", restlessness), found.of("ic", restlessness), CALMER,
    )  # fmt: skip
    better = beats("accuracy: IC − batch norm", found.of("ic"), found.of("batch"), 0.5, False)
    return verdict(results, Part("Its curve is calmer", [calmer, better]))


CLAIM = Claim(
    "ic_stability",
    "nature",
    "Norm and dropout before the weights train more stably",
    "Batch normalization and a little dropout directly in front of each weight layer (an IC layer) "
    "train more stably than batch normalization behind it and before the ReLU. Stable means here "
    "that the test accuracy goes back and forth less from one test to the next once the warm-up is "
    "over: that is what the paper shows in its curves, and it is not the same as a good end.",
    "Chen, Chen, Shi, Hsieh, Liao & Zhang 2019",
    "https://arxiv.org/abs/1905.05928",
    2019,
    "CIFAR-10, CIFAR-100 and ImageNet, ResNets with IC layers against the usual order: test "
    "accuracy by epoch, drop rate 0.05.",
    Protocol(
        f"{LAPTOP.words}, but 10 epochs (210 steps, a test every 14); m = 64.",
        lambda: _sweeps(LAPTOP),
        CALMER,
        "One of the 447 test images, from test to test.",
    ),
    Protocol(
        f"{GPU.words}, but 60 epochs; m = 128.",
        lambda: _sweeps(GPU),
        CALMER,
        "Twenty of the 10,000 test images, from test to test.",
    ),
    "Paired by seed: the mean size of the changes of the test accuracy from test to test after the "
    "warm-up, less their net way, is larger with batch norm.",
    decide,
)
