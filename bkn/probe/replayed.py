"""A layer's update repeated at other gains, open loop: on what it saw, and the prior it had.

The layers above would have seen something else; that is not followed.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from bkn.normalizers.base import Belief
from bkn.probe.errors import mean_errors, var_errors
from bkn.snapshot import GAINS

REFINEMENTS = 2  # of the best gain on the grid
BETWEEN = 4  # points to each side of the best one so far: the last step is 0.05 / 5^2 = 0.002

Blend = Callable[[Belief, Belief, Tensor, Tensor], Belief]


def curves(blend: Blend, prior: Belief, seen: Belief, truth: Belief) -> tuple[Tensor, Tensor]:
    """The posterior's errors of mean and variance at each of GAINS, (Q, C) each.

    Args:
        blend: the layer's update, at a gain of the mean and one of the variance.
        prior, seen: (G, C).
        truth: (C,), or a row for every row of `seen`.
    """
    means, variances = [], []
    for gain in torch.tensor(GAINS, dtype=seen.mean.dtype, device=seen.mean.device):
        posterior = blend(prior, seen, gain, gain)
        means.append(mean_errors(posterior, truth))
        variances.append(var_errors(posterior, truth))
    return torch.stack(means), torch.stack(variances)


def best_var_gain(
    blend: Blend, prior: Belief, seen: Belief, truth: Belief, curve: Tensor
) -> Tensor:
    """The gain per channel (C,) at which the variance's error is smallest.

    The error may have two valleys (the mixture's spread between the means is largest in between),
    so the grid's lowest point is where the search begins; then ever finer steps around the best so
    far are tried. Where every gain is as good, 1 is reported; not a number for a dead channel.

    Args:
        blend, prior, seen, truth: as for `curves`.
        curve: the errors at GAINS, (Q, C).
    """
    lowest, at = curve.nan_to_num(nan=torch.inf).min(0)
    best = torch.tensor(GAINS, dtype=curve.dtype, device=curve.device)[at]
    step = GAINS[1] - GAINS[0]
    for _ in range(REFINEMENTS):
        step, middle = step / (BETWEEN + 1), best
        for shift in [*range(-BETWEEN, 0), *range(1, BETWEEN + 1)]:
            gain = (middle + shift * step).clamp(0, 1)
            error = var_errors(blend(prior, seen, gain, gain), truth)
            better = error < lowest
            lowest, best = torch.where(better, error, lowest), torch.where(better, gain, best)
    flat = (curve == curve[0]).all(0)
    return torch.where(curve[0].isnan(), torch.nan, torch.where(flat, 1.0, best))
