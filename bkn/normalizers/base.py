"""What every normalizer shares: beliefs, moments of micro-batches, the contract of a layer.

The batch is cut into G contiguous micro-batches of m images. A statistic belongs to one
micro-batch and one channel, so all statistics have the shape (G, C). They are computed in
float32 at least, whatever the activations are.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bkn.normalizers.belief import Belief, Estimate
from bkn.normalizers.hooks import Hooked
from bkn.normalizers.kernels import group_moments, normalize

__all__ = ["BatchStatistics", "Belief", "Estimate", "Normalizer", "RunningAverages", "moments"]


def moments(x: Tensor, micro_batch: int | None = None) -> Belief:
    """Biased mean and variance of x (N, C, ...) per micro-batch and channel.

    Args:
        x: activations; statistics run over the micro-batch and all places.
        micro_batch: images per statistic, None for the whole batch.

    Raises:
        ValueError: unless micro_batch divides N.
    """
    return Belief(*group_moments(x, count_groups(x, micro_batch)))


def count_groups(x: Tensor, micro_batch: int | None) -> int:
    """How many micro-batches x (N, C, ...) has.

    Raises:
        ValueError: unless micro_batch divides N.
    """
    size = len(x) if micro_batch is None else micro_batch
    if size < 1 or len(x) % size or not len(x):
        raise ValueError(f"micro_batch must divide the batch of {len(x)}, got {size}")
    return len(x) // size


class Normalizer(Hooked):
    """A layer that rescales each channel: `y, belief = norm(x, prior)`.

    What a method does around the optimizer step, it does by the hooks of `Hooked`.

    Args:
        channels: C.
        micro_batch: images per set of statistics, None for the whole batch; may be changed live.
        eps: added to the variance.
        affine: learn a scale and a shift per channel (`weight`, `bias`).
    """

    own_eps = False  # whether eps means something else than in batch norm, so that it stays
    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(
        self,
        channels: int,
        *,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__()
        if channels < 1:
            raise ValueError(f"channels must be at least 1, got {channels}")
        self.channels = channels
        self.micro_batch = micro_batch
        self.eps = eps
        self.register_parameter("weight", nn.Parameter(torch.ones(channels)) if affine else None)
        self.register_parameter("bias", nn.Parameter(torch.zeros(channels)) if affine else None)

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, Belief | None]:
        """Normalize x (N, C, ...).

        Returns:
            The result, of x's shape and type, and the belief handed to the layers above (None:
            this method holds none).
        """
        raise NotImplementedError

    def take_activation(self, activation: nn.Module | None) -> None:
        """Hear which activation this layer replaces too, None for none.

        Called for methods whose placement is `with_activation`.
        """

    def take_over(self, old: _BatchNorm) -> None:
        """Take what the layer whose place this one takes had stored, if there is a place for it.

        Scale, shift and eps have been taken already.
        """

    def check(self, x: Tensor) -> None:
        """Raise ValueError unless x is (N, C, ...) with the C of this layer."""
        if x.dim() < 2 or x.shape[1] != self.channels:
            raise ValueError(
                f"{type(self).__name__} expects (N, {self.channels}, ...), got {tuple(x.shape)}"
            )

    def extra_repr(self) -> str:
        return f"{self.channels}, micro_batch={self.micro_batch}, eps={self.eps}"


class RunningAverages(Normalizer):
    """A normalizer that keeps running averages of a mean and a variance per channel.

    Args:
        momentum: weight of the new value, None for the plain average of all.
        base: see `Normalizer`.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(
        self,
        channels: int,
        *,
        momentum: float | None = 0.1,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, micro_batch=micro_batch, eps=eps, affine=affine)
        self.momentum = momentum
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def take_over(self, old: _BatchNorm) -> None:
        """Take the momentum, and the running averages where the layer had any."""
        self.momentum = old.momentum
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            if getattr(old, name) is not None:
                setattr(self, name, getattr(old, name))

    @torch.no_grad()
    def move_averages(self, mean: Tensor, var: Tensor) -> None:
        """Move the running averages towards these moments (C,)."""
        self.num_batches_tracked += 1
        rate = self.momentum
        if rate is None:
            rate = 1.0 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), rate)
        self.running_var.lerp_(var.to(self.running_var.dtype), rate)

    def count_groups(self, x: Tensor) -> int:
        """How many micro-batches x has.

        Raises:
            ValueError: for wrong channels, a micro-batch that does not divide the batch, or a
                single value per statistic, which has no variance.
        """
        self.check(x)
        groups = count_groups(x, self.micro_batch)
        if x.numel() == groups * self.channels:
            raise ValueError(
                f"{type(self).__name__} needs more than one value per statistic in training; got "
                f"shape {tuple(x.shape)} with micro_batch={self.micro_batch}"
            )
        return groups


class BatchStatistics(RunningAverages):
    """Normalize by moments estimated from the micro-batch; evaluate by running averages.

    The running variance averages the unbiased variance n/(n-1), n = values per statistic, as
    nn.BatchNorm does; the biased one normalizes. Evaluation never looks at its batch.

    Args:
        momentum: weight of the new value in the running averages, None for their plain average.
        running: which micro-batches feed them: the "mean" of all, or the "first" (the authors of
            Kalman normalization).
        base: see `Normalizer`.
    """

    blending = ""  # how prior and observation are blended, a key of bkn.replay.UPDATES; "": not

    def __init__(
        self,
        channels: int,
        *,
        running: str = "mean",
        momentum: float | None = 0.1,
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(
            channels, momentum=momentum, micro_batch=micro_batch, eps=eps, affine=affine
        )
        if running not in ("mean", "first"):
            raise ValueError(f"running must be 'mean' or 'first', got {running!r}")
        self.running = running

    def estimate(self, x: Tensor, prior: Belief | None = None, *more: Any) -> Estimate:
        """What this layer makes of x (N, C, ...) in training; changes no state.

        Takes the arguments of `forward`, of which some methods have more than two.
        """
        raise NotImplementedError

    def populations(self, x: Tensor) -> tuple[Belief, Belief] | None:
        """What the rows of `estimate` stand for, if x holds several populations.

        Returns:
            For each row the moments over all images of its population in x, and the running
            moments in use for it; None where all rows estimate the same, the moments of all x.
        """
        return None

    def blend(
        self,
        prior: Belief,
        seen: Belief,
        gain: float | Tensor,
        var_gain: float | Tensor | None = None,
    ) -> Belief:
        """The update of this layer at any gain, for layers with a prior."""
        raise NotImplementedError

    def hand_on(self, posterior: Belief) -> Belief | None:
        """The belief about the layer's output that goes to the layers above."""
        return None

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, Belief | None]:
        if not self.training:
            self.check(x)
            return self.by_running_averages(x), None
        y, posterior = self.filter(x, prior)
        self.remember(posterior, values=x.numel() // posterior.mean.numel())
        return y, self.hand_on(posterior)

    def filter(self, x: Tensor, prior: Belief | None) -> tuple[Tensor, Belief]:
        """The normalized x and the posterior; a method may know a faster way."""
        posterior = self.estimate(x, prior).posterior
        return normalize(x, *posterior, self.weight, self.bias, self.eps), posterior

    def by_running_averages(self, x: Tensor) -> Tensor:
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
        )

    def remember(self, posterior: Belief, values: int) -> None:
        """Move the running averages towards the posterior of a batch."""
        mean, var = posterior
        mean, var = (mean[0], var[0]) if self.running == "first" else (mean.mean(0), var.mean(0))
        self.move_averages(mean, var.to(self.running_var.dtype) * (values / (values - 1)))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, momentum={self.momentum}, running={self.running!r}"
