"""Intervals and tests equal scipy's and those by hand, and keep their promise in simulations."""

import numpy as np
import pytest
from scipy import stats as reference

from bkn import stats
from bkn.stats import bootstrap, equivalent, holm, mean_interval, paired, sign_test

A = [0.95, 0.97, 0.96, 0.99, 0.91, 0.96]
B = [0.94, 0.97, 0.93, 0.95, 0.92, 0.90]
GAPS = np.subtract(A, B)


def test_the_t_interval_is_scipys():
    s = mean_interval(A)
    expected = reference.ttest_1samp(A, 0).confidence_interval(0.95)
    assert (s.low, s.high) == pytest.approx((expected.low, expected.high))
    assert (s.mean, s.sd, s.n) == pytest.approx((np.mean(A), np.std(A, ddof=1), 6))
    assert s.half == pytest.approx((s.high - s.low) / 2)


def test_the_t_interval_by_hand():
    # Mean 2, sd 1, n 3: half is t(0.975, 2) / sqrt(3) = 4.3027 / 1.7321.
    s = mean_interval([1.0, 2.0, 3.0])
    assert (s.low, s.high) == pytest.approx((2 - 2.4841, 2 + 2.4841), abs=1e-4)


def test_paired_is_the_test_of_the_differences():
    p = paired(A, B)
    expected = reference.ttest_rel(A, B)
    interval = expected.confidence_interval(0.95)
    assert p.p == pytest.approx(expected.pvalue)
    assert (p.t_low, p.t_high) == pytest.approx((interval.low, interval.high))
    assert (p.n, p.mean, p.sd) == pytest.approx((6, GAPS.mean(), GAPS.std(ddof=1)))
    assert (p.wins, p.losses, p.ties) == (4, 1, 1)
    assert p.sign_p == pytest.approx(reference.binomtest(4, 5).pvalue)


def test_the_p_value_is_that_of_one_sample():
    assert stats.p_value(A, 0.9) == pytest.approx(reference.ttest_1samp(A, 0.9).pvalue)
    assert stats.p_value(GAPS) == paired(A, B).p
    assert stats.p_value([1.0, 1.0], 1.0) == 1
    assert stats.p_value([1.0, 1.0], 0.5) == 0


def test_pairs_tell_what_two_groups_cannot():
    seeds = np.linspace(0.5, 0.9, 6)  # what a seed is worth, for both
    gains = [0.01, 0.012, 0.008, 0.01, 0.011, 0.009]
    better = paired(seeds + np.array(gains), seeds)
    assert better.t_low > 0.008
    assert better.p < 1e-4


def test_other_levels_and_swapped_sides():
    narrow, wide = paired(A, B, level=0.8), paired(A, B)
    assert wide.t_low < narrow.t_low < narrow.t_high < wide.t_high
    assert wide.low < narrow.low < narrow.high < wide.high
    swapped = paired(B, A)
    assert (swapped.t_low, swapped.t_high) == pytest.approx((-wide.t_high, -wide.t_low))
    assert (swapped.wins, swapped.losses) == (wide.losses, wide.wins)


def test_the_bootstrap_is_scipys():
    skewed = np.random.default_rng(1).exponential(size=25)
    expected = reference.bootstrap((skewed,), np.mean, n_resamples=20_000).confidence_interval
    spread = np.ptp(skewed)
    low, high = bootstrap(skewed)
    assert low == pytest.approx(expected.low, abs=0.02 * spread)
    assert high == pytest.approx(expected.high, abs=0.02 * spread)
    assert bootstrap(skewed) == (low, high)  # the same seed, the same bits
    assert bootstrap(skewed, seed=1) != (low, high)
    mean = skewed.mean()
    assert high - mean > 1.1 * (mean - low)  # it follows the skew, which Student's t cannot


def test_equal_differences_have_no_width():
    p = paired([0.9, 0.8, 0.7], [0.5, 0.4, 0.3])
    assert (p.t_low, p.t_high) == pytest.approx((0.4, 0.4))
    assert p.p == pytest.approx(0, abs=1e-12)
    same = paired([0.9, 0.8], [0.9, 0.8])
    assert (same.low, same.high, same.p, same.sign_p, same.ties) == (0, 0, 1, 1, 2)


@pytest.mark.parametrize("n", [5, 20])
def test_intervals_cover_the_truth_as_often_as_they_say(n):
    rng = np.random.default_rng(0)
    hit = {"t": 0, "bootstrap": 0}
    trials = 400
    for values in rng.normal(0.3, 1.0, (trials, n)):
        p = paired(values, np.zeros(n))
        hit["t"] += p.t_low <= 0.3 <= p.t_high
        hit["bootstrap"] += p.low <= 0.3 <= p.high
    assert hit["t"] / trials == pytest.approx(0.95, abs=0.03)
    # Known: with few values a bootstrap is too narrow, which is why claims go by t.
    assert hit["bootstrap"] / trials == pytest.approx(0.84 if n == 5 else 0.92, abs=0.04)


def test_equivalence_by_hand():
    # Mean 0.1, sd 0.1, n 4: error 0.05; t = (0.1 - 0.3) / 0.05 = -4 and (0.1 + 0.3) / 0.05 = 8.
    d = np.array([0.0, 0.1, 0.1, 0.2]) * 1.5**0.5 + 0.1 * (1 - 1.5**0.5)
    e = equivalent(d, np.zeros(4), margin=0.3)
    assert e.p == pytest.approx(reference.t.cdf(-4, 3))
    assert e.equivalent
    half = 0.05 * reference.t.ppf(0.95, 3)
    assert (e.low, e.high) == pytest.approx((0.1 - half, 0.1 + half))
    assert not equivalent(d, np.zeros(4), margin=0.2).equivalent  # t = -2: p 0.07


@pytest.mark.parametrize("margin", [0.05, 0.0999, 0.1001, 0.2])
def test_equivalence_is_the_interval_within_the_margin(margin):
    d = np.linspace(-0.02, 0.08, 8)
    e = equivalent(d, np.zeros(8), margin)
    assert e.equivalent == (-margin < e.low and e.high < margin)
    assert equivalent(-d, np.zeros(8), margin).equivalent == e.equivalent


def test_no_difference_found_is_not_equivalence():
    noisy = [0.3, -0.25, 0.1, -0.2, 0.05]
    assert paired(noisy, [0] * 5).p > 0.5
    assert not equivalent(noisy, [0] * 5, margin=0.1).equivalent


def test_different_things_are_seldom_called_equivalent():
    rng = np.random.default_rng(0)
    at_the_margin = rng.normal(0.5, 1.0, (1000, 10))
    called = sum(equivalent(d, np.zeros(10), 0.5).equivalent for d in at_the_margin)
    assert called / 1000 <= 0.05 + 0.02


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1, and never below an earlier one.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_holm_keeps_the_chance_of_any_false_alarm():
    p_values = np.random.default_rng(0).uniform(size=(2000, 6))
    assert (p_values.min(1) < 0.05).mean() > 0.2  # without it
    assert np.mean([min(holm(row)) < 0.05 for row in p_values]) <= 0.05 + 0.015


def test_wins_and_losses():
    assert sign_test(10, 0) == pytest.approx(2 / 1024)
    assert sign_test(3, 3) == 1
    assert sign_test(0, 0) == 1
    assert sign_test(1, 9) == sign_test(9, 1) == pytest.approx(reference.binomtest(9, 10).pvalue)


def test_one_seed_orders_nothing():
    assert not stats.may_order([2, 1])
    assert stats.may_order([2, 2])
    with pytest.raises(ValueError, match="single seed, chance decides"):
        stats.order({"batch": [0.9, 0.91], "group": [0.95]})
    assert stats.order({"batch": [0.9, 0.91], "group": [0.95, 0.9]}) == ["group", "batch"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: paired([1.0], [2.0]), "pairs must be at least 2 to be compared, got 1"),
        (lambda: paired([1, 2, 3], [1, 2]), "a and b must be pairs, got 3 and 2 values"),
        (lambda: paired([1, np.nan], [1, 2]), "a must be a list of finite numbers"),
        (lambda: equivalent([1, 2], [1, np.inf], 1), "b must be a list of finite numbers"),
        (lambda: equivalent([1, 2], [1, 2], 0), "margin must be above 0, got 0"),
        (lambda: mean_interval([1.0]), "values must be at least 2 to have an interval, got 1"),
        (lambda: bootstrap([1.0]), "values must be at least 2 to have an interval, got 1"),
        (lambda: mean_interval([[1.0, 2.0]]), "values must be a list of finite numbers"),
        (lambda: paired(["high", "low"], [1, 2]), "a must be a list of finite numbers"),
        (lambda: mean_interval([1, 2], level=95), "level must lie between 0 and 1, got 95"),
        (lambda: paired([1, 2], [3, 5], level=0), "level must lie between 0 and 1, got 0"),
        (lambda: bootstrap([1, 2], level=1.0), "level must lie between 0 and 1, got 1.0"),
        (lambda: equivalent([1, 2], [1, 2], 1, alpha=5), "alpha must lie between 0 and 0.5, got 5"),
        (lambda: equivalent([1, 2], [1, 2], np.nan), "margin must be above 0, got nan"),
        (lambda: holm([np.nan, 0.01]), "p values must lie in .0, 1., got nan"),
        (lambda: holm(["a"]), "p values must lie in .0, 1., got 'a'"),
        (lambda: paired([1, 2], [3, 5], seed="x"), "seed must be a whole number of at least 0"),
        (lambda: bootstrap([1, 2], seed=-1), "seed must be a whole number of at least 0, got -1"),
        (lambda: sign_test(1.5, 2), "wins and losses must be counts, got 1.5 and 2"),
        (lambda: holm([0.01, 2]), "p values must lie in .0, 1., got 2"),
        (lambda: sign_test(-1, 3), "wins and losses must be counts, got -1 and 3"),
        (lambda: stats.order({"batch": [0.9, np.nan], "group": [1, 1]}), "batch must be a list of"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()
