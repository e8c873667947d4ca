"""Faults in the statistics: intervals, tests, corrections, and the order of methods."""

from tests.faults import Fault

FILE, TESTS = "bkn/stats.py", "tests/test_stats.py"

FAULTS = [
    Fault(
        FILE,
        "if wrong := [p for p in p_values if not isinstance(p, Real) or not 0 <= p <= 1]:",
        "if wrong := [p for p in p_values if p < 0 or p > 1]:",
        f"{TESTS}::test_what_cannot_be_compared_is_refused_in_words",
        "a p value that is no number passes, and the others become 1",
    ),
    Fault(
        FILE,
        "half = float(special.stdtrit(len(numbers) - 1, (1 + level) / 2)) * error",
        "half = float(special.ndtri((1 + level) / 2)) * error",
        f"{TESTS}::test_the_t_interval_by_hand",
        "a normal quantile in place of Student's, too narrow for few seeds",
    ),
    Fault(
        FILE,
        "    return x - y\n",
        "    return np.sort(x) - np.sort(y)\n",
        f"{TESTS}::test_paired_is_the_test_of_the_differences",
        "values are paired by rank in place of seed",
    ),
    Fault(
        FILE,
        "return Equivalence(t.mean, t.low, t.high, margin, p, p < alpha)",
        "return Equivalence(t.mean, t.low, t.high, margin, p, abs(t.mean) < margin)",
        f"{TESTS}::test_no_difference_found_is_not_equivalence",
        "a small mean difference counts as equivalence, however uncertain",
    ),
    Fault(
        FILE,
        "    p = max(_tails(t.mean + margin",
        "    p = min(_tails(t.mean + margin",
        f"{TESTS}::test_equivalence_by_hand",
        "one of the two one-sided tests is enough",
    ),
    Fault(
        FILE,
        "min(1.0, (count - rank) * p_values[place])",
        "min(1.0, p_values[place])",
        f"{TESTS}::test_holm_keeps_the_chance_of_any_false_alarm",
        "many comparisons are not corrected for",
    ),
    Fault(
        FILE,
        "highest = max(highest, min(",
        "highest = max(0.0, min(",
        f"{TESTS}::test_holm_by_hand",
        "a larger p value is adjusted to a smaller one",
    ),
    Fault(
        FILE,
        "(bias + z / (1 - acceleration * z))",
        "(z)",
        f"{TESTS}::test_the_bootstrap_is_scipys",
        "the bootstrap does not follow the skew",
    ),
    Fault(
        FILE,
        "return all(count >= FEWEST for count in seeds)",
        "return any(count >= FEWEST for count in seeds)",
        f"{TESTS}::test_one_seed_orders_nothing",
        "methods with one seed are put in order",
    ),
]
