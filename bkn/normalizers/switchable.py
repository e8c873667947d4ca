"""Switchable normalization: a learned blend of instance, layer and batch statistics.

Paper: Luo, Ren, Peng, Zhang & Li (2018), https://arxiv.org/abs/1806.10779
Code:  https://github.com/switchablenorms/Switchable-Normalization

Three sets of moments are at hand: of one channel in one image, of all channels in one image, of
one channel in the micro-batch. Every layer learns how much of each it wants, separately for mean
and variance.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from bkn.normalizers.base import Belief, RunningAverages
from bkn.normalizers.kernels import group_moments, normalize


class Parts(NamedTuple):
    """Moments of the three kinds: (N, C), (N, 1), and (G, C) of the micro-batches."""

    instance: Belief
    layer: Belief
    batch: Belief


def parts_of(x: Tensor, groups: int, variance: str = "biased") -> Parts:
    """Moments of x (N, C, ...) by image and channel, by image, and by micro-batch and channel.

    The others are made of those by image and channel, by the law of total variance. "unbiased"
    is the authors' code: the variance of the smallest parts is the unbiased one, which are the
    places of an image and, on vectors, the values themselves.
    """
    places = x.shape[2:].numel()
    mean, var = group_moments(x, len(x))
    if variance == "unbiased" and places > 1:
        var = var * (places / (places - 1))
    by_group = mean.unflatten(0, (groups, -1)), var.unflatten(0, (groups, -1))
    layer = _pooled(mean, var, 1)
    batch = Belief(*(part.squeeze(1) for part in _pooled(*by_group, 1)))
    if variance == "unbiased" and places == 1:
        layer = _unbiased(layer, x.shape[1])
        batch = _unbiased(batch, len(x) // groups)
    return Parts(Belief(mean, var), layer, batch)


def _pooled(mean: Tensor, var: Tensor, dim: int) -> Belief:
    """Moments of the union of parts of equal size, along one dimension, which is kept."""
    whole = mean.mean(dim, keepdim=True)
    return Belief(whole, var.mean(dim, keepdim=True) + (mean - whole).square().mean(dim, True))


def _unbiased(belief: Belief, values: int) -> Belief:
    """A single value's variance is 0 and stays 0; evaluation does not use that of a lone image."""
    return Belief(belief.mean, belief.var * (values / max(values - 1, 1)))


class SwitchableNorm(RunningAverages):
    """Normalize by a learned blend of statistics.

    `mean_logits` and `var_logits` hold, in the order instance, layer, batch, what a softmax makes
    the weights of. On vectors and single places an image's channel has no variance: the instance
    part is left out there. In evaluation running averages stand for the batch part; the variance's
    starts at 1 as in batch norm, not at the authors' 0, which blows up what is evaluated early.

    Args:
        channels: C.
        variance: "biased", or "unbiased" as in the authors' code, see `parts_of`.
        momentum: weight of the new value in the running averages.
        base: see `Normalizer`.

    Raises:
        ValueError: for an unknown kind of variance.
    """

    def __init__(
        self,
        channels: int,
        *,
        variance: str = "biased",
        momentum: float | None = 0.1,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(
            channels, momentum=momentum, micro_batch=micro_batch, eps=eps, affine=affine
        )
        if variance not in ("biased", "unbiased"):
            raise ValueError(f"variance must be 'biased' or 'unbiased', got {variance!r}")
        self.variance = variance
        self.mean_logits = nn.Parameter(torch.ones(3))
        self.var_logits = nn.Parameter(torch.ones(3))

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, None]:
        self.check(x)
        groups = self.count_groups(x) if self.training else 1
        parts = parts_of(x, groups, self.variance)
        if self.training:
            self.move_averages(parts.batch.mean.mean(0), parts.batch.var.mean(0))
        else:
            running = (self.running_mean[None], self.running_var[None])
            parts = parts._replace(batch=Belief(*running))
        mean, var = self.blend(parts, alone=x.shape[2:].numel() == 1)
        return normalize(x, mean, var, self.weight, self.bias, self.eps), None

    def blend(self, parts: Parts, alone: bool) -> Belief:
        """The moments (N, C) that normalize.

        Args:
            parts: the statistics.
            alone: every image has a single place, so there is no instance part.
        """
        images, channels = parts.instance.mean.shape
        batch = Belief(*(p.repeat_interleave(images // len(p), 0) for p in parts.batch))
        known = parts._replace(batch=batch)[1 if alone else 0 :]
        blended = []
        for logits, of_kinds in zip(
            (self.mean_logits, self.var_logits), zip(*known, strict=True), strict=True
        ):
            weights = logits[-len(known) :].softmax(0)
            each = torch.stack([part.expand(images, channels) for part in of_kinds])
            blended.append((weights.view(-1, 1, 1) * each).sum(0))
        return Belief(*blended)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, variance={self.variance!r}, momentum={self.momentum}"
