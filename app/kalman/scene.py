"""One update of one channel, all of its numbers: from sliders, or from what a race recorded."""

from dataclasses import dataclass

import numpy as np

from bkn.replay import UPDATES, Moments, Real


@dataclass(frozen=True)
class Below:
    """What made the prior, as far as it is known."""

    beliefs: tuple[Moments, ...]  # of channels of the layer below; scalars
    rectified: Moments | None = None  # one of them behind its ReLU
    total: float = 0.0  # sum of the weights
    squares: float = 0.0  # sum of their squares


@dataclass(frozen=True)
class Scene:
    """One channel of one layer and one micro-batch; moments are scalars."""

    prior: Moments | None  # None: the layer has none
    seen: Moments  # the observation
    posterior: Moments
    gain: float  # in force, of the mean
    var_gain: float  # in force, of the variance
    rule: str  # a key of UPDATES, "" where nothing is blended
    below: Below | None = None
    truth: Moments | None = None
    values: Real | None = None  # (images, places) that the observation is made of
    m: int = 0  # images per micro-batch
    places: int = 1
    noise: float | None = None  # variance of the observed mean, where it is known
    set_aside: bool = False  # the prior has no weight
    guarded: bool = False  # because the guard did not let it pass
    shares: Real | None = None  # of the channel's values per bin, as a snapshot's histogram
    asked: float | None = None  # the gain that was set by hand, whatever the guard said
    suggested: tuple[float, float] | None = None  # gains that the innovations speak for
    innovations: int = 0  # how many micro-batches these are from
    recorded: bool = False
    own_past: bool = False  # the prior is what this layer saw before: nothing feeds it
    corrected: bool = False  # the prior is without its learned bias

    @property
    def blended(self) -> bool:
        """Whether a prior entered."""
        return self.prior is not None and not self.set_aside

    def at(self, gain: float) -> Moments:
        """The posterior that another gain would have made of the same prior and observation."""
        if self.prior is None:
            return self.seen
        return UPDATES[self.rule](self.prior, self.seen, gain, None)


def deviation(moments: Moments) -> float:
    """Standard deviation."""
    return float(np.sqrt(moments.var))
