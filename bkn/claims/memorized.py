"""Memorized batch norm helps at micro-batches of two."""

from collections.abc import Sequence

from bkn.claims.base import Claim, Protocol, Verdict
from bkn.claims.decisions import Part, beats, verdict
from bkn.claims.evidence import Evidence
from bkn.claims.protocols import GPU, LAPTOP, WORTH, Scale
from bkn.results import Result
from bkn.sweep import Sweep


def _sweeps(scale: Scale) -> list[Sweep]:
    return [scale.sweep(["batch", "memorized"], micro_batches=(2,))]


def decide(results: Sequence[Result]) -> Verdict:
    """The gap at two images per statistic."""
    found = Evidence(results)
    ours, batch = found.of("memorized"), found.of("batch")
    gap = beats("memorized − batch norm at m = 2", ours, batch, WORTH)
    return verdict(results, Part("It helps", [gap]))


CLAIM = Claim(
    "memorized",
    "small",
    "Memorized batch norm helps at small batches",
    "Averaging the statistics of the last few batches, refreshed by a second forward pass after "
    "each step, makes training with two images per statistic more accurate than batch "
    "normalization. How many batches and with what weights is our choice: the paper's values are "
    "not known to us.",
    "Guo, Wu, Deng, Chen & Tan 2018",
    "https://arxiv.org/abs/2010.04947",
    2018,
    "Image classification with small batches against batch norm and batch renorm; we have not "
    "checked the paper's numbers.",
    Protocol(f"{LAPTOP.words}; m = 2.", lambda: _sweeps(LAPTOP), WORTH, LAPTOP.worth_because),
    Protocol(f"{GPU.words}; m = 2.", lambda: _sweeps(GPU), WORTH, GPU.worth_because),
    "Paired by seed: the difference is above 0.",
    decide,
)
