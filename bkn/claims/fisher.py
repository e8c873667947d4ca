"""Batch norm lowers the largest eigenvalue of the Fisher matrix."""

from collections.abc import Sequence
from math import log10

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, beats, verdict
from bkn.claims.evidence import Evidence
from bkn.claims.protocols import GPU, LAPTOP, Scale
from bkn.results import Result
from bkn.sweep import Sweep

FACTOR = 0.3  # decades: a factor of two
NETWORKS = ("mlp", "convnet")


def _sweeps(scale: Scale) -> list[Sweep]:
    return [
        scale.sweep(
            ["batch", "none"], networks=NETWORKS, network_options={}, epochs=1, seeds=6,
            diagnose="start",
        )
    ]  # fmt: skip


def steepness(result: Result) -> float | None:
    """Common logarithm of the largest eigenvalue before the first step."""
    value = result.summary.get("fisher")
    return None if not value else log10(value)


def decide(results: Sequence[Result]) -> Verdict:
    """On each network, before the first step."""
    found = Evidence(results)
    drops = [
        beats(
            f"{network}: nothing − batch norm",
            found.of("none", steepness, network=network),
            found.of("batch", steepness, network=network),
            FACTOR,
        )
        for network in NETWORKS
    ]
    return verdict(results, Part("It lowers the largest eigenvalue", drops, "decades"))


BECAUSE = (
    "A factor of two in the eigenvalue is a factor of two in the rate it allows, the least that "
    "one would notice when choosing a rate."
)


CLAIM = Claim(
    "fisher",
    "nature",
    "Batch norm lowers the largest Fisher eigenvalue",
    "Before the first step the largest eigenvalue of the Fisher matrix, which bounds the stable "
    "learning rate, is lower with batch normalization than without. The theory is about wide "
    "networks of random weights, and about the squared error and a scale below about 3; ours is "
    "the matrix of the classifier itself, measured with batch statistics in the graph, at scale 1.",
    "Wei, Stokes & Schwab 2019",
    "https://arxiv.org/abs/1903.02606",
    2019,
    "Theory of wide random networks; MNIST and CIFAR-10, four fully connected layers of 1000 and "
    "three convolutions: loss after 5 epochs over rate and scale.",
    Protocol(
        f"{LAPTOP.words}, the first 6 of them and one epoch; MLP and convnet, m = 64. Power "
        "iteration on the first batch.",
        lambda: _sweeps(LAPTOP),
        FACTOR,
        BECAUSE,
    ),
    Protocol(
        f"{GPU.words}, but the MLP and the convnet, one epoch; power iteration on the first batch.",
        lambda: _sweeps(GPU),
        FACTOR,
        BECAUSE,
    ),
    "Paired by seed: the common logarithm of the eigenvalue is larger without norm, on both "
    "networks.",
    decide,
    "decades",
)
