"""The three questions that a claim may ask of paired values, and how they are decided.

`beats`: is the mean difference above 0? It holds if Student's t says so, however small it is. Else
it fails if the interval lies below the smallest gain worth having: then the claim is wrong, not
merely unproven. Between the two it is open.

`matches`: is it within ±margin? It holds by two one-sided tests (TOST), fails if the interval lies
wholly beyond the margin.

`reaches`: is it above -margin, however far? One of those two tests.

Where a claim makes several comparisons their p values are adjusted by Holm. All must hold; one
that fails refutes the claim.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from bkn.claims.base import (
    FEWEST,
    INCONCLUSIVE,
    NOT_RUN,
    NOT_SUPPORTED,
    RUNNING,
    SUPPORTED,
    Comparison,
    PartVerdict,
    Verdict,
)
from bkn.claims.words import outcome
from bkn.results import Result
from bkn.stats import LEVEL, equivalent, holm, mean_interval, p_value
from bkn.store.schema import ACTIVE
from bkn.store.sweeps import DONE

ALPHA = 1 - LEVEL

BySeed = Mapping[int, float]  # seed: value


@dataclass(frozen=True)
class Measured:
    """One comparison before it is judged beside the others."""

    label: str
    kind: str
    margin: float
    effect: float
    low: float
    high: float
    level: float
    n: int
    wins: int
    losses: int
    p_holds: float  # of holding by chance
    p_fails: float  # of failing by chance
    decides: bool = True


@dataclass(frozen=True)
class Part:
    """Comparisons that stand or fall together."""

    title: str
    comparisons: Sequence[Measured]
    unit: str = "points"


def beats(label: str, a: BySeed, b: BySeed, margin: float, decides: bool = True) -> Measured:
    """Is a - b above 0?

    Args:
        label: what is compared, in words.
        a, b: values by seed.
        margin: the smallest gain worth having.
        decides: False: to be shown only.
    """
    d = _differences(a, b)
    holds, fails = _p_above(d, 0.0), _p_below(d, margin)
    return _measured(label, "beats", margin, d, LEVEL, holds, fails, decides)


def above_zero(label: str, values: BySeed, margin: float, decides: bool = True) -> Measured:
    """`beats` for values that are differences already."""
    return beats(label, values, dict.fromkeys(values, 0.0), margin, decides)


def matches(label: str, a: BySeed, b: BySeed, margin: float, decides: bool = True) -> Measured:
    """Is a - b within ±margin?"""
    d = _differences(a, b)
    holds = equivalent(d, [0.0] * len(d), margin, ALPHA).p if len(d) > 1 else 1.0
    fails = min(_p_above(d, margin), _p_below(d, -margin))
    return _measured(label, "matches", margin, d, 1 - 2 * ALPHA, holds, fails, decides)


def reaches(label: str, a: BySeed, b: BySeed, margin: float, decides: bool = True) -> Measured:
    """Is a - b above -margin?"""
    d = _differences(a, b)
    above, fails = _p_above(d, -margin), _p_below(d, -margin)
    holds = above / 2 if above < 1 else 1.0  # one-sided
    return _measured(label, "reaches", margin, d, 1 - 2 * ALPHA, holds, fails, decides)


def verdict(results: Sequence[Result], *parts: Part) -> Verdict:
    """Judge all comparisons of a claim together.

    Args:
        results: of all its jobs.
        parts: the first comparison of the first one is the claim's effect.
    """
    missing = tuple(r.job for r in results if r.status not in DONE)
    failed = tuple(r.job for r in results if r.status == "failed")
    judged = _judge(parts)
    verdicts = [_together(test.holds for test in tests if test.decides) for tests in judged]
    if missing:
        active = any(r.status in ACTIVE for r in results)
        verdicts = [RUNNING if active else NOT_RUN] * len(parts)
    stories = tuple(
        PartVerdict(
            part.title, one, " ".join(outcome(test) for test in tests if test.decides), tests
        )
        for part, one, tests in zip(parts, verdicts, judged, strict=True)
    )
    first = stories[0].tests[0]
    whole = RUNNING if RUNNING in verdicts else NOT_RUN if NOT_RUN in verdicts else _all(verdicts)
    return Verdict(
        whole, first.effect, first.low, first.high, first.unit,
        _words(whole, stories, len(results), len(missing), len(failed)),
        stories, missing, failed, first.n,
    )  # fmt: skip


def _judge(parts: Sequence[Part]) -> list[tuple[Comparison, ...]]:
    everything = [one for part in parts for one in part.comparisons if one.decides]
    holding = dict(zip(map(id, everything), holm([m.p_holds for m in everything]), strict=True))
    failing = dict(zip(map(id, everything), holm([m.p_fails for m in everything]), strict=True))

    def judged(part: Part, m: Measured) -> Comparison:
        p, against = holding.get(id(m), m.p_holds), failing.get(id(m), m.p_fails)
        enough = m.n >= FEWEST
        holds = True if enough and p <= ALPHA else False if enough and against <= ALPHA else None
        return Comparison(
            part.title if len(parts) > 1 else "", m.label, m.kind, m.effect, m.low, m.high,
            m.level, m.margin, p, holds, m.n, m.wins, m.losses, part.unit, m.decides,
        )  # fmt: skip

    return [tuple(judged(part, one) for one in part.comparisons) for part in parts]


def _together(outcomes: Iterable[bool | None]) -> str:
    """Supported if all hold; not supported if any fails."""
    found = list(outcomes)
    if False in found:
        return NOT_SUPPORTED
    return INCONCLUSIVE if None in found else SUPPORTED


def _all(verdicts: Sequence[str]) -> str:
    as_outcomes = {SUPPORTED: True, NOT_SUPPORTED: False, INCONCLUSIVE: None}
    return _together(as_outcomes[one] for one in verdicts)


def _words(whole: str, parts: Sequence[PartVerdict], jobs: int, missing: int, failed: int) -> str:
    if whole in (RUNNING, NOT_RUN):
        return f"{jobs - missing} of {jobs} runs are done; it is decided when all are."
    several = len(parts) > 1
    told = [f"{part.title}: {part.verdict}. {part.words}" if several else part.words
            for part in parts]  # fmt: skip
    if failed:
        told.append(f"{failed} of {jobs} runs failed and are left out.")
    return " ".join(told)


def _differences(a: BySeed, b: BySeed) -> list[float]:
    """Of the seeds that both have."""
    return [a[seed] - b[seed] for seed in sorted(set(a) & set(b))]


def _p_above(d: Sequence[float], bound: float) -> float:
    """Two-sided p of a mean above a bound; 1 where it is not above, or not known."""
    return p_value(d, bound) if len(d) > 1 and np.mean(d) > bound else 1.0


def _p_below(d: Sequence[float], bound: float) -> float:
    return _p_above([-value for value in d], -bound)


def _measured(
    label: str,
    kind: str,
    margin: float,
    d: Sequence[float],
    level: float,
    holds: float,
    fails: float,
    decides: bool,
) -> Measured:
    wins, losses = sum(value > 0 for value in d), sum(value < 0 for value in d)
    effect, low, high = nan, nan, nan
    if len(d) > 1:
        t = mean_interval(d, level)
        effect, low, high = t.mean, t.low, t.high
    return Measured(
        label, kind, margin, effect, low, high, level, len(d), wins, losses, holds, fails, decides
    )
