"""Readers of pooling and of means, as calls."""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx

from bkn.moments.pooling import AdaptivePool, AvgPool, MaxPool, Mean
from bkn.moments.steps import Reader, Step, argument, numbers, per_axis, unary


def mean(node: fx.Node) -> Step | None:
    """The mean over some axes."""
    dims = argument(node, 1, "dim")
    if dims is None or not numbers(dims):
        return None
    keep = bool(argument(node, 2, "keepdim", False))
    return unary(Mean(per_axis(dims, 1), keep), node)


def avg_pool(node: fx.Node, axes: int) -> Step | None:
    """Average pooling."""
    kernel = per_axis(argument(node, 1, "kernel_size"), axes)
    stride = per_axis(argument(node, 2, "stride") or kernel, axes)
    padding = per_axis(argument(node, 3, "padding", 0), axes)
    ceil_mode = argument(node, 4, "ceil_mode", False)
    count = argument(node, 5, "count_include_pad", True)
    divisor = argument(node, 6, "divisor_override")
    if not numbers(kernel, stride, padding, divisor):
        return None
    return unary(AvgPool(kernel, stride, padding, ceil_mode, count, divisor), node)


def max_pool(node: fx.Node, axes: int) -> Step | None:
    """Max pooling."""
    kernel = per_axis(argument(node, 1, "kernel_size"), axes)
    stride = per_axis(argument(node, 2, "stride") or kernel, axes)
    padding = per_axis(argument(node, 3, "padding", 0), axes)
    dilation = per_axis(argument(node, 4, "dilation", 1), axes)
    if not numbers(kernel, stride, padding, dilation) or argument(node, 6, "return_indices", False):
        return None
    ceil_mode = argument(node, 5, "ceil_mode", False)
    return unary(MaxPool(kernel, stride, padding, dilation, ceil_mode), node)


def adaptive_pool(node: fx.Node, axes: int, largest: bool = False) -> Step | None:
    """Adaptive pooling."""
    return adaptive(node, argument(node, 1, "output_size"), axes, largest)


def adaptive(node: fx.Node, size: Any, axes: int, largest: bool) -> Step | None:
    """Adaptive pooling to sizes known when the model is converted."""
    sizes = size if isinstance(size, list | tuple) else (size,) * axes
    return unary(AdaptivePool(sizes, largest), node) if numbers(sizes) else None


FUNCTIONS: dict[Any, Reader] = {torch.mean: mean}
METHODS: dict[Any, Reader] = {"mean": mean}

for _axes in (1, 2, 3):
    for _owner in (F, torch):
        FUNCTIONS[getattr(_owner, f"max_pool{_axes}d")] = partial(max_pool, axes=_axes)
    FUNCTIONS[getattr(F, f"avg_pool{_axes}d")] = partial(avg_pool, axes=_axes)
    FUNCTIONS[getattr(F, f"adaptive_avg_pool{_axes}d")] = partial(adaptive_pool, axes=_axes)
    FUNCTIONS[getattr(F, f"adaptive_max_pool{_axes}d")] = partial(
        adaptive_pool, axes=_axes, largest=True
    )
