"""Faults in positional normalization."""

from tests.faults import Fault

CODE = "bkn/normalizers/positional.py"
TESTS = "tests/normalizers/test_positional.py"
FAULTS = [
    Fault(
        CODE,
        "var = (values - mean).square().mean(1, keepdim=True)",
        "var = (values - mean).square().mean((1, 2), keepdim=True)",
        f"{TESTS}::test_places_do_not_see_each_other",
        "the variance runs over a column of places",
    ),
    Fault(
        CODE,
        "(x.shape[1] / (x.shape[1] - 1))",
        "(x.shape[1] / (x.shape[1] + 1))",
        f"{TESTS}::test_unbiased_variance_is_over_one_value_less",
        "the unbiased variance divides by one value too many",
    ),
    Fault(
        CODE,
        "return x * deviation + mean",
        "return (x + mean) * deviation",
        f"{TESTS}::test_the_shortcut_puts_back_what_was_taken[biased]",
        "the shortcut puts mean and deviation back in the wrong order",
    ),
    Fault(
        CODE,
        "if x.shape[2:].numel() < 2:",
        "if x.dim() < 3:",
        f"{TESTS}::test_a_single_place_is_refused",
        "pictures of a single place are let through",
    ),
]
