"""Readers of modules: which moment rule a layer follows. A further layer is one more entry."""

from functools import partial
from typing import Any

from torch import fx, nn

from bkn.moments.drops import Dropout
from bkn.moments.linear import Conv, Linear
from bkn.moments.pointwise import Pointwise, PRelu, Relu
from bkn.moments.pooling import AvgPool, MaxPool
from bkn.moments.read_pools import adaptive
from bkn.moments.shape import Moved, Padded, Rearranged, flattened
from bkn.moments.steps import Reader, Step, per_axis, unary


def conv_module(node: fx.Node, module: Any) -> Step | None:
    """A convolution."""
    padding = module.padding
    if isinstance(padding, str):
        padding = same_padding(padding, module.kernel_size, module.dilation)
        if padding is None:
            return None
    rule = Conv(module.stride, padding, module.dilation, module.groups, module.padding_mode)
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
    divisor = getattr(module, "divisor_override", None)
    return unary(
        AvgPool(kernel, stride, padding, module.ceil_mode, module.count_include_pad, divisor), node
    )


def adaptive_module(node: fx.Node, module: Any, axes: int, largest: bool = False) -> Step | None:
    """Adaptive pooling."""
    return adaptive(node, module.output_size, axes, largest)


def pointwise_module(node: fx.Node, module: nn.Module) -> Step | None:
    """An activation function."""
    return unary(Pointwise(module), node)


def flatten_module(node: fx.Node, module: nn.Flatten) -> Step | None:
    """Some axes as one."""
    shape = partial(flattened, start=module.start_dim, end=module.end_dim)
    return unary(Rearranged(shape), node)


def prelu_module(node: fx.Node, module: nn.PReLU) -> Step | None:
    """A ReLU with learned slopes."""
    return unary(PRelu(), node, f"{node.target}.weight")


def zero_pad_module(node: fx.Node, module: Any) -> Step | None:
    """A constant around a picture."""
    return unary(Padded(module.padding, module.value), node)


def moved_module(node: fx.Node, module: nn.Module) -> Step | None:
    """Places copied or exchanged."""
    return unary(Moved(module), node)


def upsample_module(node: fx.Node, module: nn.Upsample) -> Step | None:
    """A larger picture, of copies; other modes mix neighbours."""
    return unary(Moved(module), node) if module.mode == "nearest" else None


SMOOTH = (
    nn.LeakyReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.Tanh,
    nn.ELU, nn.SELU, nn.CELU, nn.Mish, nn.Softplus, nn.Hardtanh, nn.LogSigmoid, nn.Softsign,
    nn.Hardshrink, nn.Softshrink, nn.Tanhshrink,
)  # fmt: skip

COPIES = (
    nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReplicationPad1d, nn.ReplicationPad2d,
    nn.CircularPad1d, nn.CircularPad2d,
)  # fmt: skip

MODULES: dict[Any, Reader] = {
    (nn.Conv1d, nn.Conv2d, nn.Conv3d): conv_module,
    nn.Linear: linear_module,
    nn.ReLU: lambda node, module: unary(Relu(), node),
    nn.PReLU: prelu_module,
    SMOOTH: pointwise_module,
    nn.Identity: lambda node, module: unary(Moved(), node),
    nn.Dropout: lambda node, module: unary(Dropout(module.p), node),
    (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d): lambda node, module: unary(
        Dropout(module.p, together=2), node
    ),
    (nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d): zero_pad_module,
    COPIES: moved_module,
    nn.Upsample: upsample_module,
    nn.Flatten: flatten_module,
}
for _axes, _max, _avg, _adaptive_max, _adaptive_avg in (
    (1, nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveMaxPool1d, nn.AdaptiveAvgPool1d),
    (2, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d),
    (3, nn.MaxPool3d, nn.AvgPool3d, nn.AdaptiveMaxPool3d, nn.AdaptiveAvgPool3d),
):
    MODULES[_max] = partial(max_pool_module, axes=_axes)
    MODULES[_avg] = partial(avg_pool_module, axes=_axes)
    MODULES[_adaptive_max] = partial(adaptive_module, axes=_axes, largest=True)
    MODULES[_adaptive_avg] = partial(adaptive_module, axes=_axes)
