"""Faults in group Kalman normalization."""

from tests.faults import Fault

CODE = "bkn/normalizers/group_kalman.py"
TESTS = "tests/normalizers/test_group_kalman.py"
FAULTS = [
    Fault(
        CODE,
        "(prior.var / seen.var).mean(1, keepdim=True) < GUARD",
        "(prior.var / seen.var).mean() < GUARD",
        f"{TESTS}::test_images_do_not_see_each_other_whatever_their_priors",
        "one guard for the whole batch: images see each other",
    ),
    Fault(
        CODE,
        "Belief(mean.mean(2), var.mean(2) + mean.var(2, correction=0))",
        "Belief(mean.mean(2), var.mean(2))",
        f"{TESTS}::test_pooled_channels_have_the_moments_of_their_union",
        "the spread between the channels' means is left out of the prior",
    ),
    Fault(
        CODE,
        "return y, self.transition.hand_on(posterior, self.weight, self.bias)",
        "belief = self.transition.hand_on(posterior, self.weight, self.bias)\n"
        "        return y, belief if self.training else None",
        f"{TESTS}::test_a_network_looks_at_each_image_alone_and_evaluates_as_it_trains"
        "[0.1-convnet]",
        "no belief is handed on in evaluation",
    ),
    Fault(
        CODE,
        "filtered = self.filtered(x, prior)",
        "filtered = self.filtered(x, prior)\n"
        "        filtered = Belief(*(part.mean(0, True).expand_as(part) for part in filtered))",
        f"{TESTS}::test_images_do_not_see_each_other_whatever_their_priors",
        "posteriors are averaged over the batch",
    ),
    Fault(
        CODE,
        "return update(usable, seen, gain)",
        "return update(seen, usable, gain)",
        f"{TESTS}::test_output_and_gradient_are_those_of_the_equations[0.3]",
        "the gain weighs the prior",
    ),
]
