"""Batch renormalization: micro-batch statistics, corrected towards the running averages.

Paper: Ioffe (2017), https://arxiv.org/abs/1702.03275

Batch norm is trained with one set of statistics and evaluated with another. Here each micro-batch
is normalized by its own moments and then moved to where the running averages would have put it,
by a scale r and a shift d that gradients take for constants. Both are clipped; in the beginning,
when the running averages are worth nothing, they are not used at all.
"""

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from bkn.normalizers.base import BatchStatistics, Belief, Estimate, moments
from bkn.normalizers.kernels import normalize

PAPER_STEPS = 50_000  # planned if nobody says otherwise: the shares then give the paper's steps


def correction(
    seen: Belief, running: Belief, rmax: Tensor | float, dmax: Tensor | float, eps: float
) -> tuple[Tensor, Tensor]:
    """Scale r and shift d (G, C) from the micro-batches' frame to that of the running averages.

    Both are constants to the gradient.

    Args:
        seen: moments of the micro-batches, (G, C).
        running: what evaluation would use, (C,).
        rmax: r lies in [1 / rmax, rmax].
        dmax: d lies in [-dmax, dmax].
        eps: added to both variances.
    """
    with torch.no_grad():
        deviation = (running.var + eps).sqrt()
        r = (seen.var + eps).sqrt() / deviation
        d = (seen.mean - running.mean) / deviation
        limit = torch.as_tensor(rmax, dtype=r.dtype, device=r.device)
        shift = torch.as_tensor(dmax, dtype=d.dtype, device=d.device)
        return r.clamp(1 / limit, limit), d.clamp(-shift, shift)


def renormalizing(seen: Belief, r: Tensor, d: Tensor, eps: float) -> Belief:
    """The moments by which to normalize once, instead of normalizing, scaling by r, adding d.

    (x - mean) / sigma * r + d = (x - (mean - d sigma / r)) / (sigma / r). The variance is given
    without eps, which may leave it a little below 0 where r is large; with eps it is positive.
    """
    sigma = (seen.var + eps).sqrt() / r
    return Belief(seen.mean - d * sigma, sigma.square() - eps)


class BatchRenorm(BatchStatistics):
    """Normalize by the micro-batch, corrected to the running averages.

    The paper's running standard deviation is kept by its square, without eps, in `running_var`:
    the deviation is sqrt(running_var + eps), which also is what evaluation divides by.

    Args:
        channels: C.
        rmax: how far the scale may be corrected in the end.
        dmax: how far the shift may be corrected in the end, in standard deviations.
        start: share of the planned steps before which nothing is corrected.
        rmax_by: share by which rmax is reached; the way there is linear.
        dmax_by: share by which dmax is reached.
        base: see `BatchStatistics`.

    Raises:
        ValueError: if rmax or dmax would be reached before the correction starts.
    """

    steps_planned: Tensor
    steps_seen: Tensor

    def __init__(
        self,
        channels: int,
        *,
        rmax: float = 3.0,
        dmax: float = 5.0,
        start: float = 0.1,
        rmax_by: float = 0.8,
        dmax_by: float = 0.5,
        running: str = "mean",
        momentum: float | None = 0.1,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(
            channels,
            running=running,
            momentum=momentum,
            micro_batch=micro_batch,
            eps=eps,
            affine=affine,
        )
        for name, share in (("rmax_by", rmax_by), ("dmax_by", dmax_by)):
            if share < start:
                raise ValueError(f"{name} must be at least start={start}, got {share}")
        if rmax < 1 or dmax < 0:
            raise ValueError(f"rmax must be at least 1 and dmax 0, got {rmax} and {dmax}")
        self.rmax, self.dmax = rmax, dmax
        self.start, self.rmax_by, self.dmax_by = start, rmax_by, dmax_by
        self.register_buffer("steps_planned", torch.tensor(PAPER_STEPS))
        self.register_buffer("steps_seen", torch.tensor(0))

    def take_over(self, old: _BatchNorm) -> None:
        """Take the running averages; how fast they move is this method's own option."""
        momentum = self.momentum
        super().take_over(old)
        self.momentum = momentum

    def plan(self, steps: int) -> None:
        self.steps_planned.fill_(max(1, steps))

    def limits(self) -> tuple[Tensor, Tensor]:
        """rmax and dmax at this step."""
        now = self.steps_seen / self.steps_planned
        return (
            1 + (self.rmax - 1) * ramp(now, self.start, self.rmax_by),
            self.dmax * ramp(now, self.start, self.dmax_by),
        )

    def estimate(self, x: Tensor, prior: Belief | None = None) -> Estimate:
        self.count_groups(x)
        seen = moments(x, self.micro_batch)
        running = Belief(self.running_mean, self.running_var)
        r, d = correction(seen, running, *self.limits(), self.eps)
        posterior = renormalizing(seen, r, d, self.eps)
        return Estimate(seen, None, posterior, torch.ones_like(seen.mean[0]))

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, None]:
        if not self.training:
            self.check(x)
            return self.by_running_averages(x), None
        seen, _, posterior, *_ = self.estimate(x)
        y = normalize(x, *posterior, self.weight, self.bias, self.eps)
        self.remember(seen, values=x.numel() // seen.mean.numel())
        return y, None

    @torch.no_grad()
    def remember(self, posterior: Belief, values: int) -> None:
        """Move the running mean and deviation towards those of the micro-batches.

        The paper averages deviations, not variances, and the biased ones that normalize.
        """
        self.num_batches_tracked += 1
        self.steps_seen += 1
        rate = self.momentum
        if rate is None:
            rate = 1.0 / float(self.num_batches_tracked)
        mean, deviation = posterior.mean, (posterior.var + self.eps).sqrt()
        if self.running == "first":
            mean, deviation = mean[:1], deviation[:1]
        self.running_mean.lerp_(mean.mean(0).to(self.running_mean.dtype), rate)
        running = (self.running_var + self.eps).sqrt()
        running.lerp_(deviation.mean(0).to(running.dtype), rate)
        self.running_var.copy_((running.square() - self.eps).clamp_min(0))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, rmax={self.rmax}, dmax={self.dmax}"


def ramp(now: Tensor, start: float, end: float) -> Tensor:
    """0 up to the share `start`, 1 from `end` on, a line in between."""
    if end == start:
        return (now >= end).to(now.dtype)
    return ((now - start) / (end - start)).clamp(0, 1)
