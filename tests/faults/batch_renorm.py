"""Faults in batch renormalization."""

from tests.faults import Fault

CODE = "bkn/normalizers/batch_renorm.py"
TESTS = "tests/normalizers/test_batch_renorm.py"
FAULTS = [
    Fault(
        CODE,
        "    with torch.no_grad():\n        deviation",
        "    if True:\n        deviation",
        f"{TESTS}::test_gradient_is_that_of_batch_norm_times_r",
        "gradients flow through r and d",
    ),
    Fault(
        CODE,
        "r.clamp(1 / limit, limit)",
        "r.clamp(0, limit)",
        f"{TESTS}::test_output_and_gradient_are_the_papers[1.2-0.3]",
        "the scale's correction is not clipped below",
    ),
    Fault(
        CODE,
        "seen, _, posterior, *_ = self.estimate(x)",
        "self.remember(self.estimate(x).seen, 2)\n"
        "        seen, _, posterior, *_ = self.estimate(x)",
        f"{TESTS}::test_unclipped_training_is_evaluation_by_the_averages_before_the_step",
        "r and d are taken after the averages have moved",
    ),
    Fault(
        CODE,
        "mean, deviation = posterior.mean, (posterior.var + self.eps).sqrt()",
        "mean, deviation = posterior.mean, posterior.var + self.eps",
        f"{TESTS}::test_running_averages_are_of_mean_and_deviation[mean]",
        "variances are averaged instead of deviations",
    ),
    Fault(
        CODE,
        "self.dmax * ramp(now, self.start, self.dmax_by)",
        "self.dmax * ramp(now, self.start, self.rmax_by)",
        f"{TESTS}::test_schedule[planned-25000]",
        "the shift's limit grows along the scale's schedule",
    ),
    Fault(
        CODE,
        'self.register_buffer("steps_seen", torch.tensor(0))',
        'self.register_buffer("steps_seen", torch.tensor(0), persistent=False)',
        f"{TESTS}::test_it_goes_on_exactly_in_the_middle_of_its_schedule",
        "a checkpoint forgets the place in the schedule",
    ),
]
