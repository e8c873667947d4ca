"""Faults in the norm-free recipe: weights, activations, branches, clipping."""

from tests.faults import Fault

WEIGHTS = "bkn/normalizers/scaled_weights.py"
PLACEMENT = "bkn/normalizers/norm_free_placement.py"
TESTS = "tests/normalizers/test_norm_free.py"
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
        "kept = 1.0 if join.projects else variance",
        "kept = variance",
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
        "if activation is not None and not gates and node not in kept:",
        "if activation is not None and not gates:",
        f"{TESTS}::test_a_stream_that_is_activated_behind_each_sum_does_not_grow",
        "a stream that is activated behind each sum grows with every block",
    ),
]
