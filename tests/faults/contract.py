"""Faults in what all methods share, and cards that claim what is not so."""

from tests.faults import Fault

CONTRACT = "tests/normalizers/contract"

FAULTS = [
    Fault(
        "bkn/normalizers/base.py",
        "var.to(self.running_var.dtype) * (values / (values - 1))",
        "var.to(self.running_var.dtype)",
        "tests/normalizers/test_norm_batch.py::test_one_micro_batch_is_torch",
        "the running variance is the biased one",
    ),
    Fault(
        "bkn/normalizers/base.py",
        "if size < 1 or len(x) % size or not len(x):",
        "if size < 1 or not len(x):",
        f"{CONTRACT}/test_shapes_and_gradients.py::"
        "test_a_micro_batch_that_does_not_divide_the_batch_is_refused[batch]",
        "a micro-batch that does not divide the batch goes through",
    ),
    Fault(
        "bkn/normalizers/base.py",
        "if x.numel() == groups * self.channels:",
        "if not x.numel():",
        f"{CONTRACT}/test_shapes_and_gradients.py::"
        "test_a_single_value_per_statistic_is_refused[vectors-batch]",
        "a single value per statistic goes through",
    ),
    Fault(
        "bkn/normalizers/base.py",
        "if x.dim() < 2 or x.shape[1] != self.channels:",
        "if x.dim() < 2:",
        f"{CONTRACT}/test_shapes_and_gradients.py::test_wrong_channels_are_refused[True-none]",
        "wrong channels go through to where nobody can explain them",
    ),
    Fault(
        "bkn/normalizers/base.py",
        "        if not self.training:\n            self.check(x)\n            return self.by",
        "        if x is None:\n            self.check(x)\n            return self.by",
        f"{CONTRACT}/test_isolation.py::"
        "test_evaluation_ignores_batch_and_random_streams_and_changes_nothing[batch]",
        "evaluation looks at its batch",
    ),
    Fault(
        "bkn/normalizers/kernels.py",
        "return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x",
        "return x",
        f"{CONTRACT}/test_numerics.py::"
        "test_half_precision_keeps_its_type_and_float32_statistics[True-batch]",
        "statistics are summed in half precision",
    ),
    Fault(
        "bkn/normalizers/kernels.py",
        "return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x",
        "return x.float()",
        f"{CONTRACT}/test_shapes_and_gradients.py::test_forward_and_gradient[batch-maps]",
        "double precision is rounded on the way",
    ),
    Fault(
        "bkn/normalizers/filtering.py",
        "slope = g_var * (2 / n)",
        "slope = g_var * (2 / (n - 1))",
        f"{CONTRACT}/test_shapes_and_gradients.py::test_forward_and_gradient[batch-maps]",
        "the gradient is that of the unbiased variance",
    ),
    Fault(
        "bkn/normalizers/window.py",
        'self.register_buffer("filled", torch.tensor(0))',
        'self.register_buffer("filled", torch.tensor(0), persistent=False)',
        f"{CONTRACT}/test_state.py::"
        "test_a_saved_layer_goes_on_as_if_nothing_had_happened[state_dict-5-cross_iteration]",
        "a window forgets in a checkpoint how full it is",
    ),
    Fault(
        "bkn/normalizers/batch.py",
        "return Estimate(seen, None, seen, torch.ones_like(seen.mean[0]))",
        "self.remember(seen, 2)\n"
        "        return Estimate(seen, None, seen, torch.ones_like(seen.mean[0]))",
        f"{CONTRACT}/test_state.py::"
        "test_the_estimate_changes_nothing_and_is_whole[fresh-first layer-batch]",
        "a look at the estimate moves the running averages",
    ),
    Fault(
        "bkn/catalog/methods/kalman.py",
        "scale_invariant=False",
        "scale_invariant=True",
        f"{CONTRACT}/test_numerics.py::test_invariance_to_scale_is_as_the_card_says[kalman]",
        "a card claims an invariance that is not there",
    ),
    Fault(
        "bkn/catalog/methods/batch.py",
        "batch_statistics=True",
        "batch_statistics=False",
        f"{CONTRACT}/test_isolation.py::test_images_do_not_see_each_other",
        "a card denies that images see each other",
    ),
    Fault(
        "bkn/catalog/methods/cross_iteration.py",
        "remembers=True",
        "remembers=False",
        f"{CONTRACT}/test_state.py::"
        "test_training_depends_on_the_past_as_the_card_says[cross_iteration]",
        "a card denies that earlier batches count",
    ),
    Fault(
        "bkn/training/entrant.py",
        'self.stream.states = list(state["random"])',
        "pass",
        "tests/training/test_resume_every_method.py::"
        "test_a_resumed_race_equals_the_uninterrupted_one[ic]",
        "a resumed run draws other random numbers",
    ),
    Fault(
        "bkn/probe/frozen.py",
        "setattr(module, name, buffer.copy_(saved))",
        "pass",
        "tests/training/test_resume_every_method.py::test_probing_changes_nothing[batch]",
        "the probe leaves its running averages behind",
    ),
    Fault(
        "bkn/normalizers/schedule.py",
        "        self.planned.fill_(steps)\n",
        "        self.planned.fill_(steps)\n        self.taken.zero_()\n",
        f"{CONTRACT}/test_state.py::"
        "test_planning_again_after_loading_goes_on_in_the_middle_of_the_schedule[5-cross_iteration]",
        "a training that is resumed begins its burn-in anew",
    ),
]
