"""Faults in memorized batch normalization."""

from tests.faults import Fault

NORM = "bkn/normalizers/memorized.py"
TESTS = "tests/normalizers/test_memorized.py"

FAULTS = [
    Fault(
        NORM,
        "entries.var + spread)",
        "entries.var)",
        f"{TESTS}::test_with_equal_weights_the_memory_is_one_large_batch",
        "the spread between the entries' means is left out of the variance",
    ),
    Fault(
        NORM,
        "first, last = (1, self.entries) if self.replaying",
        "first, last = (0, self.entries) if self.replaying",
        f"{TESTS}::test_forward_and_gradient_are_those_of_a_slow_twin[3-0.9]",
        "the second pass counts the batch's old moments too",
    ),
    Fault(
        NORM,
        "self.memory.replace(mean=seen.mean, var=seen.var)",
        "self.memory.push(mean=seen.mean, var=seen.var)",
        f"{TESTS}::test_the_second_pass_writes_the_moments_under_the_new_weights[0.5]",
        "the second pass adds an entry instead of writing the newest anew",
    ),
    Fault(
        NORM,
        "ratio ** torch.arange(count, device=like.device, dtype=like.dtype)",
        "ratio ** -torch.arange(count, device=like.device, dtype=like.dtype)",
        f"{TESTS}::test_the_newest_weighs_most",
        "the oldest batch weighs most",
    ),
    Fault(
        NORM,
        "        if not len(self.memory):\n            return super().count_groups(x)\n",
        "",
        f"{TESTS}::test_single_values_are_fine_once_there_is_a_memory",
        "single values are taken with an empty memory",
    ),
    Fault(
        NORM,
        "torch.autocast(weights.device.type, enabled=False)",
        "torch.autocast(weights.device.type, enabled=torch.is_autocast_enabled('cpu'))",
        "tests/normalizers/contract/test_numerics.py::"
        "test_half_precision_keeps_its_type_and_float32_statistics[True-memorized]",
        "the memory is averaged in half precision",
    ),
]
