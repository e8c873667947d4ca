"""The two passes over the activations: moments of micro-batches, and normalizing by moments.

Both have their gradients written by hand. Everything is made of sums over contiguous memory and
products that broadcast, which torch vectorizes well: together they are no slower than the native
kernels of nn.BatchNorm2d, which know no micro-batches.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def group_moments(x: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """Biased mean and variance of x (N, C, ...) in contiguous groups, (groups, C) each.

    In float32 at least; differentiable.
    """
    return _GroupMoments.apply(x, groups)


def normalize(
    x: Tensor,
    mean: Tensor,
    var: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    """Weight * (x - mean) / sqrt(var + eps) + bias, in the type and layout of x (N, C, ...).

    Args:
        x: activations, N a multiple of the groups.
        mean, var: (groups, C), taken as independent of x.
        weight, bias: (C,), or None for 1 and 0.
        eps: added to the variance.
    """
    return _Normalize.apply(x, mean, var, weight, bias, eps)


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision becomes float32; float32 and float64 stay."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def grouped(x: Tensor, groups: int) -> Tensor:
    """View (N, C, ...) as (groups, m, C, ...)."""
    return x.unflatten(0, (groups, -1))


def spread_out(values: Tensor, dims: int) -> Tensor:
    """View (groups, C) so that it broadcasts with (groups, m, C, ...) of so many dimensions."""
    return values[(slice(None), None, slice(None)) + (None,) * (dims - 3)]


def total(x: Tensor) -> Tensor:
    """Sum of (groups, m, C, ...) over all but groups and channels."""
    if x.dim() > 3:  # in two steps: the first runs over contiguous memory
        x = x.sum(tuple(range(3, x.dim())))
    return x.sum(1)


class _GroupMoments(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, groups: int) -> tuple[Tensor, Tensor]:
        values = at_least_float32(grouped(x, groups))
        n = x.numel() // (groups * x.shape[1])
        mean = total(values).div_(n)
        var = total((values - spread_out(mean, values.dim())).square_()).div_(n)
        ctx.save_for_backward(x, mean)
        ctx.n = n
        return mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_mean: Tensor, g_var: Tensor) -> tuple[Tensor | None, ...]:
        x, mean = ctx.saved_tensors
        values = at_least_float32(grouped(x, len(mean)))
        # d mean/dx = 1/n, d var/dx = 2 (x - mean) / n: together slope * x + offset
        slope = g_var * (2 / ctx.n)
        offset = torch.addcmul(g_mean / ctx.n, slope, mean, value=-1)
        g_x = values * spread_out(slope, values.dim())
        g_x += spread_out(offset, values.dim())
        return g_x.flatten(0, 1).to(x.dtype), None


class _Normalize(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        mean: Tensor,
        var: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        eps: float,
    ) -> Tensor:
        inverse = (var + eps).rsqrt_()
        scale = inverse if weight is None else inverse * weight
        shift = -mean * scale if bias is None else torch.addcmul(bias, mean, scale, value=-1)
        y = torch.empty_like(x)
        out = grouped(y, len(mean))
        if x.dtype == mean.dtype:
            torch.mul(grouped(x, len(mean)), spread_out(scale, out.dim()), out=out)
            out += spread_out(shift, out.dim())
        else:
            values = at_least_float32(grouped(x, len(mean)))
            out.copy_(values * spread_out(scale, out.dim()) + spread_out(shift, out.dim()))
        ctx.save_for_backward(x, mean, inverse, scale)
        ctx.affine = weight is not None, bias is not None
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_y: Tensor) -> tuple[Tensor | None, ...]:
        x, mean, inverse, scale = ctx.saved_tensors
        g = at_least_float32(grouped(g_y, len(mean)))
        centred = at_least_float32(grouped(x, len(mean))) - spread_out(mean, g.dim())
        g_sum, g_dot = total(g), total(centred.mul_(g))
        g_x = (g * spread_out(scale, g.dim())).flatten(0, 1).to(x.dtype)
        g_dot *= inverse  # with the normalized values
        g_weight = g_dot.sum(0) if ctx.affine[0] else None
        g_bias = g_sum.sum(0) if ctx.affine[1] else None
        g_mean = -scale * g_sum
        g_var = g_dot.mul_(scale).mul_(inverse).mul_(-0.5)
        return g_x, g_mean, g_var, g_weight, g_bias, None
