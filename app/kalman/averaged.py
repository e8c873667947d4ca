"""What a gain is worth over many micro-batches: the error of the posterior for every gain.

The prior stays, chance deals new images each time. The mean's error is exact: a squared bias plus
the observation's noise. The variance's error is averaged over DRAWS micro-batches, whose means and
variances are drawn from their distributions; the draws are the same for every gain and setting.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from app.kalman.chance import DRAWS, mean_noise, observations
from app.kalman.free import RULE
from app.kalman.settings import Settings
from bkn.replay import UPDATES, Moments, Real, moments

SHAPED_BY = ("prior_mean", "prior_var", "noise", "m", "truth_mean", "truth_var", "places")
GRID = np.linspace(0, 1, 51)


@dataclass(frozen=True)
class Curve:
    """Average error of the posterior for every gain; at 0 it is the prior's, at 1 the batch's."""

    gains: Real
    mean: Real  # (estimate - truth)^2 / true variance
    var: Real  # ln(estimate / truth)^2
    best_mean: float
    best_var: float
    origin: str  # how the averages were taken, in words

    def error(self, what: str, gain: float) -> float:
        """The error of the mean or of the variance ("mean", "var") at any gain."""
        return float(np.interp(gain, self.gains, getattr(self, what)))


def curve(settings: Settings) -> Curve:
    """The curve that belongs to the sliders; q and the deal do not matter."""
    return _curve(*(settings[name] for name in SHAPED_BY))


@lru_cache(maxsize=32)
def _curve(
    prior_mean: float, prior_var: float, noise: float, m: int, truth_mean: float,
    truth_var: float, places: int,
) -> Curve:  # fmt: skip
    truth, prior = moments(truth_mean, truth_var), moments(prior_mean, prior_var)
    spread = mean_noise(truth, noise, m, places)
    bias = (prior_mean - truth_mean) ** 2
    mean = ((1 - GRID) ** 2 * bias + GRID**2 * spread) / truth_var
    seen = observations(truth, noise, m, places)
    posterior = UPDATES[RULE](prior, Moments(seen.mean[:, None], seen.var[:, None]), GRID, None)
    with np.errstate(divide="ignore"):
        var = (np.log(posterior.var / truth_var) ** 2).mean(0)
    best = bias / (bias + spread) if bias + spread else 1.0
    return Curve(
        GRID, mean, var, best, float(GRID[var.argmin()]),
        f"Mean: exact. Variance: averaged over {DRAWS:,} drawn micro-batches.",
    )  # fmt: skip
