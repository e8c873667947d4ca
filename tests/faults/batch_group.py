"""Faults in batch group normalization."""

from tests.faults import Fault

CODE = "bkn/normalizers/batch_group.py"
TESTS = "tests/normalizers/test_batch_group.py"
FAULTS = [
    Fault(
        CODE,
        "parts = count_groups(x, self.micro_batch)",
        "parts = count_groups(x, None)",
        f"{TESTS}::test_output_and_gradient_are_those_of_the_equations[1-2]",
        "statistics run over the whole batch",
    ),
    Fault(
        CODE,
        "values.repeat_interleave(columns // values.shape[1], 1)",
        "values.repeat(1, columns // values.shape[1])",
        f"{TESTS}::test_output_and_gradient_are_those_of_the_equations[2-2]",
        "groups are made of every second channel",
    ),
    Fault(
        CODE,
        "if known and known != tuple(x.shape[2:]):",
        "if known and len(known) != len(x.shape[2:]):",
        f"{TESTS}::test_groups_that_cut_through_places_know_one_size",
        "another size of pictures is let through",
    ),
    Fault(
        CODE,
        "unbiased = var.to(self.running_var.dtype) * (values / (values - 1))",
        "unbiased = var.to(self.running_var.dtype)",
        f"{TESTS}::test_a_group_per_channel_is_batch_norm_with_its_running_averages",
        "the running variance is the biased one",
    ),
    Fault(
        CODE,
        "known = [size for size in PAPER if size <= images]",
        "known = [size for size in PAPER if size < images]",
        f"{TESTS}::test_the_papers_numbers_in_whole_channels",
        "the paper's numbers of groups are read one line off",
    ),
]
