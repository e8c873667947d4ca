"""The Kalman update in numbers, without torch: for sliders and for recorded statistics.

The same rules as the layers' own (bkn/normalizers), which a test compares them with. A layer's
layout names its rule (`blending`).
"""

from collections.abc import Callable
from math import erfc, exp, pi, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Real = NDArray[np.float64]
GUARD = 100.0  # a prior whose variances are this many times too large is not used
FLOOR = 0.02  # the least gain of the adaptive filter
FARTHEST = 2.0  # innovations beyond (deviations, or relative to the variance) count as this


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


def usable(prior: Moments, seen: Moments) -> bool:
    """Whether the authors' guard lets the prior of a layer pass (their code, KalmanNorm).

    One decision for all micro-batches and channels; an observation without variance, or a NaN,
    sets the prior aside.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return bool(np.mean(prior.var / seen.var) < GUARD)


def rectified(mean: float, var: float) -> Moments:
    """Moments of max(x, 0) for x of the normal distribution with this mean and variance > 0."""
    a = mean / sqrt(var)
    upper, density = 0.5 * erfc(-a / sqrt(2)), exp(-a * a / 2) / sqrt(2 * pi)
    first = a * upper + density
    second = (a * a + 1) * upper + a * density
    return moments(sqrt(var) * first, var * (second - first * first))


def innovation_gains(prior: Moments, seen: Moments) -> tuple[float, float]:
    """Gains of mean and variance that the innovations of one channel speak for, no truth needed.

    The noise R of an observation is their spread between micro-batches; what their average holds
    beyond R over their number is the power P of the prior's error; the gain is P / (P + R). As the
    adaptive gain computes them (bkn/normalizers/adaptive.py), from one step and before any bias is
    removed from the prior.

    Args:
        prior, seen: of one channel, (G,) each, with G > 1.
    """
    gap = (seen.mean - prior.mean) / np.sqrt(prior.var)
    ratio = seen.var / prior.var
    around = ratio + gap**2  # each micro-batch's variance around the prior's mean
    noise = float(gap.var(ddof=1)), float(around.var(ddof=1))
    innovation = float(gap.mean()), float(ratio.mean()) + noise[0] - 1
    mean, var = (
        share(min(abs(one), FARTHEST) ** 2 - spread / gap.size, spread)
        for one, spread in zip(innovation, noise, strict=True)
    )
    return mean, var


def share(power: float, noise: float) -> float:
    """P / (P + R), not below FLOOR; 1 where both vanish."""
    power = max(power, 0.0)
    return max(power / (power + noise), FLOOR) if power + noise > 0 else 1.0
