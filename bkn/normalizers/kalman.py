"""Kalman normalization: filter a layer's moments with those of the layer below.

Paper: Wang, Peng, Luo, Wang & Lin (2018), https://arxiv.org/abs/1802.03133
Code:  https://github.com/wanggrun/Kalman-Normalization (TensorFlow)

Two images say little about a channel's mean and variance. The layer below already holds a
belief; a transition pushes it through the weights into a prior (bkn.moments), and the
micro-batch is then one noisy observation of the same moments, weighed in by `update`.
"""

import torch
from torch import Tensor, nn

from bkn.normalizers.base import BatchStatistics, Belief, Estimate
from bkn.normalizers.gain import make_gain
from bkn.normalizers.transition import make_transition

GUARD = 100.0  # a prior whose variances are this many times too large is not used (authors)


def update(prior: Belief, seen: Belief, gain: float | Tensor) -> Belief:
    """Moments of the mixture (1 - gain) * prior + gain * seen.

    Written so that gain 1 gives the observation exactly, gradients too.

    Args:
        prior, seen: (G, C).
        gain: a number, or one per channel (C,).
    """
    rest = 1 - gain
    mean = rest * prior.mean + gain * seen.mean
    # The last term is the spread between the two means; without it var is too small.
    spread = gain * rest * (seen.mean - prior.mean).square()
    return Belief(mean, rest * prior.var + gain * seen.var + spread)


def guarded(prior: Belief, seen: Belief, gain: Tensor) -> tuple[Belief, Tensor]:
    """The prior and the gain that the update may use.

    The average of var_prior / var_seen over all groups and channels must be below `GUARD`, one
    decision for the whole layer. There is no eps: one channel without any variance, or a NaN,
    makes the layer trust its batch. The decision is never read back to the host.

    Returns:
        The prior and the gain, or zeros and 1: a prior that is not used reaches neither the
        result nor any gradient, whatever NaNs or infinities it holds.
    """
    with torch.no_grad():
        use = (prior.var / seen.var).mean() < GUARD
    nothing = gain.new_zeros(())
    usable = Belief(*(torch.where(use, part, nothing) for part in prior))
    return usable, torch.where(use, gain, nothing + 1)


class KalmanNorm(BatchStatistics):
    """Normalize by the filtered moments.

    Args:
        channels: C.
        gain: weight of the observation, from 0 (the prior alone) to 1 (batch norm); "learned"
            trains one per channel. A fixed gain may be changed live.
        transition: what is handed on and how it travels: "moments", "sampled" or "normalized".
        generator: the random stream of the sampled transition; None for torch's own.
        base: see `BatchStatistics`.
    """

    def __init__(
        self,
        channels: int,
        *,
        gain: float | str = 0.1,
        transition: str = "moments",
        generator: torch.Generator | None = None,
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
        self.weighing = make_gain(gain, channels)
        self.transition: nn.Module = make_transition(transition, generator)

    @property
    def gain(self) -> float | str:
        """The number of a fixed gain, or "learned"."""
        return self.weighing.value

    @gain.setter
    def gain(self, value: float) -> None:
        self.weighing.set(value)

    def estimate(self, x: Tensor, prior: Belief | None = None) -> Estimate:
        seen = self.observe(x)
        one = torch.ones_like(seen.mean[0])
        if prior is None:
            return Estimate(seen, None, seen, one)
        if prior.mean.shape != seen.mean.shape:
            raise ValueError(
                f"prior must have shape {tuple(seen.mean.shape)} (groups, channels), got "
                f"{tuple(prior.mean.shape)}"
            )
        usable, gain = guarded(prior, seen, one * self.weighing())
        return Estimate(seen, prior, update(usable, seen, gain), gain)

    def hand_on(self, posterior: Belief) -> Belief:
        return self.transition.hand_on(posterior, self.weight, self.bias)
