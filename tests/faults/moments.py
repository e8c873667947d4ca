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
]
