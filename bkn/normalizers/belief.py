"""What a layer believes about its input, and what it made of one batch."""

from typing import NamedTuple

from torch import Tensor


class Belief(NamedTuple):
    """A mean and a variance per micro-batch and channel, (G, C) each, float32 at least."""

    mean: Tensor
    var: Tensor


def check_prior(prior: Belief | None, rows: int, channels: int, each: str) -> None:
    """Raise an error unless the prior has a row for each micro-batch or image, or there is none.

    Args:
        prior: given to a layer.
        rows: of them.
        channels: C.
        each: what a row stands for, in the plural.
    """
    if prior is None:
        return
    if not isinstance(prior, Belief):
        raise TypeError(f"prior must be a bkn.Belief or None, got {type(prior).__name__}")
    if not (rows, channels) == prior.mean.shape == prior.var.shape:
        raise ValueError(
            f"prior must have shape {(rows, channels)} ({each}, channels), got "
            f"{tuple(prior.mean.shape)} and {tuple(prior.var.shape)}"
        )


class Estimate(NamedTuple):
    """What one layer made of one batch."""

    seen: Belief  # the observation
    prior: Belief | None  # what the layers below predicted
    posterior: Belief  # what normalizes
    gain: Tensor  # (C,) weight of the observation in force: 1 where the prior was not used
    var_gain: Tensor | None = None  # (C,) the same for the variance; None: as for the mean
