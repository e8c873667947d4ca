"""Rules of the operations with weights: convolution and linear layer."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from bkn.moments.geometry import border, pooled_moments
from bkn.moments.operation import Operation
from bkn.normalizers.base import Belief


class Conv(Operation):
    """A convolution; exact for the moments pooled over all places, zero padding included.

    Args:
        stride, padding, dilation: one number per spatial axis.
        groups: of channels.
    """

    def __init__(
        self,
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        groups: int = 1,
    ):
        super().__init__()
        self.stride = tuple(stride)
        self.padding = tuple(padding)
        self.dilation = tuple(dilation)
        self.groups = groups

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        weight, bias = weights
        geometry = (tuple(x.shape[2:]), tuple(weight.shape[2:]))
        window = (self.stride, self.padding, self.dilation)
        basis = border(*geometry, *window, belief.mean.dtype, belief.mean.device)
        mean, var = pooled_moments(*belief, weight.to(belief.mean.dtype), basis, self.groups)
        return Belief(mean if bias is None else mean + bias, var)

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        conv: Any = (F.conv1d, F.conv2d, F.conv3d)[x.dim() - 3]
        return conv(x, *weights, self.stride, self.padding, self.dilation, self.groups)


class Linear(Operation):
    """A linear layer on independent inputs."""

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        weight, bias = weights
        weight = weight.to(belief.mean.dtype)
        return Belief(F.linear(belief.mean, weight, bias), F.linear(belief.var, weight.square()))

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return F.linear(x, *weights)
