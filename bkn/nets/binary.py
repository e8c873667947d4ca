"""Layers with one bit per weight and activation, and the gradients that train them.

Papers: Liu, Wu, Luo, Yang, Liu & Cheng (2018), https://arxiv.org/abs/1808.00278 (Bi-Real Net);
Liu, Shen, Savvides & Cheng (2020), https://arxiv.org/abs/2003.03488 (ReActNet)

The sign of a number has no useful derivative. Behind it the gradient is that of a function which
looks like it: a smooth step for activations, a clipped line for weights.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class Sign(nn.Module):
    """+1 or -1 by the sign of each value, 0 counting as positive.

    The gradient is 2 - 2|x| within [-1, 1], else 0: the slope of a piecewise quadratic step.
    """

    traced_whole = True  # torch.fx must not look inside
    quantizes = True  # for the weight layer behind: what is put before that goes in front of this

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = _Sign.apply(x)
        return y


class BinaryConv2d(nn.Conv2d):
    """A convolution by weights of one sign bit each, and one scale per filter.

    The weights that are trained are real. In the forward pass they count as
    mean|w| * sign(w), the mean over the filter; the gradient passes where |w| <= 1 and does not
    see the scale.
    """

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, binary(self.weight), self.bias)


def binary(weight: Tensor) -> Tensor:
    """mean|w| * sign(w) per filter of weights (out, in, ...), differentiable as clamp(w, -1, 1)."""
    y: Tensor = _Binary.apply(weight)
    return y


def _sign(x: Tensor) -> Tensor:
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


class _Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return _sign(x)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return g * (2 - 2 * x.abs()).clamp(min=0)


class _Binary(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        scale = weight.abs().flatten(1).mean(1).view(-1, *(1,) * (weight.dim() - 1))
        return scale * _sign(weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (weight,) = ctx.saved_tensors
        return g * (weight.abs() <= 1)
