"""Faults in what happens around an optimizer step."""

from tests.faults import Fault

HOOKS = "bkn/normalizers/hooks.py"
TESTS = "tests/normalizers/test_hooks.py"

FAULTS = [
    Fault(
        HOOKS,
        "setattr(place, name, buffer.copy_(saved))",
        "pass",
        f"{TESTS}::test_the_replay_leaves_no_trace_in_other_modules[True]",
        "the second pass counts twice in other modules' running averages",
    ),
    Fault(
        HOOKS,
        "setattr(place, name, buffer.copy_(saved))",
        "getattr(place, name).copy_(saved)",
        f"{TESTS}::test_a_buffer_of_another_shape_is_put_back",
        "a buffer that grew in the second pass cannot be put back",
    ),
    Fault(
        HOOKS,
        "if place not in keepers",
        "if True",
        f"{TESTS}::test_the_replay_leaves_no_trace_in_other_modules[True]",
        "what the replaying module learned in the second pass is taken away again",
    ),
    Fault(
        HOOKS,
        "            _set_random_states(self.model, self._random)",
        "            pass",
        f"{TESTS}::test_the_replay_draws_the_same_random_numbers_and_takes_none_away",
        "the second pass drops other units than the first",
    ),
    Fault(
        HOOKS,
        "            _set_random_states(self.model, now)",
        "            pass",
        f"{TESTS}::test_the_replay_draws_the_same_random_numbers_and_takes_none_away",
        "the second pass moves the random stream",
    ),
    Fault(
        HOOKS,
        "        if self._replaying:\n            self._replay(replay)",
        "        self._replay(replay)",
        f"{TESTS}::test_without_replays_the_batch_goes_through_once",
        "every batch goes through twice, whether anybody wants it or not",
    ),
    Fault(
        HOOKS,
        "                module.replaying = False",
        "                pass",
        f"{TESTS}::test_a_replay_that_fails_puts_everything_back",
        "a layer thinks for ever that it is in the second pass",
    ),
    Fault(
        HOOKS,
        "return [m for m in hooked if getattr(type(m), name) is not getattr(Hooked, name)]",
        "return hooked",
        f"{TESTS}::test_only_overridden_hooks_are_called",
        "modules without hooks are called too",
    ),
    Fault(
        HOOKS,
        "return {p for module in self._undecayed for p in module.undecayed(self.converted)}",
        "return set()",
        f"{TESTS}::test_parameters_can_be_kept_from_decay",
        "nobody's parameters are kept from decay",
    ),
    Fault(
        "bkn/training/entrant.py",
        "            self.hooks.before_step()\n            self.optimizer.step()\n",
        "            self.optimizer.step()\n            self.hooks.before_step()\n",
        f"{TESTS}::test_gradients_are_changed_before_the_weights_move",
        "gradients are changed when the weights have moved already",
    ),
    Fault(
        "bkn/training/entrant.py",
        "        self.hooks.plan(experiment.steps)\n",
        "",
        f"{TESTS}::test_the_entrant_takes_its_steps_by_the_hooks",
        "no schedule hears how many steps are planned",
    ),
    Fault(
        HOOKS,
        "        self.converted = _converted(model)",
        "        self.converted = model",
        "tests/normalizers/test_hooks_wrapped.py::test_hooks_find_the_converted_model_inside_another[norm_free]",
        "paths inside a converted model are looked up in what stands around it",
    ),
    Fault(
        HOOKS,
        "    if len(found) > 1:",
        "    if False:",
        "tests/normalizers/test_hooks_wrapped.py::test_two_converted_models_need_hooks_each",
        "of two converted models one is forgotten",
    ),
]
