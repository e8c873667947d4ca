"""Moving average batch normalization: smoothed statistics in the forward and the backward pass.

Paper: Yan, Wan, Zhang, Zhang, Wei & Sun (2020), https://arxiv.org/abs/2001.06838
Code:  https://github.com/megvii-model/MABN

Batch norm has four batch statistics: two in the forward pass, two in its gradient. Centred weights
make two of them needless. The others, E[x^2] and E[g z], are replaced by averages over time.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from bkn.normalizers.base import Belief, Estimate, moments
from bkn.normalizers.kernels import at_least_float32, grouped, rescale, spread_out, total
from bkn.normalizers.schedule import ScheduledStatistics
from bkn.normalizers.window import Window

LIMIT = 5.0  # the correction stays between 1 / LIMIT and LIMIT
CORRECTED_FROM = 10  # the correction begins after so many warm-ups: 1000 and 100 steps in the code


class MovingAverageNorm(ScheduledStatistics):
    """Divide by the root of the second moment; there is no mean, the weights in front are centred.

    Each micro-batch stands for a device with windows of its own; the running second moment
    (`running_var`; `running_mean` stays 0) is shared, and moves by the average of the devices.
    During the warm-up the present batch alone is used, and the gradient is exact. Behind it, both
    statistics are averages over what is in the windows. Later still, the correction r lets the
    running second moment normalize, as in evaluation.

    Args:
        window: batches that are averaged, the present one included.
        warmup: share of the planned steps before the windows are used; none where nothing was
            planned. The correction r begins ten times later, or after half of the steps; never
            where nothing was planned.
        base: see `Normalizer`.
    """

    def __init__(
        self,
        channels: int,
        *,
        window: int = 16,
        warmup: float = 0.02,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, micro_batch=micro_batch, eps=eps, affine=affine)
        if window < 1:
            raise ValueError(f"window must be at least 1, got {window}")
        self.window, self.warmup = window, warmup
        self.seconds = Window(window - 1, ("second",))  # of earlier batches: E[x^2]
        self.products = Window(window - 1, ("product",))  # of earlier batches: E[g z]

    def take_over(self, old: _BatchNorm) -> None:
        """Take momentum and running averages; mean and variance become a second moment."""
        super().take_over(old)
        if old.running_mean is not None and old.running_var is not None:
            self.running_var = old.running_var + old.running_mean.square()
            self.running_mean = torch.zeros_like(old.running_mean)

    @property
    def averaging(self) -> bool:
        """Whether the warm-up is over."""
        return self.reached(self.warmup)

    @property
    def correcting(self) -> bool:
        """Whether the correction r is used."""
        share = min(0.5, CORRECTED_FROM * self.warmup)
        return self.averaging and bool(self.planned) and self.reached(share)

    @torch.no_grad()
    def second_moments(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """E[x^2] of the batch, E[x^2] in use, and the correction r: (G, C) each."""
        groups = self.count_groups(x)
        values = at_least_float32(grouped(x, groups))
        second = total(values.square()) / (values.numel() // (groups * self.channels))
        used = second
        if self.averaging:
            used = averaged(second, self.seconds.rows("second", groups))
        if not self.correcting:
            return second, used, torch.ones_like(used)
        r = ((used + self.eps) / (self.running_var.to(used.dtype) + self.eps)).sqrt()
        return second, used, r.clamp(1 / LIMIT, LIMIT)

    def estimate(self, x: Tensor, prior: Belief | None = None) -> Estimate:
        """What the batch holds, and by what it is divided: the mean 0 and a second moment."""
        _, used, r = self.second_moments(x)
        seen = moments(x, self.micro_batch)
        return Estimate(seen, None, self.in_force(used, r), torch.ones_like(used[0]))

    def in_force(self, used: Tensor, r: Tensor) -> Belief:
        """The mean 0, and the second moment that divides, the correction included."""
        second = (used + self.eps) / r.square() - self.eps
        return Belief(torch.zeros_like(used), second.clamp_min(0))

    def filter(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, Belief]:
        _, used, r = self.second_moments(x)
        return self.divide(x, used, r, None), self.in_force(used, r)

    def divide(self, x: Tensor, used: Tensor, r: Tensor, products: Window | None) -> Tensor:
        """The result, with its own gradient; `products` is what the backward pass fills."""
        inverse = (used + self.eps).rsqrt()
        averaging = self.averaging
        y: Tensor = _Divided.apply(x, inverse, r, self.weight, self.bias, products, averaging)
        return y

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, Belief | None]:
        if not self.training:
            self.check(x)
            return self.by_running_averages(x), None
        second, used, r = self.second_moments(x)
        y = self.divide(x, used, r, self.products)
        self.seconds.push(second=second)
        self.remember(Belief(torch.zeros_like(used), used), values=0)
        self.taken += 1
        return y, None

    @torch.no_grad()
    def remember(self, posterior: Belief, values: int) -> None:
        """Move the running second moment towards the one in use; it is not biased."""
        self.num_batches_tracked += 1
        rate = self.momentum
        if rate is None:
            rate = 1.0 / float(self.num_batches_tracked)
        self.running_var.lerp_(posterior.var.mean(0).to(self.running_var.dtype), rate)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, window={self.window}, warmup={self.warmup}"


def averaged(present: Tensor, past: Tensor) -> Tensor:
    """Mean of the present values (G, C) and J earlier ones (J, G, C)."""
    return (present + past.sum(0)) / (1 + len(past))


class _Divided(torch.autograd.Function):
    """weight * r * x * inverse + bias; the gradient's own statistic is an average over time."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        inverse: Tensor,
        r: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        products: Window | None,
        averaging: bool,
    ) -> Tensor:
        scale = inverse * r if weight is None else inverse * r * weight
        ctx.save_for_backward(x, inverse, r, weight)
        ctx.biased = bias is not None
        ctx.products, ctx.averaging = products, averaging
        ctx.past = None  # the window, as the first backward pass found it
        shift = torch.zeros_like(scale) if bias is None else bias.to(scale.dtype).expand_as(scale)
        return rescale(x, scale, shift)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g_y: Tensor) -> tuple[Tensor | None, ...]:
        x, inverse, r, weight = ctx.saved_tensors
        groups = len(inverse)
        g = at_least_float32(grouped(g_y, groups))
        z = at_least_float32(grouped(x, groups)) * spread_out(inverse, x.dim() + 1)
        places = z.numel() // inverse.numel()
        g_z, g_sum = total(g * z), total(g)
        slope = r if weight is None else r * weight  # of y by z
        product = slope * g_z / places  # E[g z], g = dL/dz
        used = product
        if ctx.products is not None:
            if ctx.past is None:
                ctx.past = ctx.products.rows("product", groups)
                ctx.products.push(product=product)
            if ctx.averaging:
                used = averaged(product, ctx.past)
        g_x = g * spread_out(slope, z.dim()) - z * spread_out(used, z.dim())
        g_x = (g_x * spread_out(inverse, z.dim())).flatten(0, 1).to(x.dtype)
        g_weight = None if weight is None else (r * g_z).sum(0)
        g_bias = g_sum.sum(0) if ctx.biased else None
        return g_x, None, None, g_weight, g_bias, None, None
