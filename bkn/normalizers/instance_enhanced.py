"""Instance enhancement batch normalization: a gate per image damps the noise of the batch.

Paper: Liang, Huang, Liang & Yang (2020), https://arxiv.org/abs/1908.04008
Code:  https://github.com/gbup-group/IEBN

The micro-batch normalizes. What it gives a channel of one image is then multiplied by a number
between 0 and 1 that depends on the mean of that channel in that image alone.
"""

import torch
from torch import Tensor, nn

from bkn.normalizers.base import BatchStatistics, Belief, Estimate, moments
from bkn.normalizers.filtering import filtered
from bkn.normalizers.kernels import at_least_float32


def gate(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Sigmoid(scale * mean over all places + shift), (N, C), of x (N, C, ...)."""
    places = tuple(range(2, x.dim()))
    mean = at_least_float32(x)
    mean = mean.mean(places) if places else mean
    return torch.sigmoid(mean * scale + shift)


class InstanceEnhancedBatchNorm(BatchStatistics):
    """Batch norm whose scale is gated by each image; also in evaluation.

    `gate_weight` and `gate_bias` hold scale and shift of the gate per channel.

    Args:
        channels: C.
        gate_start: first value of the gate's shift; all gates begin at its sigmoid.
        base: see `BatchStatistics`.
    """

    def __init__(
        self,
        channels: int,
        *,
        gate_start: float = -1.0,
        running: str = "mean",
        momentum: float | None = 0.1,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(
            channels,
            running=running,
            momentum=momentum,
            micro_batch=micro_batch,
            eps=eps,
            affine=affine,
        )
        self.gate_weight = nn.Parameter(torch.zeros(channels))
        self.gate_bias = nn.Parameter(torch.full((channels,), gate_start))

    def estimate(self, x: Tensor, prior: Belief | None = None) -> Estimate:
        self.count_groups(x)
        seen = moments(x, self.micro_batch)
        return Estimate(seen, None, seen, torch.ones_like(seen.mean[0]))

    def filter(self, x: Tensor, prior: Belief | None) -> tuple[Tensor, Belief]:
        groups = self.count_groups(x)
        y, posterior = filtered(x, groups, None, 1.0, None, None, self.eps)
        return self.enhanced(y, x), posterior

    def by_running_averages(self, x: Tensor) -> Tensor:
        y = nn.functional.batch_norm(
            x, self.running_mean, self.running_var, None, None, False, 0.0, self.eps
        )
        return self.enhanced(y, x)

    def enhanced(self, y: Tensor, x: Tensor) -> Tensor:
        """Gate and affine on the normalized y; the shift is not gated."""
        scale = gate(x, self.gate_weight, self.gate_bias)
        if self.weight is not None:
            scale = scale * self.weight
        places = (1,) * (x.dim() - 2)
        y = at_least_float32(y) * scale.view(*scale.shape, *places)
        y = y if self.bias is None else y + self.bias.view(-1, *places)
        return y.to(x.dtype)
