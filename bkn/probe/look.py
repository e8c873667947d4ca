"""What one layer makes of its input at frozen weights, with the truth beside it."""

from typing import Any, NamedTuple

from torch import Tensor

from bkn.normalizers.base import BatchStatistics, Belief
from bkn.probe.errors import pooled


class Look(NamedTuple):
    """One layer at one probe; beliefs are (G, C), G micro-batches."""

    seen: Belief
    prior: Belief | None
    posterior: Belief
    gain: Tensor  # (C,) of the mean, in force
    var_gain: Tensor  # (C,) of the variance
    truth: Belief  # (C,); a row for every row of `seen` where the layer knows several populations
    running: Belief  # as the truth
    values: int  # of the input, behind each row of `seen`

    def of(self, kept: Tensor) -> "Look":
        """The same of some channels only."""
        if len(kept) == len(self.gain):
            return self

        def some(belief: Belief) -> Belief:
            return Belief(belief.mean[..., kept], belief.var[..., kept])

        return Look(
            some(self.seen),
            None if self.prior is None else some(self.prior),
            some(self.posterior),
            self.gain[kept],
            self.var_gain[kept],
            some(self.truth),
            some(self.running),
            self.values,
        )


def look(norm: BatchStatistics, x: Tensor, prior: Belief | None = None, *more: Any) -> Look:
    """Ask a layer in training mode; it changes no state. Arguments as the layer gets them."""
    seen, prior, posterior, gain, var_gain = norm.estimate(x, prior, *more)
    several = norm.populations(x)
    truth, running = several or (pooled(seen), Belief(norm.running_mean, norm.running_var))
    own = gain if var_gain is None else var_gain
    values = x.numel() // x.shape[1] // len(seen.mean)
    return Look(seen, prior, posterior, gain, own, truth, running, values)
