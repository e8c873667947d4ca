"""The Kalman update in numbers, without torch: for sliders and for recorded statistics.

The same rules as the layers' own (bkn/normalizers), which a test compares them with. A layer's
layout names its rule (`blending`).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Real = NDArray[np.float64]


class Moments(NamedTuple):
    """Mean and variance, of any shape."""

    mean: Real
    var: Real


def moments(mean: ArrayLike, var: ArrayLike) -> Moments:
    """Moments from anything that can be an array."""
    return Moments(np.asarray(mean, dtype=float), np.asarray(var, dtype=float))


def mixture(
    prior: Moments, seen: Moments, gain: ArrayLike, var_gain: ArrayLike | None = None
) -> Moments:
    """Moments of the mixture (1 - gain) * prior + gain * seen (Wang et al. 2018).

    The last term is the spread between the two means.
    """
    q = np.asarray(gain, dtype=float)
    v = q if var_gain is None else np.asarray(var_gain, dtype=float)
    mean = (1 - q) * prior.mean + q * seen.mean
    spread = v * (1 - v) * (seen.mean - prior.mean) ** 2
    return Moments(mean, (1 - v) * prior.var + v * seen.var + spread)


Update = Callable[[Moments, Moments, ArrayLike, ArrayLike | None], Moments]
UPDATES: dict[str, Update] = {"mixture": mixture}
