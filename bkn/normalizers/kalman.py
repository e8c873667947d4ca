"""Kalman normalization: filter a layer's moments with those of the layer below.

Paper: Wang, Peng, Luo, Wang & Lin (2018), https://arxiv.org/abs/1802.03133
Code:  https://github.com/wanggrun/Kalman-Normalization (TensorFlow)

Two images say little about a channel's mean and variance. The layer below already holds a
belief; a transition pushes it through the weights into a prior (bkn.moments), and the
micro-batch is then one noisy observation of the same moments, weighed in by `update`.
"""

import torch
from torch import Tensor

from bkn.normalizers.base import BatchStatistics, Belief, Estimate, moments
from bkn.normalizers.filtering import filtered, guarded, update
from bkn.normalizers.gain import make_gain
from bkn.normalizers.transition import make_transition


class KalmanNorm(BatchStatistics):
    """Normalize by the filtered moments.

    `blending` names the rule of the update, as bkn/replay.py knows it.

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
        self.blending = "mixture"
        self.weighing = make_gain(gain, channels)
        self.transition = make_transition(transition, generator)

    @property
    def gain(self) -> float | str:
        """The number of a fixed gain, or "learned"."""
        return self.weighing.value

    @gain.setter
    def gain(self, value: float) -> None:
        self.weighing.set(value)

    def estimate(self, x: Tensor, prior: Belief | None = None) -> Estimate:
        self.check_prior(prior, self.count_groups(x))
        seen = moments(x, self.micro_batch)
        one = torch.ones_like(seen.mean[0])
        if prior is None:
            return Estimate(seen, None, seen, one)
        usable, gain = guarded(prior, seen, self.weighing())
        return Estimate(seen, prior, update(usable, seen, gain), gain * one)

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
        self.check_prior(prior, groups)
        return filtered(x, groups, prior, self.weighing(), self.weight, self.bias, self.eps)

    def check_prior(self, prior: Belief | None, groups: int) -> None:
        """Raise ValueError unless the prior has one row per micro-batch, or there is none."""
        shape = (groups, self.channels)
        if prior is not None and not shape == prior.mean.shape == prior.var.shape:
            raise ValueError(
                f"prior must have shape {shape} (groups, channels), got "
                f"{tuple(prior.mean.shape)} and {tuple(prior.var.shape)}"
            )

    def hand_on(self, posterior: Belief) -> Belief:
        return self.transition.hand_on(posterior, self.weight, self.bias)
