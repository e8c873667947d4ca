"""Rules of pooling, its windows taken as independent Gaussians."""

import math
from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from bkn.moments.operation import Operation
from bkn.moments.quadrature import maximum_of
from bkn.normalizers.base import Belief


class MaxPool(Operation):
    """The largest of n independent Gaussians; windows at the border count as full.

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
        self.n = math.prod(kernel)

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        mean, var = maximum_of(self.n)
        return Belief(belief.mean + mean * (belief.var + 1e-30).sqrt(), var * belief.var)

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return (F.max_pool1d, F.max_pool2d, F.max_pool3d)[x.dim() - 3](x, *self.window)


class AvgPool(Operation):
    """The mean of n independent numbers; windows at the border count as full.

    Args:
        kernel, stride, padding: one number per spatial axis.
        ceil_mode, count_include_pad: as in torch.
    """

    def __init__(
        self,
        kernel: Sequence[int],
        stride: Sequence[int],
        padding: Sequence[int],
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ):
        super().__init__()
        window = (tuple(kernel), tuple(stride), tuple(padding))
        self.window = (*window, ceil_mode, count_include_pad)
        self.n = math.prod(kernel)

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return Belief(belief.mean, belief.var / self.n)

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[x.dim() - 3](x, *self.window)

    def shortcut(self, belief: Belief, x: Tensor) -> Belief:
        return belief


class AdaptiveAvgPool(Operation):
    """The mean of windows that leave `size` places per spatial axis.

    Args:
        size: one number per spatial axis.
        keep: keep the spatial axes; else, for size 1, they vanish.
    """

    def __init__(self, size: Sequence[int], keep: bool = True):
        super().__init__()
        self.size = tuple(size)
        self.keep = keep

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return Belief(belief.mean, belief.var * (math.prod(self.size) / x.shape[2:].numel()))

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        pools: Any = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)
        y = pools[x.dim() - 3](x, self.size)
        return y if self.keep else y.flatten(1)

    def shortcut(self, belief: Belief, x: Tensor) -> Belief:
        return belief
