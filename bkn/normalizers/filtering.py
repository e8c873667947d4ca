"""The Kalman update of a layer's moments: pure functions, and the fast path through a layer.

The update is that of the paper; the guard and its 100 are those of the authors' code.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bkn.normalizers.belief import Belief
from bkn.normalizers.kernels import (
    affine_of,
    at_least_float32,
    biased_moments,
    grouped,
    rescale,
    spread_out,
    total,
)

GUARD = 100.0  # a prior whose variances are this many times too large is not used


def update(
    prior: Belief, seen: Belief, gain: float | Tensor, var_gain: float | Tensor | None = None
) -> Belief:
    """Moments of the mixture (1 - gain) * prior + gain * seen.

    Written so that gain 1 gives the observation exactly, gradients too.

    Args:
        prior, seen: (G, C).
        gain: a number, or one per channel (C,).
        var_gain: the variance's, if it is weighed otherwise than the mean.
    """
    mean = (1 - gain) * prior.mean + gain * seen.mean
    # The last term is the spread between the two means; without it var is too small.
    spread = (seen.mean - prior.mean).square()
    q = gain if var_gain is None else var_gain
    return Belief(mean, (1 - q) * (prior.var + q * spread) + q * seen.var)


def guarded(prior: Belief, seen: Belief, gain: float | Tensor) -> tuple[Belief, Tensor]:
    """The prior and the gain that the update may use.

    The average of var_prior / var_seen over all groups and channels must be below `GUARD`, one
    decision for the whole layer. There is no eps: one channel without any variance, or a NaN,
    makes the layer trust its batch. The decision is never read back to the host.

    Returns:
        The prior and the gain, or the observation and 1: a prior that is not used reaches neither
        the result nor any gradient, whatever NaNs or infinities it holds.
    """
    with torch.no_grad():
        use = (prior.var / seen.var).mean() < GUARD
    return used_where(use, prior, seen, gain)


def used_where(
    use: Tensor, prior: Belief, seen: Belief, gain: float | Tensor
) -> tuple[Belief, Tensor]:
    """Prior and gain where `use` is true, the observation and 1 elsewhere; see `guarded`."""
    mean = torch.where(use, prior.mean, seen.mean.detach())
    var = torch.where(use, prior.var, seen.var.detach())
    return Belief(mean, var), 1 - use.to(var.dtype) * (1 - gain)


def filtered(
    x: Tensor,
    groups: int,
    prior: Belief | None,
    gain: float | Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> tuple[Tensor, Belief]:
    """Observe x (N, C, ...), update the prior, normalize by the posterior, in one go.

    The same as `group_moments`, `guarded`, `update` and `normalize` one after the other, with
    fewer passes over x and one gradient for all.

    Returns:
        The normalized x and the posterior (groups, C).
    """
    mean, var = (None, None) if prior is None else prior
    y, *posterior = _Filtered.apply(x, groups, mean, var, gain, weight, bias, eps)
    return y, Belief(*posterior)


class _Filtered(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        groups: int,
        prior_mean: Tensor | None,
        prior_var: Tensor | None,
        gain: float | Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        eps: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        seen = posterior = Belief(*biased_moments(x, groups))
        prior, used = None, None
        if prior_mean is not None and prior_var is not None:
            prior, used = guarded(Belief(prior_mean, prior_var), seen, gain)
            posterior = update(prior, seen, used)
        inverse, scale, shift = affine_of(*posterior, weight, bias, eps)
        ctx.save_for_backward(x, *posterior, inverse, scale, *seen, *(prior or ()), used)
        ctx.affine = weight is not None, bias is not None
        ctx.learned = isinstance(gain, Tensor)
        return rescale(x, scale, shift), *posterior

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_y: Tensor, g_mean: Tensor, g_var: Tensor) -> tuple[Tensor | None, ...]:
        x, mean, _, inverse, scale, *seen, used = ctx.saved_tensors
        values = at_least_float32(grouped(x, mean.shape[0]))
        g, dims = at_least_float32(grouped(g_y, mean.shape[0])), values.dim()
        n = values.numel() // mean.numel()
        # Normalizing: through the result, its affine and the posterior.
        g_sum = total(g)
        g_dot = total((values - spread_out(mean, dims)).mul_(g)).mul_(inverse)
        g_mean = torch.addcmul(g_mean, scale, g_sum, value=-1)
        g_var = torch.addcmul(g_var, scale * inverse, g_dot, value=-0.5)
        g_weight = g_dot.sum(0) if ctx.affine[0] else None
        g_bias = g_sum.sum(0) if ctx.affine[1] else None
        # The update: how posterior mean and variance share their gradients.
        g_prior_mean = g_prior_var = g_gain = None
        if used is not None:
            seen_mean, seen_var, prior_mean, prior_var = seen
            rest, gap = 1 - used, seen_mean - prior_mean
            if ctx.learned:
                g_gain = g_mean * gap + g_var * (
                    seen_var - prior_var + (rest - used) * gap.square()
                )
                g_gain = g_gain.sum(0)
            across = (2 * rest * used) * gap * g_var
            g_prior_mean, g_prior_var = rest * g_mean - across, rest * g_var
            g_mean, g_var = used * g_mean + across, used * g_var
        # The moments: d mean/dx = 1/n, d var/dx = 2 (x - mean) / n.
        slope = g_var * (2 / n)
        offset = torch.addcmul(g_mean / n, slope, seen[0], value=-1)
        g_x = values * spread_out(slope, dims)
        g_x += spread_out(offset, dims)
        g_x += g * spread_out(scale, dims)
        g_x = g_x.flatten(0, 1).to(x.dtype)
        return g_x, None, g_prior_mean, g_prior_var, g_gain, g_weight, g_bias, None
