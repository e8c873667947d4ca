"""The values of a layer's input, counted channel by channel."""

from math import gcd

import torch
from torch import Tensor

from bkn.normalizers.base import Belief
from bkn.probe.errors import TINY
from bkn.snapshot import BINS, SPAN

MOST_VALUES = 2**16  # counted per channel; of more, every so many places of each image


def histogram(x: Tensor, truth: Belief) -> Tensor:
    """Share of the values of x per bin and channel, (BINS + 2, C); each column adds up to 1.

    BINS equal bins reach SPAN standard deviations to both sides of the truth's mean; the first and
    the last row hold what lies beyond, and values that are not numbers count in the last.

    Args:
        x: (N, C, ...).
        truth: (C,).
    """
    channels = x.shape[1]
    places = x.flatten(2) if x.dim() > 2 else x.unsqueeze(2)
    values = places[:, :, :: stride(len(x), places.shape[2])].transpose(0, 1).flatten(1)
    scale = (truth.var.clamp_min(TINY).rsqrt() * (BINS / (2 * SPAN))).to(values.dtype)
    place = (values - truth.mean.to(values.dtype)[:, None]).mul_(scale[:, None])
    place = place.add_(BINS / 2).floor_().clamp_(-1, BINS).nan_to_num_(nan=BINS)
    rows = torch.arange(channels, device=x.device, dtype=place.dtype)[:, None] * (BINS + 2) + 1
    counts = torch.bincount(place.add_(rows).long().flatten(), minlength=channels * (BINS + 2))
    return (counts.view(channels, -1) / values.shape[1]).T


def stride(images: int, places: int) -> int:
    """Every so many places are enough; without a factor in common with their number.

    So no column or row of the picture is left out or comes too often.
    """
    step = -(-images * places // MOST_VALUES)
    while gcd(step, places) > 1:
        step += 1
    return step
