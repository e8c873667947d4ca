"""Claim, Protocol and Verdict: what a paper says, how it is put to the test here, what came out.

A claim is decided by code that was written before its runs were looked at: `decide` takes results
and gives a verdict. A claim that fails and one that could not be decided are different verdicts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bkn.results import Result
from bkn.sweep import Job, Sweep

SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE = "supported here", "not supported here", "inconclusive"
RUNNING, NOT_RUN = "running", "not run yet"
FEWEST = 3  # pairs; with fewer nothing is decided
VERDICTS = (SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE, RUNNING, NOT_RUN)

TOPICS = {  # in the order of every list
    "kalman": "Kalman normalization",
    "small": "Small batches",
    "nature": "What batch norm does",
    "beyond": "Beyond batch norm",
}


@dataclass(frozen=True)
class Protocol:
    """What is trained to decide a claim.

    Args:
        words: the settings, in a sentence or two, and why they are so.
        make: gives the sweeps; called when they are first asked for, not at import.
        margin: as of Comparison, of the claim's first one,
        reason: why so large: what it means depends on the test images and the steps between tests.
    """

    words: str
    make: Callable[[], Sequence[Sweep]]
    margin: float
    reason: str

    @cached_property
    def sweeps(self) -> tuple[Sweep, ...]:
        return tuple(self.make())

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        """All that is trained, each once; a seed after the other within a sweep."""
        found = {job.id: job for sweep in self.sweeps for job in sweep.jobs}
        return tuple(found.values())


@dataclass(frozen=True)
class Comparison:
    """One comparison of a claim, judged.

    Args:
        part: of the claim, in words; "" where it has one only.
        label: what is compared.
        kind: `beats`, `matches` or `reaches`, see `bkn.claims.decisions`.
        effect: mean over seeds; not a number where there are no pairs.
        low, high: interval of the mean, by Student's t,
        level: at this level.
        margin: `beats`: the smallest gain worth having; else the largest difference allowed.
        p: of its holding by chance, adjusted for all comparisons of the claim.
        holds: None: open.
        n: seeds in which both sides are known,
        wins, losses: in so many the difference was above, below 0.
        unit: of effect, interval and margin.
        decides: False: shown beside the others, without a say in the verdict.
    """

    part: str
    label: str
    kind: str
    effect: float
    low: float
    high: float
    level: float
    margin: float
    p: float
    holds: bool | None
    n: int
    wins: int
    losses: int
    unit: str
    decides: bool = True


@dataclass(frozen=True)
class PartVerdict:
    """What became of one part of a claim."""

    title: str
    verdict: str  # one of VERDICTS
    words: str
    tests: tuple[Comparison, ...]


@dataclass(frozen=True)
class Verdict:
    """What came out.

    Args:
        verdict: one of VERDICTS.
        effect, low, high: of the first comparison, in `unit`; not numbers where it has no pairs.
        words: a sentence or more.
        parts: each with its own verdict; a claim is supported if all its parts are.
        missing: jobs that are not done.
        failed: jobs that ended with an error; they are left out.
        seeds: that the first comparison rests on.
    """

    verdict: str
    effect: float
    low: float
    high: float
    unit: str
    words: str
    parts: tuple[PartVerdict, ...] = ()
    missing: tuple[Job, ...] = ()
    failed: tuple[Job, ...] = ()
    seeds: int = 0

    @property
    def tests(self) -> tuple[Comparison, ...]:
        return tuple(test for part in self.parts for test in part.tests)


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper that can be put to the test.

    Args:
        key: names it on the command line.
        topic: key of TOPICS.
        title: in a few words.
        words: the claim in our words; also what is known to matter for it here.
        source: citation in short.
        url: of the paper.
        year: of the paper.
        paper_protocol: how the paper tested it.
        laptop: how we do, within minutes.
        gpu: the same closer to the paper.
        test: what decides, in words.
        decide: results of a protocol's jobs, with curves -> verdict.
        unit: of the first comparison.
    """

    key: str
    topic: str
    title: str
    words: str
    source: str
    url: str
    year: int
    paper_protocol: str
    laptop: Protocol
    gpu: Protocol
    test: str
    decide: Callable[[Sequence[Result]], Verdict] = field(repr=False)
    unit: str = "points"

    def protocol(self, name: str) -> Protocol:
        """The protocol of that name: laptop or gpu.

        Raises:
            ValueError: for another name.
        """
        known = {"laptop": self.laptop, "gpu": self.gpu}
        if name not in known:
            raise ValueError(f"protocol must be laptop or gpu, got {name!r}")
        return known[name]
