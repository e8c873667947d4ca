"""What a layer believes about its input, and what it made of one batch."""

from typing import NamedTuple

from torch import Tensor


class Belief(NamedTuple):
    """A mean and a variance per micro-batch and channel, (G, C) each, float32 at least."""

    mean: Tensor
    var: Tensor


class Estimate(NamedTuple):
    """What one layer made of one batch."""

    seen: Belief  # the observation
    prior: Belief | None  # what the layers below predicted
    posterior: Belief  # what normalizes
    gain: Tensor  # (C,) weight of the observation in force: 1 where the prior was not used
    var_gain: Tensor | None = None  # (C,) the same for the variance; None: as for the mean
