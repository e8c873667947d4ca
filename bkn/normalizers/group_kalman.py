"""Group Kalman normalization: filter the moments of one image's channel groups.

Paper: Wang, Peng, Luo, Wang & Lin (2018), https://arxiv.org/abs/1802.03133, which reports results
of Kalman normalization combined with group norm. There is no public code for it; what is here is
our own smallest consistent reading, and an experiment.

Every image has a belief of its own. The observation is what group norm sees, one mean and variance
per image and channel group; the prior for its channels, predicted from the layers below
(bkn.moments), is pooled to the groups. Update and guard are those of Kalman normalization.
Nothing is averaged over images or steps, so evaluation computes the same.
"""

import torch
from torch import Tensor

from bkn.normalizers.base import Belief, Normalizer
from bkn.normalizers.belief import check_prior
from bkn.normalizers.filtering import GUARD, update, used_where
from bkn.normalizers.gain import make_gain
from bkn.normalizers.kernels import group_moments, normalize
from bkn.normalizers.transition import make_transition


def pooled_to_groups(belief: Belief, groups: int) -> Belief:
    """Moments (N, groups) of channels taken together, from those of each (N, C)."""
    mean, var = (part.unflatten(1, (groups, -1)) for part in belief)
    return Belief(mean.mean(2), var.mean(2) + mean.var(2, correction=0))


def guarded_by_image(prior: Belief, seen: Belief, gain: float | Tensor) -> tuple[Belief, Tensor]:
    """The prior and the gain (N, groups) that the update may use.

    As in the authors' code the average of var_prior / var_seen must be below the guard, but over
    the groups of one image: a decision for the whole batch would let images see each other.
    """
    with torch.no_grad():
        use = (prior.var / seen.var).mean(1, keepdim=True) < GUARD
    return used_where(use, prior, seen, gain)


class GroupKalmanNorm(Normalizer):
    """Normalize each image's channel groups by the filtered moments.

    Args:
        channels: C.
        gain: weight of the observation, from 0 (the prior alone) to 1 (group norm); "learned"
            trains one per group. A fixed gain may be changed live.
        groups: of channels; must divide them.
        transition: what is handed on: "moments" or "normalized".
        base: see `Normalizer`; micro_batch is of no consequence.

    Raises:
        ValueError: for groups that do not divide the channels, a wrong gain or transition.
    """

    def __init__(
        self,
        channels: int,
        *,
        gain: float | str = 0.1,
        groups: int = 4,
        transition: str = "moments",
        micro_batch: int | None = None,
        eps: float = 1e-5,
        affine: bool = True,
    ):
        super().__init__(channels, micro_batch=micro_batch, eps=eps, affine=affine)
        if groups < 1 or channels % groups:
            raise ValueError(f"groups must divide channels={channels}, got {groups}")
        if transition == "sampled":
            raise ValueError(
                "transition must be 'moments' or 'normalized': evaluation uses the prior too and "
                "must not draw; got 'sampled'"
            )
        if transition == "learned":
            raise ValueError(
                "transition must be 'moments' or 'normalized' here; the learned one is that of "
                "channels in Kalman normalization, got 'learned'"
            )
        if gain == "adaptive":
            raise ValueError(
                "gain must be a number in [0, 1], or 'learned': the adaptive one needs averages "
                "over steps, and here every image is filtered by itself; got 'adaptive'"
            )
        self.groups = groups
        self.weighing = make_gain(gain, groups)
        self.transition = make_transition(transition)

    @property
    def gain(self) -> float | str:
        """The number of a fixed gain, or "learned"."""
        return self.weighing.value

    @gain.setter
    def gain(self, value: float) -> None:
        self.weighing.set(value)

    def check(self, x: Tensor) -> None:
        """Raise ValueError for wrong channels and for a single value per group."""
        super().check(x)
        if x.shape[1:].numel() == self.groups:
            raise ValueError(
                "GroupKalmanNorm needs more than one value per statistic; got shape "
                f"{tuple(x.shape)} with {self.groups} groups"
            )

    def filtered(self, x: Tensor, prior: Belief | None) -> Belief:
        """The posterior for each image and group, (N, groups)."""
        seen = Belief(*group_moments(x.unflatten(1, (self.groups, -1)), len(x)))
        if prior is None:
            return seen
        check_prior(prior, len(x), self.channels, "images")
        usable, gain = guarded_by_image(pooled_to_groups(prior, self.groups), seen, self.weighing())
        return update(usable, seen, gain)

    def forward(self, x: Tensor, prior: Belief | None = None) -> tuple[Tensor, Belief]:
        self.check(x)
        each = self.channels // self.groups
        filtered = self.filtered(x, prior)
        posterior = Belief(*(part.repeat_interleave(each, 1) for part in filtered))
        y = normalize(x, *posterior, self.weight, self.bias, self.eps)
        return y, self.transition.hand_on(posterior, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, groups={self.groups}"
