"""Faults in statistics per domain."""

from tests.faults import Fault

NORM, NETWORK = "tests/normalizers/test_domain.py", "tests/normalizers/test_domain_network.py"
FAULTS = [
    Fault(
        "bkn/normalizers/domain.py",
        "running.copy_(torch.where(present, moved, running))",
        "running.copy_(moved)",
        f"{NORM}::test_a_domain_that_is_absent_keeps_its_averages_bit_by_bit",
        "the averages of an absent domain decay",
    ),
    Fault(
        "bkn/normalizers/domain.py",
        "images.var + gap.square()",
        "images.var",
        f"{NORM}::test_a_mixed_batch_equals_its_slow_twin[shared-maps]",
        "the spread between the images' means is left out of a domain's variance",
    ),
    Fault(
        "bkn/normalizers/domain.py",
        "summed(member, member.sum(1).unsqueeze(-1)) > 1",
        "summed(member, member.sum(1).unsqueeze(-1)) > 0",
        f"{NORM}::test_a_mixed_batch_equals_its_slow_twin[shared-vectors]",
        "a vector without companions is normalized by itself, to nothing",
    ),
    Fault(
        "bkn/normalizers/domain.py",
        "return self._by_rows(x, self._running(self.ids))",
        "return self._by_rows(x, self._running(torch.zeros_like(self.ids)))",
        f"{NORM}::test_each_image_is_evaluated_by_its_own_domain",
        "all images are evaluated by the first domain",
    ),
    Fault(
        "bkn/normalizers/domain_network.py",
        "near = 1 / (distances + TINY)",
        "near = distances + TINY",
        f"{NETWORK}::test_weights_of_domains_fall_with_distance_and_follow_their_order",
        "the farthest domain counts most",
    ),
    Fault(
        "bkn/normalizers/domain_network.py",
        "trained = (self.norms[0].num_batches_tracked > 0).to(far.dtype)",
        "trained = torch.ones_like(far[:, 0])",
        f"{NETWORK}::test_domains_that_training_never_met_do_not_judge",
        "domains without training judge too",
    ),
    Fault(
        "bkn/normalizers/domain_network.py",
        "norm.ids = norm.distances = None",
        "norm.distances = None",
        f"{NETWORK}::test_nothing_stays_behind_after_a_pass_even_if_it_fails",
        "the domains of one pass are still there in the next",
    ),
    Fault(
        "bkn/training/entrant.py",
        "told = (self.images.test_domains(index),) if self.takes_domains else ()",
        "told = ()",
        "tests/training/test_domains.py::test_known_domains_are_told_in_tests_and_the_unseen_is_not",
        "tests do not tell the domains",
    ),
    Fault(
        "bkn/normalizers/domain.py",
        "with torch.autocast(values.device.type, enabled=False):",
        "with torch.autocast(values.device.type, enabled=torch.is_autocast_enabled('cpu')):",
        f"{NORM}::test_mixed_batches_keep_their_precision_under_autocast",
        "statistics of mixed batches are in half precision",
    ),
]
