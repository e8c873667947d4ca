"""Faults in weight rescaling."""

from tests.faults import Fault

FILE = "bkn/normalizers/weight_rescaling.py"
PLACEMENT = "bkn/normalizers/weight_rescaling_placement.py"
TESTS = "tests/normalizers/test_weight_rescaling.py"

FAULTS = [
    Fault(
        FILE,
        "self.running_var.mul_(factor.square())",
        "self.running_var.mul_(factor)",
        f"{TESTS}::test_running_averages_follow_the_filters_whatever_the_bias",
        "the running variance follows the filters' lengths, not their squares",
    ),
    Fault(
        FILE,
        "bias = 0.0 if layer.bias is None else layer.bias.to(factor.dtype)",
        "bias = 0.0",
        f"{TESTS}::test_running_averages_follow_the_filters_whatever_the_bias",
        "the running mean shrinks together with the layer's bias",
    ),
    Fault(
        FILE,
        "torch.where(norms > 0, norms, 1.0)",
        "norms",
        f"{TESTS}::test_it_is_idempotent_and_leaves_empty_filters",
        "an empty filter is divided by zero",
    ),
    Fault(
        FILE,
        "if self.layer and not self.steps % self.every:",
        "if self.layer:",
        f"{TESTS}::test_every_k_steps",
        "every step rescales, whatever was asked for",
    ),
    Fault(
        PLACEMENT,
        "if plain and uses[layer] == 1 and source is not None:",
        "if plain and source is not None:",
        f"{TESTS}::test_a_network_without_such_layers_is_refused[used twice]",
        "a layer is rescaled although it is used without a norm too",
    ),
]
