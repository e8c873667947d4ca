"""Faults in moving average batch normalization."""

from tests.faults import Fault

NORM = "bkn/normalizers/moving_average.py"
TESTS = "tests/normalizers/test_moving_average.py"

FAULTS = [
    Fault(
        NORM,
        "used = averaged(product, ctx.past)",
        "used = product",
        f"{TESTS}::test_forward_and_gradient_are_those_of_a_slow_twin[3]",
        "the gradient's statistic is that of the present batch",
    ),
    Fault(
        NORM,
        "slope = r if weight is None else r * weight",
        "slope = torch.ones_like(r) if weight is None else weight.expand_as(r)",
        f"{TESTS}::test_forward_and_gradient_are_those_of_a_slow_twin[3]",
        "the correction is left out of the gradient",
    ),
    Fault(
        NORM,
        "return second, used, r.clamp(1 / LIMIT, LIMIT)",
        "return second, used, r",
        f"{TESTS}::test_forward_and_gradient_are_those_of_a_slow_twin[3]",
        "the correction is not clipped",
    ),
    Fault(
        NORM,
        "            if ctx.past is None:\n",
        "            if ctx.past is None or True:\n",
        f"{TESTS}::test_a_second_backward_pass_leaves_the_window_alone",
        "a second backward pass writes into the window again",
    ),
    Fault(
        "bkn/normalizers/centred.py",
        "weight.mean(tuple(range(1, weight.dim())), keepdim=True)",
        "weight.mean()",
        f"{TESTS}::test_filters_sum_to_zero",
        "all filters lose one common mean instead of their own",
    ),
    Fault(
        "bkn/normalizers/moving_average_placement.py",
        "elif node.target in WAYS or isinstance(network.module(node), WAY_MODULES):",
        "else:",
        f"{TESTS}::test_layers_behind_an_activation_and_the_classifier_keep_their_weights",
        "weights in front of an activation are centred",
    ),
]
