"""Kalman norm needs fewer steps than batch norm."""

from collections.abc import Sequence

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, above_zero, verdict
from bkn.claims.evidence import Evidence
from bkn.claims.protocols import GPU, LAPTOP, Scale
from bkn.pace import steps_between_tests
from bkn.results import Result
from bkn.sweep import Sweep

UNSEEN = "Tests are {:g} steps apart: less cannot be seen."


def _sweeps(scale: Scale) -> list[Sweep]:
    return [scale.sweep(["batch", "kalman"], micro_batches=(2,), epochs=scale.long)]


def saved(batch: Result, kalman: Result) -> float | None:
    """Steps that Kalman norm needs less than batch norm to batch norm's own final accuracy.

    A run that never gets there counts with all its steps, which is less than it would need.
    """
    if batch.accuracy is None:
        return None
    needed = [one.steps_to(batch.accuracy) for one in (batch, kalman)]
    if needed[0] is None or needed[1] is None:
        return None
    most = batch.job.experiment.steps
    return min(needed[0], most) - min(needed[1], most)


def between_tests(results: Sequence[Result]) -> float:
    """Steps from test to test: of less nothing can be seen."""
    one = results[0].job.experiment
    return float(steps_between_tests(one.dataset_card.test, one.step_images))


def decide(results: Sequence[Result]) -> Verdict:
    """By seed, the steps until a test first shows batch norm's own final accuracy."""
    found = Evidence(results)
    batch, kalman = found.runs("batch"), found.runs("kalman")
    gains = {seed: saved(batch[seed], kalman[seed]) for seed in batch.keys() & kalman.keys()}
    known = {seed: gain for seed, gain in gains.items() if gain is not None}
    label = "steps saved until batch norm's final accuracy"
    return verdict(
        results,
        Part("It is faster", [above_zero(label, known, between_tests(results))], "steps"),
    )


CLAIM = Claim(
    "kalman_speed",
    "kalman",
    "Kalman norm converges in fewer steps",
    "With two images per statistic Kalman normalization arrives in fewer steps at the test "
    "accuracy that batch normalization ends with.",
    "Wang, Peng, Luo, Wang & Lin 2018",
    "https://arxiv.org/abs/1802.03133",
    2018,
    "ImageNet and CIFAR-10: validation curves of Kalman norm and batch norm side by side, over "
    "steps, with the same schedule.",
    Protocol(
        f"{LAPTOP.words}, but 10 epochs (210 steps, a test every 14); m = 2. The rate falls on "
        "the same schedule for both, so that most of the way is taken near its end.",
        lambda: _sweeps(LAPTOP),
        LAPTOP.between_tests,
        UNSEEN.format(LAPTOP.between_tests),
    ),
    Protocol(
        f"{GPU.words}, but 60 epochs; m = 2.",
        lambda: _sweeps(GPU),
        GPU.between_tests,
        UNSEEN.format(GPU.between_tests),
    ),
    "Paired by seed: the steps saved until a test first shows batch norm's final accuracy are "
    "above 0. A run that never gets there counts with all its steps.",
    decide,
    "steps",
)
