"""Readers of functions and tensor methods: which moment rule a call follows."""

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from bkn.moments.linear import Conv, Linear
from bkn.moments.pointwise import Affine, Dropout, Pointwise, Relu
from bkn.moments.pooling import AdaptiveAvgPool, AvgPool, MaxPool
from bkn.moments.shape import Add, Concat, Flatten, PadChannels, Same
from bkn.moments.steps import Reader, Step, adaptive_pool, argument, per_axis, unary


def simple(rule: Callable[[], nn.Module]) -> Reader:
    """The reader of a call without arguments of its own."""
    return lambda node: unary(rule(), node)


def add(node: fx.Node) -> Step | None:
    """A sum of two activations, or of one and a number."""
    a, b = argument(node, 0, "input"), argument(node, 1, "other")
    if argument(node, 2, "alpha", 1) != 1:
        return None
    if isinstance(a, fx.Node) and isinstance(b, fx.Node):
        return Step(Add(), (a, b))
    node_, number = (a, b) if isinstance(a, fx.Node) else (b, a)
    if not isinstance(node_, fx.Node) or not isinstance(number, int | float):
        return None
    return Step(Affine(shift=float(number)), (node_,))


def multiply(node: fx.Node) -> Step | None:
    """A product with a number."""
    a, b = argument(node, 0, "input"), argument(node, 1, "other")
    node_, number = (a, b) if isinstance(a, fx.Node) else (b, a)
    if not isinstance(node_, fx.Node) or not isinstance(number, int | float):
        return None
    return Step(Affine(scale=float(number)), (node_,))


def concat(node: fx.Node) -> Step | None:
    """Concatenation along the channels."""
    parts = argument(node, 0, "tensors")
    if argument(node, 1, "dim", 0) != 1 or not isinstance(parts, list | tuple):
        return None
    return Step(Concat(), tuple(parts)) if all(isinstance(p, fx.Node) for p in parts) else None


def flatten(node: fx.Node) -> Step | None:
    """Flattening of everything but the images."""
    whole = argument(node, 1, "start_dim", 0) == 1 and argument(node, 2, "end_dim", -1) == -1
    return unary(Flatten(), node) if whole else None


def reshape(node: fx.Node) -> Step | None:
    """View(N, -1), however N was found."""
    return unary(Flatten(), node) if len(node.args) == 3 and node.args[2] == -1 else None


def mean(node: fx.Node) -> Step | None:
    """The mean over both axes of a picture, with or without them kept."""
    dims = argument(node, 1, "dim")
    if not isinstance(dims, list | tuple) or {d % 4 for d in dims} != {2, 3}:
        return None
    return unary(AdaptiveAvgPool((1, 1), keep=bool(argument(node, 2, "keepdim", False))), node)


def avg_pool(node: fx.Node, axes: int) -> Step | None:
    """Average pooling."""
    kernel = per_axis(argument(node, 1, "kernel_size"), axes)
    stride = per_axis(argument(node, 2, "stride") or kernel, axes)
    padding = per_axis(argument(node, 3, "padding", 0), axes)
    if argument(node, 6, "divisor_override") is not None:
        return None
    ceil_mode = argument(node, 4, "ceil_mode", False)
    return unary(
        AvgPool(kernel, stride, padding, ceil_mode, argument(node, 5, "count_include_pad", True)),
        node,
    )


def max_pool(node: fx.Node, axes: int) -> Step | None:
    """Max pooling."""
    kernel = per_axis(argument(node, 1, "kernel_size"), axes)
    stride = per_axis(argument(node, 2, "stride") or kernel, axes)
    padding = per_axis(argument(node, 3, "padding", 0), axes)
    dilation = per_axis(argument(node, 4, "dilation", 1), axes)
    ceil_mode = argument(node, 5, "ceil_mode", False)
    return unary(MaxPool(kernel, stride, padding, dilation, ceil_mode), node)


def adaptive_avg_pool(node: fx.Node, axes: int) -> Step | None:
    """Adaptive average pooling."""
    return adaptive_pool(node, argument(node, 1, "output_size"), axes)


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


def pad(node: fx.Node) -> Step | None:
    """Zero channels around those of a picture."""
    widths = argument(node, 1, "pad")
    zero = argument(node, 2, "mode", "constant") == "constant"
    if not zero or argument(node, 3, "value") not in (None, 0) or len(widths) != 6:
        return None
    return None if any(widths[:4]) else unary(PadChannels(widths[4], widths[5]), node)


def dropout(node: fx.Node) -> Step | None:
    """Dropout of single numbers."""
    if not argument(node, 2, "training", True):
        return unary(Same(), node)
    return unary(Dropout(argument(node, 1, "p", 0.5)), node)


def pointwise(node: fx.Node) -> Step | None:
    """A function of one tensor and numbers."""
    rest = {name: value for name, value in node.kwargs.items() if name not in ("input", "inplace")}
    if any(isinstance(value, fx.Node) for value in (*node.args[1:], *rest.values())):
        return None
    function = node.target
    if isinstance(function, str):
        function = getattr(torch.Tensor, function)
    extra = node.args[1:]

    def apply(x: torch.Tensor) -> torch.Tensor:
        return function(x, *extra, **rest)

    return unary(Pointwise(apply), node)


FUNCTIONS: dict[Any, Reader] = {
    F.relu: simple(Relu),
    torch.relu: simple(Relu),
    torch.relu_: simple(Relu),
    operator.add: add,
    operator.iadd: add,
    torch.add: add,
    operator.mul: multiply,
    operator.imul: multiply,
    torch.mul: multiply,
    torch.cat: concat,
    torch.concat: concat,
    torch.flatten: flatten,
    torch.mean: mean,
    F.avg_pool2d: partial(avg_pool, axes=2),
    F.max_pool2d: partial(max_pool, axes=2),
    F.adaptive_avg_pool2d: partial(adaptive_avg_pool, axes=2),
    F.conv1d: partial(conv, axes=1),
    F.conv2d: partial(conv, axes=2),
    F.linear: linear,
    F.pad: pad,
    F.dropout: dropout,
}

METHODS: dict[Any, Reader] = {
    "relu": simple(Relu),
    "relu_": simple(Relu),
    "add": add,
    "add_": add,
    "mul": multiply,
    "mul_": multiply,
    "flatten": flatten,
    "view": reshape,
    "reshape": reshape,
    "mean": mean,
    "contiguous": simple(Same),
    "clone": simple(Same),
}

for _name in ("leaky_relu", "relu6", "silu", "gelu", "hardswish", "hardsigmoid", "elu", "selu",
              "mish", "softplus", "hardtanh"):  # fmt: skip
    FUNCTIONS[getattr(F, _name)] = pointwise
for _name in ("sigmoid", "tanh"):
    FUNCTIONS[getattr(torch, _name)] = pointwise
    FUNCTIONS[getattr(F, _name)] = pointwise
    METHODS[_name] = pointwise
