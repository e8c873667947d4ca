"""Faults in the diagnostics, the theory and what a race does with them."""

from tests.faults import Fault

FISHER, THEORY = "tests/diagnostics/test_fisher.py", "tests/diagnostics/test_mean_field.py"
MEASURES, WHOLE = "tests/diagnostics/test_measures.py", "tests/diagnostics/test_diagnose.py"
LOOP, RACE = "tests/engine/test_loop_diagnosis.py", "tests/training/test_race_diagnosis.py"
FIGURES = "tests/app/test_figures_diagnostics.py"
FAULTS = [
    Fault(
        "bkn/diagnostics/fisher.py",
        "jv = p * (jv - (p * jv).sum(1, keepdim=True))",
        "jv = p * jv",
        f"{FISHER}::test_it_is_the_largest_of_the_dense_matrix[batch-softmax]",
        "the Fisher metric lacks its second term",
    ),
    Fault(
        "bkn/diagnostics/fisher.py",
        "jv / len(jv))",
        "jv)",
        f"{FISHER}::test_it_is_the_largest_of_the_dense_matrix[kalman-identity]",
        "the Fisher matrix is summed over images, not averaged",
    ),
    Fault(
        "bkn/diagnostics/fisher.py",
        "converged = length == 0 or quiet == QUIET",
        "converged = True",
        f"{FISHER}::test_the_value_rises_to_its_end_and_says_how_far_it_is",
        "every iteration calls itself converged",
    ),
    Fault(
        "bkn/diagnostics/fisher.py",
        "return 2 * (1 + momentum) / eigenvalue",
        "return 2 / eigenvalue",
        f"{FISHER}::test_a_rate_above_the_bound_diverges_and_one_below_does_not",
        "the bound forgets the momentum",
    ),
    Fault(
        "bkn/diagnostics/mean_field.py",
        "math.pi / 2 + math.asin(min(1.0, state.q_xy / state.q))",
        "math.pi / 2",
        f"{THEORY}::test_without_normalization_the_recursion_is_what_random_nets_show",
        "two gradients are taken for uncorrelated behind the ReLU",
    ),
    Fault(
        "bkn/diagnostics/mean_field.py",
        "layer.fan_in * layer.positions**2 * here.tilde_xy * below.hat_xy",
        "layer.fan_in * layer.positions**2 * here.tilde_xy * below.hat",
        f"{THEORY}::test_the_first_layer_of_two_without_normalization_by_hand",
        "the bound multiplies by one input's square, not by the product of two",
    ),
    Fault(
        "bkn/diagnostics/mean_field.py",
        "slope, power = 0.25, gamma * gamma / state.q",
        "slope, power = 0.25, gamma * gamma",
        f"{THEORY}::test_with_normalization_a_gradient_is_that_of_statistics_as_constants",
        "normalization does not divide the gradient",
    ),
    Fault(
        "bkn/diagnostics/agreement.py",
        "sum_of_products(layer, x.abs(), g.abs())",
        "sum_of_products(layer, x, g.abs())",
        f"{MEASURES}::test_agreement_equals_its_unfolded_twin[settings0]",
        "inputs of both signs cancel in what should be absolute",
    ),
    Fault(
        "bkn/diagnostics/agreement.py",
        "if isinstance(module, kind) and type(module).forward is kind.forward",
        "if isinstance(module, kind)",
        f"{MEASURES}::test_layers_that_multiply_otherwise_are_left_out",
        "binary convolutions are judged by weights they do not multiply with",
    ),
    Fault(
        "bkn/diagnostics/along.py",
        "p.detach() - size * gradient[k]",
        "p.detach() + size * gradient[k]",
        f"{MEASURES}::test_no_step_changes_nothing_and_others_are_those_of_sgd",
        "the step leads uphill",
    ),
    Fault(
        "bkn/diagnostics/noise.py",
        "variance / count",
        "variance / looked",
        f"{MEASURES}::test_of_many_micro_batches_some_are_looked_at_and_of_one_none",
        "the step's noise depends on how many micro-batches were looked at",
    ),
    Fault(
        "bkn/diagnostics/tails.py",
        "np.power(centred, 4).mean() / np.square(np.square(centred).mean())",
        "np.power(centred, 4).mean() / np.square(centred).mean()",
        f"{MEASURES}::test_tails_of_a_gaussian",
        "the kurtosis has a unit",
    ),
    Fault(
        "bkn/diagnostics/profile.py",
        "output.register_hook(arrived)",
        "args[0].register_hook(arrived)",
        f"{MEASURES}::test_the_gradient_is_that_by_the_output_of_the_norm_even_if_relu_overwrites_it",
        "the gradient is that in front of the norm",
    ),
    Fault(
        "bkn/probe/frozen.py",
        "setattr(module, name, buffer.copy_(saved))",
        "pass",
        f"{WHOLE}::test_every_method_can_be_diagnosed_without_a_trace[batch]",
        "running statistics stay as the diagnosis left them",
    ),
    Fault(
        "bkn/diagnostics/diagnose.py",
        "return float(f\"{value:.6g}\") if math.isfinite(value) else None",
        "return value",
        f"{WHOLE}::test_an_exploded_model_is_reported_in_nothing_but_nulls",
        "numbers that are not finite get into the JSON",
    ),
    Fault(
        "bkn/diagnostics/diagnose.py",
        "        if not last.change < ROUGH:\n            raise",
        "        raise",
        f"{WHOLE}::test_an_eigenvalue_out_of_time_is_given_if_it_was_settling[0.05]",
        "an unfinished eigenvalue is thrown away",
    ),
    Fault(
        "bkn/training/race.py",
        "micro_batch=self._live[\"micro_batch\"], momentum",
        "micro_batch=entrant.experiment.micro_batch, momentum",
        f"{RACE}::test_it_measures_by_the_micro_batch_that_is_in_force",
        "a diagnosis reports the micro-batch of the race's start",
    ),
    Fault(
        "bkn/engine/loop.py",
        "            raise GivenUp",
        "            return",
        f"{LOOP}::test_the_end_of_the_race_ends_it_at_the_next_pass[message0-stopped]",
        "stop waits for the end of a diagnosis",
    ),
    Fault(
        "bkn/engine/loop.py",
        "                if self._held:",
        "                if False:",
        f"{LOOP}::test_commands_that_end_nothing_let_it_finish",
        "what was said during a diagnosis is forgotten",
    ),
    Fault(
        "bkn/live.py",
        "or not 0 <= run <= last:",
        "or run < 0:",
        f"{LOOP}::test_wrong_positions_are_refused_in_words[beyond]",
        "the position of an entrant that is not there is sent",
    ),
    Fault(
        "app/figures/by_layer.py",
        "down = np.minimum(spread, 0.9 * height) if log else spread",
        "down = spread",
        f"{FIGURES}::test_the_profile_shows_the_variances_in_front_of_the_norms_and_how_channels_differ",
        "bars reach below zero on a logarithmic scale",
    ),
]  # fmt: skip
