"""Faults in what all methods share."""

from tests.faults import Fault

FAULTS = [
    Fault(
        "bkn/normalizers/base.py",
        "unbiased = var.to(self.running_var.dtype) * (values / (values - 1))",
        "unbiased = var.to(self.running_var.dtype)",
        "tests/normalizers/test_norm_batch.py::test_one_micro_batch_is_torch",
        "the running variance is the biased one",
    ),
]
