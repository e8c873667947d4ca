"""Passes over the activations: moments of micro-batches, and rescaling by moments.

Everything is made of sums over contiguous memory and products that broadcast, which torch
vectorizes well; its own var_mean over such groups is ten times slower. Gradients are written by
hand.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision becomes float32; float32 and float64 stay."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def grouped(x: Tensor, groups: int) -> Tensor:
    """View (N, C, ...) as (groups, m, C, ...)."""
    return x.view(groups, -1, *x.shape[1:])


def spread_out(values: Tensor, dims: int) -> Tensor:
    """View (groups, C) so that it broadcasts with (groups, m, C, ...) of so many dimensions."""
    return values.view(values.shape[0], 1, -1, *(1,) * (dims - 3))


def total(x: Tensor) -> Tensor:
    """Sum of (groups, m, C, ...) over all but groups and channels."""
    places = tuple(range(3, x.dim()))
    if not places:
        return x.sum(1)
    # Two steps, each along contiguous memory: short rows are added up before they are summed.
    if x.shape[3:].numel() < 64:
        return x.sum(1).sum(tuple(axis - 1 for axis in places))
    return x.sum(places).sum(1)


def biased_moments(x: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """Mean and variance of x (N, C, ...) in contiguous groups, (groups, C); no gradient."""
    values = at_least_float32(grouped(x, groups))
    n = x.numel() // (groups * x.shape[1])
    mean = total(values).div_(n)
    return mean, total((values - spread_out(mean, values.dim())).square_()).div_(n)


def affine_of(
    mean: Tensor, var: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """1 / sqrt(var + eps), and the scale and shift that normalize, (G, C) each."""
    inverse = (var + eps).rsqrt_()
    scale = inverse if weight is None else inverse * weight
    shift = -mean * scale if bias is None else torch.addcmul(bias, mean, scale, value=-1)
    return inverse, scale, shift


def rescale(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Scale * x + shift, (G, C) each, in the type and layout of x (N, C, ...); no gradient."""
    y = torch.empty_like(x)
    out, values = grouped(y, scale.shape[0]), grouped(x, scale.shape[0])
    scale, shift = spread_out(scale, out.dim()), spread_out(shift, out.dim())
    if x.dtype == scale.dtype:
        torch.mul(values, scale, out=out).add_(shift)
    else:
        out.copy_((values * scale).add_(shift))
    return y


def group_moments(x: Tensor, groups: int) -> tuple[Tensor, Tensor]:
    """Biased mean and variance of x (N, C, ...) in contiguous groups, (groups, C) each.

    In float32 at least; differentiable.
    """
    return _GroupMoments.apply(x, groups)


class _GroupMoments(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, groups: int) -> tuple[Tensor, Tensor]:
        mean, var = biased_moments(x, groups)
        ctx.save_for_backward(x, mean)
        return mean, var

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_mean: Tensor, g_var: Tensor) -> tuple[Tensor | None, ...]:
        x, mean = ctx.saved_tensors
        values = at_least_float32(grouped(x, mean.shape[0]))
        n = values.numel() // mean.numel()
        # d mean/dx = 1/n, d var/dx = 2 (x - mean) / n: together slope * x + offset
        slope = g_var * (2 / n)
        offset = torch.addcmul(g_mean / n, slope, mean, value=-1)
        g_x = values * spread_out(slope, values.dim())
        g_x += spread_out(offset, values.dim())
        return g_x.flatten(0, 1).to(x.dtype), None


def normalize(
    x: Tensor,
    mean: Tensor,
    var: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    """Weight * (x - mean) / sqrt(var + eps) + bias, differentiable, in the type of x.

    Args:
        x: activations (N, C, ...), N a multiple of the groups.
        mean, var: (groups, C).
        weight, bias: (C,), or None for 1 and 0.
        eps: added to the variance.
    """
    scale = (var + eps).rsqrt()
    scale = scale if weight is None else scale * weight
    values, dims = at_least_float32(grouped(x, mean.shape[0])), x.dim() + 1
    y = (values - spread_out(mean, dims)) * spread_out(scale, dims)
    y = y if bias is None else y + bias.view(-1, *(1,) * (x.dim() - 2))
    return y.flatten(0, 1).to(x.dtype)
