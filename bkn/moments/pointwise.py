"""Rules of activation functions: those made of ReLUs exactly, any other by quadrature."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from bkn.moments.operation import ByChannel, Operation
from bkn.moments.quadrature import normal_nodes
from bkn.moments.rectified import rectified
from bkn.normalizers.base import Belief


class Relu(Operation):
    """The rectified Gaussian."""

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return Belief(*rectified(*belief))

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return torch.relu(x)


class Pointwise(Operation):
    """Any function of single numbers, by quadrature.

    Args:
        function: from a tensor to one of the same shape.
    """

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        nodes, shares = normal_nodes(belief.mean.device, belief.mean.dtype)
        std = (belief.var + torch.finfo(belief.var.dtype).tiny).sqrt()
        values = self.function(torch.addcmul(belief.mean[..., None], std[..., None], nodes))
        mean = values @ shares
        return Belief(mean, (values - mean[..., None]).square() @ shares)

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        # Other branches may need the image too, so a function in place gets a copy.
        return self.function(x.clone() if getattr(self.function, "inplace", False) else x)


class PRelu(ByChannel):
    """max(x, 0) + slope * min(x, 0), with slopes that are learned, one or one per channel."""

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        slope = weights[0].to(belief.mean.dtype)
        up, up_var = rectified(*belief)
        down, down_var = rectified(-belief.mean, belief.var)
        var = up_var + slope.square() * down_var + 2 * slope * up * down  # never both at once
        return Belief(up - slope * down, var)

    def real(self, x: Tensor, *weights: Any) -> Tensor:
        return F.prelu(x, *weights)
