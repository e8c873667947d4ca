"""Rules of the operations with weights: convolution and linear layer."""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from bkn.moments.geometry import border, pooled_moments
from bkn.moments.operation import ByChannel, Operation
from bkn.normalizers.base import Belief


class Conv(ByChannel):
    """A convolution; exact for the moments pooled over all places, zero padding included.

    Other padding repeats numbers; those count as further independent ones.

    Args:
        stride, padding, dilation: one number per spatial axis.
        groups: of channels.
        mode: what stands around the picture, as in nn.Conv2d's padding_mode.
    """

    def __init__(
        self,
        stride: Sequence[int],
        padding: Sequence[int],
        dilation: Sequence[int],
        groups: int = 1,
        mode: str = "zeros",
    ):
        super().__init__()
        self.stride = tuple(stride)
        # Copies stand there before the convolution, which then has no padding of its own.
        self.padding = tuple(padding) if mode == "zeros" else (0,) * len(padding)
        self.copies = [width for width in reversed(padding) for _ in range(2)]
        self.dilation = tuple(dilation)
        self.groups = groups
        self.mode = mode

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        weight, bias = weights
        size = tuple(x.shape[2:])
        if self.mode != "zeros":
            around = zip(size, self.copies[::-2], strict=True)
            size = tuple(places + 2 * width for places, width in around)
        window = (tuple(weight.shape[2:]), self.stride, self.padding, self.dilation)
        basis = border(size, *window, belief.mean.dtype, belief.mean.device)
        mean, var = pooled_moments(*belief, weight.to(belief.mean.dtype), basis, self.groups)
        return Belief(mean if bias is None else mean + bias, var)

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        if self.mode != "zeros":
            x = F.pad(x, self.copies, self.mode)
        conv: Any = (F.conv1d, F.conv2d, F.conv3d)[x.dim() - 3]
        return conv(x, *weights, self.stride, self.padding, self.dilation, self.groups)


class Linear(Operation):
    """A linear layer on independent inputs (N, C)."""

    def layout(self, axes: int, x: Tensor, *weights: Any) -> int | None:
        return axes if x.dim() == 2 else None

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        weight, bias = weights
        weight = weight.to(belief.mean.dtype)
        bias = None if bias is None else bias.to(belief.mean.dtype)
        return Belief(F.linear(belief.mean, weight, bias), F.linear(belief.var, weight.square()))

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return F.linear(x, *weights)
