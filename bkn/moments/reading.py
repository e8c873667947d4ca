"""Which moment rule belongs to which operation of a traced network.

A reader looks at one node of the graph, a module, a function or a tensor method, and says which
rule it follows, where its inputs come from and which weights it uses. A further operation is one
more small reader in a table below.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from bkn.moments.linear import Conv, Linear
from bkn.moments.pointwise import Affine, Dropout, Pointwise, Relu
from bkn.moments.pooling import AdaptiveAvgPool, AvgPool, MaxPool
from bkn.moments.shape import Add, Concat, Flatten, PadChannels, Same


@dataclass(frozen=True)
class Step:
    """One operation as the weaver needs it."""

    rule: nn.Module
    sources: tuple[fx.Node, ...]
    weights: tuple[fx.Node | str | None, ...] = ()  # nodes, or names of parameters


Reader = Callable[..., Step | None]


def read(node: fx.Node, root: nn.Module) -> Step | None:
    """The step of a node; None if there is no rule for it."""
    if node.op == "call_module":
        module = root.get_submodule(str(node.target))
        for kind, reader in MODULES.items():
            if isinstance(module, kind):
                return reader(node, module)
        return None
    table: dict[Any, Reader] = {"call_function": FUNCTIONS, "call_method": METHODS}.get(node.op, {})
    reader = table.get(node.target)
    return reader(node) if reader is not None else None


def argument(node: fx.Node, position: int, name: str, default: Any = None) -> Any:
    """An argument of a call, by position or by name."""
    return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)


def tuple_of(value: Any, axes: int) -> tuple[int, ...]:
    """One number per axis."""
    return (value,) * axes if isinstance(value, int) else tuple(value)


def first(node: fx.Node) -> fx.Node:
    """The node of the activations: the first argument, or the keyword input."""
    return argument(node, 0, "input")


def unary(rule: nn.Module, node: fx.Node, *weights: fx.Node | str | None) -> Step | None:
    source = first(node)
    return Step(rule, (source,), weights) if isinstance(source, fx.Node) else None


# Modules


def conv_module(node: fx.Node, module: Any) -> Step | None:
    if module.padding_mode != "zeros":
        return None
    padding = module.padding
    if isinstance(padding, str):
        padding = same_padding(padding, module.kernel_size, module.dilation)
        if padding is None:
            return None
    rule = Conv(module.stride, padding, module.dilation, module.groups)
    bias = None if module.bias is None else f"{node.target}.bias"
    return unary(rule, node, f"{node.target}.weight", bias)


def same_padding(
    padding: str, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[int, ...] | None:
    """Padding in numbers; None where "same" would pad more behind than in front."""
    if padding == "valid":
        return (0,) * len(kernel)
    total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return None if any(t % 2 for t in total) else tuple(t // 2 for t in total)


def linear_module(node: fx.Node, module: Any) -> Step | None:
    bias = None if module.bias is None else f"{node.target}.bias"
    return unary(Linear(), node, f"{node.target}.weight", bias)


def max_pool_module(node: fx.Node, module: Any, axes: int) -> Step | None:
    kernel, stride, padding, dilation = (
        tuple_of(value, axes)
        for value in (module.kernel_size, module.stride, module.padding, module.dilation)
    )
    return unary(MaxPool(kernel, stride, padding, dilation, module.ceil_mode), node)


def avg_pool_module(node: fx.Node, module: Any, axes: int) -> Step | None:
    kernel, stride, padding = (
        tuple_of(value, axes) for value in (module.kernel_size, module.stride, module.padding)
    )
    rule = AvgPool(kernel, stride, padding, module.ceil_mode, module.count_include_pad)
    return unary(rule, node)


def adaptive_module(node: fx.Node, module: Any, axes: int) -> Step | None:
    return adaptive_step(node, module.output_size, axes)


def adaptive_step(node: fx.Node, size: Any, axes: int) -> Step | None:
    size = tuple_of(size, axes) if size is not None else (None,)
    if not all(isinstance(one, int) for one in size):
        return None
    return unary(AdaptiveAvgPool(size), node)


def pointwise_module(node: fx.Node, module: nn.Module) -> Step | None:
    return unary(Pointwise(module), node)


def flatten_module(node: fx.Node, module: nn.Flatten) -> Step | None:
    whole = module.start_dim == 1 and module.end_dim == -1
    return unary(Flatten(), node) if whole else None


SMOOTH = (
    nn.LeakyReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.Tanh,
    nn.ELU, nn.SELU, nn.CELU, nn.Mish, nn.Softplus, nn.Hardtanh, nn.LogSigmoid, nn.Softsign,
    nn.Hardshrink, nn.Softshrink, nn.Tanhshrink,
)  # fmt: skip

MODULES: dict[Any, Reader] = {
    (nn.Conv1d, nn.Conv2d, nn.Conv3d): conv_module,
    nn.Linear: linear_module,
    nn.ReLU: lambda node, module: unary(Relu(), node),
    SMOOTH: pointwise_module,
    nn.Identity: lambda node, module: unary(Same(), node),
    nn.Dropout: lambda node, module: unary(Dropout(module.p), node),
    nn.MaxPool1d: partial(max_pool_module, axes=1),
    nn.MaxPool2d: partial(max_pool_module, axes=2),
    nn.AvgPool2d: partial(avg_pool_module, axes=2),
    nn.AdaptiveAvgPool1d: partial(adaptive_module, axes=1),
    nn.AdaptiveAvgPool2d: partial(adaptive_module, axes=2),
    nn.Flatten: flatten_module,
}


# Functions and tensor methods


def simple(rule: Callable[[], nn.Module]) -> Reader:
    return lambda node: unary(rule(), node)


def add(node: fx.Node) -> Step | None:
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
    a, b = argument(node, 0, "input"), argument(node, 1, "other")
    node_, number = (a, b) if isinstance(a, fx.Node) else (b, a)
    if not isinstance(node_, fx.Node) or not isinstance(number, int | float):
        return None
    return Step(Affine(scale=float(number)), (node_,))


def concat(node: fx.Node) -> Step | None:
    parts = argument(node, 0, "tensors")
    if argument(node, 1, "dim", 0) != 1 or not isinstance(parts, list | tuple):
        return None
    return Step(Concat(), tuple(parts)) if all(isinstance(p, fx.Node) for p in parts) else None


def flatten(node: fx.Node) -> Step | None:
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
    kernel = tuple_of(argument(node, 1, "kernel_size"), axes)
    stride = tuple_of(argument(node, 2, "stride") or kernel, axes)
    padding = tuple_of(argument(node, 3, "padding", 0), axes)
    if argument(node, 6, "divisor_override") is not None:
        return None
    ceil_mode = argument(node, 4, "ceil_mode", False)
    return unary(
        AvgPool(kernel, stride, padding, ceil_mode, argument(node, 5, "count_include_pad", True)),
        node,
    )


def max_pool(node: fx.Node, axes: int) -> Step | None:
    kernel = tuple_of(argument(node, 1, "kernel_size"), axes)
    stride = tuple_of(argument(node, 2, "stride") or kernel, axes)
    padding = tuple_of(argument(node, 3, "padding", 0), axes)
    dilation = tuple_of(argument(node, 4, "dilation", 1), axes)
    ceil_mode = argument(node, 5, "ceil_mode", False)
    return unary(MaxPool(kernel, stride, padding, dilation, ceil_mode), node)


def adaptive_avg_pool(node: fx.Node, axes: int) -> Step | None:
    return adaptive_step(node, argument(node, 1, "output_size"), axes)


def conv(node: fx.Node, axes: int) -> Step | None:
    padding = argument(node, 4, "padding", 0)
    if isinstance(padding, str):
        return None
    rule = Conv(
        tuple_of(argument(node, 3, "stride", 1), axes),
        tuple_of(padding, axes),
        tuple_of(argument(node, 5, "dilation", 1), axes),
        argument(node, 6, "groups", 1),
    )
    return unary(rule, node, argument(node, 1, "weight"), argument(node, 2, "bias"))


def linear(node: fx.Node) -> Step | None:
    return unary(Linear(), node, argument(node, 1, "weight"), argument(node, 2, "bias"))


def pad(node: fx.Node) -> Step | None:
    """Zero channels around those of a picture."""
    widths = argument(node, 1, "pad")
    zero = argument(node, 2, "mode", "constant") == "constant"
    if not zero or argument(node, 3, "value") not in (None, 0) or len(widths) != 6:
        return None
    return None if any(widths[:4]) else unary(PadChannels(widths[4], widths[5]), node)


def dropout(node: fx.Node) -> Step | None:
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
