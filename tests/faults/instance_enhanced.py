"""Faults in instance enhancement batch normalization."""

from tests.faults import Fault

CODE = "bkn/normalizers/instance_enhanced.py"
TESTS = "tests/normalizers/test_instance_enhanced.py"
FAULTS = [
    Fault(
        CODE,
        "return self.enhanced(y, x), posterior",
        "return self.enhanced(y, y), posterior",
        f"{TESTS}::test_the_gate_looks_at_the_input_before_normalization",
        "the gate looks at the normalized input",
    ),
    Fault(
        CODE,
        "y = at_least_float32(y) * scale.view(*scale.shape, *places)\n"
        "        y = y if self.bias is None else y + self.bias.view(-1, *places)",
        "y = y if self.bias is None else y + self.bias.view(-1, *places)\n"
        "        y = at_least_float32(y) * scale.view(*scale.shape, *places)",
        f"{TESTS}::test_gates_begin_nearly_shut",
        "the shift is gated too",
    ),
    Fault(
        CODE,
        "gate_start: float = -1.0",
        "gate_start: float = 0.0",
        f"{TESTS}::test_gates_begin_nearly_shut",
        "gates begin half open",
    ),
    Fault(
        CODE,
        "mean = at_least_float32(x)\n",
        "mean = at_least_float32(x).detach()\n",
        f"{TESTS}::test_the_image_mean_gets_a_gradient_through_the_gate",
        "no gradient flows through the gate's mean",
    ),
    Fault(
        CODE,
        "        return self.enhanced(y, x)\n",
        "        return self.enhanced(y, x.mean(0, keepdim=True).expand_as(x))\n",
        f"{TESTS}::test_evaluation_is_gated_by_each_image_alone",
        "the gate sees the whole batch in evaluation",
    ),
]
