"""Readers of functions and tensor methods: which moment rule a call follows.

Those of arithmetic, shapes and pooling have files of their own; `FUNCTIONS` and `METHODS` here
hold all. A function may also stand there by name, so that its library need not be imported.
"""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx

from bkn.moments import read_arithmetic, read_pools, read_shapes
from bkn.moments.drops import Dropout
from bkn.moments.linear import Conv, Linear
from bkn.moments.pointwise import Pointwise, PRelu, Relu
from bkn.moments.steps import Reader, Step, argument, numbers, per_axis, simple, unary


def conv(node: fx.Node, axes: int) -> Step | None:
    """A convolution with zero padding."""
    padding = argument(node, 4, "padding", 0)
    if isinstance(padding, str):
        return None
    rule = Conv(
        per_axis(argument(node, 3, "stride", 1), axes),
        per_axis(padding, axes),
        per_axis(argument(node, 5, "dilation", 1), axes),
        argument(node, 6, "groups", 1),
    )
    return unary(rule, node, argument(node, 1, "weight"), argument(node, 2, "bias"))


def linear(node: fx.Node) -> Step | None:
    """A linear layer."""
    return unary(Linear(), node, argument(node, 1, "weight"), argument(node, 2, "bias"))


def prelu(node: fx.Node) -> Step | None:
    """A ReLU with learned slopes."""
    return unary(PRelu(), node, argument(node, 1, "weight"))


def dropout(node: fx.Node, together: int | None = None) -> Step | None:
    """Dropout, of single numbers or of whole channels; the flag may ask for the mode."""
    p = argument(node, 1, "p", 0.5)
    return unary(Dropout(p, together), node, argument(node, 2, "training", True))


def stochastic_depth(node: fx.Node) -> Step | None:
    """Whole images dropped, or the whole batch."""
    p, mode = argument(node, 1, "p"), argument(node, 2, "mode")
    rule = Dropout(p, together=1 if mode == "row" else 0)
    return unary(rule, node, argument(node, 3, "training", True))


def pointwise(node: fx.Node) -> Step | None:
    """A function of one tensor and numbers."""
    rest = {name: value for name, value in node.kwargs.items() if name not in ("input", "inplace")}
    if not numbers(*node.args[1:], *rest.values()):
        return None
    function: Any = node.target
    if isinstance(function, str):
        function = getattr(torch.Tensor, function)
    extra = node.args[1:]

    def apply(x: torch.Tensor) -> torch.Tensor:
        return function(x.clone(), *extra, **rest)  # among the numbers may stand "in place"

    return unary(Pointwise(apply), node)


FUNCTIONS: dict[Any, Reader] = {
    **read_arithmetic.FUNCTIONS,
    **read_pools.FUNCTIONS,
    **read_shapes.FUNCTIONS,
    F.relu: simple(Relu),
    torch.relu: simple(Relu),
    torch.relu_: simple(Relu),
    F.linear: linear,
    F.prelu: prelu,
    F.dropout: dropout,
    F.dropout2d: partial(dropout, together=2),
    "torchvision.ops.stochastic_depth.stochastic_depth": stochastic_depth,
}

METHODS: dict[Any, Reader] = {
    **read_arithmetic.METHODS,
    **read_pools.METHODS,
    **read_shapes.METHODS,
    "relu": simple(Relu),
    "relu_": simple(Relu),
}

for _axes in (1, 2, 3):
    FUNCTIONS[getattr(F, f"conv{_axes}d")] = partial(conv, axes=_axes)
for _name in ("leaky_relu", "relu6", "silu", "gelu", "hardswish", "hardsigmoid", "elu", "selu",
              "celu", "mish", "softplus", "hardtanh", "logsigmoid", "softsign"):  # fmt: skip
    FUNCTIONS[getattr(F, _name)] = pointwise
for _name in ("sigmoid", "tanh", "abs", "square", "exp", "clamp", "clamp_min", "clamp_max"):
    METHODS[_name] = METHODS[f"{_name}_"] = pointwise
    FUNCTIONS[getattr(torch, _name)] = pointwise
for _name in ("sigmoid", "tanh"):
    FUNCTIONS[getattr(F, _name)] = pointwise
