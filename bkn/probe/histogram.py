"""The values of a layer's input, counted channel by channel."""

import torch
from torch import Tensor

from bkn.normalizers.base import Belief
from bkn.probe.errors import TINY
from bkn.snapshot import BINS, SPAN


def histogram(x: Tensor, truth: Belief) -> Tensor:
    """Share of the values of x per bin and channel, (BINS + 2, C); each column adds up to 1.

    BINS equal bins reach SPAN standard deviations to both sides of the truth's mean; the first and
    the last row hold what lies beyond, and values that are not numbers count in the last.

    Args:
        x: (N, C, ...).
        truth: (C,).
    """
    channels = x.shape[1]
    values = x.transpose(0, 1).reshape(channels, -1)
    scale = (truth.var.clamp_min(TINY).rsqrt() * (BINS / (2 * SPAN))).to(values.dtype)
    place = (values - truth.mean.to(values.dtype)[:, None]).mul_(scale[:, None])
    place = place.add_(BINS / 2).floor_().clamp_(-1, BINS).nan_to_num_(nan=BINS)
    rows = torch.arange(channels, device=x.device)[:, None] * (BINS + 2) + 1
    counts = torch.bincount((place.int() + rows).flatten(), minlength=channels * (BINS + 2))
    return (counts.view(channels, -1) / values.shape[1]).T
