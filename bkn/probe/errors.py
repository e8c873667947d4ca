"""How wrong an estimate is: the measures of the probe, as functions of moments.

All take per-group estimates (G, C) and the truth (C,), or a row of it for every group.
"""

import math

import torch
from torch import Tensor

from bkn.normalizers.base import Belief

DEAD = 1e-10  # a channel whose true variance is below this carries nothing to estimate
TINY = 1e-12  # variances are floored here before the logarithm


def pooled(seen: Belief) -> Belief:
    """The truth: moments over the whole probe set, (C,) each, from those of its equal parts.

    The law of total variance is exact here and saves another pass over the activations.
    """
    mean, var = seen.mean.double(), seen.var.double()
    return Belief(mean.mean(0), var.mean(0) + mean.var(0, correction=0))


def mean_error(estimate: Belief, truth: Belief) -> Tensor:
    """Average of (estimated mean - mean)^2 / variance; 0 is exact, 1 is one deviation off."""
    return _average(_mean_cells(estimate, truth), truth)


def var_error(estimate: Belief, truth: Belief) -> Tensor:
    """Average of ln(estimated variance / variance)^2; people see the factor exp(sqrt(.))."""
    return _average(_var_cells(estimate, truth), truth)


def mean_errors(estimate: Belief, truth: Belief) -> Tensor:
    """`mean_error` per channel, (C,); not a number for a dead one.

    Further dimensions in front of (G, C) stay.
    """
    return _by_channel(_mean_cells(estimate, truth), truth)


def var_errors(estimate: Belief, truth: Belief) -> Tensor:
    """`var_error` per channel; see `mean_errors`."""
    return _by_channel(_var_cells(estimate, truth), truth)


def innovations(seen: Belief, prior: Belief, truth: Belief) -> tuple[Tensor, Tensor]:
    """Squared gap between observation and prior: of the mean over the variance, of ln variance."""
    return mean_error(seen, Belief(prior.mean, truth.var)), _average(
        (_log(seen.var) - _log(prior.var)).square(), truth
    )


def oracle_gain(seen: Belief, prior: Belief, truth: Belief) -> Tensor:
    """The gain per channel (C,) that would have minimised the posterior mean's squared error.

    Least squares over the groups of prior + q (seen - prior) = truth, clipped to 0..1. Where
    prior and observation agree every gain is as good; 1 is reported.
    """
    gap = prior.mean - seen.mean
    power = gap.square().sum(0)
    best = ((prior.mean - truth.mean) * gap).sum(0) / power
    return torch.where(power > 0, best, 1.0).clamp(0, 1)


def theory(values: int) -> tuple[float, float]:
    """Errors of mean and variance of `values` independent Gaussian values, biased variance.

    The mean's is 1/n. n s^2/sigma^2 is chi-squared with n-1 degrees of freedom, whose logarithm
    has mean ln 2 + digamma((n-1)/2) and variance trigamma((n-1)/2). Not a number for n < 2.
    """
    if values < 2:
        return 1.0, math.nan
    half = torch.tensor((values - 1) / 2, dtype=torch.float64)
    bias = torch.digamma(half).item() + math.log(2 / values)
    return 1 / values, torch.polygamma(1, half).item() + bias**2


def _mean_cells(estimate: Belief, truth: Belief) -> Tensor:
    return (estimate.mean - truth.mean).square() / truth.var


def _var_cells(estimate: Belief, truth: Belief) -> Tensor:
    return _log(estimate.var).sub(_log(truth.var)).square()


def _log(var: Tensor) -> Tensor:
    return var.clamp_min(TINY).log()


def _average(error: Tensor, truth: Belief) -> Tensor:
    """Mean over groups and living channels; not a number if no channel lives."""
    alive = (truth.var > DEAD).expand_as(error)
    return torch.where(alive, error, 0.0).sum() / alive.sum()


def _by_channel(error: Tensor, truth: Belief) -> Tensor:
    """Mean over the groups in which the channel lives."""
    alive = truth.var > DEAD
    if alive.dim() == 1:
        return torch.where(alive, error if error.dim() == 1 else error.mean(-2), math.nan)
    return torch.where(alive, error, 0.0).sum(-2) / alive.sum(-2)
