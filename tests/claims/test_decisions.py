"""What a claim asks of paired values: it holds, fails, or stays open, and which one is said."""

from math import isnan

import numpy as np
import pytest

from bkn.claims.base import INCONCLUSIVE, NOT_RUN, NOT_SUPPORTED, RUNNING, SUPPORTED
from bkn.claims.decisions import Part, above_zero, beats, matches, reaches, verdict
from bkn.experiment import Experiment
from bkn.results import Result
from bkn.stats import equivalent, holm, paired
from bkn.sweep import Job

SPREAD = np.array([-0.3, -0.2, -0.1, 0.0, 0.0, 0.1, 0.2, 0.3])  # about a mean, of eight seeds
QUIET, LOUD = 1.0, 10.0
MARGIN = 0.5


def seeds(mean, times=QUIET):
    return dict(enumerate(mean + times * SPREAD))


def zeros(n=8):
    return dict.fromkeys(range(n), 0.0)


def results(*statuses):
    return [Result(Job(Experiment(seed=s)), status, 0, "", {}) for s, status in enumerate(statuses)]


def judged(*comparisons, statuses=("finished",) * 8):
    return verdict(results(*statuses), Part("it is so", comparisons))


@pytest.mark.parametrize(
    ("mean", "times", "holds"),
    [
        (1.0, QUIET, True),
        (0.3, QUIET, True),  # small, but surely above 0
        (-1.0, QUIET, False),
        (0.0, QUIET, False),  # surely too small to matter
        (0.1, QUIET, False),
        (0.3, LOUD, None),
        (-0.5, LOUD, None),
    ],
)
def test_beats(mean, times, holds):
    (test,) = judged(beats("a - b", seeds(mean, times), zeros(), MARGIN)).tests
    assert test.holds is holds
    assert test.effect == pytest.approx(mean)
    expected = paired(list(seeds(mean, times).values()), [0] * 8)
    assert (test.low, test.high) == (expected.t_low, expected.t_high)


@pytest.mark.parametrize(
    ("mean", "times", "holds"),
    [
        (0.0, QUIET, True),
        (0.3, QUIET, True),
        (-0.3, QUIET, True),
        (0.9, QUIET, False),
        (-0.9, QUIET, False),
        (0.5, QUIET, None),
        (0.0, LOUD, None),  # no difference found is not equality
    ],
)
def test_matches(mean, times, holds):
    (test,) = judged(matches("a - b", seeds(mean, times), zeros(), MARGIN)).tests
    assert test.holds is holds
    expected = equivalent(list(seeds(mean, times).values()), [0] * 8, MARGIN)
    assert (test.low, test.high, test.p) == (expected.low, expected.high, expected.p)
    assert test.level == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("mean", "times", "holds"),
    [
        (0.0, QUIET, True),
        (9.0, QUIET, True),  # further ahead is no failure
        (-0.3, QUIET, True),
        (-0.9, QUIET, False),
        (-0.5, QUIET, None),
        (0.0, LOUD, None),
    ],
)
def test_reaches(mean, times, holds):
    (test,) = judged(reaches("a - b", seeds(mean, times), zeros(), MARGIN)).tests
    assert test.holds is holds
    assert (test.low > -MARGIN) == (holds is True)


def test_many_comparisons_are_adjusted_together():
    weak = [beats(f"{k}", seeds(0.24 + k / 1000), zeros(), MARGIN) for k in range(5)]
    alone, together = judged(weak[0]), judged(*weak)
    assert alone.verdict == SUPPORTED
    assert together.tests[0].p > alone.tests[0].p
    assert [t.p for t in together.tests] == pytest.approx(holm([w.p_holds for w in weak]))
    split = verdict(results(*["finished"] * 8), Part("one", weak[:2]), Part("two", weak[2:]))
    assert [t.p for t in split.tests] == [t.p for t in together.tests]


def test_all_must_hold_and_one_failure_refutes():
    good = beats("good", seeds(1.0), zeros(), MARGIN)
    bad = beats("bad", seeds(-1.0), zeros(), MARGIN)
    open_ = beats("open", seeds(0.4, LOUD), zeros(), MARGIN)
    assert judged(good, good).verdict == SUPPORTED
    assert judged(good, bad, open_).verdict == NOT_SUPPORTED
    assert judged(good, open_).verdict == INCONCLUSIVE


def test_parts_have_verdicts_of_their_own_and_the_claim_needs_all():
    good = Part("the first half", [beats("good", seeds(1.0), zeros(), MARGIN)])
    bad = Part("the other half", [matches("bad", seeds(2.0), zeros(), MARGIN)], "steps")
    found = verdict(results(*["finished"] * 8), good, bad)
    assert found.verdict == NOT_SUPPORTED
    assert [part.verdict for part in found.parts] == [SUPPORTED, NOT_SUPPORTED]
    assert (found.effect, found.unit, found.seeds) == (pytest.approx(1.0), "points", 8)
    assert "the first half: supported here. Good: +1.00 points (95% interval" in found.words
    assert "the other half: not supported here. Bad: +2.00 steps (90% interval" in found.words
    assert [test.part for test in found.tests] == ["the first half", "the other half"]


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        (beats("x", seeds(1.0), zeros(), 0.5), "clearly above 0."),
        (beats("x", seeds(0.3), zeros(), 0.2), "clearly above 0."),
        (beats("x", seeds(0.3), zeros(), 0.5), "clearly above 0, though surely less than 0.50."),
        (beats("x", seeds(-1.0), zeros(), 0.5), "clearly below 0."),
        (beats("x", seeds(0.05), zeros(), 0.5), "no gain as large as 0.50."),
        (beats("x", seeds(0.3, LOUD), zeros(), 0.5), "a gain of 0.50 or more and none at all"),
        (matches("x", seeds(0.0), zeros(), 0.5), "equal within 0.50."),
        (matches("x", seeds(-2.0), zeros(), 0.5), "clearly more than 0.50 apart."),
        (matches("x", seeds(0.0, LOUD), zeros(), 0.5), "neither equal within 0.50 nor clearly"),
        (reaches("x", seeds(0.0), zeros(), 0.5), "at most 0.50 behind."),
        (reaches("x", seeds(-2.0), zeros(), 0.5), "clearly more than 0.50 behind."),
        (reaches("x", seeds(0.0, LOUD), zeros(), 0.5), "neither within 0.50 nor clearly further"),
    ],
)
def test_what_followed_is_said(comparison, words):
    assert words in judged(comparison).words


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        (beats("x", seeds(2.0, LOUD), zeros(), 0.5), "by itself above 0; once adjusted"),
        (beats("x", seeds(-1.4, LOUD), zeros(), 0.5), "by itself no gain as large as 0.50; once"),
        (matches("x", seeds(0.0, LOUD), zeros(), 1.6), "by itself equal within 1.60; once adj"),
        (reaches("x", seeds(0.0, LOUD), zeros(), 1.6), "by itself at most 1.60 behind; once"),
        (beats("x", {0: 1.0, 1: 1.1}, zeros(), 0.5), "nothing is decided on fewer than 3 seeds"),
    ],
)
def test_what_adjusting_leaves_open_is_not_denied(comparison, words):
    """The interval shown beside is of one comparison: nobody should read the opposite there."""
    others = [beats("y", seeds(0.0, LOUD), zeros(), 0.5) for _ in range(4)]
    found = judged(comparison, *others)
    assert found.tests[0].holds is None
    assert words in found.words


def test_what_is_shown_only_has_no_say():
    good = beats("good", seeds(1.0), zeros(), MARGIN)
    aside = beats("aside", seeds(-1.0), zeros(), MARGIN, decides=False)
    found = judged(good, aside)
    assert found.verdict == SUPPORTED
    assert found.tests[0].p == judged(good).tests[0].p
    assert [test.decides for test in found.tests] == [True, False]
    assert found.tests[1].holds is False
    assert "aside" not in found.words


def test_nothing_is_decided_before_all_is_done():
    good = beats("good", seeds(1.0), zeros(), MARGIN)
    found = judged(good, statuses=("finished", "diverged", "failed", "waiting"))
    assert found.verdict == NOT_RUN
    assert [job.experiment.seed for job in found.missing] == [3]
    assert "3 of 4 runs are done" in found.words
    assert found.effect == pytest.approx(1.0)  # what is known so far may be shown
    assert judged(good, statuses=("finished", "running")).verdict == RUNNING
    assert judged(good, statuses=("finished", "interrupted")).verdict == NOT_RUN


def test_failed_runs_are_named_and_left_out():
    few = {seed: value for seed, value in seeds(1.0).items() if seed > 2}
    found = judged(beats("good", few, zeros(), MARGIN), statuses=["failed"] * 3 + ["finished"] * 5)
    assert found.verdict == SUPPORTED
    assert found.seeds == 5
    assert len(found.failed) == 3
    assert "3 of 8 runs failed and are left out" in found.words


@pytest.mark.parametrize("ask", [beats, matches, reaches])
def test_two_pairs_decide_nothing(ask):
    same = {0: 1.0, 1: 1.0}
    two = judged(ask("x", same, {0: 1.0, 1: 1.0, 2: 5.0}, MARGIN))
    assert two.verdict == INCONCLUSIVE
    none = judged(ask("x", same, {7: 1.0}, MARGIN))
    assert none.verdict == INCONCLUSIVE
    assert isnan(none.effect)
    assert "too few runs on both sides" in none.words


def test_differences_can_be_given_as_they_are():
    (test,) = judged(above_zero("slope", seeds(1.0), MARGIN)).tests
    assert (test.holds, test.kind, test.wins, test.losses) == (True, "beats", 8, 0)
