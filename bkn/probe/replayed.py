"""A layer's update repeated at other gains, open loop: on what it saw, and the prior it had.

The layers above would have seen something else; that is not followed.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from bkn.normalizers.base import Belief
from bkn.probe.errors import mean_errors, var_errors
from bkn.snapshot import GAINS

GOLDEN = (5**0.5 - 1) / 2
SECTIONS = 16  # of a bracket of two grid steps: 0.1 shrinks below 1e-4

Blend = Callable[[Belief, Belief, Tensor, Tensor], Belief]


def curves(blend: Blend, prior: Belief, seen: Belief, truth: Belief) -> tuple[Tensor, Tensor]:
    """The posterior's errors of mean and variance at each of GAINS, (Q, C) each.

    Args:
        blend: the layer's update, at a gain of the mean and one of the variance.
        prior, seen: (G, C).
        truth: (C,), or a row for every row of `seen`.
    """
    gains = torch.tensor(GAINS, dtype=seen.mean.dtype, device=seen.mean.device).view(-1, 1, 1)
    posterior = blend(prior, seen, gains, gains)
    return mean_errors(posterior, truth), var_errors(posterior, truth)


def best_var_gain(
    blend: Blend, prior: Belief, seen: Belief, truth: Belief, curve: Tensor
) -> Tensor:
    """The gain per channel (C,) at which the variance's error is smallest.

    The error may have two valleys (the mixture's spread between the means is largest in between),
    so the grid's lowest point is refined by golden sections between its neighbours. Where every
    gain is as good, 1 is reported; not a number for a dead channel.

    Args:
        blend, prior, seen, truth: as for `curves`.
        curve: the errors at GAINS, (Q, C).
    """
    at = torch.where(curve.isnan(), torch.inf, curve).argmin(0)
    grid = torch.tensor(GAINS, dtype=seen.mean.dtype, device=seen.mean.device)
    low, high = grid[(at - 1).clamp_min(0)], grid[(at + 1).clamp_max(len(GAINS) - 1)]

    def error(gain: Tensor) -> Tensor:
        return var_errors(blend(prior, seen, gain, gain), truth)

    for _ in range(SECTIONS):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        lower = error(left) < error(right)
        low, high = torch.where(lower, low, left), torch.where(lower, right, high)
    middle = (low + high) / 2
    best = torch.where(error(middle) < curve.gather(0, at[None])[0], middle, grid[at])
    flat = (curve == curve[0]).all(0)
    return torch.where(curve[0].isnan(), torch.nan, torch.where(flat, 1.0, best))
