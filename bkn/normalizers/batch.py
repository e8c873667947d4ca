"""Batch normalization, over micro-batches.

Paper: Ioffe & Szegedy (2015), https://arxiv.org/abs/1502.03167

Each micro-batch is normalized by its own mean and variance per channel. Small micro-batches
inside a large batch simulate exactly what many devices with few images each would do.
"""

import torch
from torch import Tensor

from bkn.normalizers.base import BatchStatistics, Belief, Estimate


class BatchNorm(BatchStatistics):
    """Trust the micro-batch alone. With one micro-batch this is nn.BatchNorm2d."""

    def estimate(self, x: Tensor, prior: Belief | None = None) -> Estimate:
        seen = self.observe(x)
        return Estimate(seen, prior, seen, torch.ones_like(seen.mean[0]))
