"""Rules of pooling: windows of independent Gaussians, exact in their number at the border."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from bkn.moments.operation import ByChannel, Operation
from bkn.moments.windows import Axis, adaptive_cells, along, average, maximum
from bkn.normalizers.base import Belief


class MaxPool(ByChannel):
    """The largest number of each window.

    Args:
        kernel, stride, padding, dilation: one number per spatial axis.
        ceil_mode: as in torch.
    """

    def __init__(
        self,
        kernel: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        ceil_mode: bool = False,
    ):
        super().__init__()
        self.window = (tuple(kernel), tuple(stride), tuple(padding), tuple(dilation), ceil_mode)
        per_axis = zip(kernel, stride, padding, dilation, strict=True)
        self.axes = [Axis(*axis, ceil_mode) for axis in per_axis]

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return largest(belief, along(tuple(x.shape[2:]), self.axes))

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return (F.max_pool1d, F.max_pool2d, F.max_pool3d)[x.dim() - 3](x, *self.window)


class AvgPool(ByChannel):
    """The mean of each window.

    Args:
        kernel, stride, padding: one number per spatial axis.
        ceil_mode, count_include_pad, divisor_override: as in torch.
    """

    def __init__(
        self,
        kernel: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ):
        super().__init__()
        window = (tuple(kernel), tuple(stride), tuple(padding))
        self.window = (*window, ceil_mode, count_include_pad)
        self.more = {} if divisor_override is None else {"divisor_override": divisor_override}
        per_axis = zip(kernel, stride, padding, strict=True)
        self.axes = [Axis(*axis, ceil_mode=ceil_mode) for axis in per_axis]
        self.count_include_pad = count_include_pad
        self.divisor = divisor_override

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        size = tuple(x.shape[2:])
        cells = along(size, self.axes)
        if self.divisor is None:
            return averaged(belief, cells, along(size, self.axes, self.count_include_pad))
        mean, var = averaged(belief, cells, tuple((1,) * len(axis) for axis in cells))
        return Belief(mean / self.divisor, var / self.divisor**2)

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        pools: Any = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
        return pools[x.dim() - 3](x, *self.window, **self.more)

    def shortcut(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return belief


class AdaptivePool(ByChannel):
    """The mean or the largest number of windows that leave `size` places per spatial axis.

    Args:
        size: one number per spatial axis, None to leave an axis as it is.
        largest: the largest number, not the mean.
    """

    def __init__(self, size: Sequence[int | None], largest: bool = False):
        super().__init__()
        self.size = tuple(size)
        self.largest = largest

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        pairs = zip(x.shape[2:], self.size, strict=True)
        cells = tuple(tuple(adaptive_cells(n, n if out is None else out)) for n, out in pairs)
        return largest(belief, cells) if self.largest else averaged(belief, cells, cells)

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        means: Any = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)
        maxima: Any = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)
        size: Any = self.size[0] if x.dim() == 3 else self.size
        return (maxima if self.largest else means)[x.dim() - 3](x, size)

    def shortcut(self, belief: Belief, x: Tensor, *weights: Any) -> Belief | None:
        return None if self.largest else belief


class Mean(Operation):
    """The mean over axes of places, or over the channels while they keep their axis.

    Args:
        dims: the axes.
        keep: whether they stay, with one place.
    """

    def __init__(self, dims: Sequence[int], keep: bool = False):
        super().__init__()
        self.dims = tuple(dims)
        self.keep = keep

    def layout(self, axes: int, x: Tensor, *weights: Any) -> int | None:
        dims = {dim % x.dim() for dim in self.dims}
        channels = dims == {1} and axes == 1 and self.keep
        return axes if channels or min(dims) > axes else None

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        dims = {dim % x.dim() for dim in self.dims}
        if dims == {1}:
            mean, var = (part.mean(1, keepdim=True) for part in belief)
            return Belief(mean, var / x.shape[1])
        n = 1
        for dim in dims:
            n *= x.shape[dim]
        return Belief(belief.mean, belief.var / n)

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return x.mean(self.dims, self.keep)

    def shortcut(self, belief: Belief, x: Tensor, *weights: Any) -> Belief | None:
        return None if 1 in {dim % x.dim() for dim in self.dims} else belief


def largest(belief: Belief, cells: tuple[tuple[int, ...], ...]) -> Belief:
    """Moments of the maximum of windows with these numbers of cells per axis and place."""
    mean, var = maximum(cells)
    return Belief(belief.mean + mean * (belief.var + 1e-30).sqrt(), var * belief.var)


def averaged(
    belief: Belief, cells: tuple[tuple[int, ...], ...], divisors: tuple[tuple[int, ...], ...]
) -> Belief:
    """Moments of sums of these numbers of cells, divided, per axis and place."""
    a, b, c = average(cells, divisors)
    return Belief(a * belief.mean, b * belief.var + c * belief.mean.square())
