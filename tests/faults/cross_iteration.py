"""Faults in cross-iteration batch normalization."""

from tests.faults import Fault

NORM = "bkn/normalizers/cross_iteration.py"
PATCHES = "bkn/normalizers/cross_iteration_patches.py"
TESTS = "tests/normalizers/test_cross_iteration.py"

FAULTS = [
    Fault(
        PATCHES,
        "return Slopes(patch, cov.flatten(1, 2).mul_(2))",
        "return Slopes(patch, cov.flatten(1, 2))",
        f"{TESTS}::test_the_error_of_the_square_is_of_second_order",
        "the second moment's derivative is half of what it is",
    ),
    Fault(
        PATCHES,
        "return x.view(split, -1, *x.shape[1:]).transpose(0, 1).flatten(1, 2)",
        "return x.reshape(-1, split, *x.shape[1:]).flatten(1, 2)",
        f"{TESTS}::test_the_slopes_are_those_of_autograd[conv2d]",
        "patches of one micro-batch are taken from another",
    ),
    Fault(
        NORM,
        "brought_up_to_date(mean, var, *slopes, step)",
        "brought_up_to_date(mean, var, *slopes, -step)",
        f"{TESTS}::test_the_mean_is_made_up_for_exactly",
        "earlier moments are moved the wrong way",
    ),
    Fault(
        NORM,
        "moved.square()).clamp_min(0))",
        "moved.square()))",
        f"{TESTS}::test_a_variance_that_would_be_negative_is_zero",
        "an extrapolated variance may be negative",
    ),
    Fault(
        NORM,
        "self.remember(seen, values=",
        "self.remember(seen if self.burning_in else posterior, values=",
        f"{TESTS}::test_running_averages_are_those_of_the_present_batches",
        "the window feeds the running averages",
    ),
    Fault(
        "bkn/surgery/with_layer.py",
        "if calls.count(layer) > 1 or calls",
        "if calls",
        "tests/surgery/test_with_layer.py::test_layers_with_other_users_are_not",
        "a layer that is called twice is watched",
    ),
    Fault(
        "bkn/normalizers/window.py",
        "entries[1 : 1 + len(kept)] = kept",
        "entries[1 : 1 + len(kept)] = kept.flip(0)",
        "tests/normalizers/test_window.py::test_the_newest_comes_first_and_the_oldest_falls_out",
        "older entries lose their order",
    ),
    Fault(
        NORM,
        "at_least_float32(weight.flatten(1)[None])",
        "weight.flatten(1)[None]",
        f"{TESTS}::test_a_model_in_half_precision_compensates_too",
        "a step of half-precision weights does not fit the slopes",
    ),
]
