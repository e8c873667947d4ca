"""Faults in how residual joins are found and weights rewritten."""

from tests.faults import Fault

JOINS = "tests/surgery/test_joins.py"
WEIGHTS = "tests/surgery/test_weights.py"

FAULTS = [
    Fault(
        "bkn/surgery/joins.py",
        "return order[-1] if order else None",
        "return order[0] if order else None",
        f"{JOINS}::test_a_preactivation_network",
        "a branch begins at the network's input",
    ),
    Fault(
        "bkn/surgery/joins.py",
        "shortcut, branch = ways",
        "branch, shortcut = ways",
        f"{JOINS}::test_a_network_that_activates_after_the_sum",
        "branch and shortcut are taken for each other",
    ),
    Fault(
        "bkn/surgery/weights.py",
        "original = layer.parametrizations.weight.original",
        "original = nn.Parameter(layer.weight)",
        f"{WEIGHTS}::test_the_layer_uses_the_function_and_the_optimizer_the_raw_weight",
        "the raw weight is a copy that no optimizer knows",
    ),
    Fault(
        "bkn/normalizers/preconditioned_placement.py",
        "    left_empty(network, method)\n",
        "    from bkn.surgery.placement import in_place\n\n    in_place(network, method)\n",
        "tests/surgery/test_placement.py::"
        "test_where_a_norm_stood_nothing_writes_over_the_stream[module-preconditioned]",
        "where a norm stood an activation writes over the shortcut",
    ),
]
