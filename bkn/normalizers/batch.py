"""Batch normalization, over micro-batches.

Paper: Ioffe & Szegedy (2015), https://arxiv.org/abs/1502.03167

Each micro-batch is normalized by its own mean and variance per channel. Small micro-batches
inside a large batch simulate exactly what many devices with few images each would do.
"""

import torch
from torch import Tensor

from bkn.normalizers.base import BatchStatistics, Belief, Estimate, moments
from bkn.normalizers.filtering import filtered


class BatchNorm(BatchStatistics):
    """Trust the micro-batch alone. With one micro-batch this is nn.BatchNorm2d."""

    def estimate(self, x: Tensor, prior: Belief | None = None) -> Estimate:
        self.count_groups(x)
        seen = moments(x, self.micro_batch)
        return Estimate(seen, None, seen, torch.ones_like(seen.mean[0]))

    def filter(self, x: Tensor, prior: Belief | None) -> tuple[Tensor, Belief]:
        groups = self.count_groups(x)
        return filtered(x, groups, None, 1.0, self.weight, self.bias, self.eps)
