"""Faults in binary layers and in how surgery sees them."""

from tests.faults import Fault

FILE = "bkn/nets/binary.py"
TESTS = "tests/nets/test_binary_convnet.py"

FAULTS = [
    Fault(
        FILE,
        "return g * (2 - 2 * x.abs()).clamp(min=0)",
        "return g * (x.abs() <= 1)",
        f"{TESTS}::test_sign_and_its_piecewise_quadratic_gradient",
        "the sign's gradient is that of a clipped line",
    ),
    Fault(
        FILE,
        "return g * (weight.abs() <= 1)",
        "return g",
        f"{TESTS}::test_binary_weights_have_one_scale_per_filter_and_a_clipped_gradient",
        "the gradient of binary weights is not clipped",
    ),
    Fault(
        FILE,
        "weight.abs().flatten(1).mean(1).view(-1, *(1,) * (weight.dim() - 1))",
        "weight.abs().mean()",
        f"{TESTS}::test_binary_weights_have_one_scale_per_filter_and_a_clipped_gradient",
        "all filters share one scale",
    ),
    Fault(
        "bkn/moments/reading.py",
        "if isinstance(module, kind) and not _departs(module, kind):",
        "if isinstance(module, kind):",
        f"{TESTS}::test_a_binary_convolution_is_not_taken_for_a_plain_one",
        "a prior is predicted from weights that a binary convolution does not use",
    ),
]
