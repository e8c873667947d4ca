"""Rules of the learned transition: a linear map and a noise of its own in place of each layer's.

Paper: Wang, Peng, Luo, Wang & Lin (2018), https://arxiv.org/abs/1802.03133, whose text predicts
mean' = A mean and variance' = A variance A^T + R and learns A and R; its public code learns none.
Here every convolution and linear layer on the way has an A and an R, activations between them are
left to A, and all else (pooling, sums, concatenations) keeps its rule.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bkn.moments.linear import Conv, Linear
from bkn.moments.operation import Operation
from bkn.moments.pointwise import Pointwise, PRelu, Relu
from bkn.normalizers.base import Belief

FIRST_NOISE = 0.01  # R before anything is learned


class LearnedMap(Operation):
    """Mean' = A mean + bias, variance' = (A * A) variance + R; only variances are kept of A V A^T.

    Args:
        rule: that of the operation whose place this takes.
        weight: of that operation, (C', C / groups, ...). A begins as the sum over its taps, which
            for random weights is right on average; R as `FIRST_NOISE`, behind a softplus.
        groups: of channels.
    """

    def __init__(self, rule: Operation, weight: Tensor, groups: int = 1):
        super().__init__()
        self.rule = rule
        self.groups = groups
        taps = weight.detach().reshape(*weight.shape[:2], -1)
        self.map = nn.Parameter(taps.sum(2))
        self.noise = nn.Parameter(
            torch.full_like(self.map[:, 0], math.log(math.expm1(FIRST_NOISE)))
        )

    def layout(self, axes: int, x: Tensor, *weights: Any) -> int | None:
        return self.rule.layout(axes, x, *weights)

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        bias = weights[1]
        mean = linear_in_groups(belief.mean, self.map, self.groups)
        var = linear_in_groups(belief.var, self.map.square(), self.groups)
        noise = F.softplus(self.noise)
        return Belief(mean if bias is None else mean + bias, var + noise)


class Unchanged(Operation):
    """An activation that is left to the next learned map."""

    def moments(self, belief: Belief, x: Tensor, *weights: Any) -> Belief:
        return belief


def linear_in_groups(values: Tensor, matrix: Tensor, groups: int) -> Tensor:
    """Values (G, C) times a matrix (C', C / groups) that is block diagonal."""
    if groups == 1:
        return F.linear(values, matrix)
    parts = values.unflatten(1, (groups, -1))
    blocks = matrix.unflatten(0, (groups, -1))
    return torch.einsum("gbi,boi->gbo", parts, blocks).flatten(1)


def learned_rule(rule: nn.Module, weight: Tensor | None) -> nn.Module:
    """The learned rule for an operation, or its own where there is nothing to learn.

    Args:
        rule: of the operation.
        weight: its weight; None if it has none, or none of its own.
    """
    if isinstance(rule, Conv | Linear) and weight is not None:
        return LearnedMap(rule, weight, rule.groups if isinstance(rule, Conv) else 1)
    if isinstance(rule, Relu | Pointwise | PRelu):
        return Unchanged()
    return rule
