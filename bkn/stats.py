"""Statistics of paired comparisons: what a few seeds can tell about two methods, and what not.

For one seed all methods see the same initial weights and the same batches, so results are compared
pair by pair: what the seeds have in common falls out. `paired` measures a difference, `equivalent`
decides whether it is small enough not to matter, `holm` keeps the promise of an interval where
many pairs are looked at, and `order` refuses to order methods that have one seed.

With fewer than about ten pairs trust the t interval: a bootstrap of five values is too narrow. It
holds 95 % of the time only with many pairs; what the t interval assumes, that the mean of the
differences is near normal, is the weaker assumption then.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf, nan
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special  # scipy.stats takes a second to import, which a page has not got

LEVEL = 0.95  # of every interval, unless another is asked for
DRAWS = 2000  # of a bootstrap
FEWEST = 2  # seeds, before methods may be ordered
ONE_SEED = (
    "Methods are not put in order: with a single seed, chance decides which comes first. "
    "Two seeds are the least, and still few."
)
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean, and between which bounds it lies by Student's t."""

    mean: float
    low: float
    high: float
    n: int
    sd: float  # of single values

    @property
    def half(self) -> float:
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Paired:
    """Mean of a − b over pairs, with its intervals, and who was ahead how often."""

    n: int
    mean: float
    sd: float  # of the differences
    t_low: float  # Student's t interval of the mean
    t_high: float
    low: float  # bootstrap interval of the mean (BCa)
    high: float
    p: float  # two-sided, of a mean of 0, by paired t
    wins: int  # pairs in which a is larger
    losses: int
    ties: int
    sign_p: float  # two-sided, of wins and losses being equally likely; ties are left out


@dataclass(frozen=True)
class Equivalence:
    """Whether the mean of a − b lies within ±margin: two one-sided paired t tests."""

    mean: float
    low: float  # the interval at level 1 − 2 alpha, which the tests are about
    high: float
    margin: float
    p: float  # the larger of the two
    equivalent: bool


def mean_interval(values: ArrayLike, level: float = LEVEL) -> Interval:
    """Mean of at least two values with its t interval.

    Raises:
        ValueError: for fewer values, which have no deviation, or ones that are not finite, and
            for a level that is not between 0 and 1.
    """
    _check_share("level", level)
    numbers = _finite(values, "values")
    if len(numbers) < 2:
        raise ValueError(f"values must be at least 2 to have an interval, got {len(numbers)}")
    mean, error, sd = _mean_and_error(numbers)
    half = float(special.stdtrit(len(numbers) - 1, (1 + level) / 2)) * error
    return Interval(mean, mean - half, mean + half, len(numbers), sd)


def paired(a: ArrayLike, b: ArrayLike, level: float = LEVEL, seed: int = 0) -> Paired:
    """Compare two methods pair by pair.

    Args:
        a, b: values of the same seeds in the same order.
        level: of both intervals.
        seed: of the bootstrap.

    Raises:
        ValueError: for fewer than two pairs, different lengths, or values that are not finite, and
            for a level that is not between 0 and 1.
    """
    d = _differences(a, b)
    t = mean_interval(d, level)
    low, high = bootstrap(d, level, seed)
    wins, losses = int((d > 0).sum()), int((d < 0).sum())
    return Paired(
        len(d), t.mean, t.sd, t.low, t.high, low, high, p_value(d),
        wins, losses, len(d) - wins - losses, sign_test(wins, losses),
    )  # fmt: skip


def p_value(values: ArrayLike, mean: float = 0.0) -> float:
    """Two-sided p of values whose true mean is that, by Student's t.

    Raises:
        ValueError: as `mean_interval`.
    """
    t = mean_interval(values)
    return min(1.0, 2 * min(_tails(t.mean - mean, t.sd / t.n**0.5, t.n)))


def equivalent(a: ArrayLike, b: ArrayLike, margin: float, alpha: float = 0.05) -> Equivalence:
    """Are a and b equal but for a margin? TOST, Schuirmann 1987, with paired t tests.

    Args:
        a, b: values of the same seeds in the same order.
        margin: in their unit; a smaller difference does not matter.
        alpha: of each of the two tests, and of both together.

    Raises:
        ValueError: as `paired`, for a margin that is not above 0, and for an alpha that is not
            between 0 and a half.
    """
    _check_share("alpha", alpha, 0.5)
    if not isinstance(margin, Real) or not 0 < margin < inf:
        raise ValueError(f"margin must be above 0, got {margin!r}")
    d = _differences(a, b)
    t = mean_interval(d, 1 - 2 * alpha)
    error = _mean_and_error(d)[1]
    p = max(_tails(t.mean + margin, error, len(d))[0], _tails(t.mean - margin, error, len(d))[1])
    return Equivalence(t.mean, t.low, t.high, margin, p, p < alpha)


def bootstrap(values: ArrayLike, level: float = LEVEL, seed: int = 0) -> tuple[float, float]:
    """Interval of a mean, bias-corrected and accelerated: Efron 1987.

    Raises:
        ValueError: as `mean_interval`, and for a seed that is no whole number from 0.
    """
    _check_share("level", level)
    if not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed must be a whole number of at least 0, got {seed!r}")
    x = _finite(values, "values")
    n = len(x)
    if n < 2:
        raise ValueError(f"values must be at least 2 to have an interval, got {n}")
    if np.ptp(x) == 0:
        return float(x[0]), float(x[0])
    draws = np.random.default_rng(seed).integers(0, n, (DRAWS, n))
    means = x[draws].mean(1)
    tie = np.isclose(means, x.mean(), rtol=0, atol=1e-12 * np.ptp(x))
    bias = special.ndtri(((means < x.mean()) & ~tie).mean() + tie.mean() / 2)
    pull = x - x.mean()  # by how much the mean moves when one is left out, but for a factor
    acceleration = (pull**3).sum() / (6 * (pull**2).sum() ** 1.5)
    z = bias + special.ndtri([(1 - level) / 2, (1 + level) / 2])
    low, high = np.quantile(means, special.ndtr(bias + z / (1 - acceleration * z)))
    return float(low), float(high)


def sign_test(wins: int, losses: int) -> float:
    """Two-sided p of so unequal a count if either outcome is equally likely.

    Raises:
        ValueError: for counts below 0.
    """
    if not all(isinstance(one, Integral) for one in (wins, losses)) or min(wins, losses) < 0:
        raise ValueError(f"wins and losses must be counts, got {wins!r} and {losses!r}")
    decided = wins + losses
    return min(1.0, 2 * float(special.bdtr(min(wins, losses), decided, 0.5))) if decided else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """p values adjusted for being many, in their order: Holm 1979.

    Where all that are at most alpha are called effects, the chance that any of them is none is at
    most alpha.

    Raises:
        ValueError: for what is no probability.
    """
    if wrong := [p for p in p_values if not isinstance(p, Real) or not 0 <= p <= 1]:
        raise ValueError(f"p values must lie in [0, 1], got {wrong[0]!r}")
    count, highest = len(p_values), 0.0
    adjusted = [nan] * count
    for rank, place in enumerate(sorted(range(count), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (count - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def may_order(seeds: Iterable[int]) -> bool:
    """Whether methods with so many seeds each may be put in order; if not, show ONE_SEED."""
    return all(count >= FEWEST for count in seeds)


def order(values: Mapping[str, Sequence[float]]) -> list[str]:
    """Names by their means, the largest first.

    Raises:
        ValueError: with the sentence to show, where one has too few seeds; for values that are
            not finite.
    """
    if not may_order(map(len, values.values())):
        raise ValueError(ONE_SEED)
    means = {name: float(np.mean(_finite(some, name))) for name, some in values.items()}
    return sorted(means, key=lambda name: -means[name])


def _check_share(name: str, value: float, most: float = 1.0) -> None:
    """Refuse 95 where 0.95 is meant."""
    if not isinstance(value, Real) or not 0 < value < most:
        raise ValueError(f"{name} must lie between 0 and {most:g}, got {value!r}")


def _finite(values: ArrayLike, name: str) -> Values:
    with suppress(TypeError, ValueError):
        numbers = np.asarray(values, dtype=float)
        if numbers.ndim == 1 and np.isfinite(numbers).all():
            return numbers
    raise ValueError(f"{name} must be a list of finite numbers, got {values!r}")


def _differences(a: ArrayLike, b: ArrayLike) -> Values:
    x, y = _finite(a, "a"), _finite(b, "b")
    if len(x) != len(y):
        raise ValueError(f"a and b must be pairs, got {len(x)} and {len(y)} values")
    if len(x) < 2:
        raise ValueError(f"pairs must be at least 2 to be compared, got {len(x)}")
    return x - y


def _mean_and_error(x: Values) -> tuple[float, float, float]:
    """Mean, its standard error, and the deviation; of equal values exactly 0."""
    sd = float(np.std(x, ddof=1)) if np.ptp(x) > 0 else 0.0
    return float(np.mean(x)), sd / len(x) ** 0.5, sd


def _tails(mean: float, error: float, n: int) -> tuple[float, float]:
    """One-sided p values: of a mean of 0 against one above it, and against one below."""
    if error == 0:
        return (0.0, 1.0) if mean > 0 else (1.0, 0.0) if mean < 0 else (1.0, 1.0)
    t = mean / error
    return float(special.stdtr(n - 1, -t)), float(special.stdtr(n - 1, t))
