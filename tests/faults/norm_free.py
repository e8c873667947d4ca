"""Faults in the norm-free recipe: weights, activations, branches, clipping."""

from tests.faults import Fault

WEIGHTS = "bkn/normalizers/scaled_weights.py"
PLACEMENT = "bkn/normalizers/norm_free_placement.py"
TESTS = "tests/normalizers/test_norm_free.py"
ACTIVATED = f"{TESTS}::test_variance_one_travels_through_an_activated_stream"
CLIPPING = "tests/normalizers/test_clipping.py"

FAULTS = [
    Fault(
        WEIGHTS,
        "torch.var_mean(rows, 1, correction=0, keepdim=True)",
        "torch.var_mean(rows, 1, correction=1, keepdim=True)",
        f"{TESTS}::test_scaled_weights_are_those_of_timm",
        "filters are divided by the unbiased variance",
    ),
    Fault(
        WEIGHTS,
        "for parameter in (layer.parametrizations.weight.original, self.gain, layer.bias):",
        "for parameter in (layer.parametrizations.weight.original, self.gain):",
        f"{CLIPPING}::test_all_but_the_classifier_is_clipped_before_the_step[ConvNet]",
        "the gradients of biases are not clipped",
    ),
    Fault(
        "bkn/normalizers/clipping.py",
        "return x.flatten(1).norm(dim=1).view(-1, *(1,) * (x.dim() - 1))",
        "return x.norm()",
        f"{CLIPPING}::test_it_is_timms[0.01-1.0-conv]",
        "a layer is clipped as one unit",
    ),
    Fault(
        "bkn/normalizers/clipping.py",
        "unit_norms(parameter).clamp(min=SMALLEST)",
        "unit_norms(parameter)",
        f"{CLIPPING}::test_zeros_can_change",
        "a parameter of zeros stays zero",
    ),
    Fault(
        PLACEMENT,
        "if join.projects:\n            return FRESH",
        "if False:\n            return FRESH",
        f"{TESTS}::test_branches_begin_at_the_expected_variance_and_projections_start_anew",
        "the expected variance does not start anew behind a projection",
    ),
    Fault(
        PLACEMENT,
        "entries += [user for user in join.fork.users if user in ahead]",
        "entries += []",
        f"{TESTS}::test_the_projection_sees_the_divided_stream",
        "a projection begins at the stream as it is",
    ),
    Fault(
        PLACEMENT,
        "if activation is not None and not gates and node not in streams.again:",
        "if activation is not None and not gates:",
        f"{TESTS}::test_a_stream_that_is_activated_behind_each_sum_does_not_grow",
        "a stream that is activated behind each sum grows with every block",
    ),
    Fault(
        PLACEMENT,
        "gain = streams.behind(node.all_input_nodes[0]).gain(activation)",
        "gain = FRESH.gain(activation)",
        f"{ACTIVATED}[True-0.3-1.0]",
        "an activation of what was activated already gets the gain of the first",
    ),
    Fault(
        PLACEMENT,
        "_divisor(streams.ahead(join))",
        "Scale(1.0)",
        f"{ACTIVATED}[True-0.3-1.0]",
        "a stream of which half the channels are zeros is not brought back to variance 1",
    ),
    Fault(
        PLACEMENT,
        "(places := _pooled(self.network, node)) > 1:",
        "(places := _pooled(self.network, node)) > 99:",
        f"{ACTIVATED}[True-0.3-1.0]",
        "pooling in front of the zeros is overlooked",
    ),
    Fault(
        PLACEMENT,
        "if node in self.ends or len(node.all_input_nodes) != 1:",
        "if len(node.all_input_nodes) != 1:",
        f"{TESTS}::test_the_expected_variance_starts_anew_behind_any_weights",
        "what is expected is looked for behind weights",
    ),
    Fault(
        PLACEMENT,
        "way = between(join.fork, join.shortcut) if pads(join) else set()",
        "way = between(join.fork, join.shortcut)",
        f"{TESTS}::test_a_shortcut_that_pools_without_padding_counts_as_if_it_changed_nothing",
        "pooling in front of no zeros is followed, but not made up for",
    ),
    Fault(
        "bkn/normalizers/norm_free_stream.py",
        "float(self.shares @ (self.values - mean).square().mean(1))",
        "float(self.shares @ self.values.var(1, correction=0))",
        f"{TESTS}::test_what_is_expected_of_values_that_are_not_normal",
        "channels of another mean count for nothing in the variance",
    ),
]
