"""Faults in the moment rules and in tracing both modes."""

from tests.faults import Fault

JOINS = "tests/moments/test_joins.py"
POOLS = "tests/moments/test_pooling.py"
SHAPES = "tests/moments/test_shape.py"
TRACING = "tests/surgery/test_tracing.py"

FAULTS = [
    Fault(
        "bkn/moments/joins.py",
        "v1 * v2 + v1 * m2.square() + v2 * m1.square()",
        "v1 * m2.square() + v2 * m1.square()",
        f"{JOINS}::test_products",
        "a product lacks the part where both vary",
    ),
    Fault(
        "bkn/moments/joins.py",
        "alpha=self.alpha**2",
        "alpha=self.alpha",
        f"{JOINS}::test_sums",
        "a difference subtracts variances",
    ),
    Fault(
        "bkn/moments/joins.py",
        "share * (v + (m - mean).square())",
        "share * v",
        f"{JOINS}::test_places_side_by_side",
        "places side by side lack the gap between their means",
    ),
    Fault(
        "bkn/moments/windows.py",
        "share * (var + (one - mean) ** 2)",
        "share * var",
        f"{POOLS}::test_maxima",
        "a maximum's variance lacks what its border adds",
    ),
    Fault(
        "bkn/moments/pooling.py",
        "along(size, self.axes, self.count_include_pad)",
        "cells",
        f"{POOLS}::test_means",
        "a mean does not count its padding",
    ),
    Fault(
        "bkn/moments/shape.py",
        "part.permute(order)",
        "part",
        f"{SHAPES}::test_a_shuffle_of_channels_is_followed_exactly",
        "channels are shuffled, their belief is not",
    ),
    Fault(
        "bkn/moments/shape.py",
        "share * var + share * (1 - share) * gap.square()",
        "share * var",
        f"{SHAPES}::test_by_monte_carlo",
        "padding adds no variance",
    ),
    Fault(
        "bkn/surgery/tracing.py",
        "return asked if b else graph.call_function(operator.not_, (asked,))",
        "return asked",
        f"{TRACING}::test_a_flag_follows_the_mode",
        "a flag that says evaluation is taken for one that says training",
    ),
    Fault(
        "bkn/surgery/tracing.py",
        "return training if self.training else evaluation",
        "return training",
        f"{TRACING}::test_each_mode_has_its_own_output",
        "auxiliary heads come out in evaluation too",
    ),
    Fault(
        "bkn/surgery/sparing.py",
        "return self.does[0](*args, **kwargs) if self.training else None",
        "return self.does[0](*args, **kwargs)",
        f"{TRACING}::test_evaluation_does_not_run_what_only_training_needs[batch]",
        "auxiliary heads run in evaluation too",
    ),
    Fault(
        "bkn/surgery/tracing.py",
        "            node.target = name",
        "            pass",
        f"{TRACING}::test_arguments_that_a_call_leaves_out_have_their_defaults",
        "an optional argument cannot be given by its name",
    ),
    Fault(
        "bkn/surgery/tracing.py",
        "concrete_args=fixed or None",
        "concrete_args=None",
        f"{TRACING}::test_arguments_that_a_call_leaves_out_have_their_defaults",
        "an argument that is left out is taken as given",
    ),
    Fault(
        "bkn/moments/read_arithmetic.py",
        "total(node, a=-alpha, alpha=1)",
        "total(node, a=-1.0)",
        "tests/moments/test_joins.py::test_sums_are_read_as_they_are_meant[3 - 2 x]",
        "a factor is put to the wrong side of a difference",
    ),
    Fault(
        "bkn/moments/quadrature.py",
        "@torch.inference_mode(False)",
        "@torch.inference_mode(True)",
        "tests/moments/test_rules.py::"
        "test_a_pass_without_gradients_leaves_nothing_behind_that_cannot_learn",
        "what an evaluation has computed cannot be trained with",
    ),
]
