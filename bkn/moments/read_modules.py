"""Readers of modules: which moment rule a layer follows. A further layer is one more entry."""

from functools import partial
from typing import Any

from torch import fx, nn

from bkn.moments.linear import Conv, Linear
from bkn.moments.pointwise import Dropout, Pointwise, Relu
from bkn.moments.pooling import AvgPool, MaxPool
from bkn.moments.shape import Flatten, Same
from bkn.moments.steps import Reader, Step, adaptive_pool, per_axis, unary


def conv_module(node: fx.Node, module: Any) -> Step | None:
    """A convolution with zero padding."""
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
    """A linear layer."""
    bias = None if module.bias is None else f"{node.target}.bias"
    return unary(Linear(), node, f"{node.target}.weight", bias)


def max_pool_module(node: fx.Node, module: Any, axes: int) -> Step | None:
    """Max pooling."""
    kernel, stride, padding, dilation = (
        per_axis(value, axes)
        for value in (module.kernel_size, module.stride, module.padding, module.dilation)
    )
    return unary(MaxPool(kernel, stride, padding, dilation, module.ceil_mode), node)


def avg_pool_module(node: fx.Node, module: Any, axes: int) -> Step | None:
    """Average pooling."""
    kernel, stride, padding = (
        per_axis(value, axes) for value in (module.kernel_size, module.stride, module.padding)
    )
    rule = AvgPool(kernel, stride, padding, module.ceil_mode, module.count_include_pad)
    return unary(rule, node)


def adaptive_module(node: fx.Node, module: Any, axes: int) -> Step | None:
    """Adaptive average pooling."""
    return adaptive_pool(node, module.output_size, axes)


def pointwise_module(node: fx.Node, module: nn.Module) -> Step | None:
    """An activation function."""
    return unary(Pointwise(module), node)


def flatten_module(node: fx.Node, module: nn.Flatten) -> Step | None:
    """Flattening of everything but the images."""
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
