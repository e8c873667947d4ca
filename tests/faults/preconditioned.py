"""Faults in preconditioned gradients."""

from tests.faults import Fault

FILE = "bkn/normalizers/preconditioned.py"
TESTS = "tests/normalizers/test_preconditioned.py"

FAULTS = [
    Fault(
        FILE,
        "bias - (step * mean).sum((2, 3)).view(out)",
        "bias",
        f"{TESTS}::test_it_is_a_gradient_step_on_a_layer_of_normalized_inputs[linear]",
        "the bias does not make up for the inputs' mean",
    ),
    Fault(
        FILE,
        "part.view(groups, 1, shape[1], 1) for part in (mean, divisor)",
        "part.view(-1, shape[1])[0].view(1, 1, shape[1], 1) for part in (mean, divisor)",
        f"{TESTS}::test_it_is_the_formula_written_out[grouped]",
        "all groups of a convolution use the first group's statistics",
    ),
    Fault(
        FILE,
        "if self.training:\n            self.record(x)",
        "self.record(x)",
        f"{TESTS}::test_nothing_is_recorded_in_evaluation_or_under_the_probe",
        "evaluation moves the averages",
    ),
    Fault(
        FILE,
        "share = (1 - self.rho) / (1 - self.rho ** self.steps.to(var.dtype))",
        "share = torch.tensor(1 - self.rho, dtype=var.dtype)",
        f"{TESTS}::test_the_averages_are_those_of_the_mixture_of_all_steps",
        "the averages lean towards where they started",
    ),
    Fault(
        FILE,
        "self.values.fill_(len(x))",
        "self.values.fill_(len(rows) * 64)",
        f"{TESTS}::test_fewer_images_than_inputs_damp_the_step",
        "few images do not damp the step",
    ),
]
