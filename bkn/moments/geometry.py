"""How often the taps of a convolution lie inside the picture, and how often two of them do.

Zero padding makes outputs at the border see fewer taps. Over all output places, `share[t]` is
the part where tap t lies inside, and `both[t, u]` the part where t and u do. Both factor over
height and width.
"""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor


def inside(size: int, kernel: int, stride: int, padding: int, dilation: int) -> Tensor:
    """(places, kernel) truth values of one axis as 0 and 1, float64."""
    places = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    at = torch.arange(places)[:, None] * stride - padding + torch.arange(kernel) * dilation
    return ((at >= 0) & (at < size)).double()


@lru_cache(maxsize=256)
def border(
    size: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """Share (taps,) and the factor L (taps, rank) with L L' = both - share share'.

    L is what the border adds: for position means M = sum over taps inside of T[tap], the
    variance of M over the places is |L' T|^2. Without padding its rank is 0.
    """
    share = torch.ones(1, dtype=torch.float64)
    both = torch.ones(1, 1, dtype=torch.float64)
    for axis in zip(size, kernel, stride, padding, dilation, strict=True):
        hit = inside(*axis)
        share = torch.kron(share, hit.mean(0))
        both = torch.kron(both, hit.T @ hit / len(hit))
    values, vectors = torch.linalg.eigh(both - share.outer(share))
    keep = values > 1e-12
    factor = vectors[:, keep] * values[keep].sqrt()
    return share.to(device, dtype), factor.to(device, dtype)
