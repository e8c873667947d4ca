"""Kalman normalization: filter a layer's moments with those of the layer below.

Paper: Wang, Peng, Luo, Wang & Lin (2018), https://arxiv.org/abs/1802.03133
Code:  https://github.com/wanggrun/Kalman-Normalization (TensorFlow)

Two images say little about a channel's mean and variance. The layer below already holds a
belief; a transition pushes it through the weights into a prior (bkn.moments), and the
micro-batch is then one noisy observation of the same moments, weighed in by `update`. The adaptive
gain is ours (adaptive.py).
"""

import torch
from torch import Tensor

from bkn.normalizers.adaptive import AdaptiveGain
from bkn.normalizers.base import BatchStatistics, Belief, Estimate, moments
from bkn.normalizers.belief import check_prior
from bkn.normalizers.filtering import (
    adaptively_filtered,
    filtered,
    geometric_guard,
    guarded,
    update,
)
from bkn.normalizers.gain import make_gain
from bkn.normalizers.kernels import at_least_float32
from bkn.normalizers.transition import make_transition


class KalmanNorm(BatchStatistics):
    """Normalize by the filtered moments.

    `blending` names the rule of the update, as bkn/replay.py knows it.

    Args:
        channels: C.
        gain: weight of the observation, from 0 (the prior alone) to 1 (batch norm); "learned"
            trains one per channel, "adaptive" finds it, and the prior's bias, from the
            innovations. A fixed gain may be changed live.
        transition: what is handed on and how it travels: "moments", "sampled",
            "normalized" or "learned".
        rate: of the averages of the adaptive gain.
        generator: the random stream of the sampled transition; None for torch's own.
        base: see `BatchStatistics`.
    """

    def __init__(
        self,
        channels: int,
        *,
        gain: float | str = 0.1,
        transition: str = "moments",
        rate: float = 0.15,
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
        self.blending = "mixture"
        self.weighing = (
            AdaptiveGain(channels, rate)
            if gain == AdaptiveGain.value
            else make_gain(gain, channels, "'learned' or 'adaptive'")
        )
        self.transition = make_transition(transition, generator)

    @property
    def gain(self) -> float | str:
        """The number of a fixed gain, or "learned" or "adaptive"."""
        return self.weighing.value

    @gain.setter
    def gain(self, value: float) -> None:
        self.weighing.set(value)

    def estimate(self, x: Tensor, prior: Belief | None = None) -> Estimate:
        check_prior(prior, self.count_groups(x), self.channels, "groups")
        seen = moments(x, self.micro_batch)
        one = torch.ones_like(seen.mean[0])
        if isinstance(self.weighing, AdaptiveGain):
            return self.adaptive_estimate(seen, prior, self.weighing)
        if prior is None:
            return Estimate(seen, None, seen, one)
        usable, gain = guarded(prior, seen, self.weighing())
        return Estimate(seen, prior, update(usable, seen, gain), gain * one)

    def adaptive_estimate(
        self, seen: Belief, prior: Belief | None, weighing: AdaptiveGain
    ) -> Estimate:
        """What the adaptive gain makes of an observation (G, C); its prior is the corrected one."""
        prior = weighing.corrected(blank_like(seen.mean) if prior is None else prior)
        gain, var_gain = weighing()
        usable, gain = guarded(prior, seen, gain, geometric_guard)
        var_gain = guarded(prior, seen, var_gain, geometric_guard)[1]
        return Estimate(seen, prior, update(usable, seen, gain, var_gain), gain, var_gain)

    def blend(
        self,
        prior: Belief,
        seen: Belief,
        gain: float | Tensor,
        var_gain: float | Tensor | None = None,
    ) -> Belief:
        """The update of this layer at any gain; named by `blending`, see bkn/replay.py.

        Args:
            prior, seen: (G, C), the prior as it enters the update (`Estimate.prior`).
            gain: a number, or one per channel (C,).
            var_gain: the variance's, None for the same.
        """
        return update(prior, seen, gain, var_gain)

    def filter(self, x: Tensor, prior: Belief | None) -> tuple[Tensor, Belief]:
        groups = self.count_groups(x)
        check_prior(prior, groups, self.channels, "groups")
        if isinstance(self.weighing, AdaptiveGain):
            return self.adapt(x, groups, prior, self.weighing)
        return filtered(x, groups, prior, self.weighing(), self.weight, self.bias, self.eps)

    def adapt(
        self, x: Tensor, groups: int, prior: Belief | None, weighing: AdaptiveGain
    ) -> tuple[Tensor, Belief]:
        """Filter by what earlier steps left behind; then learn from the micro-batches."""
        if prior is None:
            zero = at_least_float32(x.new_zeros(groups, self.channels))
            prior = blank_like(zero)
        prior = weighing.corrected(prior)
        affine = self.weight, self.bias, self.eps
        y, posterior, seen = adaptively_filtered(
            x, groups, prior, weighing(), *affine, weighing.slopes
        )
        rows = 1 if self.running == "first" else groups
        weighing.learn(*(Belief(one.mean[:rows], one.var[:rows]) for one in (prior, seen)))
        return y, posterior

    def remember(self, posterior: Belief, values: int) -> None:
        """As others do; the adaptive filter's variance is that of all images, so not biased."""
        if not isinstance(self.weighing, AdaptiveGain):
            super().remember(posterior, values)
            return
        first = self.running == "first"
        self.move_averages(*(part[0] if first else part.mean(0) for part in posterior))

    def hand_on(self, posterior: Belief) -> Belief:
        return self.transition.hand_on(posterior, self.weight, self.bias)


def blank_like(mean: Tensor) -> Belief:
    """A prior that says nothing; corrected by the adaptive gain it is the layer's own past."""
    return Belief(torch.zeros_like(mean), torch.ones_like(mean))
