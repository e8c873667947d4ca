"""Mean and variance of relu(x) for Gaussian x, exact also far in the tails.

With a = m/s, tail = phi(|a|) - |a| Phi(-|a|) and h(a) = max(a, 0) + tail:

    mean = s h(a)          var = s^2 (Phi(a) - h(a) h(-a))

The usual form of the variance, a phi + (a^2 + 1) Phi - (a Phi + phi)^2, subtracts large numbers
of equal size when a is large; this one does not.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class _Rectified(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, m: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        s = v.sqrt().clamp_min_(torch.finfo(v.dtype).tiny ** 0.5)
        a = m / s
        size = a.abs()
        density = (a.square() * -0.5).exp_().mul_(1 / math.sqrt(2 * math.pi))
        beyond = torch.special.erfc(size * math.sqrt(0.5)).mul_(0.5)  # Phi(-|a|)
        tail = torch.addcmul(density, size, beyond, value=-1).clamp_min_(0)
        upper = torch.where(a > 0, 1 - beyond, beyond)  # Phi(a)
        h = a.clamp_min(0).add_(tail)
        var = torch.addcmul(upper, h, h - a, value=-1).clamp_min_(0).mul_(v)
        ctx.save_for_backward(s, upper, density, h, v)
        return h * s, var

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_mean: Tensor, g_var: Tensor) -> tuple[Tensor, Tensor]:
        s, upper, density, h, v = ctx.saved_tensors
        # d mean/dm = Phi, d mean/dv = phi / 2s, d var/dm = 2 mean (1 - Phi),
        # d var/dv = Phi - h phi. At v = 0, where d mean/dv has no bound, it counts as 0.
        half = (0.5 / s).masked_fill_(v == 0, 0)
        g_m = torch.addcmul(g_mean * upper, g_var * (1 - upper), h * s, value=2)
        g_v = torch.addcmul(g_var * upper, density, g_mean * half - g_var * h)
        return g_m, g_v


def rectified(mean: Tensor, var: Tensor) -> tuple[Tensor, Tensor]:
    """Moments of relu(x), x ~ N(mean, var), elementwise; gradients are exact and finite."""
    return _Rectified.apply(mean, var)
