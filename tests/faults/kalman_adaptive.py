"""Faults in the adaptive gain and in the learned transition."""

from tests.faults import Fault

CODE = "bkn/normalizers/adaptive.py"
UPDATE = "bkn/normalizers/filtering.py"
LAYER = "bkn/normalizers/kalman.py"
MAP = "bkn/moments/learned.py"
GAIN = "tests/normalizers/test_adaptive_gain.py"
TESTS = "tests/normalizers/test_adaptive_layer.py"
LEARNED = "tests/normalizers/test_learned_transition.py"
TWIN = f"{GAIN}::test_a_stream_equals_its_twin[mean-6-2]"
FAULTS = [
    Fault(
        CODE,
        "excess = ratio.mean(0) + between - 1",
        "excess = ratio.mean(0) - 1",
        f"{GAIN}::test_the_variance_stands_for_all_images",
        "the spread between the means of micro-batches is left out of the variance",
    ),
    Fault(
        CODE,
        "power(mean, self.mean_noise / groups)",
        "power(mean, self.mean_noise)",
        TWIN,
        "the mean over micro-batches is taken to be as noisy as one of them",
    ),
    Fault(
        CODE,
        "self.mean_bias.add_(mean_rate * mean).mul_(smaller)",
        "self.mean_bias.add_(mean_rate * mean)",
        TWIN,
        "the bias stays in deviations of the old variance",
    ),
    Fault(
        CODE,
        "torch.where(self.steps < WARM, torch.ones_like(gain), gain)",
        "gain",
        TWIN,
        "the second step does not trust the batch",
    ),
    Fault(
        CODE,
        ".square() / 2\n            var_noise",
        ".square()\n            var_noise",
        f"{GAIN}::test_a_stream_equals_its_twin[mean-1-2]",
        "the step between two observations counts as the noise of one",
    ),
    Fault(
        CODE,
        "clamp(FLOOR, 1)",
        "clamp(0.5, 1)",
        f"{GAIN}::test_a_perfect_prior_is_left_alone",
        "the gain has a floor of a half",
    ),
    Fault(
        CODE,
        "torch.where(first, 1.0, share",
        "torch.where(first, 0.0, share",
        TWIN,
        "the first step does not set the bias",
    ),
    Fault(
        CODE,
        "ratio = (seen.var + TINY) / prior.var",
        "ratio = seen.var / prior.var",
        f"{TESTS}::test_a_dead_channel_does_not_disturb_the_others",
        "a dead channel surprises the filter for ever",
    ),
    Fault(
        CODE,
        "torch.where(known, gap, 0.0)",
        "gap",
        f"{TESTS}::test_a_prior_that_is_not_finite_leaves_no_trace[nan]",
        "a prior that is no number gets into the averages",
    ),
    Fault(
        CODE,
        'self.register_buffer("var_left", torch.zeros(channels))',
        'self.register_buffer("var_left", torch.zeros(channels), persistent=False)',
        f"{TESTS}::test_it_continues_bit_for_bit_from_a_checkpoint[8]",
        "part of the filter is not in a checkpoint",
    ),
    Fault(
        UPDATE,
        "2 * (seen_mean - mean) * usual_var",
        "0 * usual_var",
        f"{TESTS}::test_the_gradient_uses_what_earlier_steps_averaged",
        "the usual gradient of the variance acts around the observed mean",
    ),
    Fault(
        UPDATE,
        "use = now.isfinite() & blended",
        "use = blended",
        f"{TESTS}::test_the_averages_of_gradients_move_once_and_leave_out_what_overflowed",
        "a gradient that overflowed stays in the averages",
    ),
    Fault(
        UPDATE,
        "    if ctx.moved:\n        return\n",
        "",
        f"{TESTS}::test_the_averages_of_gradients_move_once_and_leave_out_what_overflowed",
        "a second backward pass moves the averages again",
    ),
    Fault(
        UPDATE,
        "        if slopes is None:  # without a prior",
        "        if slopes is False:  # without a prior",
        "tests/surgery/test_convert.py::test_the_weights_get_gradients_through_the_prediction",
        "a first layer hands on a belief without gradient",
    ),
    Fault(
        LAYER,
        'rows = 1 if self.running == "first" else groups',
        "rows = groups",
        f"{GAIN}::test_a_stream_equals_its_twin[first-6-2]",
        "with the first micro-batch's running averages the gain learns from all",
    ),
    Fault(
        MAP,
        "self.map.square()",
        "self.map.abs()",
        f"{LEARNED}::test_the_map_by_hand[1]",
        "variances go through the map itself",
    ),
    Fault(
        MAP,
        "noise = F.softplus(self.noise)",
        "noise = self.noise",
        f"{LEARNED}::test_the_noise_stays_positive",
        "the learned noise may be negative",
    ),
    Fault(
        UPDATE,
        "use = now.isfinite() & blended",
        "use = now.isfinite()",
        f"{TESTS}::test_the_averages_of_gradients_begin_with_the_first_blend",
        "batch norm's gradients of the first steps enter the averages",
    ),
    Fault(
        CODE,
        "torch.where(self.steps < WARM, torch.inf, FARTHEST)",
        "torch.where(self.steps < WARM, torch.inf, torch.inf)",
        f"{TESTS}::test_an_outlier_in_one_channel_is_soon_forgotten",
        "one step far off moves the bias as far",
    ),
    Fault(
        CODE,
        "torch.where(known, ratio, 1.0).clamp_max(LARGEST**2)",
        "torch.where(known, ratio, 1.0)",
        f"{TESTS}::test_a_step_beyond_all_scales_leaves_no_infinity_behind[1000000000000000.0]",
        "averages overflow and stay infinite",
    ),
]
