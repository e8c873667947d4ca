"""Rules of the operations on single numbers: ReLU exactly, any other by quadrature, dropout."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bkn.moments.operation import Operation
from bkn.moments.quadrature import gauss_hermite
from bkn.moments.rectified import rectified
from bkn.normalizers.base import Belief


class Relu(Operation):
    """The rectified Gaussian."""

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return Belief(*rectified(*belief))

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return torch.relu(x)


class Pointwise(Operation):
    """Any function of single numbers, by Gauss-Hermite quadrature.

    Args:
        function: from a tensor to one of the same shape; must not change its input.
    """

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        nodes, shares = gauss_hermite(belief.mean.device, belief.mean.dtype)
        std = (belief.var + torch.finfo(belief.var.dtype).tiny).sqrt()
        values = self.function(torch.addcmul(belief.mean[..., None], std[..., None], nodes))
        mean = values @ shares
        return Belief(mean, (values - mean[..., None]).square() @ shares)

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return self.function(x)


class Affine(Operation):
    """Scale * x + shift, with numbers known when the model is converted."""

    def __init__(self, scale: float = 1.0, shift: float = 0.0):
        super().__init__()
        self.scale = scale
        self.shift = shift

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return Belief(belief.mean * self.scale + self.shift, belief.var * self.scale**2)

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return x * self.scale + self.shift

    def shortcut(self, belief: Belief, x: Tensor) -> Belief:
        return self.moments(belief, x)


class Dropout(Operation):
    """Inverted dropout, while training.

    Args:
        p: probability of a zero.
    """

    def __init__(self, p: float):
        super().__init__()
        self.p = p

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        if not self.training:
            return belief
        var = (belief.var + self.p * belief.mean.square()) / (1 - self.p)
        return Belief(belief.mean, var)

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return F.dropout(x, self.p, self.training)
