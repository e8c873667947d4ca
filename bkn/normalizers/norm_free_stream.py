"""What the norm-free recipe expects of the values at a place before anything was trained.

The paper counts variances. Where a stream was activated before it began, they do not say what the
next ReLU will do to it: nearly nothing at first, and more with every branch that is added. So the
values themselves are counted, by a few that are equally likely, as if neighbouring places and
channels knew nothing of each other.
"""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from bkn.normalizers.norm_free import activated, activation_gain

SIZE = 256  # values that stand for all
NORMAL = torch.special.ndtri((torch.arange(SIZE, dtype=torch.float64) + 0.5) / SIZE)
NORMAL /= NORMAL.std(correction=0)


@dataclass(frozen=True)
class Stream:
    """Sums of what was there and of what branches added to it.

    Args:
        values: what was there, (kinds of channels, equally likely values).
        shares: of the kinds among the channels.
        noise: variance of what was added, which is normal and the same for all channels.
    """

    values: Tensor
    shares: Tensor
    noise: float = 0.0

    @property
    def variance(self) -> float:
        """Over places and channels alike: filters without mean see nothing else."""
        mean = self.shares @ self.values.mean(1)
        return float(self.shares @ (self.values - mean).square().mean(1)) + self.noise

    @property
    def normal(self) -> bool:
        """Whether it is noise alone."""
        return self.values.numel() == 1

    def added(self, variance: float) -> "Stream":
        """Behind the sum with a branch."""
        return replace(self, noise=self.noise + variance)

    def scaled(self, variance: float = 1.0) -> "Stream":
        """Brought to a variance."""
        ratio = variance / self.variance
        return Stream(self.values * math.sqrt(ratio), self.shares, self.noise * ratio)

    def gain(self, activation: nn.Module) -> float:
        """What makes the variance 1 behind an activation of the stream at variance 1.

        Raises:
            ValueError: for an activation that is constant.
        """
        if self.normal:
            return activation_gain(activation)
        return 1 / math.sqrt(self.scaled().activated(activation).variance)

    def activated(self, activation: nn.Module) -> "Stream":
        """Behind an activation."""
        values = self._all()
        y = activated(activation, values.flatten()).reshape(len(values), -1)
        return Stream(_few(y), self.shares)

    def pooled(self, places: int) -> "Stream":
        """Averages over so many places of a channel."""
        one = total = _few(self._all())
        for _ in range(places - 1):
            total = _few((total.unsqueeze(2) + one.unsqueeze(1)).flatten(1))
        return Stream(total / places, self.shares)

    def padded(self, share: float) -> "Stream":
        """Among channels of zeros, which are a share of all."""
        values = _few(self._all())
        return Stream(
            torch.cat([values, values.new_zeros(1, SIZE)]),
            torch.cat([self.shares * (1 - share), self.shares.new_tensor([share])]),
        )

    def _all(self) -> Tensor:
        return (self.values.unsqueeze(2) + math.sqrt(self.noise) * NORMAL).flatten(1)


FRESH = Stream(NORMAL.new_zeros(1, 1), NORMAL.new_ones(1), 1.0)  # behind standardized weights


def _few(values: Tensor) -> Tensor:
    """As few as stand for all: averages of those that lie together, brought to their variance."""
    few = values.sort(1).values.reshape(len(values), SIZE, -1).mean(2)
    lost = values.std(1, correction=0, keepdim=True) / few.std(1, correction=0, keepdim=True)
    return few * lost.nan_to_num(1.0)  # those that are all alike lose nothing
