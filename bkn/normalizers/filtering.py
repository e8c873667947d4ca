"""The Kalman update of a layer's moments: pure functions, and the fast path through a layer.

The update is that of the paper; the guard and its 100 are those of the authors' code.
"""

from collections.abc import Callable
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
TINY = 1e-10  # variances below this carry nothing
SLOPES_RATE = 0.2  # with which averages of gradients move

Guard = Callable[[Belief, Belief], Tensor]  # whether a prior is plausible, given what is seen


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


def authors_guard(prior: Belief, seen: Belief) -> Tensor:
    """Whether the average of var_prior / var_seen over groups and channels is below `GUARD`.

    There is no eps: one channel without any variance, or a NaN, makes the layer trust its batch.
    """
    return (prior.var / seen.var).mean() < GUARD


def geometric_guard(prior: Belief, seen: Belief) -> Tensor:
    """Whether the geometric average of var_prior / var_seen is below `GUARD`.

    The plain average of 1 / var_seen is infinite where few values make a variance, however good
    the prior; this one says whether the prior is off, not whether one observation is small.
    """
    ratio = prior.var.clamp_min(TINY) / seen.var.clamp_min(TINY)
    return (ratio.log().mean().exp() < GUARD) & prior.mean.isfinite().all()


def guarded(
    prior: Belief, seen: Belief, gain: float | Tensor, guard: Guard = authors_guard
) -> tuple[Belief, Tensor]:
    """The prior and the gain that the update may use.

    The guard decides once for the whole layer; its decision is never read back to the host.

    Returns:
        The prior and the gain, or the observation and 1: a prior that is not used reaches neither
        the result nor any gradient, whatever NaNs or infinities it holds.
    """
    with torch.no_grad():
        use = guard(prior, seen)
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
    y, *posterior, _, _ = _Filtered.apply(
        x, groups, mean, var, gain, None, weight, bias, eps, authors_guard, None
    )
    return y, Belief(*posterior)


def adaptively_filtered(
    x: Tensor,
    groups: int,
    prior: Belief,
    gains: tuple[Tensor, Tensor],
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    slopes: Tensor,
) -> tuple[Tensor, Belief, Belief]:
    """As `filtered`, with a gain for the mean and one for the variance, without gradients.

    Small gains leave the gradient of a normalizer to the prior, which does not know how the
    variance answers to correlated inputs; and that of the micro-batch alone is as noisy as its
    moments. So the gradient's own statistics, how the loss answers to mean and variance, are
    averages over steps, as in Yan et al. (2020), https://arxiv.org/abs/2001.06838: they act on x
    through the observation, and what the present step has beyond them acts through the update.

    Args:
        slopes: (2, C) the averages, of gradients by the posterior's mean times its deviation and
            by its variance times that. The backward pass moves them; without any it is plain.

    Returns:
        The normalized x, the posterior and the observation (groups, C), the last without gradient.
    """
    y, mean, var, *seen = _Filtered.apply(
        x, groups, *prior, *gains, weight, bias, eps, geometric_guard, slopes
    )
    return y, Belief(mean, var), Belief(*seen)


class _Filtered(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        groups: int,
        prior_mean: Tensor | None,
        prior_var: Tensor | None,
        gain: float | Tensor,
        var_gain: Tensor | None,
        weight: Tensor | None,
        bias: Tensor | None,
        eps: float,
        guard: Guard,
        slopes: Tensor | None,
    ) -> tuple[Tensor | None, ...]:
        seen = posterior = Belief(*biased_moments(x, groups))
        prior, used, var_used = None, None, None
        if prior_mean is not None and prior_var is not None:
            prior, used = guarded(Belief(prior_mean, prior_var), seen, gain, guard)
            if var_gain is not None:
                var_used = guarded(prior, seen, var_gain, guard)[1]
            posterior = update(prior, seen, used, var_used)
        inverse, scale, shift = affine_of(*posterior, weight, bias, eps)
        saved = (x, *posterior, inverse, scale, *seen, *(prior or (None, None)), used, var_used)
        ctx.save_for_backward(*saved)
        ctx.affine = weight is not None, bias is not None
        ctx.moved = False
        ctx.slopes, ctx.past = slopes, None if slopes is None else slopes.clone()
        if slopes is None:  # without a prior the observation is the posterior, with its gradient
            return rescale(x, scale, shift), *posterior, None, None
        ctx.mark_non_differentiable(*seen)
        return rescale(x, scale, shift), *posterior, *seen

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_y: Tensor, g_mean: Tensor, g_var: Tensor, *_: Any) -> Any:
        x, mean, _, inverse, scale, *seen, prior_mean, prior_var, used, var_used = ctx.saved_tensors
        seen_mean, seen_var = seen
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
        # What the averages over steps say acts on the observation, the rest on the update.
        usual_mean = usual_var = None
        if ctx.slopes is not None:
            usual_mean, usual_var = ctx.past[0] * inverse, ctx.past[1] * inverse.square()
            blended = (used < 1) & (var_used < 1)
            move_slopes(ctx, g_mean / inverse, g_var / inverse.square(), blended)
            g_mean, g_var = g_mean - usual_mean, g_var - usual_var
        # The update: how posterior mean and variance share their gradients.
        g_prior_mean = g_prior_var = g_gain = None
        if used is not None:
            q = used if var_used is None else var_used
            rest, gap = 1 - q, seen_mean - prior_mean
            if ctx.needs_input_grad[4]:
                g_gain = g_mean * gap + g_var * (seen_var - prior_var + (rest - q) * gap.square())
                g_gain = g_gain.sum(0)
            across = (2 * rest * q) * gap * g_var
            g_prior_mean, g_prior_var = (1 - used) * g_mean - across, rest * g_var
            g_mean, g_var = used * g_mean + across, q * g_var
        if usual_mean is not None and usual_var is not None:
            # d/dx of the observation, its variance taken around the posterior's mean.
            g_mean = g_mean + usual_mean + 2 * (seen_mean - mean) * usual_var
            g_var = g_var + usual_var
        # The moments: d mean/dx = 1/n, d var/dx = 2 (x - mean) / n.
        slope = g_var * (2 / n)
        offset = torch.addcmul(g_mean / n, slope, seen_mean, value=-1)
        g_x = values * spread_out(slope, dims)
        g_x += spread_out(offset, dims)
        g_x += g * spread_out(scale, dims)
        g_x = g_x.flatten(0, 1).to(x.dtype)
        nothing = (None,) * 3
        return g_x, None, g_prior_mean, g_prior_var, g_gain, None, g_weight, g_bias, *nothing


def move_slopes(ctx: Any, mean: Tensor, var: Tensor, blended: Tensor) -> None:
    """Move the averages of gradients by those of a step (G, C), once per forward pass.

    Channels that were not blended (C,) are left out: their gradients are batch norm's own, which
    with a few values per statistic are larger than all that follow. So are gradients that
    overflowed, as mixed precision may make them.
    """
    if ctx.moved:
        return
    ctx.moved = True
    now = torch.stack([mean.mean(0), var.mean(0)])
    rate = torch.where(ctx.past.any(), SLOPES_RATE, 1.0)
    use = now.isfinite() & blended
    ctx.slopes.copy_(torch.where(use, ctx.past.lerp(now.to(ctx.past), rate), ctx.past))
